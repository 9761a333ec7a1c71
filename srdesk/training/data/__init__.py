"""Folders and archives of HR pictures: found, checked, split and cropped."""

"""Scenes and large FITS images from disk to disk, window by window."""

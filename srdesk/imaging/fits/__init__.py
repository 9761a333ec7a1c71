"""FITS images: structure, reading, writing, and the sky position of their pixels."""

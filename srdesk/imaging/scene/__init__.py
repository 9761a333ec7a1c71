"""GeoTIFF scenes of any size, read from disk and written to disk piece by piece."""

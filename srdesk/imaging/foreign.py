"""Formats that are recognised and refused by name, with what to do about it.

XISF ("Extensible Image Serialization Format", PixInsight) is one. The Python package `xisf`, which reads it, is under
the GPL 3, which a program under the MIT licence does not take into its lock file; and as an extra that a person
installs himself it would be code that none of our tests ever runs. All programs that write XISF write the same numbers
as FITS, without loss, so that nothing is gained by a reader of our own either.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """A format that is not read."""

    magic: bytes
    """First bytes of its files."""
    name: str
    """What people call it."""
    remedy: str
    """How a person gets from there to a file that is read."""


_JPEG_2000 = "Convert it to a GeoTIFF, such as with `gdal_translate -co COMPRESS=DEFLATE -co TILED=YES IN.jp2 OUT.tif`."
_NETCDF = "Convert the variable to a GeoTIFF, such as with `gdal_translate NETCDF:IN.nc:VARIABLE OUT.tif`."

_FORMATS = (
    ForeignFormat(b"XISF0100", "an XISF file of PixInsight", "Save it as FITS, in the program that wrote it."),
    ForeignFormat(b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", _JPEG_2000),
    ForeignFormat(b"\xff\x4f\xff\x51", "a JPEG 2000", _JPEG_2000),
    ForeignFormat(b"\x89HDF\r\n\x1a\n", "an HDF5 or NetCDF file", _NETCDF),
    ForeignFormat(b"CDF\x01", "a NetCDF file", _NETCDF),
    ForeignFormat(b"CDF\x02", "a NetCDF file", _NETCDF),
    ForeignFormat(b"\x0e\x03\x13\x01", "an HDF4 file", "Convert it to a GeoTIFF, such as with `gdal_translate`."),
    ForeignFormat(b"#ASDF", "an ASDF file", "Save its image as FITS, such as with the Python package astropy."),
    ForeignFormat(b"\x1f\x9d", "packed by `compress`", "Unpack it with `gunzip`, and open what comes out."),
    ForeignFormat(b"EHFA_HEADER_TAG", "an Erdas Imagine file", "Convert it to a GeoTIFF with `gdal_translate`."),
)


def foreign_format(start: bytes) -> ForeignFormat | None:
    """Return the format that a file of another kind has, by its first 16 bytes; None if it is not known."""
    return next((one for one in _FORMATS if start.startswith(one.magic)), None)

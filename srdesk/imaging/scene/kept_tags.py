"""What of a TIFF goes from file to file as it is, beside what GDAL reads and writes."""

from __future__ import annotations

import struct
from pathlib import Path

from srdesk.imaging import ifd

EXTRA_SAMPLES, NODATA = 338, 42113
GEO_KEYS = (34735, 34736, 34737)
"""The three tags that name the coordinate system."""

_MAKE, _MODEL, _ORIENTATION = 271, 272, 274
_KEPT_TAGS = frozenset({EXTRA_SAMPLES, 700, 33723, 34675, *GEO_KEYS, NODATA})
"""Extra samples, XMP, IPTC, ICC profile, the three tags of GeoKeys, nodata: byte for byte."""

_CAMERA_TAGS = frozenset({_MAKE, _MODEL, _ORIENTATION, ifd.EXIF_IFD, ifd.GPS_IFD})
"""What a camera says; the orientation as well, since pixels of scenes are not turned."""

_PIXEL_WIDTH, _PIXEL_HEIGHT = 40962, 40963
_LONG = 4


def kept_tags(path: Path, *, height: int, width: int) -> ifd.Directory:
    """Return the tags of a file that its result of ``height`` × ``width`` pixels has as well, in little-endian order.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no TIFF.
    """
    with path.open("rb") as stream:
        layout, offset = ifd.read_layout(stream)
        directory = ifd.read_directory(stream, offset, layout, _KEPT_TAGS | _CAMERA_TAGS)
    kept = _whole(directory if layout.order == "<" else ifd.swapped_directory(directory))
    told = kept.get(ifd.EXIF_IFD)
    if isinstance(told, dict):
        for tag, size in ((_PIXEL_WIDTH, width), (_PIXEL_HEIGHT, height)):
            if tag in told:
                told[tag] = ifd.Field(_LONG, 1, struct.pack("<I", size))
    return kept


def _whole(directory: ifd.Directory) -> ifd.Directory:
    """Return a directory without those below it that are empty or damaged, which TIFF does not allow."""
    below = {tag: _whole(value) if isinstance(value, dict) else value for tag, value in directory.items()}
    return {tag: value for tag, value in below.items() if value}

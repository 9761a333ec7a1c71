"""Captions, keywords and copyright of the press, as JPEG and TIFF carry them from before XMP.

IPTC-IIM records (IPTC Information Interchange Model 4.2), in a JPEG as image resource 0x0404 of a marker APP13 ("Adobe
Photoshop File Formats Specification", image resource blocks), in a TIFF as tag 33723.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

TIFF_TAG = 33723
MAX_JPEG_BYTES = 65535 - 2 - 26 - 1
"""Longer records have no room in one marker with what goes before them, and a byte to make their number even."""

_RESOURCE = 0x0404
_APP13 = b"\xff\xed"
_PREFIX = b"Photoshop 3.0\0"


def of_jpeg(picture: PillowImage) -> bytes | None:
    """Return the records of an open JPEG, None if it has none."""
    resources = picture.info.get("photoshop")
    records = resources.get(_RESOURCE) if isinstance(resources, dict) else None
    return records if isinstance(records, bytes) and records else None


def jpeg_marker(records: bytes) -> bytes:
    """Return the marker of a JPEG that holds records of at most `MAX_JPEG_BYTES`."""
    resource = b"8BIM" + struct.pack(">HHI", _RESOURCE, 0, len(records)) + records + b"\0" * (len(records) % 2)
    return _APP13 + struct.pack(">H", 2 + len(_PREFIX + resource)) + _PREFIX + resource

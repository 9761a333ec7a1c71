"""Small changes to an EXIF block in place, so that everything else in it, maker notes included, stays byte for byte.

EXIF 3.0 (CIPA DC-008-2023) section 4.6: a TIFF structure of directories (IFD) with entries of 12 bytes.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import Metadata

ORIENTATION = 274
_IMAGE_WIDTH = 256
_IMAGE_LENGTH = 257
_EXIF_IFD = 34665
_PIXEL_X_DIMENSION = 40962
_PIXEL_Y_DIMENSION = 40963
_THUMBNAIL_OFFSET = 513
_THUMBNAIL_LENGTH = 514

_XMP_SIZE = re.compile(
    rb"(?P<name>tiff:ImageWidth|tiff:ImageLength|exif:PixelXDimension|exif:PixelYDimension)"
    rb"(?P<sign>>\s*|\s*=\s*[\"']\s*)[0-9]+"
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation(?:>|=[\"']))[1-8]")

_SHORT = 3
_LONG = 4


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    type: int
    count: int
    value_at: int
    """Position of the value, or of the offset to it."""


def is_exif(block: bytes) -> bool:
    """Return whether ``block`` begins as an EXIF block does, without the prefix that JPEG puts before it."""
    return len(block) >= 14 and block[:4] in (b"II*\0", b"MM\0*")


def orientation_of(block: bytes) -> int:
    """Return the orientation that the block asks for, 1 to 8; 1 where it says nothing or nonsense."""
    for entry in _directory(block, _first_directory(block))[0]:
        if entry.tag == ORIENTATION:
            orientation = _number(block, entry)
            return orientation if orientation is not None and 1 <= orientation <= 8 else 1
    return 1


def upright(metadata: Metadata, orientation: int) -> Metadata:
    """Return what was read beside pixels that asked for ``orientation`` and were turned upright.

    The EXIF block says so, and has no thumbnail of the old pixels; so does XMP, and the two resolutions have changed
    places where rows became columns.
    """
    is_turned = orientation != 1
    return replace(
        metadata,
        exif=with_upright(metadata.exif) if metadata.exif else None,
        xmp=_XMP_ORIENTATION.sub(rb"\g<1>1", metadata.xmp) if metadata.xmp and is_turned else metadata.xmp,
        dpi=metadata.dpi[::-1] if metadata.dpi and orientation >= 5 else metadata.dpi,
    )


def sized(metadata: Metadata, *, height: int, width: int) -> Metadata:
    """Return the metadata for a picture of ``height`` × ``width`` pixels, where EXIF block or XMP say a size at all."""

    def said(found: re.Match[bytes]) -> bytes:
        is_width = found["name"] in (b"tiff:ImageWidth", b"exif:PixelXDimension")
        return found["name"] + found["sign"] + str(width if is_width else height).encode()

    return replace(
        metadata,
        exif=with_size(metadata.exif, height=height, width=width) if metadata.exif else metadata.exif,
        xmp=_XMP_SIZE.sub(said, metadata.xmp) if metadata.xmp else metadata.xmp,
    )


def with_upright(block: bytes) -> bytes:
    """Return the block for pixels that were turned upright: orientation 1, and no thumbnail of the old ones."""
    changed = bytearray(block)
    first = _first_directory(block)
    entries, next_at = _directory(block, first)
    for entry in entries:
        if entry.tag == ORIENTATION:
            _set_number(changed, entry, 1)
    if next_at is not None:
        _erase_thumbnail(changed, struct.unpack_from(_order(block) + "I", block, next_at)[0])
        struct.pack_into("I", changed, next_at, 0)
    return bytes(changed)


def with_size(block: bytes, *, height: int, width: int) -> bytes:
    """Return the block for a picture of ``height`` × ``width`` pixels, where it says a size at all."""
    changed = bytearray(block)
    sizes = {_IMAGE_WIDTH: width, _IMAGE_LENGTH: height, _PIXEL_X_DIMENSION: width, _PIXEL_Y_DIMENSION: height}
    entries = _directory(block, _first_directory(block))[0]
    below = next((_number(block, entry) for entry in entries if entry.tag == _EXIF_IFD), None)
    for entry in entries + (_directory(block, below)[0] if below is not None else []):
        if entry.tag in sizes:
            _set_number(changed, entry, sizes[entry.tag])
    return bytes(changed)


def turned_upright(array: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Return ``(H, W, …)`` pixels as they are to be seen, given an EXIF orientation of 1 to 8."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    is_upside_down = orientation in (3, 4, 7, 8)
    is_mirrored = orientation in (2, 3, 6, 7)
    return array[:: -1 if is_upside_down else 1, :: -1 if is_mirrored else 1]


def _order(block: bytes) -> str:
    return "<" if block[:2] == b"II" else ">"


def _first_directory(block: bytes) -> int:
    return int(struct.unpack_from(_order(block) + "I", block, 4)[0]) if is_exif(block) else len(block)


def _directory(block: bytes, offset: int) -> tuple[list[_Entry], int | None]:
    """Return the entries of the directory at ``offset`` and where the offset of the next one stands."""
    order = _order(block)
    if offset + 2 > len(block):
        return [], None
    count = struct.unpack_from(order + "H", block, offset)[0]
    end = offset + 2 + 12 * count
    if end > len(block):
        return [], None
    return list(_entries(block, offset + 2, end)), end if end + 4 <= len(block) else None


def _entries(block: bytes, begin: int, end: int) -> Iterator[_Entry]:
    for at in range(begin, end, 12):
        tag, kind, count = struct.unpack_from(_order(block) + "HHI", block, at)
        yield _Entry(tag, kind, count, at + 8)


def _number(block: bytes, entry: _Entry) -> int | None:
    if entry.count != 1 or entry.type not in (_SHORT, _LONG):
        return None
    return int(struct.unpack_from(_order(block) + ("H" if entry.type == _SHORT else "I"), block, entry.value_at)[0])


def _set_number(block: bytearray, entry: _Entry, number: int) -> None:
    if entry.count != 1 or entry.type not in (_SHORT, _LONG):
        return
    order = _order(bytes(block[:2]))
    if entry.type == _SHORT and number > 0xFFFF:
        # A LONG fits in the same four bytes; only the type of the entry changes.
        struct.pack_into(order + "H", block, entry.value_at - 6, _LONG)
        struct.pack_into(order + "I", block, entry.value_at, number)
    else:
        struct.pack_into(order + ("H" if entry.type == _SHORT else "I"), block, entry.value_at, number)


def _erase_thumbnail(block: bytearray, offset: int) -> None:
    """Overwrite a thumbnail with zeros: a picture that is cut off from the directory is still in the file."""
    numbers = {entry.tag: _number(bytes(block), entry) for entry in _directory(bytes(block), offset)[0]}
    start, length = numbers.get(_THUMBNAIL_OFFSET), numbers.get(_THUMBNAIL_LENGTH)
    if start is not None and length is not None and start + length <= len(block):
        block[start : start + length] = bytes(length)

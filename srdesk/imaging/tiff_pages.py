"""What a TIFF holds beside the picture that is enlarged: further pictures, or raw numbers of a camera.

TIFF 6.0 (Adobe 1992), section 8 on NewSubfileType; TIFF/EP (ISO 12234-2) and DNG 1.7 (Adobe 2023) on camera raw files,
whose first directory mostly is a small preview.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import UnsupportedImageError
from srdesk.imaging import ifd

_KIND, _OLD_KIND, _PHOTOMETRIC, _BELOW, _DNG_VERSION = 254, 255, 262, 330, 50706
_WIDTH = 256
_WANTED = frozenset({_KIND, _OLD_KIND, _WIDTH, _PHOTOMETRIC, _BELOW, _DNG_VERSION})
_RAW = frozenset({32803, 34892})
"""Photometric interpretations: colour filter array, and the linear raw numbers made of one."""

_CANON = b"II*\0\x10\0\0\0CR\x02\0"
"""First bytes of a CR2, whose preview says of itself nothing that a photo would not say."""

_ONE_OF_SEVERAL = 2
"""Of NewSubfileType: this is a page like the others. Any other bit means a copy, a mask or a map of another picture."""

_OLD_REDUCED = 2
_MOST_BELOW = 16
_MOST_PICTURES = 1000
_MAX_BYTES = 2**16


def refuse_camera_raw(stream: BinaryIO, path: Path) -> None:
    """Make sure that a TIFF is not the file of a camera of which only a small preview could be opened.

    Raises:
        UnsupportedImageError: it is.
        ValueError: it is no TIFF.
    """
    layout, offset = ifd.read_layout(stream)
    first = _looked_at(stream, offset, layout)
    below = ifd.whole_numbers(first.get(_BELOW), layout)[:_MOST_BELOW]
    places = [_looked_at(stream, place, layout) for place in below]
    stream.seek(0)
    if (
        stream.read(len(_CANON)) == _CANON
        or _DNG_VERSION in first
        or any(not _RAW.isdisjoint(ifd.whole_numbers(one.get(_PHOTOMETRIC), layout)) for one in (first, *places))
    ):
        raise UnsupportedImageError(path, "it is a camera raw file", hint="Develop it to TIFF or JPEG first.")


def count_pictures(stream: BinaryIO) -> int:
    """Return how many pictures a TIFF holds, at most 1000: without reduced copies, masks and the like of another one.

    A directory that is damaged, or was counted already, is the last.

    Raises:
        ValueError: it is no TIFF.
    """
    return max(1, sum(1 for _ in _pictures(stream)))


def first_picture(stream: BinaryIO) -> int:
    """Return which page is the first that belongs to no other, from 0: small copies may come before it.

    Raises:
        ValueError: it is no TIFF.
    """
    return next(_pictures(stream), 0)


def _pictures(stream: BinaryIO) -> Iterator[int]:
    """Yield the numbers of the pages that are pictures of their own."""
    layout, offset = ifd.read_layout(stream)
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < _MOST_PICTURES:
        directory = _looked_at(stream, offset, layout)
        kind = ifd.whole_numbers(directory.get(_KIND), layout)
        old_kind = ifd.whole_numbers(directory.get(_OLD_KIND), layout)
        belongs_to_another = kind[0] & ~_ONE_OF_SEVERAL if kind else old_kind[:1] == (_OLD_REDUCED,)
        if _WIDTH in directory and not belongs_to_another:
            yield len(seen)
        seen.add(offset)
        with contextlib.suppress(OSError, ValueError):
            offset = ifd.next_directory(stream, offset, layout)


def _looked_at(stream: BinaryIO, offset: int, layout: ifd.Layout) -> ifd.Directory:
    """Return what a directory says of itself; nothing if it is damaged, of which others will tell."""
    try:
        return ifd.read_directory(stream, offset, layout, _WANTED, max_bytes=_MAX_BYTES)
    except (OSError, ValueError, struct.error):
        return {}

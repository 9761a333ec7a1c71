"""How many frames an animation has, of which the first is enlarged: animated PNG and WebP.

PNG 3rd edition (W3C 2025), section 11.3.7 on acTL; RFC 9649 (2024), section 2.7.1.1 on ANMF.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_MOST_CHUNKS = 10_000
_PNG_START_BYTES, _WEBP_START_BYTES = 8, 12


def count_png_frames(stream: BinaryIO) -> int:
    """Return how many frames a PNG says that it has; 1 unless it is animated. Looks at what stands before the pixels.

    Raises:
        OSError: it cannot be read.
    """
    stream.seek(_PNG_START_BYTES)
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8 or head[4:] == b"IDAT":
            break
        length = int.from_bytes(head[:4])
        if head[4:] == b"acTL":
            return max(1, int.from_bytes(stream.read(4)))
        stream.seek(length + 4, 1)
    return 1


def count_webp_frames(stream: BinaryIO) -> int:
    """Return how many frames a WebP holds, at most 10,000; 1 unless it is animated.

    Raises:
        OSError: it cannot be read.
    """
    stream.seek(_WEBP_START_BYTES)
    frames = 0
    for _ in range(_MOST_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            break
        kind, length = struct.unpack("<4sI", head)
        frames += kind == b"ANMF"
        stream.seek(length + length % 2, 1)
    return max(1, frames)

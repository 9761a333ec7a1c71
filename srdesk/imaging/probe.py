"""What the header of a picture says, and whether decoding it is safe to begin."""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srdesk.errors import ImageReadError, UnsupportedImageError

MAX_DECODED_BYTES = 384 * 2**20
"""Most bytes of file numbers that a picture may have in memory: 134 megapixels of 8-bit RGB."""

MAX_SIDE_PX = 1_000_000
"""Most rows or columns; more is a damaged header, or a bomb."""


@dataclass(frozen=True, slots=True)
class ImageProbe:
    """What a header says about a picture, which is not yet decoded."""

    format: str
    """PNG, JPEG, WEBP or TIFF."""
    height: int
    """Rows, as the picture is to be seen: after its EXIF orientation was applied."""
    width: int
    """Columns, likewise."""
    channels: int
    """1 for grey, 3 for RGB."""
    has_alpha: bool
    """Whether it has an opacity."""
    dtype: str
    """Numpy name of the type of its numbers once decoded: uint8, uint16, int16 or float32."""

    @property
    def decoded_bytes(self) -> int:
        """Memory that the decoded numbers take."""
        return self.height * self.width * (self.channels + self.has_alpha) * np.dtype(self.dtype).itemsize


def check_budget(path: Path, probe: ImageProbe) -> None:
    """Make sure that a picture is worth beginning to decode.

    Raises:
        ImageReadError: it has no pixels.
        UnsupportedImageError: it is too large.
    """
    size = f"{probe.width:,} × {probe.height:,} pixels"
    if probe.height < 1 or probe.width < 1:
        raise ImageReadError(path, "its header says that it has no pixels")
    if max(probe.height, probe.width) > MAX_SIDE_PX or probe.decoded_bytes > MAX_DECODED_BYTES:
        hint = "Cut or reduce it to at most 100 megapixels."
        if probe.format == "FITS":
            hint = "Unpack it if it is packed, and enlarge it with `srdesk upscale`, which goes from disk to disk."
        raise UnsupportedImageError(path, f"its {size} are more than can be opened", hint=hint)


_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
    EOFError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow, tifffile and imagecodecs raise on damaged bytes; each of these was seen."""


@contextlib.contextmanager
def decoder_errors(path: Path) -> Iterator[None]:
    """Turn what a decoder raises on damaged bytes into the sentence that a person reads.

    Raises:
        ImageReadError: the bytes are damaged, cut off or cannot be read.
        UnsupportedImageError: decoding needs more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        raise UnsupportedImageError(path, "decoding it needs more memory than there is") from error
    except _DECODER_ERRORS as error:
        raise ImageReadError(path, "it is damaged or cut off") from error

"""The one representation of a picture, and the two protocols through which pixels flow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.science import FitsOrigin, SceneOrigin, Science
from srdesk.imaging.values import ValueMap

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels; ``top`` and ``left`` may be any integer, sizes are not negative."""

    top: int
    left: int
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """First column right of the box."""
        return self.left + self.width

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of an array that lie in the box."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        """Whether the box holds no pixel."""
        return self.height <= 0 or self.width <= 0

    def scaled(self, scale: int) -> Box:
        """Return the same rectangle on a grid ``scale`` times as fine."""
        return Box(self.top * scale, self.left * scale, self.height * scale, self.width * scale)

    def grown(self, margin_px: int) -> Box:
        """Return the box with ``margin_px`` more pixels on every side."""
        return Box(self.top - margin_px, self.left - margin_px, self.height + 2 * margin_px, self.width + 2 * margin_px)

    def clipped(self, height: int, width: int) -> Box:
        """Return the part of the box that lies in a picture of ``height`` × ``width`` pixels."""
        top, left = min(max(self.top, 0), height), min(max(self.left, 0), width)
        bottom, right = max(min(self.bottom, height), top), max(min(self.right, width), left)
        return Box(top, left, bottom - top, right - left)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What travels with the pixels of a photo, as read from the file."""

    format: str = "PNG"
    """Format name of the file the picture came from: PNG, JPEG, WEBP, TIFF or FITS."""
    icc_profile: bytes | None = None
    """ICC profile, byte for byte."""
    exif: bytes | None = None
    """EXIF block (TIFF structure, without the ``Exif\\0\\0`` prefix) with its orientation reset to 1."""
    xmp: bytes | None = None
    """XMP packet, byte for byte but for an orientation that was applied and, in a result, the size."""
    iptc: bytes | None = None
    """IPTC-IIM records of a JPEG or TIFF, byte for byte."""
    comment: bytes | None = None
    """Comment of a JPEG, in no encoding that is known."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution in dots per inch."""
    text: tuple[tuple[str, str], ...] = ()
    """Text entries of a PNG (keyword, text)."""
    colour_space: tuple[tuple[str, bytes], ...] = ()
    """Chunks of a PNG that say what its colours mean where no ICC profile does (type, content)."""
    is_lossless: bool = False
    """Whether it came from a WebP without loss, so that a WebP of it is written without loss, too."""
    is_opacity_unsaid: bool = False
    """Whether it came from a TIFF that does not say what its last sample is. That is taken for opacity, as by most
    programs, but may be near infrared or a selection, so that colours count where it is 0, too."""
    fits: FitsOrigin | None = None
    """The image of a FITS file that it was."""
    scene: SceneOrigin | None = None
    """The bands of a scene that it was."""
    history: tuple[str, ...] = ()
    """How it was made, a sentence each."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in memory.

    ``pixels`` is ``(H, W, C)`` float32, RGB for ``C = 3`` and grey for ``C = 1``, in ``[0, 1]``, finite, C-contiguous
    and read-only. ``alpha`` is ``(H, W)`` float32 in ``[0, 1]`` or None. Both are owned by the Image.
    """

    pixels: FloatArray
    """Colour or grey values, ``(H, W, C)`` float32 in ``[0, 1]``."""
    alpha: FloatArray | None = None
    """Opacity, ``(H, W)`` float32 in ``[0, 1]``."""
    values: ValueMap = field(default_factory=ValueMap)
    """How file numbers became ``[0, 1]``, and how to turn them back."""
    metadata: Metadata = field(default_factory=Metadata)
    """What travels with the pixels."""
    science: Science | None = None
    """For measurements: what the numbers mean."""
    numbers: NDArray[np.generic] | None = None
    """For measurements and scenes: the numbers of the file, ``(H, W, C)``, read-only. ``pixels`` are these within the
    range of ``values``, and 0 where they say nothing."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3) or self.pixels.dtype != np.float32:
            raise ValueError(f"pixels must be (H, W, 1 or 3) float32, not {self.pixels.shape} {self.pixels.dtype}")
        if self.alpha is not None and self.alpha.shape != self.pixels.shape[:2]:
            raise ValueError(f"alpha must be {self.pixels.shape[:2]}, not {self.alpha.shape}")
        object.__setattr__(self, "pixels", _frozen(self.pixels))
        if self.alpha is not None:
            object.__setattr__(self, "alpha", _frozen(self.alpha))

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[1])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return int(self.pixels.shape[2])

    def read(self, box: Box) -> FloatArray:
        """Return the pixels of ``box``, which lies inside the picture, as a read-only view (`Source`)."""
        return self.pixels[box.top : box.bottom, box.left : box.right]

    def with_pixels(self, pixels: FloatArray, alpha: FloatArray | None) -> Image:
        """Return an Image of other pixels with the same value map and metadata."""
        return replace(self, pixels=pixels, alpha=alpha)


class Source(Protocol):
    """Anything that hands out windows of a picture. `Image` is one."""

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""

    def read(self, box: Box) -> FloatArray:
        """Return ``(box.height, box.width, C)`` float32 in ``[0, 1]``; the caller does not modify it."""


class Sink(Protocol):
    """Anything that takes windows of a picture, each pixel once, in any order."""

    def write(self, box: Box, pixels: FloatArray) -> None:
        """Take ``(box.height, box.width, C)`` float32 pixels; the sink copies what it keeps."""


class ImageSink:
    """A Sink that gathers a whole picture in memory."""

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.pixels: FloatArray = np.empty((height, width, channels), np.float32)

    def write(self, box: Box, pixels: FloatArray) -> None:
        """Copy ``pixels`` to their place."""
        self.pixels[box.top : box.bottom, box.left : box.right] = pixels


def _frozen(array: FloatArray) -> FloatArray:
    contiguous = np.ascontiguousarray(array)
    if contiguous.flags.writeable:
        contiguous = contiguous.view()
        contiguous.flags.writeable = False
    return contiguous

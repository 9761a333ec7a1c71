"""A picture made ready to be seen: 8-bit tiles at every power of two, without Qt.

Level 0 is the picture itself and refers to the numbers that the session holds anyway; level 1 is reduced from level 0
tile by tile when it is looked at, so that only levels 2 and up (a twelfth of level 0) cost memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.gui.compare.file_values import FileValues, ValueReader, value_reader
from srdesk.gui.compare.shading import Shading
from srdesk.gui.compare.tones import Tones, tones_of
from srdesk.gui.look.colours import srgb_transform
from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import UINT8, UINT16, ValueMap, opacity_map

ByteArray = NDArray[np.uint8]

OVERVIEW_PX = 256
"""The last level is the first one that is not larger than this on either side."""
_STRIP_PX = 4_000_000
"""Pixels of level 0 that are reduced in one go; between two strips the token is looked at."""


class TileSource(Protocol):
    """Anything that hands out 8-bit pixels of a power-of-two pyramid."""

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of level 0 per LR pixel, ``(y, x)``."""

    @property
    def has_alpha(self) -> bool:
        """Whether tiles carry straight alpha as their last channel."""

    @property
    def level_count(self) -> int:
        """Number of levels, at least 1."""

    def level_size(self, level: int) -> tuple[int, int]:
        """Return ``(height, width)`` of ``level``; one pixel of it spans ``2**level`` pixels of level 0."""

    def tile(self, level: int, box: Box) -> ByteArray | None:
        """Return ``(box.height, box.width, C)`` uint8: grey, grey and alpha, RGB, or RGB and straight alpha.

        None if it has to be read from the disk first; whoever wants it asks again when there is news.
        """

    def glimpse(self) -> ByteArray:
        """Return all of it in few pixels, at once, however coarse."""

    def forget_requests(self) -> None:
        """Take notice that something else is looked at, so that tiles that are still to be read are not."""


@runtime_checkable
class Picture(TileSource, Protocol):
    """A `TileSource` of file values."""

    @property
    def height(self) -> int:
        """Rows of level 0."""

    @property
    def width(self) -> int:
        """Columns of level 0."""

    def values_at(self, x_lr: float, y_lr: float) -> FileValues | None:
        """Return the file values (alpha last) of the pixel under a point in LR coordinates.

        None outside, and where they have to be read from the disk first.
        """


@dataclass(frozen=True, slots=True, eq=False)
class DisplayImage:
    """A picture as panes show it, and the file values behind what they show. Safe to read from any thread."""

    height: int
    """Rows of level 0."""
    width: int
    """Columns of level 0."""
    scale: tuple[float, float]
    """Pixels of level 0 per LR pixel, ``(y, x)``."""
    has_alpha: bool
    """Whether tiles carry straight alpha as their last channel."""
    _read_pixels: Callable[[Box], ByteArray]
    """Level 0 as 8-bit pixels."""
    _read_values: ValueReader
    """File values of a pixel of level 0."""
    _stored_levels: tuple[ByteArray, ...]
    """Levels 2, 3, … of `level_count`; none if there are tones."""
    tones: Tones | None = None
    """What a shading makes the pixels of; None for pictures that are seen as they are."""
    shading: Shading = field(default_factory=Shading)
    """How tones are seen."""

    @classmethod
    def build(
        cls,
        picture: Image | StoredImage,
        scale: float | tuple[float, float] = 1.0,
        token: CancelToken | None = None,
    ) -> DisplayImage:
        """Make ``picture`` ready to be seen; takes about 2 s per 400 megapixels, so never on the GUI thread.

        Args:
            picture: What is to be seen; referred to, not copied (an 8-bit copy is made of an `Image`).
            scale: Pixels of ``picture`` per LR pixel; one number, or ``(y, x)`` for results of a chosen size.
            token: Looked at between strips.

        Raises:
            Cancelled: ``token`` was cancelled.
        """
        token = token or CancelToken()
        both = scale if isinstance(scale, tuple) else (float(scale), float(scale))
        if isinstance(picture, Image) and picture.numbers is not None:
            picture = StoredImage.of_numbers(picture)
        height, width = picture.height, picture.width
        tones = tones_of(picture, _level_count(height, width), token)
        read_values = value_reader(picture)
        if tones is not None:
            stretch = picture.science.stretch if picture.science is not None else None
            shading = Shading((stretch or Stretch(),))
            return cls(height, width, both, tones.has_holes, _nothing, read_values, (), tones, shading)
        has_alpha = picture.alpha is not None if isinstance(picture, Image) else picture.has_alpha
        read_pixels = _shown_image(picture, token) if isinstance(picture, Image) else _shown_stored(picture)
        levels = tuple(_build_levels(read_pixels, height, width, token))
        return cls(height, width, both, has_alpha, read_pixels, read_values, levels)

    @classmethod
    def of_pixels(
        cls,
        pixels: ByteArray,
        scale: float | tuple[float, float] = 1.0,
        icc_profile: bytes | None = None,
        read_values: ValueReader | None = None,
    ) -> DisplayImage:
        """Make a small patch, such as a preview, ready to be seen (about 10 ms for 4 megapixels).

        Args:
            pixels: `(H, W, C)` uint8: grey, grey and alpha, RGB, or RGB and alpha; referred to, not copied.
            scale: Pixels of the patch per LR pixel, as in `build`.
            icc_profile: Colours of the file that the patch belongs to.
            read_values: What the pixels stand for; their own numbers by default.
        """
        colours = 1 if pixels.shape[2] < 3 else 3
        has_alpha = pixels.shape[2] > colours
        metadata = Metadata(icc_profile=icc_profile)
        stored = StoredImage(pixels[..., :colours], UINT8, pixels[..., -1] if has_alpha else None, metadata)
        built = cls.build(stored, scale)
        return built if read_values is None else replace(built, _read_values=read_values)

    @property
    def level_count(self) -> int:
        """Number of levels; the last one is at most `OVERVIEW_PX` on either side."""
        return _level_count(self.height, self.width)

    def level_size(self, level: int) -> tuple[int, int]:
        """Return ``(height, width)`` of ``level``; one pixel of it spans ``2**level`` pixels of level 0."""
        return -(-self.height >> level), -(-self.width >> level)

    def tile(self, level: int, box: Box) -> ByteArray:
        """Return ``box`` of ``level`` as ``(box.height, box.width, C)`` uint8, not to be written to.

        Args:
            level: 0 for the picture itself, ``level_count - 1`` for the overview.
            box: Lies inside `level_size` of ``level``.
        """
        if self.tones is not None:
            return self.tones.pixels(level, box, (self.height, self.width), self.shading)
        if level == 0:
            return self._read_pixels(box)
        if level == 1:
            return _reduced(self._read_pixels(box.scaled(2).clipped(self.height, self.width)), 2)
        return self._stored_levels[level - 2][box.top : box.bottom, box.left : box.right]

    def glimpse(self) -> ByteArray:
        """Return the overview."""
        overview = self.level_count - 1
        return self.tile(overview, Box(0, 0, *self.level_size(overview)))

    def forget_requests(self) -> None:
        """Do nothing: every tile is there."""

    def shaded(self, shading: Shading) -> DisplayImage:
        """Return the same picture seen in another way; itself if it has no tones to choose from."""
        return self if self.tones is None or shading == self.shading else replace(self, shading=shading)

    def values_at(self, x_lr: float, y_lr: float) -> FileValues | None:
        """Return the file values (alpha last) of the pixel under a point in LR coordinates, None outside."""
        row, column = int(y_lr * self.scale[0] // 1), int(x_lr * self.scale[1] // 1)
        if not (0 <= row < self.height and 0 <= column < self.width):
            return None
        return self._read_values(row, column)


def _level_count(height: int, width: int) -> int:
    return 1 + max(0, (-(-max(height, width) // OVERVIEW_PX) - 1).bit_length())


def _nothing(box: Box) -> ByteArray:
    raise ValueError(f"a picture with tones has no 8-bit pixels at {box}")


def _shown_image(image: Image, token: CancelToken) -> Callable[[Box], ByteArray]:
    """Return the reader of an `Image`: its float pixels are made 8-bit sRGB once, since every tile needs it."""
    to_srgb = srgb_transform(image.metadata.icc_profile) if image.channels == 3 else None
    channels = image.channels + (image.alpha is not None)
    shown = np.empty((image.height, image.width, channels), np.uint8)
    for box in _strips(image.height, image.width, 1):
        token.check()
        rows = slice(box.top, box.bottom)
        colours = UINT8.from_unit(image.pixels[rows]).astype(np.uint8, copy=False)
        shown[rows, :, : image.channels] = to_srgb(colours) if to_srgb else colours
        if image.alpha is not None:
            shown[rows, :, -1] = UINT8.from_unit(image.alpha[rows])
    shown.flags.writeable = False
    return _reader(shown)


def _shown_stored(stored: StoredImage) -> Callable[[Box], ByteArray]:
    """Return the reader of a `StoredImage`: its numbers are converted tile by tile, so that nothing is copied."""
    numbers, alpha, values = stored.numbers, stored.alpha_numbers, stored.values
    origin = stored.metadata.scene
    palette = None if origin is None or not origin.palette else np.asarray(origin.palette, np.uint8)
    to_srgb = srgb_transform(stored.metadata.icc_profile) if numbers.shape[2] == 3 else None

    def read_pixels(box: Box) -> ByteArray:
        place = (slice(box.top, box.bottom), slice(box.left, box.right))
        if palette is None:
            colours = to_bytes(numbers[place], values)
        else:
            colours = palette[np.minimum(numbers[place][..., 0].astype(np.intp), len(palette) - 1)]
        if to_srgb is not None:
            colours = to_srgb(colours)
        return colours if alpha is None else np.dstack((colours, to_bytes(alpha[place], opacity_map(values.dtype))))

    return read_pixels


def to_bytes(numbers: NDArray[np.generic], values: ValueMap) -> ByteArray:
    """Return file ``numbers`` as 8-bit ones for the screen; the same array where they are that already."""
    if values == UINT8 and numbers.dtype == np.uint8:
        return numbers.astype(np.uint8, copy=False)
    if values == UINT16 and numbers.dtype == np.uint16:
        words = numbers.astype(np.uint16, copy=False)
        # round(v / 257) for every one of the 65,536 values
        return ((words.astype(np.uint32) * 255 + 32895) >> 16).astype(np.uint8)
    return UINT8.from_unit(values.to_unit(numbers)).astype(np.uint8, copy=False)


def _build_levels(
    read_pixels: Callable[[Box], ByteArray], height: int, width: int, token: CancelToken
) -> Iterator[ByteArray]:
    """Yield the levels from 2 on, each one the box average of the one before (level 2: of level 0)."""
    read, factor = read_pixels, 4
    for _ in range(2, _level_count(height, width)):
        strips = []
        for box in _strips(height, width, factor):
            token.check()
            strips.append(_reduced(read(box), factor))
        finer = np.concatenate(strips)
        finer.flags.writeable = False
        yield finer
        read, factor = _reader(finer), 2
        height, width = finer.shape[:2]


def _reader(pixels: ByteArray) -> Callable[[Box], ByteArray]:
    return lambda box: pixels[box.top : box.bottom, box.left : box.right]


def _strips(height: int, width: int, multiple: int) -> Iterator[Box]:
    rows = max(1, _STRIP_PX // (width * multiple)) * multiple
    for top in range(0, height, rows):
        yield Box(top, 0, min(rows, height - top), width)


def _reduced(pixels: ByteArray, factor: int) -> ByteArray:
    """Return the averages of ``factor`` × ``factor`` pixels, weighted by alpha; fewer pixels at odd edges count too."""
    flat = np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    reduced = np.asarray(PIL.Image.fromarray(flat).reduce(factor))
    return reduced.reshape(*reduced.shape[:2], pixels.shape[2])

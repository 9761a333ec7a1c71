"""Pictures with more tones than a screen: levels of a pyramid as floats, out of which a shading makes what is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.gui.compare.shading import Shading
from srdesk.gui.look.colours import ColourTransform, srgb_transform
from srdesk.imaging.image import Box, Image
from srdesk.imaging.stored import StoredImage

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

SATURATED_RGB = (213, 94, 0)
"""Colour of saturated pixels: the vermilion of M. Okabe and K. Ito, told from all greys with any colour vision."""

_STRIP_PX = 4_000_000
"""Pixels of level 0 that are reduced in one go; between two strips the token is looked at."""
_SAMPLES = 250_000
"""Values, at most, of each channel that stretches and histograms are made from."""


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """The levels of a picture in the range [0, 1] of its numbers, and beyond; not a number where there is none."""

    read: Callable[[Box], FloatArray]
    """Level 0, `(H, W, 1 or 3)`; a new array."""
    levels: tuple[FloatArray, ...]
    """Levels 2, 3, …: averages of the numbers that there are."""
    sample: FloatArray
    """`(n, C)`: usable values from all over the picture."""
    has_holes: bool
    """Whether there are pixels without a number."""
    saturation: float | None
    """Value from which on a pixel is saturated."""
    to_srgb: ColourTransform | None

    def pixels(self, level: int, box: Box, size: tuple[int, int], shading: Shading) -> ByteArray:
        """Return ``box`` of a level as it is seen, with straight alpha last where the picture has holes.

        Args:
            level: 0 for the picture itself.
            box: lies inside the level.
            size: height and width of level 0.
            shading: how it is seen.
        """
        if level == 0:
            values = self.read(box)
        elif level == 1:
            values = reduced(self.read(box.scaled(2).clipped(*size)), 2)
        else:
            values = self.levels[level - 2][box.top : box.bottom, box.left : box.right]
        shown = shading.shown(values)
        if self.to_srgb is not None:
            shown = self.to_srgb(shown)
        if self.saturation is not None and shading.marks_saturated:
            shown = _marked(shown, values, self.saturation)
        if not self.has_holes:
            return shown
        is_known = ~np.isnan(values).any(axis=2)
        return np.dstack((shown, np.where(is_known, np.uint8(255), np.uint8(0))))


def tones_of(picture: Image | StoredImage, level_count: int, token: CancelToken) -> Tones | None:
    """Return the tones of a picture, None for one whose 8-bit numbers, or whose transparency, are seen as they are.

    Raises:
        Cancelled: ``token`` was cancelled.
    """
    read = _reader(picture)
    if read is None:
        return None
    to_srgb = srgb_transform(picture.metadata.icc_profile) if picture.channels == 3 else None
    values, science = picture.values, picture.science
    saturation = None
    if science is not None and science.saturation is not None:
        limit = (science.saturation - science.zero) / science.scale
        saturation = (limit - values.offset) / values.gain
    levels, sample, has_holes = _levels(read, (picture.height, picture.width), level_count, token)
    if saturation is not None:
        sample = sample[sample[:, 0] < saturation]
    return Tones(read, levels, sample, has_holes, saturation, to_srgb)


def _has_alpha(picture: Image | StoredImage) -> bool:
    return picture.alpha is not None if isinstance(picture, Image) else picture.has_alpha


def _reader(picture: Image | StoredImage) -> Callable[[Box], FloatArray] | None:
    """Return what reads level 0, None if the picture has no tones to choose from."""
    science, origin = picture.science, picture.metadata.scene
    if science is None and (origin is None or origin.palette):
        if picture.values.dtype == "uint8" or _has_alpha(picture) or origin is not None:
            return None
        return lambda box: np.array(picture.read(box), np.float32)
    stored = picture if isinstance(picture, StoredImage) else StoredImage.of_numbers(picture)

    def read(box: Box) -> FloatArray:
        numbers = stored.numbers[box.top : box.bottom, box.left : box.right]
        unit = stored.values.to_unit(numbers)
        if science is not None:
            unit[science.is_blank(numbers)] = np.nan
        elif origin is not None:
            unit[~stored.data_mask(origin, box)] = np.nan
        return unit

    return read


def _levels(
    read: Callable[[Box], FloatArray], size: tuple[int, int], level_count: int, token: CancelToken
) -> tuple[tuple[FloatArray, ...], FloatArray, bool]:
    """Return levels 2 and up, the sample, and whether there are holes."""
    height, width = size
    step = max(1, round((height * width / _SAMPLES) ** 0.5))
    strips, samples, has_holes = [], [], False
    for box in _strips(height, width):
        token.check()
        values = read(box)
        has_holes = has_holes or bool(np.isnan(values).any())
        samples.append(values[-box.top % step :: step, ::step].reshape(-1, values.shape[2]))
        strips.append(reduced(values, 4))
    levels = [np.concatenate(strips)] if level_count > 2 else []
    while 0 < len(levels) < level_count - 2:
        levels.append(reduced(levels[-1], 2))
    sample = np.concatenate(samples)
    return tuple(levels), sample[np.isfinite(sample).all(axis=1)], has_holes


def _strips(height: int, width: int) -> Iterator[Box]:
    rows = max(1, _STRIP_PX // (width * 4)) * 4
    for top in range(0, height, rows):
        yield Box(top, 0, min(rows, height - top), width)


def reduced(values: FloatArray, factor: int) -> FloatArray:
    """Return the averages of ``factor`` × ``factor`` values; those that are no number, and odd edges, do not count."""
    height, width, channels = values.shape
    padded = (-(-height // factor) * factor, -(-width // factor) * factor)
    if padded != (height, width):
        grown = np.full((*padded, channels), np.nan, np.float32)
        grown[:height, :width] = values
        values = grown
    parts = [values[row::factor, column::factor] for row in range(factor) for column in range(factor)]
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    total /= factor * factor
    is_unknown = np.isnan(total)
    if is_unknown.any():
        known = np.stack([part[is_unknown] for part in parts])
        count = np.isfinite(known).sum(axis=0)
        sums = np.nansum(known, axis=0, dtype=np.float64)
        total[is_unknown] = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return total


def _marked(shown: ByteArray, values: FloatArray, saturation: float) -> ByteArray:
    with np.errstate(invalid="ignore"):
        is_saturated = (values >= saturation).any(axis=2)
    if not is_saturated.any():
        return shown
    marked = np.repeat(shown, 3, axis=2) if shown.shape[2] == 1 else shown.copy()
    marked[is_saturated] = SATURATED_RGB
    return marked

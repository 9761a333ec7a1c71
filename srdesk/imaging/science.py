"""What the numbers of a measurement mean: their unit, which of them say nothing, and what must be conserved."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import ValueMap

Numbers = NDArray[Any]
"""Numbers of a file, of any type."""
Mask = NDArray[np.bool_]

Quantity = Literal["sum", "mean"]
"""What of a block of pixels equals the pixel that it came from."""

_MAX_SAMPLES = 2_000_000
_LOW_PERCENT, _HIGH_PERCENT = 0.1, 99.9


class Science(msgspec.Struct, frozen=True, kw_only=True):
    """How to read the numbers of a science picture: ``measured = number · scale + zero``."""

    scale: float = 1.0
    """Measured units per number (BSCALE); not 0."""
    zero: float = 0.0
    """What the number 0 measures (BZERO)."""
    unit: str = ""
    """Name of the measured unit; empty if the file does not say."""
    quantity: Quantity = "mean"
    """What is conserved: sums of counts and fluxes, means of anything per area."""
    is_quantity_known: bool = True
    """Whether the unit says what is conserved; otherwise it is taken to be the mean."""
    blank: int | None = None
    """Number of pixels without a value; beside it, floats that are not finite have none."""
    saturation: float | None = None
    """Measured value from which on a pixel is saturated."""
    is_flags: bool = False
    """Whether the numbers are bits that each say something, between which there is nothing: they are repeated."""
    stretch: Stretch | None = None
    """How it is best looked at; None for as it is. Never touches the numbers."""

    def measured(self, numbers: Numbers) -> NDArray[np.float64]:
        """Return what ``numbers`` measure."""
        return numbers.astype(np.float64) * self.scale + self.zero

    def is_blank(self, numbers: Numbers) -> Mask:
        """Return where ``numbers`` have no value."""
        if numbers.dtype.kind == "f":
            return ~np.isfinite(numbers)
        return np.zeros(numbers.shape, np.bool_) if self.blank is None else np.equal(numbers, self.blank)

    def is_unusable(self, numbers: Numbers) -> Mask:
        """Return where ``numbers`` have no value or a saturated one: what networks must not see."""
        mask = self.is_blank(numbers)
        if self.saturation is not None:
            limit = (self.saturation - self.zero) / self.scale
            with np.errstate(invalid="ignore"):
                mask |= (numbers >= limit) if self.scale > 0 else (numbers <= limit)
        return mask

    def after_enlarging(self, factor: int) -> Science:
        """Return the same of a picture whose pixels are ``factor`` times as short and whose quantity is conserved."""
        if self.quantity == "mean" or self.saturation is None:
            return self
        return msgspec.structs.replace(self, saturation=self.saturation / factor**2)


def robust_values(numbers: Numbers, science: Science) -> ValueMap:
    """Return the map of the range that nearly all usable numbers lie in; what lies beyond is below 0 or above 1.

    8-bit numbers keep their full range, as photos do.

    Args:
        numbers: `(H, W, C)` file numbers with at least one that is not blank.
        science: which of them count.
    """
    if numbers.dtype == np.uint8:
        return ValueMap("uint8", 255.0, 0.0) if science.scale > 0 else ValueMap("uint8", -255.0, 255.0)
    step = max(1, round((numbers.size / _MAX_SAMPLES) ** 0.5))
    for sample in (numbers[::step, ::step], numbers):
        known = sample[~science.is_unusable(sample)]
        if not known.size:
            known = sample[~science.is_blank(sample)]
        if known.size:
            break
    low, high = np.percentile(known.astype(np.float64), (_LOW_PERCENT, _HIGH_PERCENT))
    if low == high:
        low, high = float(known.min()), float(known.max())
    gain = float(high - low)
    if not np.isfinite(gain) or abs(gain) < float(np.finfo(np.float32).tiny):
        gain = 1.0
    return (
        ValueMap(numbers.dtype.name, gain, float(low))
        if science.scale > 0
        else ValueMap(numbers.dtype.name, -gain, float(high))
    )


class FitsOrigin(msgspec.Struct, frozen=True):
    """The image of a FITS file that a picture was read from, so that a result can take its place there."""

    path: bytes
    """Absolute path of the file, as the file system has it."""
    size_bytes: int
    """Length of the file when it was read."""
    modified_ns: int
    """Its time of change then."""
    hdu: int
    """Number of the HDU."""
    plane: tuple[int, ...]
    """Place along the axes before rows and columns, the slowest first; empty for a plain image."""
    header: bytes
    """Header of the image, as an image that is not compressed has it."""
    is_colour: bool = False
    """Whether it is all three planes, as red, green and blue."""


class SceneOrigin(msgspec.Struct, frozen=True):
    """The bands of a scene that a picture was read from."""

    path: bytes
    """Absolute path of the file, as the file system has it."""
    size_bytes: int
    """Length of the file when it was read."""
    modified_ns: int
    """Its time of change then."""
    bands: tuple[int, ...]
    """Their numbers, from 1: one, or red, green and blue."""
    nodata: tuple[float | None, ...]
    """The number of each that means "no data"; what is not finite never is data."""
    palette: tuple[tuple[int, int, int], ...] = ()
    """8-bit colours of the classes 0, 1, …, if its numbers are those of classes."""
    is_copied: bool = False
    """Whether its numbers are those of classes or flags, between which there is nothing."""

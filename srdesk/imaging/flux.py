"""Conserving what was measured: enlarged pixels are fitted to the ones that they came from, block by block.

A block is the ``scale`` × ``scale`` pixels that one LR pixel becomes. To every block the difference between its LR
value and its own mean is added, so that its mean, or its sum for counts, is what was measured. Where that, or the
network, would dig a ring around a star, or make a star of noise, the contrast of the block is lowered, which leaves its
mean alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import FloatArray
from srdesk.imaging.science import Mask, Numbers, Science
from srdesk.imaging.values import ValueMap

Doubles = NDArray[np.float64]

_SOURCE_SIGMA = 5.0
"""Pixels this far above the background belong to a source."""
_SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution in median absolute deviations."""
_MAX_SAMPLES = 4_000_000
_ROUNDING_AT_64_BITS = 4096.0
"""More than what a float64 beside the limit of a 64-bit integer can be off by."""


@dataclass(frozen=True, slots=True)
class FluxError:
    """How far the measured quantity of a result is from that of its input, in per cent of the input.

    Not a number where that cannot be known.
    """

    frame_percent: float
    """Over all usable pixels."""
    source_percent: float
    """Of the source that is worst; 0 if there is none."""
    sources: int
    """Number of sources: groups of neighbouring pixels 5 standard deviations above the background."""
    network_percent: float
    """Over all usable pixels, before the result was fitted to the input: what the network did."""
    quantity: str
    """What was conserved: ``sum`` or ``mean`` of every block."""
    unit: str
    """Measured unit, empty if the file does not say."""

    def __str__(self) -> str:
        what = "sums" if self.quantity == "sum" else "means"
        if math.isnan(self.frame_percent):
            return f"flux error not known ({what} conserved)"
        sources = f", {self.source_percent:.2g} % of the worst of {self.sources:,} sources" if self.sources else ""
        return f"flux error {self.frame_percent:.2g} %{sources} ({what} conserved)"


class Background(NamedTuple):
    """What is no source, in measured units."""

    level: float
    """Its median."""
    sigma: float
    """Its standard deviation."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the pixels of blocks may go, in measured units, `(h, w)` each."""

    lowest: Doubles
    """No pixel is below."""
    highest: Doubles
    """No pixel is above."""

    def __getitem__(self, place: tuple[slice, slice]) -> Limits:
        """Return those of some blocks."""
        return Limits(self.lowest[place], self.highest[place])


def enlarged_values(values: ValueMap, science: Science, scale: int) -> ValueMap:
    """Return the map of a result, by which it looks as its input does although counts are spread over more pixels."""
    if science.quantity == "mean":
        return values
    shift = science.zero / science.scale
    share = 1 / scale**2
    return ValueMap(values.dtype, values.gain * share, (values.offset + shift) * share - shift)


def background_of(numbers: Numbers, science: Science) -> Background:
    """Return what is no source.

    Args:
        numbers: numbers of the file, or a sample of them, of any shape.
        science: what they mean.
    """
    return _background(science.measured(numbers)[~science.is_unusable(numbers)])


def detail_limits(numbers: Numbers, science: Science, sky: Background) -> Limits:
    """Return how low and how high the pixels of every block may be, so that noise does not become rings and stars.

    None is more than one sigma of the background below the least of its block's neighbours; nor, where no neighbour
    belongs to a source, above the largest.

    Args:
        numbers: `(h, w)` numbers of the file.
        science: what they mean.
        sky: `background_of` the whole picture.
    """
    from scipy import ndimage

    measured = science.measured(numbers)
    unusable = science.is_unusable(numbers)
    lowest: Doubles = ndimage.minimum_filter(np.where(unusable, np.inf, measured), size=3, mode="nearest")
    highest: Doubles = ndimage.maximum_filter(np.where(unusable, -np.inf, measured), size=3, mode="nearest")
    is_source = highest > sky.level + _SOURCE_SIGMA * sky.sigma
    return Limits(lowest - sky.sigma, np.where(is_source, np.inf, highest + sky.sigma))


def fitted(
    sr: FloatArray, lr: Numbers, science: Science, gain: float, scale: int, limits: Limits | None = None
) -> Numbers:
    """Return enlarged pixels as numbers of the file's type whose blocks conserve what was measured.

    Args:
        sr: `(scale · h, scale · w)` float32, in the unit range of the picture's `ValueMap`; not modified.
        lr: `(h, w)` numbers of the file.
        science: what they mean. Where they have no value, or a saturated one, the block gets it back unchanged; flags
            are all put back.
        gain: file numbers per unit of ``sr``.
        scale: factor of the enlargement.
        limits: `detail_limits` of the picture; None for none.

    Returns:
        `(scale · h, scale · w)` of the type of ``lr``.
    """
    height, width = lr.shape
    unusable = science.is_unusable(lr)
    detail = _in_blocks(sr, scale).astype(np.float64)
    detail -= detail.mean(axis=2, keepdims=True)
    detail *= gain
    detail[unusable | science.is_flags] = 0.0
    if limits is not None:
        _soften(detail, science.measured(lr), limits, science.scale)
    if science.quantity == "sum":
        detail /= scale**2
    if lr.dtype.kind == "f":
        blocks = _fitted_floats(detail, lr, science, scale)
    else:
        blocks = _fitted_integers(detail, lr, science, scale)
    blank = science.is_blank(lr)
    blocks[blank] = lr[blank][:, None]
    ordered = blocks.reshape(height, width, scale, scale).transpose(0, 2, 1, 3)
    return ordered.reshape(height * scale, width * scale)


def block_totals(numbers: Numbers, science: Science, scale: int) -> Doubles:
    """Return what the blocks of a result measure, `(h, w)`: their sums or means, as the science asks."""
    measured = science.measured(_in_blocks(numbers, scale))
    if science.quantity == "mean":
        measured /= scale**2  # before they are added, since the sum may be beyond the largest number
    totals: Doubles = measured.sum(axis=2)
    return totals


def flux_error(lr: Numbers, result: Doubles, network: Doubles, science: Science) -> FluxError:
    """Compare what blocks measure with the pixels that they came from.

    Args:
        lr: `(h, w)` numbers of the file.
        result: `(h, w)`, `block_totals` of the result.
        network: `(h, w)`, the same before it was fitted.
        science: what the numbers mean.
    """
    usable = ~science.is_unusable(lr)
    measured = science.measured(lr)
    sources, count = _sources(measured, usable)
    worst = 0.0
    if count:
        before = np.bincount(sources[usable], _shares(measured, usable, lr.size), count + 1)[1:]
        after = np.bincount(sources[usable], _shares(result, usable, lr.size), count + 1)[1:]
        worst = max(_percent(new, old) for new, old in zip(after.tolist(), before.tolist(), strict=True))
    total = total_of(measured, usable, lr.size)
    return FluxError(
        frame_percent=_percent(total_of(result, usable, lr.size), total),
        source_percent=worst,
        sources=count,
        network_percent=_percent(total_of(network, usable, lr.size), total),
        quantity=science.quantity,
        unit=science.unit,
    )


def total_of(values: Doubles, usable: Mask, pixels: int) -> float:
    """Return the sum of some values, divided by a power of two so that it is finite as they are.

    Args:
        values: `(h, w)`, in measured units.
        usable: `(h, w)`, which of them count.
        pixels: number of all values that such sums are added up of; only sums of the same number go together.
    """
    return float(_shares(values, usable, pixels).sum())


def frame_error(before: float, after: float, network: float, science: Science) -> FluxError:
    """Return the flux error of a whole frame, in which no sources were looked for.

    Args:
        before: sum of what the usable pixels measure, as `total_of` gives it.
        after: the same of the result's blocks.
        network: the same before the result was fitted.
        science: what the numbers mean.
    """
    return FluxError(_percent(after, before), 0.0, 0, _percent(network, before), science.quantity, science.unit)


def worst_of(errors: list[FluxError]) -> FluxError:
    """Return the flux error of a picture from those of its colours: the worst, and the sources of all.

    Args:
        errors: one for each colour, at least one.
    """
    return replace(
        errors[0],
        frame_percent=max(error.frame_percent for error in errors),
        source_percent=max(error.source_percent for error in errors),
        sources=sum(error.sources for error in errors),
        network_percent=max(error.network_percent for error in errors),
    )


def _shares(values: Doubles, usable: Mask, pixels: int) -> Doubles:
    shares: Doubles = values[usable]
    shares /= 2.0 ** pixels.bit_length()
    return shares


def _in_blocks(pixels: Numbers, scale: int) -> Numbers:
    """Return `(h, w, scale²)`: the pixels of every block."""
    height, width = pixels.shape[0] // scale, pixels.shape[1] // scale
    return pixels.reshape(height, scale, width, scale).transpose(0, 2, 1, 3).reshape(height, width, scale**2)


def _soften(detail: Doubles, level: Doubles, limits: Limits, step: float) -> None:
    """Lower the contrast of blocks, in place, until none goes beyond its limits."""
    one, other = detail.min(axis=2) * step, detail.max(axis=2) * step  # which is which, the sign of the step says
    contrast = np.ones(level.shape)
    for reach, room in (
        (-np.minimum(one, other), np.maximum(level - limits.lowest, 0.0)),
        (np.maximum(one, other), np.maximum(limits.highest - level, 0.0)),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            np.minimum(contrast, np.where(reach > room, room / reach, 1.0), out=contrast)
    detail *= contrast[:, :, None]


def _fitted_floats(detail: Doubles, lr: Numbers, science: Science, scale: int) -> Numbers:
    level = lr.astype(np.float64)
    if science.quantity == "sum":
        shift = science.zero / science.scale
        level = (level + shift) / scale**2 - shift
    detail += level[:, :, None]
    limits = np.finfo(lr.dtype)
    with np.errstate(invalid="ignore"):
        # A peak beyond the largest number of the type would become infinite.
        fitted_blocks: Numbers = np.clip(detail, limits.min, limits.max).astype(lr.dtype)
    return fitted_blocks


def _fitted_integers(detail: Doubles, lr: Numbers, science: Science, scale: int) -> Numbers:
    """Round so that not even the rounding changes a block: the largest remainders are rounded up."""
    count = scale**2
    base = lr.astype(np.int64)
    spare = np.zeros(lr.shape, np.int64)
    if science.quantity == "sum":
        base, spare = _shared_out(base, round(science.zero / science.scale * (1 - count)), count)
    limits = np.iinfo(lr.dtype)
    lowest, highest = limits.min + (science.blank == limits.min), limits.max - (science.blank == limits.max)
    level = spare / count
    # Where a peak has no room in the type, the contrast of its block is lowered, which leaves its mean alone.
    room_above = np.maximum(_differences(highest, base) - level, 0.0)
    room_below = np.maximum(level - _differences(lowest, base), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = np.minimum(room_above / detail.max(axis=2), room_below / -detail.min(axis=2))
    detail *= np.nan_to_num(np.minimum(contrast, 1.0), nan=1.0)[:, :, None]
    detail += level[:, :, None]
    whole = np.floor(detail)
    more, missing = np.divmod(spare - whole.astype(np.int64).sum(axis=2), count)
    order = np.argsort(whole - detail, axis=2, kind="stable")  # the largest remainder first
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(count)[None, None, :], axis=2)
    numbers = (base + more)[:, :, None] + whole.astype(np.int64) + (rank < missing[:, :, None])
    np.clip(numbers, lowest, highest, out=numbers)
    if science.blank is not None and lowest <= science.blank <= highest:
        numbers[numbers == science.blank] += 1 if science.blank < highest else -1
    fitted_blocks: Numbers = numbers.astype(lr.dtype)
    return fitted_blocks


def _shared_out(numbers: NDArray[np.int64], shift: int, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return quotient and rest of ``(numbers + shift) / count``; the sum may be too large for the type."""
    whole, rest = divmod(shift, count)
    quotient, spare = np.divmod(numbers, count)
    carry, spare = np.divmod(spare + rest, count)
    return quotient + (whole + carry), spare


def _differences(limit: int, numbers: NDArray[np.int64]) -> Doubles:
    """Return how far the limit of their type is above numbers; that of 64 bits a little closer than it is."""
    if abs(limit) < 2**62:
        return np.subtract(limit, numbers).astype(np.float64)
    rough = float(limit) - numbers.astype(np.float64)
    return rough - np.clip(rough, -_ROUNDING_AT_64_BITS, _ROUNDING_AT_64_BITS)


def _sources(measured: Doubles, usable: Mask) -> tuple[NDArray[np.intp], int]:
    """Number the sources from 1; 0 is the background."""
    from scipy import ndimage

    known = measured[usable]
    if not known.size:
        return np.zeros(measured.shape, np.intp), 0
    sky = _background(known)
    with np.errstate(invalid="ignore"):
        bright = usable & (measured > sky.level + _SOURCE_SIGMA * sky.sigma)
    if not sky.sigma:
        bright[:] = False
    labels, count = ndimage.label(bright, structure=np.ones((3, 3), np.int8))
    return labels.astype(np.intp, copy=False), int(count)


def _background(known: Doubles) -> Background:
    sample = known[:: max(1, known.size // _MAX_SAMPLES)]
    if not sample.size:
        return Background(0.0, 0.0)
    level = float(np.median(sample))
    return Background(level, _SIGMA_OF_MAD * float(np.median(np.abs(sample - level))))


def _percent(after: float, before: float) -> float:
    if not (math.isfinite(after) and math.isfinite(before)):
        return float("nan")
    if after == before:
        return 0.0
    return abs(after - before) / abs(before) * 100 if before else float("inf")

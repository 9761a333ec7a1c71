"""How far a result can be trusted: what its picture vouches for, what a model may have invented, how close it comes.

Numbers are in units of the range `[0, 1]` that is shown and that networks work in, whatever the file holds. Pixels
without a value, saturated ones and fully transparent ones do not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.enlarge import SCALE, bleed_colour, enlarge
from srdesk.engine.evaluate import SSIM_WINDOW_PX
from srdesk.engine.measured import conserved
from srdesk.errors import ConfigError
from srdesk.imaging import fidelity
from srdesk.imaging.fidelity import Consistency, way_to_smallest
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink
from srdesk.imaging.metrics import psnr_y, ssim_y
from srdesk.imaging.resample import degrade, degrade_8bit, resize_bicubic, resize_bicubic_box
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts, Upscaler

BORDER_PX = 4
"""Rows and columns along every edge that PSNR and SSIM leave out, as published tables do."""

_SMALLEST_PX = 2 * BORDER_PX + SSIM_WINDOW_PX + 1
_TILE_PX = 512
"""LR rows and columns whose eight results are held at a time: about half a gigabyte."""

_STRIP_PX = 256
_SAMPLES = 1_000_000

_NO_LIMITS = (-np.inf, np.inf)

Mask = NDArray[np.bool_]
_NumberT = TypeVar("_NumberT", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model made of a picture."""

    model: str
    """Name of the model."""
    result: StoredImage
    """The picture enlarged four times, as it would be saved."""
    facts: UpscaleFacts
    """How it was computed."""


@dataclass(frozen=True, slots=True)
class Score:
    """How close a result comes to the truth."""

    psnr_y_db: float
    """PSNR on BT.601 luma; infinite if there is no error."""
    ssim_y: float
    """SSIM on BT.601 luma."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """A sharp picture that was made smaller and enlarged again by some models."""

    hr: FloatArray
    """`(H, W, C)`: the sharp picture, cropped to a multiple of the scale."""
    lr: Image
    """What the models got."""
    outcomes: tuple[Outcome, ...]
    """What they made of it, the bicubic first."""
    scores: tuple[Score, ...]
    """How close each of them came."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A map in three numbers."""

    mean: float
    """Mean of the pixels."""
    high: float
    """What one pixel in a hundred exceeds."""
    worst: float
    """The largest."""

    @classmethod
    def of(cls, values: FloatArray) -> Spread:
        """Sum up a map of any shape; the second number of very large ones is that of a sample."""
        flat = values.reshape(-1)
        high = float(np.percentile(flat[:: max(1, flat.size // _SAMPLES)], 99))
        return cls(float(flat.mean(dtype=np.float64)), high, float(flat.max()))


def with_models(
    image: Image, models: Mapping[str, Upscaler | BicubicUpscaler], control: Control
) -> tuple[Outcome, ...]:
    """Enlarge a picture four times with some models, the bicubic always among them and first.

    Args:
        image: LR picture.
        models: name → model.
        control: how to stop the call and where to report.

    Raises:
        OutOfMemoryError: memory ran out.
        DeviceError: a model cannot be run.
        Cancelled: someone asked to stop.
    """
    from srdesk.engine.upscaler import BICUBIC, BicubicUpscaler

    every: dict[str, Upscaler | BicubicUpscaler] = {BICUBIC: BicubicUpscaler(), **models}
    outcomes = []
    for (name, upscaler), part in zip(every.items(), control.parts(len(every)), strict=True):
        outcomes.append(Outcome(name, *enlarge(image, upscaler, part)))
    return tuple(outcomes)


# --- what the picture vouches for -----------------------------------------------------------------------------------


def known_pixels(image: Image) -> Mask | None:
    """Tell which pixels of a picture say something, `(h, w)`; None if all do."""
    if image.science is not None and image.numbers is not None:
        unusable: Mask = np.logical_or.reduce(image.science.is_unusable(image.numbers), axis=2)
        return ~unusable if unusable.any() else None
    return None if image.alpha is None else image.alpha > 0


def consistency(image: Image, result: StoredImage) -> Consistency:
    """Make a result smaller again, and compare it with the picture that it was made from.

    Args:
        image: LR picture.
        result: the same, a whole number of times as large.
    """
    known = known_pixels(image)
    whole = Box(0, 0, image.height, image.width)
    if known is None and result.metadata.scene is None:  # read tile by tile, never held as floats
        reduced = resize_bicubic_box(result, whole, height=image.height, width=image.width)
    else:
        reduced = resize_bicubic(_floats(result, known), image.height, image.width)
    return fidelity.consistency_of_reduced(reduced, _lr_floats(image, known), known)


def back_projected(image: Image, result: StoredImage, strength: float, token: CancelToken | None = None) -> StoredImage:
    """Return a result that is more consistent with its picture, never one that is less; see `imaging.fidelity`.

    What was measured stays conserved: a result of a measured picture is fitted to it once more.

    Args:
        image: LR picture.
        result: the same, enlarged four times; not modified.
        strength: 0 for the result as it is, 1 for one that is as consistent as can be.
        token: looked at now and then.

    Raises:
        ValueError: the strength is not between 0 and 1.
        Cancelled: someone asked to stop.
    """
    if strength == 0:
        return result
    token = token or CancelToken()
    token.check()
    known = known_pixels(image)
    lr, sr = _lr_floats(image, known), _floats(result, known)
    if image.science is not None:
        return _back_projected_measured(image, result, sr, lr, strength, token)
    mixed = fidelity.back_projected(sr, lr, strength)
    token.check()
    numbers = result.values.from_unit(mixed)
    if known is not None:
        unknown = ~_enlarged(known, result)
        numbers[unknown] = result.numbers[unknown]
    stored = StoredImage(numbers, result.values, result.alpha_numbers, result.metadata)
    stored.freeze()
    return stored


def _back_projected_measured(
    image: Image, result: StoredImage, sr: FloatArray, lr: FloatArray, strength: float, token: CancelToken
) -> StoredImage:
    """Mix a result with its most consistent one, each of them fitted to what was measured, and so is the mixture."""
    before = consistency(image, result)
    target = conserved(image, fidelity.back_projected(sr, lr, 1.0, limits=_NO_LIMITS), token)
    share = np.float32(strength * way_to_smallest(before.difference, consistency(image, target).difference))
    mixed = sr + share * (_floats(target, known_pixels(image)) - sr)
    stored = conserved(image, mixed, token).with_metadata(result.metadata)
    stored.freeze()
    return stored if consistency(image, stored).rms <= before.rms else result


# --- what may be invented -------------------------------------------------------------------------------------------


def invented_detail(
    image: Image, upscaler: Upscaler | BicubicUpscaler, control: Control, *, region: Box | None = None
) -> FloatArray:
    """Return how much the result depends on which way up the picture is, which its content does not say.

    Args:
        image: LR picture.
        upscaler: the model; runs eight times.
        control: how to stop the call and where to report.
        region: LR rectangle inside the picture; all of it when None.

    Returns:
        `(4h, 4w)` of the region: standard deviation over the eight flips and turns, mean of the channels; 0 where
        pixels do not count.

    Raises:
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    region = region or Box(0, 0, image.height, image.width)
    known = known_pixels(image)
    seen = image.pixels if known is None else bleed_colour(image.pixels, known.astype(np.float32))
    spread = np.empty((region.height * SCALE, region.width * SCALE), np.float32)
    tiles = _tiles(region)
    parts = control.parts(len(tiles) * len(fidelity.TURNS))

    def enlarged(lr: FloatArray) -> FloatArray:
        sink = ImageSink(lr.shape[0] * SCALE, lr.shape[1] * SCALE, lr.shape[2])
        upscaler.upscale(Image(lr), sink, next(parts))
        return sink.pixels

    for tile in tiles:
        around = tile.grown(upscaler.halo_px).clipped(image.height, image.width)
        values = fidelity.spread_over_turns(_cut(seen, around), enlarged)
        inner = Box(tile.top - around.top, tile.left - around.left, tile.height, tile.width).scaled(SCALE)
        place = Box(tile.top - region.top, tile.left - region.left, tile.height, tile.width).scaled(SCALE)
        _cut(spread, place)[:] = _cut(values, inner)
    if known is not None:
        spread[~_cut(known, region).repeat(SCALE, axis=0).repeat(SCALE, axis=1)] = 0
    return spread


def disagreement(one: StoredImage, other: StoredImage) -> FloatArray:
    """Return where two results of a picture differ, such as those of SRGAN and SRResNet.

    Returns:
        `(H, W)`: absolute difference, mean of the channels; 0 where there are no numbers.
    """
    apart = np.empty((one.height, one.width), np.float32)
    for top in range(0, one.height, _STRIP_PX):
        strip = Box(top, 0, min(_STRIP_PX, one.height - top), one.width)
        apart[top : strip.bottom] = fidelity.disagreement(one.read(strip), other.read(strip))
    return np.nan_to_num(apart, copy=False, posinf=0.0)


# --- how close it comes ---------------------------------------------------------------------------------------------


def degraded(image: Image) -> tuple[FloatArray, Image]:
    """Make a sharp picture four times smaller.

    8-bit pictures are reduced as the test sets of papers were, rounding included.

    Args:
        image: HR picture; cropped at the right and at the bottom to a multiple of the scale.

    Returns:
        `(4h, 4w, C)`, the truth, and the LR picture.

    Raises:
        ConfigError: the picture is too small to be measured.
    """
    height, width = image.height - image.height % SCALE, image.width - image.width % SCALE
    _check_measurable(height, width)
    known = known_pixels(image)
    seen = image.pixels if known is None else bleed_colour(image.pixels, known.astype(np.float32))
    hr = np.ascontiguousarray(seen[:height, :width])
    return hr, _reduced(hr, image.values)


def degrade_and_compare(image: Image, models: Mapping[str, Upscaler | BicubicUpscaler], control: Control) -> Degraded:
    """Make a sharp picture four times smaller, enlarge it again with every model, and measure how close they come.

    Args:
        image: HR picture, see `degraded`.
        models: name → model; the bicubic is always measured, first.
        control: how to stop the call and where to report.

    Raises:
        ConfigError: the picture is too small to be measured.
        DeviceError: a model cannot be run.
        Cancelled: someone asked to stop.
    """
    hr, lr = degraded(image)
    outcomes = with_models(lr, models, control)
    return Degraded(hr, lr, outcomes, tuple(score(outcome.result, hr) for outcome in outcomes))


def score(result: StoredImage, truth: FloatArray) -> Score:
    """Measure a result against the truth on luma, without a border of 4 pixels.

    Args:
        result: the result.
        truth: `(H, W, C)` in `[0, 1]`; as large as the result, or up to three pixels larger.

    Raises:
        ConfigError: the sizes do not go together, or are too small to be measured.
    """
    _check_measurable(result.height, result.width)
    spare = (truth.shape[0] - result.height, truth.shape[1] - result.width)
    if not all(0 <= pixels < SCALE for pixels in spare):
        allowed = f"a picture of {result.width} × {result.height} pixels, {SCALE} times the one that is enlarged"
        raise ConfigError("truth", f"{truth.shape[1]} × {truth.shape[0]} pixels", allowed)
    sr = np.clip(np.nan_to_num(_floats(result, None)), 0.0, 1.0)
    hr = truth[: result.height, : result.width]
    return Score(psnr_y(sr, hr, BORDER_PX), ssim_y(sr, hr, BORDER_PX))


def _reduced(hr: FloatArray, values: ValueMap) -> Image:
    """Return the LR picture of an HR picture, in the number type of its file, or in floats."""
    if values == UINT8:
        numbers = degrade_8bit(UINT8.from_unit(hr).astype(np.uint8, copy=False), SCALE)
        return Image(UINT8.to_unit(numbers))
    kept = UINT16 if values == UINT16 else ValueMap("float32", 1.0)
    return Image(kept.to_unit(kept.from_unit(np.clip(degrade(hr, SCALE), 0.0, 1.0))), None, kept)


def _check_measurable(height: int, width: int) -> None:
    if min(height, width) < _SMALLEST_PX:
        raise ConfigError(
            "picture", f"{width} × {height} pixels", f"one of at least {_SMALLEST_PX} pixels on each side to measure"
        )


# --- pixels ---------------------------------------------------------------------------------------------------------


def _lr_floats(image: Image, known: Mask | None) -> FloatArray:
    """Return what a result is to be consistent with: also what lies beyond the range, for measured pictures."""
    pixels = image.pixels
    if image.science is not None and image.numbers is not None:
        pixels = image.values.to_unit(image.numbers)
    return pixels if known is None else bleed_colour(pixels, known.astype(np.float32))


def _floats(result: StoredImage, known: Mask | None) -> FloatArray:
    """Return the pixels of a result, those that do not count filled from around them."""
    pixels = result.read(Box(0, 0, result.height, result.width))
    return pixels if known is None else bleed_colour(pixels, _enlarged(known, result).astype(np.float32))


def _enlarged(known: Mask, result: StoredImage) -> Mask:
    across = result.width // known.shape[1]
    return known.repeat(across, axis=0).repeat(across, axis=1)


def _cut(array: NDArray[_NumberT], box: Box) -> NDArray[_NumberT]:
    return array[box.top : box.bottom, box.left : box.right]


def _tiles(region: Box) -> list[Box]:
    """Cut a region into about equal tiles."""
    rows, columns = (-(-length // -(-length // _TILE_PX)) for length in (region.height, region.width))
    return [
        Box(top, left, min(rows, region.bottom - top), min(columns, region.right - left))
        for top in range(region.top, region.bottom, rows)
        for left in range(region.left, region.right, columns)
    ]

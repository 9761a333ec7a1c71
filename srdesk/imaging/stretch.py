"""Making the faint visible: how the range [0, 1] of a picture is shown on a screen. The data is never touched.

A stretch is first a range, from black to white, and then a curve between them.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

Curve = Literal["linear", "asinh"]

_MAX_SAMPLES = 1_000_000

_ASINH_SOFTENING = (0.003, 0.1)
"""Least and most share of the range, from black on, in which the curve is about linear."""
_SOFTENING_SIGMA = 3.0
"""That share reaches so far above the background, in its standard deviations."""

_AUTO_BLACK_SIGMA = 1.5
"""Black lies this far below the background: its noise is seen, and nothing of it is lost."""

_ZSCALE_CONTRAST = 0.25
_ZSCALE_SAMPLES = 1000
_ZSCALE_ROUNDS = 5
_ZSCALE_SIGMA = 2.5
_ZSCALE_LEAST_SHARE = 0.5


class Stretch(msgspec.Struct, frozen=True):
    """How values of `[0, 1]` are shown."""

    black: float = 0.0
    """Value that is shown black."""
    white: float = 1.0
    """Value that is shown white, above ``black``."""
    curve: Curve = "linear"
    """What lies between them: ``linear``, or ``asinh``, which raises the faint and holds the bright together."""
    softening: float = _ASINH_SOFTENING[1]
    """For asinh: share of the range that stays about linear."""

    def shown(self, values: FloatArray) -> FloatArray:
        """Return what is shown of ``values`` of any shape, in `[0, 1]`; black where there is no number."""
        spread = np.float32(max(self.white - self.black, 1e-30))
        inside: FloatArray = np.nan_to_num((values - np.float32(self.black)) / spread, posinf=1.0, neginf=0.0)
        np.clip(inside, 0.0, 1.0, out=inside)
        if self.curve == "linear":
            return inside
        soft = np.float32(self.softening)
        raised: FloatArray = np.arcsinh(inside / soft) / np.arcsinh(1 / soft)
        return raised


def linear_stretch(values: FloatArray) -> Stretch:
    """Return the stretch from the least to the largest of ``values``."""
    known = _sample(values)
    return _between(float(known.min()), float(known.max())) if known.size else Stretch()


def percentile_stretch(values: FloatArray, percent: float = 99.5) -> Stretch:
    """Return the linear stretch of the middle ``percent`` of ``values``.

    Args:
        values: of any shape; numbers that are not finite do not count.
        percent: above 0, up to 100.
    """
    known = _sample(values)
    if not known.size:
        return Stretch()
    tail = (100.0 - percent) / 2
    black, white = np.percentile(known, (tail, 100.0 - tail))
    return _between(float(black), float(white))


def asinh_stretch(values: FloatArray) -> Stretch:
    """Return the asinh stretch (R. Lupton et al., PASP 116:133, 2004) from the background to the brightest values."""
    known = _sample(values)
    if not known.size:
        return Stretch()
    middle = float(np.median(known))
    sigma = 1.4826 * float(np.median(np.abs(known - middle)))
    black = max(float(known.min()), middle - _AUTO_BLACK_SIGMA * sigma)
    line = _between(black, float(np.percentile(known, 99.9)))
    softening = (middle + _SOFTENING_SIGMA * sigma - line.black) / (line.white - line.black)
    return Stretch(line.black, line.white, "asinh", float(np.clip(softening, *_ASINH_SOFTENING)))


def zscale_stretch(values: FloatArray) -> Stretch:
    """Return the linear stretch that IRAF's display picks (NOAO, ``zscale``): around the median, by its slope."""
    known = _sample(values)
    if not known.size:
        return Stretch()
    ordered = np.sort(known)[:: max(1, known.size // _ZSCALE_SAMPLES)].astype(np.float64)
    places = np.arange(ordered.size) - (ordered.size - 1) / 2
    kept = np.ones(ordered.size, np.bool_)
    slope = 0.0
    for _ in range(_ZSCALE_ROUNDS):
        if kept.sum() < max(5, _ZSCALE_LEAST_SHARE * ordered.size):
            return _between(float(ordered[0]), float(ordered[-1]))
        slope, level = np.polyfit(places[kept], ordered[kept], 1)
        residual = ordered - (slope * places + level)
        now = np.abs(residual) <= _ZSCALE_SIGMA * residual[kept].std()
        if (now == kept).all():
            break
        kept = now
    half = slope / _ZSCALE_CONTRAST * places[-1]
    middle = float(np.median(ordered))
    return _between(max(float(ordered[0]), middle - half), min(float(ordered[-1]), middle + half))


def auto_stretch(values: FloatArray) -> Stretch:
    """Return the stretch for a first look: asinh where a few values outshine the others, linear where none do."""
    known = _sample(values)
    if not known.size:
        return Stretch()
    low, middle, high = np.percentile(known, (0.25, 50.0, 99.75))
    is_skewed = high - middle > 4 * max(middle - low, 0.0)
    return asinh_stretch(known) if is_skewed else percentile_stretch(known)


def _between(black: float, white: float) -> Stretch:
    return Stretch(black, white if white > black else black + 1.0)


def _sample(values: FloatArray) -> NDArray[np.float32]:
    flat = values.reshape(-1)
    flat = flat[:: max(1, flat.size // _MAX_SAMPLES)]
    return flat[np.isfinite(flat)]

"""How much of a result the picture itself vouches for: consistency, back-projection, and detail that was invented.

A result is consistent when it gives the picture again as it is made smaller. Back-projection (M. Irani, S. Peleg,
"Improving Resolution by Image Registration", CVGIP 53, 1991) moves it there: the difference is enlarged and taken off.
One step makes the remaining difference that of ``I − t·D·U``, with D the reduction and U the enlargement. Both are
symmetric kernels over mirrored edges, so D·U is a symmetric matrix, and its eigenvalues lie between 0 and 1; hence for
every strength t in (0, 1] the difference becomes smaller, until the limits of the pixels are in the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import FloatArray
from srdesk.imaging.resample import resize_bicubic

Turn = Callable[[FloatArray], FloatArray]

_MAX_ROUNDS = 20
_LEAST_GAIN = 0.01
"""Rounds end when one lowers the difference by less than this share."""


@dataclass(frozen=True, slots=True)
class Consistency:
    """How a result, made smaller, differs from the picture that it was made from."""

    rms: float
    """Root of the mean squared difference, in units of the pixels."""
    worst: float
    """Largest absolute difference."""
    difference: FloatArray
    """`(h, w, C)`: the result made smaller, less the picture."""

    @property
    def psnr_db(self) -> float:
        """The same as PSNR of pixels in `[0, 1]`; infinite without a difference."""
        return float("inf") if self.rms == 0 else -20 * float(np.log10(self.rms))

    @property
    def map(self) -> FloatArray:
        """`(h, w)`: absolute difference, mean of the channels."""
        mean: FloatArray = np.abs(self.difference).mean(axis=2)
        return mean


def consistency(sr: FloatArray, lr: FloatArray) -> Consistency:
    """Make a result smaller with the antialiased bicubic, and compare it with the picture.

    Args:
        sr: `(H, W, C)` float32 result; not modified.
        lr: `(h, w, C)` float32 picture that it was made from; not modified.
    """
    return consistency_of_reduced(resize_bicubic(sr, lr.shape[0], lr.shape[1]), lr)


def consistency_of_reduced(
    reduced: FloatArray, lr: FloatArray, is_known: NDArray[np.bool_] | None = None
) -> Consistency:
    """Compare a result that was made smaller already with the picture.

    Args:
        reduced: `(h, w, C)` float32; not modified.
        lr: `(h, w, C)` float32 picture; not modified.
        is_known: `(h, w)`: which pixels count; the others differ by 0. All of them if None.
    """
    difference = reduced - lr
    count = difference.size
    if is_known is not None:
        difference[~is_known] = 0
        count = int(is_known.sum()) * lr.shape[2]
    squares = float(np.square(difference, dtype=np.float64).sum())
    return Consistency(float(np.sqrt(squares / max(count, 1))), float(np.abs(difference).max()), difference)


def back_projected(
    sr: FloatArray, lr: FloatArray, strength: float, *, limits: tuple[float, float] = (0.0, 1.0)
) -> FloatArray:
    """Return a result that is more consistent with its picture; never one that is less.

    Args:
        sr: `(H, W, C)` float32 result within ``limits``; not modified.
        lr: `(h, w, C)` float32 picture that it was made from; not modified.
        strength: 0 for the result as it is, 1 for one that is as consistent as can be.
        limits: least and largest value of a pixel.

    Returns:
        `(H, W, C)` float32; ``sr`` itself at strength 0.

    Raises:
        ValueError: the strength is not between 0 and 1.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, not {strength}")
    if strength == 0:
        return sr
    before = consistency(sr, lr)
    target, after = _most_consistent(sr, lr, before, limits)
    share = np.float32(strength * way_to_smallest(before.difference, after.difference))
    mixed = sr + share * (target - sr)
    # Only rounding can speak against it.
    return mixed if consistency(mixed, lr).rms <= before.rms else sr


def way_to_smallest(before: FloatArray, after: FloatArray) -> float:
    """Return how far from one difference to another the smallest lies: 1 for at the other, 0 for where one is.

    A mixture of two results has the same mixture of their differences, whose sum of squares is a parabola: it falls
    all the way to there.
    """
    step = (after - before).astype(np.float64)
    length = float(np.square(step).sum())
    return 0.0 if length == 0 else float(np.clip(-(before * step).sum() / length, 0.0, 1.0))


def _most_consistent(
    sr: FloatArray, lr: FloatArray, now: Consistency, limits: tuple[float, float]
) -> tuple[FloatArray, Consistency]:
    best = sr
    for _ in range(_MAX_ROUNDS):
        if now.rms == 0:
            break
        candidate = best - resize_bicubic(now.difference, sr.shape[0], sr.shape[1])
        np.clip(candidate, *limits, out=candidate)
        after = consistency(candidate, lr)
        if after.rms >= now.rms:
            break
        is_worth_another = after.rms < now.rms * (1 - _LEAST_GAIN)
        best, now = candidate, after
        if not is_worth_another:
            break
    return best, now


def _turned(pixels: FloatArray, *, quarters: int, is_flipped: bool) -> FloatArray:
    return np.rot90(pixels[:, ::-1] if is_flipped else pixels, quarters)


def _undone(pixels: FloatArray, *, quarters: int, is_flipped: bool) -> FloatArray:
    upright = np.rot90(pixels, -quarters)
    return upright[:, ::-1] if is_flipped else upright


TURNS: tuple[tuple[Turn, Turn], ...] = tuple(
    (
        partial(_turned, quarters=quarters, is_flipped=is_flipped),
        partial(_undone, quarters=quarters, is_flipped=is_flipped),
    )
    for is_flipped in (False, True)
    for quarters in range(4)
)
"""The eight flips and quarter turns of a picture, each with the one that undoes it; the first changes nothing."""


def spread_over_turns(lr: FloatArray, enlarge: Callable[[FloatArray], FloatArray]) -> NDArray[np.float32]:
    """Return how much a result depends on which way up the picture was: detail that the picture does not vouch for.

    Args:
        lr: `(h, w, C)` float32; not modified.
        enlarge: gives `(s·h, s·w, C)` float32 of `(h, w, C)`; called eight times.

    Returns:
        `(s·h, s·w)`: standard deviation over the eight flips and turns, mean of the channels.
    """
    total: NDArray[np.float64] | None = None
    squares: NDArray[np.float64] | None = None
    first: FloatArray | None = None
    for turn, undo in TURNS:
        result = undo(enlarge(np.ascontiguousarray(turn(lr))))
        first = result if first is None else first
        # Relative to the first result, so that the difference of two large sums is not what remains.
        shift = (result - first).astype(np.float64)
        total = shift if total is None else total + shift
        squares = np.square(shift) if squares is None else squares + np.square(shift)
    assert total is not None
    assert squares is not None
    variance = squares / len(TURNS) - np.square(total / len(TURNS))
    spread: NDArray[np.float32] = np.sqrt(np.maximum(variance, 0)).mean(axis=2).astype(np.float32)
    return spread


def disagreement(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return where two results differ, such as those of SRGAN and SRResNet: `(H, W)`, mean over the channels."""
    mean: FloatArray = np.abs(one - other).mean(axis=2)
    return mean

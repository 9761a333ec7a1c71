"""Filling pixels without data, so that a network sees a smooth continuation of what lies around them.

Push-pull (S. Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.3): known pixels are averaged into coarser and
coarser pictures, and holes are filled from the next coarser one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import FloatArray

_LEVELS = 4
CELL_PX = 2**_LEVELS
"""Boxes to be filled begin at a multiple of this, so that the coarse pictures of all windows lie on one grid."""

_SPREADS = 4
"""Coarsest cells over which known ones are spread: the 40 pixels that a network looks around, and some more."""

REACH_PX = (_SPREADS + 3) * CELL_PX
"""Pixels on each side that a filled one depends on: its own cell, the spread, and two of interpolation."""

_FAR_AWAY = 0.5
"""What stands where nothing is known within reach; no network that looks at a known pixel sees it."""


def fill_holes(pixels: FloatArray, is_known: NDArray[np.bool_]) -> FloatArray:
    """Fill unknown pixels with the known ones around them, in few levels.

    What a pixel is filled with depends on its surroundings of `REACH_PX` pixels only, so that windows of a scene are
    filled like the whole.

    Args:
        pixels: `(H, W, C)` float32, whose corner lies at a multiple of `CELL_PX` of the scene; not modified. Unknown
            pixels may be anything, NaN as well.
        is_known: `(H, W, C)`, each channel on its own.

    Returns:
        `(H, W, C)` float32, equal to ``pixels`` where they are known.
    """
    filled: FloatArray = np.where(is_known, pixels, np.float32(0))
    _fill(filled, is_known, _LEVELS)
    return filled


def fill_holes_from_afar(pixels: FloatArray, is_known: NDArray[np.bool_]) -> FloatArray:
    """Fill unknown pixels with the nearest known ones, however far they are.

    Args:
        pixels: `(H, W, C)` float32; not modified. Unknown pixels may be anything.
        is_known: `(H, W, 1)`, for all channels, or `(H, W, C)`; at least one of each channel is known.

    Returns:
        `(H, W, C)` float32, equal to ``pixels`` where they are known.
    """
    filled: FloatArray = np.where(is_known, pixels, np.float32(0))
    _fill(filled, is_known, None)
    return filled


def _fill(pixels: FloatArray, is_known: NDArray[np.bool_], levels: int | None) -> None:
    """Fill in place, in so many levels or as many as it takes; unknown pixels are 0."""
    if is_known.all():
        return
    if levels == 0:
        _spread(pixels, is_known)
        return
    height, width = is_known.shape[:2]
    padding = ((0, height % 2), (0, width % 2), (0, 0))
    count = _sum_of_quads(np.pad(is_known, padding).astype(np.float32))
    weight: FloatArray = np.maximum(count, 1, dtype=np.float32)
    coarse: FloatArray = np.divide(_sum_of_quads(np.pad(pixels, padding)), weight, dtype=np.float32)
    _fill(coarse, count > 0, None if levels is None else levels - 1)
    finer = _doubled(_doubled(coarse, 0), 1)[:height, :width]
    np.copyto(pixels, finer, where=~is_known)


def _spread(pixels: FloatArray, is_known: NDArray[np.bool_]) -> None:
    """Fill in place from the eight neighbours, a few cells far."""
    known = is_known
    for _ in range(_SPREADS):
        count = _sum_of_neighbours(known.astype(np.float32))
        total = _sum_of_neighbours(pixels)
        reached = ~known & (count > 0)
        np.copyto(pixels, total / np.maximum(count, np.float32(1)), where=reached)
        known = known | reached
    np.copyto(pixels, np.float32(_FAR_AWAY), where=~known)


def _sum_of_quads(pixels: FloatArray) -> FloatArray:
    """Sum every 2 × 2 pixels."""
    rows = pixels[0::2] + pixels[1::2]
    total: FloatArray = rows[:, 0::2] + rows[:, 1::2]
    return total


def _sum_of_neighbours(pixels: FloatArray) -> FloatArray:
    """Sum every pixel with its eight neighbours; beyond the edges there is nothing."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)))
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    total: FloatArray = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return total


def _doubled(pixels: FloatArray, axis: int) -> FloatArray:
    """Double the size along an axis, linearly between pixel centres."""
    size = pixels.shape[axis]
    before = pixels.take(np.maximum(np.arange(size) - 1, 0), axis)
    after = pixels.take(np.minimum(np.arange(size) + 1, size - 1), axis)
    pairs = np.stack([0.75 * pixels + 0.25 * before, 0.75 * pixels + 0.25 * after], axis + 1)
    shape = list(pixels.shape)
    shape[axis] = 2 * size
    return pairs.reshape(shape)

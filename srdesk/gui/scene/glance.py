"""A whole scene in few pixels, at once: from its overviews, or from as much of it as can be read in a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.source import SceneSource, level_size
from srdesk.imaging.image import Box
from srdesk.imaging.scene.holes import fill_holes_from_afar
from srdesk.imaging.stored import Numbers

OVERVIEW_PX = 512
"""The last level is the first one that is not larger than this on either side."""

BUDGET_S = 0.6
"""Time to read samples for."""

_READ_AT_ONCE_PX = 4_000_000
"""Pixels of the file's coarsest level that are simply read."""

_SAMPLE_PX = 64
"""Side of the places from which pixels are taken as they are."""

_SAMPLED_PLACES = 16
"""How many of them are read where the overview does not lead there anyhow."""


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What a first look at a scene shows."""

    overview: Patch
    """Its last level; parts that were not read are filled from those around them."""
    sample: Numbers
    """`(n, C)` numbers of pixels that are data, from all over the scene: not averages, which know no extremes."""


def level_count(height: int, width: int) -> int:
    """Return how many levels a scene has."""
    return 1 + max(0, (-(-max(height, width) // OVERVIEW_PX) - 1).bit_length())


def glance(source: SceneSource, check: Callable[[], None], budget_s: float = BUDGET_S) -> Glance:
    """Take a first look at a scene.

    Args:
        source: the scene.
        check: called between reads; raises to stop.
        budget_s: time after which no more is read.

    Raises:
        ImageReadError: the file is damaged.
    """
    level = level_count(source.height, source.width) - 1
    height, width = level_size(source.height, source.width, level)
    own_height, own_width = level_size(source.height, source.width, min(level, source.own_level))
    if own_height * own_width <= _READ_AT_ONCE_PX:
        overview = source.read(level, Box(0, 0, height, width))
        rng = np.random.default_rng(0)
        places = zip(rng.random(_SAMPLED_PLACES), rng.random(_SAMPLED_PLACES), strict=True)
        samples = [_sample(source, int(y * source.height), int(x * source.width)) for y, x in places]
        return Glance(overview, np.concatenate(samples))
    return _by_places(source, level, check, budget_s)


def _by_places(source: SceneSource, level: int, check: Callable[[], None], budget_s: float) -> Glance:
    """Look at blocks of the file here and there."""
    height, width = level_size(source.height, source.width, level)
    rows = max(1, source.block[0] >> level)
    columns = max(1, min(width, source.block[1] >> level))
    places = [(top, left) for top in range(0, height, rows) for left in range(0, width, columns)]
    numbers = np.zeros((height, width, source.channels), source.dtype)
    is_data = np.ones((height, width), np.bool_) if source.has_holes else None
    is_known = np.zeros((height, width, 1), np.bool_)
    samples = []
    deadline_s = time.perf_counter() + budget_s
    # At random, since what lies on a grid of the scene may be all field or all road.
    for place in np.random.default_rng(0).permutation(len(places)):
        check()
        top, left = places[place]
        box = Box(top, left, rows, columns).clipped(height, width)
        here = np.s_[box.top : box.bottom, box.left : box.right]
        patch = source.read(level, box)
        numbers[here], is_known[here] = patch.numbers, True
        if is_data is not None and patch.is_data is not None:
            is_data[here] = patch.is_data
        samples.append(_sample(source, box.top << level, box.left << level))  # which GDAL has just decoded
        if time.perf_counter() > deadline_s:
            break
    if not is_known.all() and source.palette is None:
        is_seen = is_known if is_data is None else is_known & is_data[:, :, None]
        if is_seen.any():
            filled = fill_holes_from_afar(np.nan_to_num(numbers.astype(np.float32)), is_seen)
            numbers = np.where(is_known, numbers, filled.astype(source.dtype))
    return Glance(Patch(numbers, is_data), np.concatenate(samples))


def _sample(source: SceneSource, top: int, left: int) -> Numbers:
    """Return pixels of a place as they are in the file."""
    patch = source.read(0, Box(top, left, _SAMPLE_PX, _SAMPLE_PX).clipped(source.height, source.width))
    known = np.isfinite(patch.numbers).all(axis=2)
    return patch.numbers[known if patch.is_data is None else known & patch.is_data]

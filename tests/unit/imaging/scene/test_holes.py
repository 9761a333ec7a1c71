"""Pixels without data are filled smoothly, and alike whichever window asks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.imaging.scene.holes import CELL_PX, REACH_PX, fill_holes

RNG = np.random.default_rng(3)


def test_known_pixels_stay_as_they_are_and_unknown_ones_become_finite() -> None:
    pixels = RNG.random((70, 50, 2), np.float32)
    known = RNG.random((70, 50, 2)) < 0.3
    holed = np.where(known, pixels, np.float32(np.nan))
    filled = fill_holes(holed, known)
    assert_array_equal(filled[known], pixels[known])
    assert np.isfinite(filled).all()
    assert filled.min() >= 0
    assert filled.max() <= 1


def test_a_hole_in_an_even_area_is_filled_with_its_value() -> None:
    known = np.ones((64, 64, 1), bool)
    known[20:31, 7:50] = False
    filled = fill_holes(np.where(known, np.float32(0.25), np.float32(9)), known)
    assert np.abs(filled - 0.25).max() < 1e-6


def test_a_neighbourhood_of_forty_pixels_is_filled_from_what_is_known() -> None:
    known = np.zeros((256, 256, 1), bool)
    known[:, :128] = True
    filled = fill_holes(np.where(known, np.float32(0.1), np.float32(0)), known)
    assert np.abs(filled[:, :168] - 0.1).max() < 1e-6


def test_channels_are_filled_on_their_own() -> None:
    known = np.ones((32, 32, 2), bool)
    known[5, 6, 1] = False
    pixels = RNG.random((32, 32, 2), np.float32)
    assert_array_equal(fill_holes(pixels, known)[:, :, 0], pixels[:, :, 0])


@pytest.mark.parametrize("left", [0, 3 * CELL_PX, 9 * CELL_PX])
def test_a_window_is_filled_like_the_whole(left: int) -> None:
    pixels = RNG.random((400, 500, 1), np.float32)
    known = RNG.random((400, 500, 1)) < 0.002
    whole = fill_holes(pixels, known)
    right = left + 300
    part = fill_holes(pixels[:, left:right], known[:, left:right])
    inner = slice(REACH_PX if left else 0, 300 - REACH_PX)
    assert_array_equal(part[:, inner], whole[:, left:right][:, inner])


def test_where_nothing_is_known_the_filling_is_even() -> None:
    filled = fill_holes(np.zeros((40, 40, 1), np.float32), np.zeros((40, 40, 1), bool))
    assert np.unique(filled).size == 1

"""Stretches show the faint and leave the data alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.imaging.stretch import (
    Stretch,
    asinh_stretch,
    auto_stretch,
    linear_stretch,
    percentile_stretch,
    zscale_stretch,
)

MAKERS = (linear_stretch, percentile_stretch, asinh_stretch, zscale_stretch, auto_stretch)


def star_field() -> np.ndarray:
    rng = np.random.default_rng(3)
    field = rng.normal(0.1, 0.01, (200, 200)).astype(np.float32)
    field[rng.integers(0, 200, 60), rng.integers(0, 200, 60)] = rng.uniform(0.3, 1.0, 60)
    return field


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_shown_rises_with_the_value_from_black_to_white(make: Callable[[np.ndarray], Stretch]) -> None:
    field = star_field()
    kept = field.copy()
    shown = make(field).shown(field)
    order = np.argsort(field, axis=None)
    assert (np.diff(shown.reshape(-1)[order]) >= 0).all()
    assert 0 <= shown.min() < shown.max() <= 1
    assert_array_equal(field, kept)
    assert shown.dtype == np.float32


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    "values",
    [
        np.full((5, 5), np.nan, np.float32),
        np.zeros((0,), np.float32),
        np.full((5, 5), 0.25, np.float32),
        np.array([1.0, np.nan, np.inf, -np.inf], np.float32),
    ],
)
def test_any_values_can_be_shown(make: Callable[[np.ndarray], Stretch], values: np.ndarray) -> None:
    shown = make(values).shown(values)
    assert np.isfinite(shown).all()
    assert (shown >= 0).all()
    assert (shown <= 1).all()


def test_pixels_without_a_value_are_black() -> None:
    assert_array_equal(Stretch().shown(np.array([np.nan, 0.5], np.float32)), np.array([0, 0.5], np.float32))


def test_asinh_raises_the_faint() -> None:
    field = star_field()
    noise = 0.1 + 0.03  # three sigma above the background
    stretched = asinh_stretch(field).shown(np.array([noise], np.float32))
    assert stretched > 2 * linear_stretch(field).shown(np.array([noise], np.float32))


def test_auto_takes_asinh_for_stars_and_a_line_for_what_is_even() -> None:
    rng = np.random.default_rng(4)
    stars = star_field()
    stars[50:60, 50:60] = 1.0
    assert auto_stretch(stars).curve == "asinh"
    assert auto_stretch(rng.random((100, 100), np.float32)).curve == "linear"


def test_zscale_is_that_of_astropy() -> None:
    from astropy.visualization import ZScaleInterval

    rng = np.random.default_rng(5)
    field = rng.normal(100, 5, 1000).astype(np.float32)
    field[::50] += 400
    low, high = ZScaleInterval().get_limits(field)
    stretch = zscale_stretch(field)
    assert stretch.black == pytest.approx(low, abs=2.0)
    assert stretch.white == pytest.approx(high, abs=2.0)

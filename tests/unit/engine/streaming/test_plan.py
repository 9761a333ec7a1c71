"""Bands, strips, halos."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srdesk.engine.streaming.plan import (
    SMALLEST_WINDOW_PX,
    THINNEST_STRIP_PX,
    Pace,
    Tiling,
    check_window,
    choose_tiling,
    plan_bands,
    plan_strips,
    window_around,
)
from srdesk.errors import ConfigError
from srdesk.imaging.image import Box

PACE = Pace(strip_area_px=8192, strips=16, band_px=3000)

boxes = st.builds(Box, st.integers(0, 50), st.integers(0, 50), st.integers(1, 200), st.integers(1, 200))


@given(region=boxes, band_px=st.integers(1, 250))
def test_bands_cover_a_region_exactly_once_and_are_about_equally_wide(region: Box, band_px: int) -> None:
    bands = plan_bands(region, band_px)
    covered = np.zeros((260, 260), int)
    for band in bands:
        covered[band.top : band.bottom, band.left : band.right] += 1
    inside = covered[region.top : region.bottom, region.left : region.right]
    assert (inside == 1).all()
    assert covered.sum() == inside.sum()
    widths = [band.width for band in bands]
    assert max(widths) <= band_px
    assert len(bands) == -(-region.width // max(widths))


@given(region=boxes, halo_px=st.integers(0, 60))
def test_a_window_reads_its_halo_but_nothing_outside_the_picture(region: Box, halo_px: int) -> None:
    read = window_around(region, 260, 255, halo_px).read
    assert read.top == max(0, region.top - halo_px)
    assert read.left == max(0, region.left - halo_px)
    assert read.bottom == min(260, region.bottom + halo_px)
    assert read.right == min(255, region.right + halo_px)


@given(region=boxes, strip_px=st.integers(1, 70))
def test_strips_cover_what_a_window_reads_from_top_to_bottom(region: Box, strip_px: int) -> None:
    window = window_around(region, 260, 255, 10)
    strips = plan_strips(window, strip_px)
    assert [strip.top for strip in strips[1:]] == [strip.bottom for strip in strips[:-1]]
    assert strips[0].top == window.read.top
    assert strips[-1].bottom == window.read.bottom
    assert all(strip.height <= strip_px for strip in strips)


@given(region=boxes, window_px=st.integers(THINNEST_STRIP_PX, 300))
def test_a_window_size_bounds_strip_height_and_band_width(region: Box, window_px: int) -> None:
    tiling = choose_tiling(region, window_px, PACE)
    assert THINNEST_STRIP_PX <= tiling.strip_px <= window_px
    assert tiling.band_px <= window_px
    assert tiling.window_px == window_px


def test_window_size_zero_means_the_whole_region_at_once() -> None:
    region = Box(3, 4, 5000, 6000)
    tiling = choose_tiling(region, 0, PACE)
    assert (tiling.strip_px, tiling.band_px, tiling.window_px) == (5000, 6000, 0)
    assert plan_bands(region, tiling.band_px) == [region]


def test_automatic_strips_have_the_area_that_computes_fastest() -> None:
    tiling = choose_tiling(Box(0, 0, 512, 512), None, PACE)
    assert (tiling.strip_px, tiling.band_px) == (16, 512)


def test_small_pictures_have_enough_strips_for_several_threads() -> None:
    region = Box(0, 0, 160, 160)
    tiling = choose_tiling(region, None, PACE)
    assert len(plan_strips(window_around(region, 160, 160, 40), tiling.strip_px)) == PACE.strips


def test_wide_pictures_are_cut_into_equal_bands_with_thin_strips() -> None:
    tiling = choose_tiling(Box(0, 0, 4000, 6001), None, PACE)
    assert (tiling.strip_px, tiling.band_px) == (THINNEST_STRIP_PX, 2001)


@pytest.mark.parametrize("window_px", [-1, 1, THINNEST_STRIP_PX - 1])
def test_window_sizes_that_cannot_be_are_refused(window_px: int) -> None:
    with pytest.raises(ConfigError) as caught:
        check_window(window_px)
    assert caught.value.value == window_px


def test_halving_goes_down_to_the_smallest_window_and_ends_there() -> None:
    tiling: Tiling | None = Tiling(16, 3000, 3000)
    bounds = []
    while tiling is not None:
        bounds.append(tiling.window_px)
        tiling = tiling.halved()
    assert bounds == [3000, 1500, 750, 375, 187, 93, 46, SMALLEST_WINDOW_PX]

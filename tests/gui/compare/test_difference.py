"""The picture of where two pictures differ."""

from __future__ import annotations

import numpy as np
import pytest
import qimage2ndarray
from hypothesis import given
from hypothesis import strategies as st

from srdesk.gui.compare.difference import DifferenceImage
from srdesk.gui.compare.image_view import TILE_PX, Mosaic
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.imaging.colour_map import COLOURS
from srdesk.imaging.image import Box
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8

RNG = np.random.default_rng(3)


def display(pixels: np.ndarray, scale: float | tuple[float, float] = 1.0) -> DisplayImage:
    return DisplayImage.of_pixels(pixels.astype(np.uint8), scale)


def whole(image: DifferenceImage, level: int = 0) -> np.ndarray:
    return image.tile(level, Box(0, 0, *image.level_size(level)))


@given(st.sampled_from([1, 2, 8, 32]), st.integers(0, 2**32 - 1))
def test_pixels_have_the_colour_of_the_largest_amplified_difference(gain: int, seed: int) -> None:
    first, second = np.random.default_rng(seed).integers(0, 256, (2, 9, 11, 3))

    shown = whole(DifferenceImage(display(first), display(second), gain))

    assert np.array_equal(shown, COLOURS[np.minimum(np.abs(first - second).max(axis=2) * gain, 255)])


def test_order_does_not_matter() -> None:
    first, second = display(RNG.integers(0, 256, (40, 44, 3)), 4), display(RNG.integers(0, 256, (10, 11, 3)))

    assert np.array_equal(whole(DifferenceImage(first, second, 4)), whole(DifferenceImage(second, first, 4)))


def test_lr_is_compared_pixel_by_pixel_as_panes_show_it() -> None:
    lr = RNG.integers(0, 256, (10, 11, 3), np.uint8)
    sr = display(np.kron(lr, np.ones((4, 4, 1), np.uint8)), 4)

    difference = DifferenceImage(display(lr), sr, 32)

    assert difference.scale == (4.0, 4.0)
    assert difference.level_size(0) == (40, 44)
    assert (whole(difference) == COLOURS[0]).all()


@pytest.mark.parametrize("scale", [(2.0, 2.0), (3.0, 3.0), (2.5, 1.7)])
def test_results_of_any_size_can_be_compared(scale: tuple[float, float]) -> None:
    flat_lr = display(np.full((100, 200, 3), 10))
    result = display(np.full((round(100 * scale[0]), round(200 * scale[1]), 3), 13), scale)

    assert (whole(DifferenceImage(flat_lr, result, 5)) == COLOURS[15]).all()


def test_every_level_compares_the_same_place() -> None:
    ramp = np.linspace(0, 255, 300)[:, None, None] * np.ones((1, 280, 3))
    lr, sr = display(ramp), display(np.repeat(np.repeat(ramp, 4, 0), 4, 1), 4)

    difference = DifferenceImage(lr, sr, 8)

    for level in range(difference.level_count):
        # Rounding twice may cost one step of 8 bits.
        darkest = COLOURS[: 8 + 1].max(axis=0)
        assert (whole(difference, level) <= darkest).all()


def test_a_tile_is_that_part_of_the_whole() -> None:
    difference = DifferenceImage(
        display(RNG.integers(0, 256, (401, 335, 3)), 4), display(RNG.integers(0, 256, (101, 84, 3))), 8
    )
    for level in range(difference.level_count):
        height, width = difference.level_size(level)
        box = Box(height // 3, width // 3, height // 2, width // 2)
        assert np.array_equal(
            difference.tile(level, box), whole(difference, level)[box.top : box.bottom, box.left : box.right]
        )


def test_alpha_is_left_out_and_grey_is_compared_with_colour() -> None:
    grey_alpha = display(np.dstack([np.full((5, 5), 100), RNG.integers(0, 256, (5, 5))]))
    colour = display(np.full((5, 5, 3), (100, 103, 98)))

    assert (whole(DifferenceImage(grey_alpha, colour, 1)) == COLOURS[3]).all()


def test_colours_get_only_lighter_so_that_everyone_can_rank_them() -> None:
    lightness = COLOURS @ np.array([0.2126, 0.7152, 0.0722])

    assert (np.diff(lightness) >= 0).all()
    assert lightness[0] < 1
    assert lightness[-1] > 240


def test_a_stored_picture_is_not_touched() -> None:
    stored = StoredImage(RNG.integers(0, 256, (8, 8, 3), np.uint8), UINT8)
    before = stored.numbers.copy()

    whole(DifferenceImage(DisplayImage.build(stored), display(np.zeros((8, 8, 3))), 8))

    assert np.array_equal(stored.numbers, before)


@pytest.mark.parametrize("top", [0, 640])
def test_where_the_difference_is_not_computed_yet_there_seems_to_be_none(top: int) -> None:
    first, second = display(RNG.integers(0, 100, (900, 700, 3)), 4), display(RNG.integers(150, 256, (900, 700, 3)), 4)
    mosaic = Mosaic(DifferenceImage(first, second, 8))

    mosaic.cover(0, Box(top, 0, 900 - top, 700), budget_s=0.0)

    shown = qimage2ndarray.rgb_view(mosaic.image).reshape(-1, 3)
    is_computed = (shown == COLOURS[-1]).all(axis=1)
    assert is_computed.sum() == TILE_PX**2
    assert (shown[~is_computed] == COLOURS[0]).all()

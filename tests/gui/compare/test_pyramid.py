"""Pictures made ready to be seen: what their tiles hold at every level, and the file values behind them."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PilImage
from PIL import ImageCms

from srdesk.engine.control import CancelToken
from srdesk.errors import Cancelled
from srdesk.gui.compare.pyramid import OVERVIEW_PX, DisplayImage, to_bytes
from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.science import Science
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import UINT8, UINT16, ValueMap

RNG = np.random.default_rng(7)


def stored(height: int, width: int, channels: int = 3, *, alpha: bool = False) -> StoredImage:
    numbers = RNG.integers(0, 256, (height, width, channels), np.uint8)
    opacity = RNG.integers(0, 256, (height, width), np.uint8) if alpha else None
    return StoredImage(numbers, UINT8, opacity)


def whole(display: DisplayImage, level: int) -> np.ndarray:
    return display.tile(level, Box(0, 0, *display.level_size(level)))


def box_averages(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Average ``factor`` × ``factor`` pixels in floating point; at odd edges as many as there are."""
    height, width = pixels.shape[:2]
    tops, lefts = np.arange(0, height, factor), np.arange(0, width, factor)
    rows = np.add.reduceat(pixels.astype(np.float64), tops, axis=0)
    sums = np.add.reduceat(rows, lefts, axis=1)
    counts = np.minimum(factor, height - tops)[:, None] * np.minimum(factor, width - lefts)
    return sums / counts[..., None]


def test_level_0_is_the_very_memory_of_an_8_bit_picture() -> None:
    picture = stored(300, 310)

    tile = DisplayImage.build(picture).tile(0, Box(10, 20, 30, 40))

    assert np.shares_memory(tile, picture.numbers)
    assert np.array_equal(tile, picture.numbers[10:40, 20:60])


@given(st.integers(1, 1300), st.integers(1, 1300))
def test_levels_halve_until_the_overview_fits(height: int, width: int) -> None:
    display = DisplayImage.build(StoredImage(np.zeros((height, width, 1), np.uint8)))

    sizes = [display.level_size(level) for level in range(display.level_count)]

    assert sizes[0] == (height, width)
    for finer, coarser in pairwise(sizes):
        assert coarser == (-(-finer[0] // 2), -(-finer[1] // 2))
    assert max(sizes[-1]) <= OVERVIEW_PX
    assert len(sizes) == 1 or max(sizes[-2]) > OVERVIEW_PX
    for level, size in enumerate(sizes):
        assert whole(display, level).shape == (*size, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_coarser_levels_are_box_averages_also_at_odd_edges(channels: int) -> None:
    display = DisplayImage.build(stored(1027, 775, channels))

    assert display.level_count == 4
    for level, finer, factor in ((1, 0, 2), (2, 0, 4), (3, 2, 2)):
        expected = box_averages(whole(display, finer), factor)
        assert np.abs(whole(display, level) - expected).max() <= 0.6


def test_a_tile_is_the_same_as_that_part_of_the_whole_level() -> None:
    display = DisplayImage.build(stored(1027, 775, alpha=True))

    for level in range(display.level_count):
        height, width = display.level_size(level)
        box = Box(height // 3, width // 5, height // 2, width // 2)
        part = whole(display, level)[box.top : box.bottom, box.left : box.right]
        assert np.array_equal(display.tile(level, box), part)


def test_large_pictures_are_reduced_strip_by_strip_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = stored(1100, 900)
    at_once = DisplayImage.build(picture)
    monkeypatch.setattr("srdesk.gui.compare.pyramid._STRIP_PX", 900 * 70)

    in_strips = DisplayImage.build(picture)

    for level in range(at_once.level_count):
        assert np.array_equal(whole(at_once, level), whole(in_strips, level))


def test_building_stops_between_strips_when_it_is_cancelled() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        DisplayImage.build(stored(1100, 900), token=token)


def test_16_bit_numbers_are_shown_rounded_to_the_nearest_of_8_bits() -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)

    assert np.array_equal(to_bytes(every, UINT16), np.rint(every / 257))


def test_other_value_maps_are_shown_by_what_they_mean() -> None:
    numbers = np.array([[[-50], [50], [100], [400]]], np.int16)

    assert to_bytes(numbers, ValueMap("int16", 200.0, 0.0)).ravel().tolist() == [0, 64, 128, 255]


def test_values_are_those_of_the_file_at_the_pixel_under_an_lr_point() -> None:
    numbers = RNG.integers(0, 65536, (8, 12, 3), np.uint16)
    display = DisplayImage.build(StoredImage(numbers, UINT16), 4)

    assert display.values_at(1.30, 1.99) == tuple(numbers[7, 5].tolist())
    assert display.values_at(0, 0) == tuple(numbers[0, 0].tolist())


@pytest.mark.parametrize("point", [(-0.01, 0), (0, -0.01), (3.0, 0), (0, 2.0)])
def test_there_are_no_values_outside_the_picture(point: tuple[float, float]) -> None:
    display = DisplayImage.build(StoredImage(np.zeros((8, 12, 3), np.uint8)), 4)

    assert display.values_at(*point) is None


def test_values_of_a_float_image_are_in_file_units_with_alpha_last() -> None:
    image = Image(np.full((2, 2, 3), 0.5, np.float32), np.full((2, 2), 0.25, np.float32), UINT16)

    assert DisplayImage.build(image).values_at(1, 1) == (32768, 32768, 32768, 16384)


def test_alpha_is_the_last_channel_and_weights_the_averages() -> None:
    numbers = np.zeros((600, 600, 3), np.uint8)
    numbers[:, ::2] = 200
    alpha = np.zeros((600, 600), np.uint8)
    alpha[:, ::2] = 255

    display = DisplayImage.build(StoredImage(numbers, UINT8, alpha))

    assert display.has_alpha
    assert display.tile(0, Box(0, 0, 1, 2)).tolist() == [[[200, 200, 200, 255], [0, 0, 0, 0]]]
    colours, opacity = np.split(whole(display, 1), [3], axis=2)
    assert np.abs(colours.astype(int) - 200).max() <= 1, "transparent black must not darken the edge"
    assert np.abs(opacity.astype(int) - 128).max() <= 1


def test_a_picture_in_another_colour_space_is_shown_as_srgb_but_read_out_as_it_is() -> None:
    swapped = _profile_with_red_and_green_swapped()
    picture = StoredImage(np.full((4, 4, 3), (200, 10, 10), np.uint8), UINT8, None, Metadata(icc_profile=swapped))

    display = DisplayImage.build(picture)

    red, green, _ = display.tile(0, Box(0, 0, 1, 1))[0, 0].tolist()
    assert green > 150 > red
    assert display.values_at(0, 0) == (200, 10, 10)
    image = DisplayImage.build(picture.to_image())
    assert np.array_equal(image.tile(0, Box(0, 0, 4, 4)), display.tile(0, Box(0, 0, 4, 4)))


def _profile_with_red_and_green_swapped() -> bytes:
    """Return an sRGB profile whose primaries of red and green have exchanged their names."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"tmpX", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tmpX", b"gXYZ", 1)


@pytest.mark.parametrize("profile", [b"no profile", None])
def test_a_damaged_profile_leaves_the_picture_as_it_is(profile: bytes | None) -> None:
    picture = StoredImage(np.full((2, 2, 3), (200, 10, 10), np.uint8), UINT8, None, Metadata(icc_profile=profile))

    assert DisplayImage.build(picture).tile(0, Box(0, 0, 1, 1))[0, 0].tolist() == [200, 10, 10]


def test_an_srgb_profile_costs_nothing() -> None:
    buffer = io.BytesIO()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    PilImage.new("RGB", (1, 1)).save(buffer, "PNG", icc_profile=srgb)
    picture = StoredImage(np.zeros((2, 2, 3), np.uint8), UINT8, None, Metadata(icc_profile=srgb))

    assert np.shares_memory(DisplayImage.build(picture).tile(0, Box(0, 0, 2, 2)), picture.numbers)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_patch_is_made_from_plain_pixels(channels: int) -> None:
    pixels = RNG.integers(0, 256, (20, 30, channels), np.uint8)

    patch = DisplayImage.of_pixels(pixels, 4)

    assert np.array_equal(patch.tile(0, Box(0, 0, 20, 30)), pixels)
    assert patch.scale == (4.0, 4.0)
    assert patch.has_alpha == (channels in (2, 4))


def test_measured_pictures_are_shown_stretched_and_tell_what_they_measured() -> None:
    numbers = np.array([[-10, 0], [10, 20]], np.int16)[:, :, None]
    science = Science(scale=2.0, zero=100.0, stretch=Stretch(0.25, 0.75))
    picture = StoredImage(numbers, ValueMap("int16", 40.0, -20.0), None, Metadata(format="FITS"), science)

    for opened in (picture, picture.to_image()):
        display = DisplayImage.build(opened)
        assert whole(display, 0)[:, :, 0].tolist() == [[0, 128], [255, 255]]
        assert display.values_at(1.5, 1.5) == (140.0,)


def test_measured_pixels_without_a_value_are_shown_black() -> None:
    numbers = np.array([[np.nan, 1.0]], np.float32)[:, :, None]
    display = DisplayImage.build(StoredImage(numbers, ValueMap("float32", 1.0), None, Metadata(), Science()))
    assert whole(display, 0)[:, :, 0].tolist() == [[0, 255]]

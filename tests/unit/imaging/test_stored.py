"""Pictures held as file numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap, opacity_map

FLOAT_MAP = ValueMap("float32", 4000.0, -100.0)
INT16_MAP = ValueMap("int16", 65535.0, -32768.0)


@pytest.mark.parametrize("values", [UINT8, UINT16, INT16_MAP])
def test_every_file_number_survives_the_way_to_unit_and_back(values: ValueMap) -> None:
    limits = np.iinfo(values.dtype)
    every = np.arange(limits.min, limits.max + 1).astype(values.dtype)
    unit = values.to_unit(every)
    assert unit.dtype == np.float32
    assert unit[0] == 0
    assert unit[-1] == 1
    assert_array_equal(values.from_unit(unit), every)


@pytest.mark.parametrize("values", [UINT8, UINT16])
def test_values_beyond_the_range_are_clipped(values: ValueMap) -> None:
    result = values.from_unit(np.array([-0.5, 1.5], np.float32))
    assert_array_equal(result, np.array([0, np.iinfo(values.dtype).max], values.dtype))


@given(st.lists(st.floats(0, 1, width=32), min_size=1))
def test_quantising_is_off_by_half_a_step_at_most(unit: list[float]) -> None:
    array = np.array(unit, np.float32)
    for values in (UINT8, UINT16):
        assert_allclose(values.to_unit(values.from_unit(array)), array, atol=0.5001 / values.gain)


def test_float_numbers_within_0_and_1_are_kept_bit_for_bit() -> None:
    numbers = np.random.default_rng(0).random((5, 6, 3), dtype=np.float32)
    unit_map = ValueMap("float32", 1.0)
    assert_array_equal(unit_map.from_unit(unit_map.to_unit(numbers)), numbers)


def test_opacity_uses_the_whole_range_of_the_type() -> None:
    assert [opacity_map(dtype).gain for dtype in ("uint8", "uint16", "float32")] == [255, 65535, 1]


@pytest.mark.parametrize("values", [UINT8, UINT16, FLOAT_MAP])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_an_image_survives_being_stored(values: ValueMap, with_alpha: bool) -> None:
    random = np.random.default_rng(1)
    pixels = values.to_unit(values.from_unit(random.random((700, 1600, 3), dtype=np.float32)))
    opacity = opacity_map(values.dtype)
    alpha = opacity.to_unit(opacity.from_unit(random.random((700, 1600), dtype=np.float32))) if with_alpha else None
    image = Image(pixels, alpha, values, Metadata(format="TIFF", icc_profile=b"icc"))
    stored = StoredImage.from_image(image)
    assert stored.numbers.dtype == values.dtype
    back = stored.to_image()
    assert_allclose(back.pixels, pixels, atol=1e-6)
    assert back.metadata == image.metadata
    if alpha is None:
        assert back.alpha is None
    else:
        assert back.alpha is not None
        assert_array_equal(back.alpha, alpha)


def test_windows_are_read_and_written_where_they_belong() -> None:
    stored = StoredImage.empty(6, 8, 1, UINT8, Metadata())
    stored.write(Box(0, 0, 6, 8), np.zeros((6, 8, 1), np.float32))
    stored.write(Box(2, 3, 2, 4), np.ones((2, 4, 1), np.float32))
    expected = np.zeros((6, 8, 1), np.uint8)
    expected[2:4, 3:7] = 255
    assert_array_equal(stored.numbers, expected)
    assert_array_equal(stored.read(Box(1, 3, 2, 1))[:, 0, 0], [0, 1])


def test_a_picture_without_alpha_is_opaque_and_takes_none() -> None:
    stored = StoredImage.empty(2, 2, 1, UINT8, Metadata())
    assert_array_equal(stored.read_alpha(Box(0, 0, 2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="no alpha"):
        stored.write_alpha(Box(0, 0, 2, 2), np.ones((2, 2), np.float32))


def test_a_frozen_picture_cannot_be_written() -> None:
    stored = StoredImage.empty(2, 2, 1, UINT8, Metadata(), with_alpha=True)
    stored.freeze()
    with pytest.raises(ValueError, match="read-only"):
        stored.write(Box(0, 0, 2, 2), np.ones((2, 2, 1), np.float32))
    with pytest.raises(ValueError, match="read-only"):
        stored.write_alpha(Box(0, 0, 2, 2), np.ones((2, 2), np.float32))


def test_numbers_of_another_type_than_the_map_are_refused() -> None:
    with pytest.raises(ValueError, match="uint16"):
        StoredImage(np.zeros((2, 2, 3), np.uint8), UINT16)
    with pytest.raises(ValueError, match="alpha"):
        StoredImage(np.zeros((2, 2, 3), np.uint8), UINT8, np.zeros((2, 3), np.uint8))

"""The map between file numbers and [0, 1], there and back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.imaging.values import UINT8, UINT16, ValueMap


@pytest.mark.parametrize("values", [UINT8, UINT16, ValueMap("int16", 65535.0, -32768.0)])
def test_every_number_of_up_to_16_bits_comes_back(values: ValueMap) -> None:
    limits = np.iinfo(values.dtype)
    numbers = np.arange(limits.min, limits.max + 1).astype(values.dtype)
    assert_array_equal(values.from_unit(values.to_unit(numbers)), numbers)


@pytest.mark.parametrize("dtype", ["uint32", "int32", "int64"])
def test_wide_integers_come_back_within_the_precision_of_the_unit(dtype: str) -> None:
    numbers = np.array([0, 1000, 2**24, 2**30], dtype)
    values = ValueMap(dtype, float(2**30))
    error = values.from_unit(values.to_unit(numbers)).astype(np.int64) - numbers.astype(np.int64)
    assert abs(error).max() <= 2**30 * 2.0**-24


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "int64"])
def test_what_lies_beyond_a_type_becomes_its_limit(dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = ValueMap(dtype, float(limits.max))
    beyond = values.from_unit(np.array([-9.0, 9.0], np.float32))
    assert beyond[0] == max(limits.min, -9 * limits.max)
    assert beyond[1] == pytest.approx(limits.max, rel=1e-15)
    assert beyond[1] > 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_beyond_the_range_are_kept(dtype: str) -> None:
    values = ValueMap(dtype, 100.0, -5.0)
    numbers = np.array([-1e6, -5.0, 95.0, 1e6], dtype)
    unit = values.to_unit(numbers)
    assert unit.dtype == np.float32
    assert (unit[1], unit[2]) == (0.0, 1.0)
    np.testing.assert_allclose(values.from_unit(unit), numbers, rtol=1e-6, atol=1e-4)


def test_a_negative_gain_turns_light_and_dark() -> None:
    values = ValueMap("int16", -100.0, 50.0)
    assert values.to_unit(np.array([50, -50], np.int16)).tolist() == [0.0, 1.0]
    assert values.from_unit(np.array([0.0, 1.0], np.float32)).tolist() == [50, -50]

"""Fewer pixels are averages of what is data; classes are never mixed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from srdesk.gui.scene.patch import Patch, reduced

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize(
    ("dtype", "channels"), [("uint8", 1), ("uint8", 3), ("uint16", 3), ("int16", 1), ("float32", 1)]
)
def test_pixels_are_averages_also_at_edges_that_are_not_whole(dtype: str, channels: int, factor: int) -> None:
    numbers = RNG.integers(0, 200, (37, 50, channels)).astype(dtype)
    coarse = reduced(Patch(numbers, None), factor, is_of_classes=False)
    assert coarse.numbers.dtype == dtype
    assert coarse.is_data is None
    for row, column in ((0, 0), (37 // factor - 1, 3), (-(-37 // factor) - 1, -(-50 // factor) - 1)):
        below = numbers[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        assert_allclose(coarse.numbers[row, column], below.mean(axis=(0, 1)), atol=1e-4 if dtype == "float32" else 0.6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_what_is_no_data_does_not_count_in_averages(dtype: str) -> None:
    numbers = np.array([[10, 20, 7], [30, 99, 7], [5, 99, 8]], dtype)[:, :, None]
    if dtype == "float32":
        numbers[2, 2] = np.nan
    is_data = np.array([[1, 1, 1], [1, 0, 1], [1, 0, 0]], np.bool_)
    coarse = reduced(Patch(numbers, is_data), 2, is_of_classes=False)
    assert coarse.numbers[..., 0].tolist() == [[20, 7], [5, 0]]
    assert coarse.is_data is not None
    assert coarse.is_data.tolist() == [[True, True], [True, False]]


def test_classes_are_never_mixed() -> None:
    numbers: Any = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    coarse = reduced(Patch(numbers, None), 2, is_of_classes=True)
    assert coarse.numbers[..., 0].tolist() == [[0, 2], [8, 10]]

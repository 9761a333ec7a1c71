"""A convolution before a pixel shuffle can do what one after it does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from srdesk.models.subpixel import conv_weight_before_shuffle


@given(
    kernel=st.sampled_from([1, 3, 5, 7, 9]),
    factor=st.sampled_from([2, 3, 4]),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
)
def test_both_orders_give_the_same_pixels(kernel: int, factor: int, height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(kernel * 100 + factor)
    weight = torch.randn(3, 2, kernel, kernel, generator=generator, dtype=torch.double)
    features = torch.randn(1, 2 * factor**2, height, width, generator=generator, dtype=torch.double)
    expected = functional.conv2d(functional.pixel_shuffle(features, factor), weight, padding=kernel // 2)
    moved = conv_weight_before_shuffle(weight, factor)
    actual = functional.pixel_shuffle(functional.conv2d(features, moved, padding=moved.shape[-1] // 2), factor)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(("kernel", "coarse"), [(9, 5), (3, 3), (5, 3)])
def test_coarse_kernel_is_as_small_as_it_can_be(kernel: int, coarse: int) -> None:
    moved = conv_weight_before_shuffle(torch.ones(3, 64, kernel, kernel), 2)
    assert moved.shape == (12, 256, coarse, coarse)


def test_every_tap_lands_once_for_each_output_pixel() -> None:
    weight = torch.arange(1.0, 82.0).view(1, 1, 9, 9)
    moved = conv_weight_before_shuffle(weight, 2)
    for phase in range(4):
        assert sorted(moved[phase][moved[phase] != 0].tolist()) == list(range(1, 82))

"""A convolution before a pixel shuffle can do what one after it does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from srdesk.models.subpixel import block_kernel, conv_weight_before_shuffle, phases_outermost, shuffle_phases


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


@given(factor=st.sampled_from([1, 2, 3]), height=st.integers(1, 7), width=st.integers(1, 7))
def test_reordered_channels_shuffle_to_the_same_pixels(factor: int, height: int, width: int) -> None:
    features = torch.arange(2.0 * 3 * factor**2 * height * width).view(2, 3 * factor**2, height, width)
    reordered = phases_outermost(features.transpose(0, 1), factor).transpose(0, 1)
    assert torch.equal(shuffle_phases(reordered, factor), functional.pixel_shuffle(features, factor))


def test_shuffled_phases_stay_channels_last() -> None:
    features = torch.rand(2, 64, 5, 3).contiguous(memory_format=torch.channels_last)
    assert shuffle_phases(features, 2).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("kernel", "coarse"), [(9, 5), (3, 3), (5, 3)])
def test_coarse_kernel_is_as_small_as_it_can_be(kernel: int, coarse: int) -> None:
    moved = conv_weight_before_shuffle(torch.ones(3, 64, kernel, kernel), 2)
    assert moved.shape == (12, 256, coarse, coarse)


def test_every_tap_lands_once_for_each_output_pixel() -> None:
    weight = torch.arange(1.0, 82.0).view(1, 1, 9, 9)
    moved = conv_weight_before_shuffle(weight, 2)
    for phase in range(4):
        assert sorted(moved[phase][moved[phase] != 0].tolist()) == list(range(1, 82))


@given(
    kernel=st.sampled_from([1, 3, 5, 7, 9]),
    factor=st.sampled_from([1, 2, 3, 4]),
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
)
def test_blocks_of_pixels_are_convolved_as_the_pixels_are(
    kernel: int, factor: int, channels: int, outputs: int
) -> None:
    generator = torch.Generator().manual_seed(kernel * 100 + factor)
    weight = torch.randn(outputs, channels, kernel, kernel, generator=generator, dtype=torch.double)
    on_blocks = block_kernel(weight, factor)
    around = on_blocks.shape[-1] // 2
    height, width = (3 + 2 * around) * factor, (4 + 2 * around) * factor
    pixels = torch.randn(2, channels, height, width, generator=generator, dtype=torch.double)
    unused_px = around * factor - kernel // 2
    inner = pixels[..., unused_px : height - unused_px, unused_px : width - unused_px]
    actual = functional.conv2d(in_blocks(pixels, factor), on_blocks)
    torch.testing.assert_close(actual, in_blocks(functional.conv2d(inner, weight), factor))


def in_blocks(pixels: torch.Tensor, factor: int) -> torch.Tensor:
    """Return `(N, C, H, W)` pixels as blocks, channels (row, column, channel of the pixel)."""
    n, c, h, w = pixels.shape
    split = pixels.view(n, c, h // factor, factor, w // factor, factor)
    return split.permute(0, 3, 5, 1, 2, 4).reshape(n, factor**2 * c, h // factor, w // factor)

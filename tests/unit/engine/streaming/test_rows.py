"""Rows that pass by, and convolutions on them."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from srdesk.engine.streaming.rows import ConvRows, Layer, RowBuffer, shuffled
from srdesk.errors import Cancelled

LIKE = torch.zeros(1)


def no_check() -> None:
    """Let everything go on."""


def random_layer(outputs: int, inputs: int, kernel: int) -> Layer:
    return Layer(torch.randn(outputs, inputs, kernel, kernel), torch.randn(outputs), torch.rand(outputs))


def pieces(rows: Tensor, sizes: list[int]) -> Iterator[Tensor]:
    start = 0
    for size in [*sizes, rows.shape[0]]:
        if start < rows.shape[0]:
            yield rows[start : start + size]
        start += size


@given(
    height=st.integers(1, 30),
    width=st.integers(1, 9),
    kernel=st.sampled_from([1, 3, 5, 9]),
    sizes=st.lists(st.integers(1, 12), max_size=30),
    at_most=st.integers(1, 40),
    is_padded=st.booleans(),
)
def test_a_streamed_convolution_equals_the_convolution_of_the_whole(
    height: int, width: int, kernel: int, sizes: list[int], at_most: int, is_padded: bool
) -> None:
    radius = kernel // 2
    if not is_padded:
        height, width = height + 2 * radius, width + 2 * radius
    torch.manual_seed(height)
    layer = random_layer(3, 2, kernel)
    picture = torch.randn(height, width, 2)
    padding = radius if is_padded else 0
    whole = functional.conv2d(picture.permute(2, 0, 1)[None], layer.weight, layer.bias, padding=padding)
    assert layer.slope is not None
    expected = functional.prelu(whole, layer.slope)[0].permute(1, 2, 0)

    rows = ConvRows(layer, RowBuffer(height, width, channels=2, border_px=padding, like=LIKE), no_check)
    outputs = []
    for piece in pieces(picture, sizes):
        rows.input.append(piece)
        while (output := rows.compute(at_most=at_most)) is not None:
            assert output.shape[0] <= at_most
            outputs.append(output.clone())
    torch.testing.assert_close(torch.cat(outputs), expected, rtol=1e-5, atol=1e-5)


def test_a_buffer_holds_no_more_rows_for_a_taller_picture() -> None:
    def most_held_bytes(height: int) -> int:
        conv = ConvRows(random_layer(1, 1, 9), RowBuffer(height, 5, channels=1, border_px=4, like=LIKE), no_check)
        most = 0
        for _ in range(height // 10):
            conv.input.append(torch.zeros(10, 5, 1))
            conv.compute(at_most=height)
            most = max(most, conv.input.held_bytes)
        return most

    assert most_held_bytes(1000) == most_held_bytes(100)


def test_rows_that_others_still_need_are_not_forgotten() -> None:
    buffer = RowBuffer(100, 4, channels=1, border_px=1, like=LIKE)
    first = ConvRows(random_layer(1, 1, 3), buffer, no_check, forgets=False)
    picture = torch.randn(100, 4, 1)
    for start in range(0, 100, 10):
        buffer.append(picture[start : start + 10])
        first.compute(at_most=10)
    torch.testing.assert_close(buffer.rows(0, 100), picture)


def test_only_rows_that_are_final_are_used() -> None:
    conv = ConvRows(random_layer(1, 1, 3), RowBuffer(20, 4, channels=1, border_px=1, like=LIKE), no_check)
    conv.input.append(torch.zeros(10, 4, 1))
    output = conv.compute(5, at_most=20)
    assert output is not None
    assert output.shape[0] == conv.done == 4
    assert conv.compute(5, at_most=20) is None


def test_the_check_is_made_before_anything_is_computed() -> None:
    def stop() -> None:
        raise Cancelled

    conv = ConvRows(random_layer(1, 1, 3), RowBuffer(9, 4, channels=1, border_px=1, like=LIKE), stop)
    conv.input.append(torch.zeros(9, 4, 1))
    with pytest.raises(Cancelled):
        conv.compute(at_most=9)
    assert conv.done == 0


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_shuffling_rows_is_a_pixel_shuffle_of_channels_with_the_phases_outermost(factor: int) -> None:
    pixels = torch.randn(3, 5, 2 * factor**2)
    phases_innermost = pixels.view(3, 5, factor**2, 2).transpose(2, 3).reshape(3, 5, -1)
    expected = functional.pixel_shuffle(phases_innermost.permute(2, 0, 1)[None], factor)[0].permute(1, 2, 0)
    torch.testing.assert_close(shuffled(pixels, factor), expected)
    buffer = RowBuffer(3 * factor, 5 * factor, channels=2, border_px=0, like=LIKE)
    buffer.append_shuffled(pixels, factor)
    torch.testing.assert_close(buffer.rows(0, 3 * factor), expected)

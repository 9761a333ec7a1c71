"""Bicubic resampling: MATLAB's figures, and boxes that equal the whole bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.resample import (
    degrade,
    degrade_8bit,
    resize_bicubic,
    resize_bicubic_box,
    upscale_bicubic_box,
)

BENCHMARK = Path(__file__).parents[4] / "shared" / "benchmark"


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((height, width, channels), dtype=np.float32)


def column(*values: float) -> FloatArray:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def test_enlarging_a_step_gives_the_figures_of_matlab() -> None:
    # imresize([0; 0; 1; 1], 2): Keys' kernel at 1/4, 3/4, 5/4 and 7/4 pixels is 111, 29, −9 and −3 over 128.
    result = resize_bicubic(column(0, 0, 1, 1), 8, 1)[:, 0, 0]
    assert_allclose(result[:4] * 128, [0, -3, -9, 29 - 3], atol=1e-5)
    assert_allclose(result[::-1], 1 - result, atol=1e-6)


def test_reducing_widens_the_kernel_so_that_a_fine_grid_becomes_even_grey() -> None:
    checkerboard = np.indices((64, 64)).sum(axis=0)[:, :, None] % 2
    reduced = resize_bicubic(checkerboard.astype(np.float32), 16, 16)
    assert_allclose(reduced[2:-2, 2:-2], 0.5, atol=1e-6)
    assert_allclose(reduced, 0.5, atol=0.02)


@given(height=st.integers(1, 40), width=st.integers(1, 40), out_height=st.integers(1, 90), out_width=st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_an_even_picture_stays_even(height: int, width: int, out_height: int, out_width: int) -> None:
    even = np.full((height, width, 1), 0.25, np.float32)
    assert_allclose(resize_bicubic(even, out_height, out_width), 0.25, atol=1e-6)


@given(height=st.integers(1, 30), width=st.integers(1, 30), data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_lr_box_has_exactly_the_pixels_of_the_whole_enlargement(
    height: int, width: int, data: st.DataObject
) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    box = Box(top, left, data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left)))
    image = Image(noise(height, width))
    whole = resize_bicubic(image.pixels, 4 * height, 4 * width)
    hr = box.scaled(4)
    assert_array_equal(upscale_bicubic_box(image, box), whole[hr.top : hr.bottom, hr.left : hr.right])


@pytest.mark.parametrize("size", [(400, 1700), (100, 900), (37, 3000)])
def test_a_box_of_any_size_change_has_exactly_the_pixels_of_the_whole(size: tuple[int, int]) -> None:
    image = Image(noise(150, 1000, 1))
    whole = resize_bicubic(image.pixels, *size)
    box = Box(13, 555, 20, 299)
    part = resize_bicubic_box(image, box, height=size[0], width=size[1])
    assert_array_equal(part, whole[box.top : box.bottom, box.left : box.right])


def test_resizing_reads_a_small_part_of_the_picture_at_a_time() -> None:
    largest_px = 0

    class Watched:
        height, width, channels = 3000, 2000, 1

        def read(self, box: Box) -> FloatArray:
            nonlocal largest_px
            assert box == box.clipped(self.height, self.width)
            largest_px = max(largest_px, box.height * box.width)
            return np.zeros((box.height, box.width, 1), np.float32)

    resize_bicubic_box(Watched(), Box(0, 0, 750, 500), height=750, width=500)
    assert largest_px < 3000 * 2000 / 2


def test_the_input_is_not_modified() -> None:
    pixels = noise(20, 20)
    before = pixels.copy()
    resize_bicubic(pixels, 40, 10)
    degrade(pixels)
    assert_array_equal(pixels, before)


def test_flipping_and_degrading_can_be_exchanged() -> None:
    pixels = noise(32, 48)
    assert_allclose(degrade(pixels[::-1, ::-1]), degrade(pixels)[::-1, ::-1], atol=1e-6)


def test_degrading_beyond_the_edge_repeats_the_edge_pixel() -> None:
    edge = np.zeros((8, 4, 1), np.float32)
    edge[0] = 1
    # Taps of output 0 that fall on row 0 or above: half of the kernel's weight and 3/8 pixel more.
    position = np.arange(-6, 1)
    distance = np.abs(position - 1.5) / 4
    kernel = np.where(
        distance <= 1,
        1.5 * distance**3 - 2.5 * distance**2 + 1,
        -0.5 * (distance**3 - 5 * distance**2 + 8 * distance - 4),
    )
    assert_allclose(degrade(edge)[0, 0, 0], kernel.sum() / 4, atol=1e-6)


def test_a_picture_that_the_scale_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        degrade(noise(9, 8))


def test_an_8_bit_degradation_rounds_and_clips() -> None:
    numbers = (noise(32, 32) > 0.5).astype(np.uint8) * 255
    exact = np.clip(degrade(numbers.astype(np.float32)), 0, 255)
    assert degrade_8bit(numbers).dtype == np.uint8
    assert np.abs(degrade_8bit(numbers) - exact).max() < 25


@pytest.mark.skipif(not BENCHMARK.is_dir(), reason="the benchmark pictures are not beside this checkout")
@pytest.mark.parametrize(("name", "count"), [("Set5", 5), ("Set14", 14)])
def test_the_published_lr_files_come_out_bit_for_bit(name: str, count: int) -> None:
    from PIL import Image as PillowImage

    hr_paths = sorted((BENCHMARK / name / "HR").iterdir())
    assert len(hr_paths) == count
    for hr_path in hr_paths:
        with (
            PillowImage.open(hr_path) as hr_file,
            PillowImage.open(BENCHMARK / name / "LRx4" / hr_path.name) as lr_file,
        ):
            hr, lr = np.atleast_3d(np.asarray(hr_file)), np.atleast_3d(np.asarray(lr_file))
        assert_array_equal(degrade_8bit(hr), lr)

"""PSNR and SSIM as the papers print them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from srdesk.imaging.image import FloatArray
from srdesk.imaging.metrics import luma, psnr_y, ssim_y
from srdesk.imaging.resample import resize_bicubic
from srdesk.imaging.values import UINT8

BENCHMARK = Path(__file__).parents[4] / "shared" / "benchmark"


def noise(height: int = 40, width: int = 50, channels: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((height, width, channels), dtype=np.float32)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((0, 0, 0), 16), ((1, 1, 1), 235), ((1, 0, 0), 81.481), ((0, 1, 0), 144.553), ((0, 0, 1), 40.966)],
)
def test_luma_is_that_of_matlabs_rgb2ycbcr(colour: tuple[int, int, int], expected: float) -> None:
    assert_allclose(luma(np.array(colour, np.float32).reshape(1, 1, 3)), expected, atol=1e-9)


def test_grey_has_the_luma_of_three_equal_channels() -> None:
    grey = noise(channels=1)
    assert_allclose(luma(grey), luma(np.repeat(grey, 3, axis=2)), atol=1e-4)


def test_a_known_error_gives_a_known_ratio() -> None:
    black = np.zeros((20, 20, 1), np.float32)
    step = np.full((20, 20, 1), 1 / 219, np.float32)
    assert psnr_y(black, step) == pytest.approx(20 * math.log10(255), abs=1e-4)


def test_equal_pictures_have_an_infinite_ratio_and_similarity_one() -> None:
    assert psnr_y(noise(), noise()) == math.inf
    assert ssim_y(noise(), noise()) == pytest.approx(1)


def test_the_border_does_not_count() -> None:
    spoilt = noise().copy()
    spoilt[:4] = spoilt[-4:] = 0
    spoilt[:, :4] = spoilt[:, -4:] = 0
    assert psnr_y(noise(), spoilt, border_px=4) == math.inf
    assert psnr_y(noise(), spoilt, border_px=3) < 40
    assert ssim_y(noise(), spoilt, border_px=4) == pytest.approx(1)


def test_similarity_falls_with_noise() -> None:
    a = resize_bicubic(noise(10, 10), 80, 80)
    slight, strong = a + 0.02 * noise(80, 80, seed=1), a + 0.3 * noise(80, 80, seed=1)
    assert 1 > ssim_y(a, slight) > ssim_y(a, strong) > -1


def test_pictures_of_different_size_are_not_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        psnr_y(noise(40, 50), noise(40, 51))


def test_a_border_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        psnr_y(noise(8, 8), noise(8, 8), border_px=4)
    with pytest.raises(ValueError, match="11 pixels"):
        ssim_y(noise(18, 18), noise(18, 18), border_px=4)


@pytest.mark.skipif(not BENCHMARK.is_dir(), reason="the benchmark pictures are not beside this checkout")
@pytest.mark.parametrize(("name", "expected_db"), [("Set5", "28.43"), ("Set14", "26.09")])
def test_bicubic_has_the_published_figures(name: str, expected_db: str) -> None:
    from PIL import Image as PillowImage

    ratios_db = []
    for hr_path in sorted((BENCHMARK / name / "HR").iterdir()):
        with (
            PillowImage.open(hr_path) as hr_file,
            PillowImage.open(BENCHMARK / name / "LRx4" / hr_path.name) as lr_file,
        ):
            hr = UINT8.to_unit(np.atleast_3d(np.asarray(hr_file)))
            lr = UINT8.to_unit(np.atleast_3d(np.asarray(lr_file)))
        sr = UINT8.to_unit(UINT8.from_unit(resize_bicubic(lr, *hr.shape[:2])))
        ratios_db.append(psnr_y(sr, hr, border_px=4))
    assert f"{np.mean(ratios_db):.2f}" == expected_db

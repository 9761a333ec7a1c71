"""Numbers and maps that say how far a result can be trusted, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.enlarge import enlarge
from srdesk.engine.trust.honesty import (
    Spread,
    back_projected,
    consistency,
    degrade_and_compare,
    disagreement,
    invented_detail,
    score,
    with_models,
)
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts
from srdesk.errors import Cancelled, ConfigError
from srdesk.imaging.image import Box, FloatArray, Image, Sink, Source
from srdesk.imaging.metrics import psnr_y, ssim_y
from srdesk.imaging.resample import degrade_8bit, upscale_bicubic_box
from srdesk.imaging.science import Science, robust_values
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

FLOATS = ValueMap("float32", 1.0)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((height, width, channels), np.float32)


def stored(pixels: FloatArray, values: ValueMap = FLOATS) -> StoredImage:
    return StoredImage(values.from_unit(pixels), values)


def measured(numbers: np.ndarray, **what: object) -> Image:
    science = Science(**what)  # type: ignore[arg-type]
    picture = StoredImage(numbers[:, :, None], robust_values(numbers, science), None, science=science)
    return picture.to_image()


class Inventing:
    """A model that adds what is not there: the same rows, whichever way up the picture is."""

    name, card, scale, halo_px = "inventing", None, 4, 2

    def __init__(self, strength: float = 0.1) -> None:
        self.strength = strength

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        region = region or Box(0, 0, source.height, source.width)
        if control is not None:
            control.token.check()
            control.report(region.height * region.width, region.height * region.width)
        pixels = upscale_bicubic_box(source, region)
        rows = np.arange(region.top * 4, region.bottom * 4)
        pixels += np.float32(self.strength) * np.where(rows % 2, 1, -1).astype(np.float32)[:, None, None]
        sink.write(region.scaled(4), pixels.clip(0, 1))
        return UpscaleFacts("inventing", "cpu", "fp32", 0, 0.1, 1.0)


# --- what the picture vouches for -----------------------------------------------------------------------------------


def test_a_shift_of_all_values_is_the_inconsistency() -> None:
    image = Image(np.full((6, 7, 3), 0.5, np.float32), None, FLOATS)
    found = consistency(image, stored(np.full((24, 28, 3), 0.6, np.float32)))
    assert found.rms == pytest.approx(0.1, rel=1e-5)
    assert found.map.shape == (6, 7)


def test_transparent_pixels_do_not_count() -> None:
    alpha = np.ones((6, 7), np.float32)
    alpha[:, 4:] = 0
    image = Image(np.full((6, 7, 3), 0.5, np.float32), alpha, FLOATS)
    sr = np.full((24, 28, 3), 0.5, np.float32)
    sr[:, 16:] = 0.9
    found = consistency(image, stored(sr))
    assert found.rms == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("quantity", ["sum", "mean"])
def test_a_measured_result_is_compared_whatever_is_conserved_and_without_its_holes(quantity: str) -> None:
    numbers = np.random.default_rng(1).normal(1000, 30, (12, 13)).astype(np.float32)
    numbers[3:6, 4:6] = np.nan
    image = measured(numbers, quantity=quantity)
    result, _ = enlarge(image, BicubicUpscaler())
    found = consistency(image, result)
    assert np.isfinite(found.rms)
    assert found.psnr_db > 20
    assert not found.map[3:6, 4:6].any()


@settings(max_examples=15)
@given(
    seed=st.integers(0, 99),
    height=st.integers(2, 14),
    width=st.integers(2, 14),
    low=st.floats(0, 1),
    high=st.floats(0, 1),
)
def test_more_strength_is_never_less_consistent(seed: int, height: int, width: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    image = Image(noise(height, width, seed=seed), None, FLOATS)  # up to both limits
    result = stored(noise(height * 4, width * 4, seed=seed + 1))
    weak, strong = (consistency(image, back_projected(image, result, one)).rms for one in (low, high))
    assert strong <= weak * (1 + 1e-5) + 1e-7


@pytest.mark.parametrize("dtype", ["float32", "uint16", "int16"])
@pytest.mark.parametrize("quantity", ["sum", "mean"])
def test_back_projection_of_a_measured_picture_conserves_it_and_falls_with_strength(dtype: str, quantity: str) -> None:
    numbers = np.random.default_rng(4).normal(9000, 900, (11, 12)).astype(dtype)
    image = measured(numbers, quantity=quantity)
    result, _ = enlarge(image, Inventing())
    rms = []
    for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
        projected = back_projected(image, result, strength)
        rms.append(consistency(image, projected).rms)
        blocks = projected.numbers.astype(np.float64).reshape(11, 4, 12, 4)
        totals = blocks.sum(axis=(1, 3)) if quantity == "sum" else blocks.mean(axis=(1, 3))
        assert_allclose(totals, numbers, rtol=1e-6)
    assert rms == sorted(rms, reverse=True)
    assert rms[-1] < rms[0]


def test_no_strength_is_the_result_itself() -> None:
    image = Image(noise(5, 6))
    result, _ = enlarge(image, BicubicUpscaler())
    assert back_projected(image, result, 0.0) is result


def test_pixels_without_a_value_stay_without_one() -> None:
    numbers = noise(8, 9, 1)[:, :, 0] * 100
    numbers[2, 3] = np.nan
    image = measured(numbers)
    result, _ = enlarge(image, Inventing())
    projected = back_projected(image, result, 1.0)
    assert_array_equal(np.isnan(projected.numbers), np.isnan(result.numbers))


# --- what may be invented -------------------------------------------------------------------------------------------


def test_what_does_not_turn_with_the_picture_is_found_and_what_does_is_not() -> None:
    image = Image(noise(9, 11) * 0.5 + 0.25)
    assert invented_detail(image, BicubicUpscaler(), Control()).max() < 1e-6
    spread = invented_detail(image, Inventing(0.1), Control())
    assert spread.shape == (36, 44)
    # Rows of four turns and columns of the other four, each ±0.1: their mean is ±0.1 or 0 with equal chance.
    assert spread.mean() == pytest.approx(0.1, rel=0.3)


def test_a_region_of_the_map_is_that_part_of_the_whole_map() -> None:
    image = Image(noise(20, 24))
    whole = invented_detail(image, Inventing(), Control())
    part = invented_detail(image, Inventing(), Control(), region=Box(5, 6, 7, 8))
    assert_allclose(part, whole[20:48, 24:56], atol=1e-6)


def test_progress_goes_once_from_nothing_to_all() -> None:
    seen: list[Progress] = []
    control = Control(on_progress=seen.append, max_rate_hz=1e9)
    invented_detail(Image(noise(4, 4)), Inventing(), control)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(fractions) == 8


def test_a_raised_token_stops_it() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        invented_detail(Image(noise(4, 4)), Inventing(), Control(token))


def test_the_disagreement_of_two_results_is_their_difference() -> None:
    one, other = np.full((8, 9, 3), 0.25, np.float32), np.full((8, 9, 3), 0.25, np.float32)
    other[2, 3] = (0.25, 0.55, 0.55)
    apart = disagreement(stored(one), stored(other))
    assert apart[2, 3] == pytest.approx(0.2, rel=1e-5)
    apart[2, 3] = 0
    assert not apart.any()


def test_a_map_is_summed_up_in_three_numbers() -> None:
    found = Spread.of(np.linspace(0, 1, 1001, dtype=np.float32))
    assert (found.mean, found.high, found.worst) == pytest.approx((0.5, 0.99, 1.0))


# --- how close it comes ---------------------------------------------------------------------------------------------


def test_the_bicubic_is_always_there_and_first() -> None:
    outcomes = with_models(Image(noise(5, 6)), {"inventing": Inventing()}, Control())
    assert [outcome.model for outcome in outcomes] == ["bicubic", "inventing"]


def test_degrading_and_comparing_measures_as_published_tables_do() -> None:
    hr = UINT8.to_unit(np.random.default_rng(8).integers(0, 256, (42, 47, 3), np.uint8))
    found = degrade_and_compare(Image(hr), {"inventing": Inventing()}, Control())
    assert found.hr.shape == (40, 44, 3)
    lr = degrade_8bit(UINT8.from_unit(hr[:40, :44]), 4)  # type: ignore[arg-type]
    assert_array_equal(found.lr.pixels, UINT8.to_unit(lr))
    assert [outcome.model for outcome in found.outcomes] == ["bicubic", "inventing"]
    sr = found.outcomes[0].result.read(Box(0, 0, 40, 44))
    assert found.scores[0].psnr_y_db == psnr_y(sr, hr[:40, :44])
    assert found.scores[0].ssim_y == ssim_y(sr, hr[:40, :44])
    assert found.scores[1].psnr_y_db < found.scores[0].psnr_y_db


def test_sixteen_bits_stay_sixteen_bits() -> None:
    found = degrade_and_compare(Image(noise(24, 24), None, UINT16), {}, Control())
    assert found.lr.values == UINT16
    assert found.outcomes[0].result.numbers.dtype == np.uint16


def test_a_picture_too_small_to_be_measured_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        degrade_and_compare(Image(noise(19, 40)), {}, Control())
    assert "at least 20 pixels" in raised.value.hint


def test_a_truth_of_another_size_is_refused_and_one_with_a_rest_is_not() -> None:
    result = stored(noise(24, 28))
    assert score(result, noise(27, 31)).psnr_y_db > 0
    with pytest.raises(ConfigError):
        score(result, noise(28, 28))
    with pytest.raises(ConfigError):
        score(result, noise(23, 28))

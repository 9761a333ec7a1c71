"""What was measured is conserved, block by block, whatever the type, the unit and the network."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from srdesk.imaging.flux import (
    FluxError,
    background_of,
    block_totals,
    detail_limits,
    enlarged_values,
    fitted,
    flux_error,
    frame_error,
)
from srdesk.imaging.science import Quantity, Science, robust_values
from srdesk.imaging.values import ValueMap

SCALE = 4
RNG = np.random.default_rng(7)

INTEGERS = ("uint8", "int16", "int32", "int64")
FLOATS = ("float32", "float64")


def noise(dtype: str, height: int = 6, width: int = 5) -> NDArray[np.generic]:
    if dtype in FLOATS:
        return (RNG.normal(size=(height, width)) * 1e3).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min // 2, limits.max // 2, (height, width), dtype=dtype)


def nearest(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.repeat(np.repeat(pixels, SCALE, 0), SCALE, 1)


def random_sr(lr: NDArray[np.generic], spread: float = 1.0) -> NDArray[np.float32]:
    return (RNG.normal(size=(lr.shape[0] * SCALE, lr.shape[1] * SCALE)) * spread).astype(np.float32)


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS)
def test_a_network_that_changes_nothing_gives_back_every_bit(dtype: str) -> None:
    lr = noise(dtype)
    values = robust_values(lr[:, :, None], Science())
    sr = nearest(values.to_unit(lr)).astype(np.float32)
    assert_array_equal(fitted(sr, lr, Science(), values.gain, SCALE), nearest(lr))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("spread", [0.001, 1.0, 1e4])
def test_integer_means_are_conserved_to_the_last_count(dtype: str, spread: float) -> None:
    lr = noise(dtype)
    numbers = fitted(random_sr(lr, spread), lr, Science(), 300.0, SCALE)
    blocks = numbers.reshape(lr.shape[0], SCALE, lr.shape[1], SCALE).astype(object).sum(axis=(1, 3))
    assert numbers.dtype == lr.dtype
    assert_array_equal(blocks, lr.astype(object) * SCALE**2)


@pytest.mark.parametrize("zero", [0.0, 32768.0])
def test_integer_counts_are_conserved_to_the_last_count(zero: float) -> None:
    science = Science(quantity="sum", zero=zero, unit="adu")
    lr = (RNG.integers(0, 65535, (6, 5)) - int(zero)).clip(-32768, 32767).astype(np.int16)
    numbers = fitted(random_sr(lr), lr, science, 900.0, SCALE)
    assert_array_equal(block_totals(numbers, science, SCALE), science.measured(lr))


@pytest.mark.parametrize("quantity", ["sum", "mean"])
@pytest.mark.parametrize("most", [60_000, 2**64 - 1])
def test_unsigned_numbers_of_64_bits_are_conserved_and_get_their_detail(quantity: Quantity, most: int) -> None:
    science = Science(quantity=quantity, zero=2.0**63, unit="adu")
    counts = RNG.integers(0, most, (6, 5), dtype=np.uint64, endpoint=True)
    lr = (counts - np.uint64(2**63)).view(np.int64)
    numbers = fitted(random_sr(lr), lr, science, most / 100, SCALE)
    blocks = numbers.reshape(6, SCALE, 5, SCALE).astype(object) + 2**63
    share = 1 if quantity == "sum" else SCALE**2
    assert_array_equal(blocks.sum(axis=(1, 3)), counts.astype(object) * share)
    assert len(np.unique(numbers)) > counts.size


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("quantity", ["sum", "mean"])
def test_floats_are_conserved_to_their_precision(dtype: str, quantity: str) -> None:
    science = Science(quantity=quantity, scale=0.5, zero=3.0)  # type: ignore[arg-type]
    lr = noise(dtype)
    numbers = fitted(random_sr(lr), lr, science, 900.0, SCALE)
    measured = science.measured(lr)
    np.testing.assert_allclose(block_totals(numbers, science, SCALE), measured, rtol=2e-6, atol=2e-3)


def test_counts_of_a_file_with_a_scale_are_conserved_within_its_steps() -> None:
    science = Science(quantity="sum", scale=0.0457, zero=1500.0)
    lr = noise("int16")
    numbers = fitted(random_sr(lr), lr, science, 900.0, SCALE)
    error = np.abs(block_totals(numbers, science, SCALE) - science.measured(lr))
    # Only what the numbers cannot express is missing: less than half a step, where they have room.
    has_room = np.abs((science.measured(lr) / 16 - 1500) / 0.0457) < 32000
    assert (error[has_room] <= 0.0457 / 2 + 1e-9).all()


@settings(max_examples=60)
@given(
    lr=st.lists(st.integers(-32768, 32767), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
    gain=st.sampled_from([1.0, 1e3, 1e6, -500.0]),
    quantity=st.sampled_from(["sum", "mean"]),
)
def test_no_integer_ever_leaves_its_type(lr: list[int], seed: int, gain: float, quantity: str) -> None:
    science = Science(quantity=quantity, blank=-32768)  # type: ignore[arg-type]
    numbers = np.array([lr], np.int16)
    sr = np.random.default_rng(seed).normal(size=(SCALE, SCALE * len(lr))).astype(np.float32)
    result = fitted(sr, numbers, science, gain, SCALE)
    blank = nearest(science.is_blank(numbers))
    assert (result[blank] == -32768).all()
    assert (result[~blank] != -32768).all()
    totals = block_totals(result, science, SCALE)
    assert_array_equal(totals[~science.is_blank(numbers)], numbers[~science.is_blank(numbers)].astype(float))


def test_blank_and_saturated_pixels_are_put_back_and_touch_nobody() -> None:
    lr = np.array([[1.0, np.nan, 3.0], [np.inf, 5.0, 900.0]], np.float32)
    science = Science(saturation=900.0)
    sr = random_sr(lr)
    numbers = fitted(sr, lr, science, 10.0, SCALE)
    assert_array_equal(numbers[:4, 4:8], np.full((4, 4), np.nan, np.float32))
    assert_array_equal(numbers[4:, :4], np.full((4, 4), np.inf, np.float32))
    assert_array_equal(numbers[4:, 8:], np.full((4, 4), 900.0, np.float32))
    assert np.isfinite(numbers[:4, :4]).all()


def test_saturated_counts_are_spread_like_all_counts_and_so_is_their_level() -> None:
    science = Science(quantity="sum", saturation=64000.0)
    lr = np.array([[64000, 100]], np.int32)
    numbers = fitted(random_sr(lr), lr, science, 10.0, SCALE)
    assert (numbers[:, :4] == 4000).all()
    assert science.after_enlarging(SCALE).is_unusable(numbers)[:, :4].all()


@pytest.mark.parametrize("scale", [1.0, -2.0])
@pytest.mark.parametrize("quantity", ["sum", "mean"])
def test_no_ring_is_dug_around_a_star(scale: float, quantity: str) -> None:
    science = Science(scale=scale, quantity=quantity)  # type: ignore[arg-type]
    measured = RNG.normal(100, 2, (9, 9))
    measured[4, 4] = 1e6
    lr = measured / scale
    limits = detail_limits(lr, science, background_of(lr, science))
    numbers = fitted(random_sr(lr), lr, science, 1e5, SCALE, limits)
    fine = science.measured(numbers) * (SCALE**2 if quantity == "sum" else 1)
    assert fine.min() > measured.min() - 2.1 * measured[0].std() - 5
    np.testing.assert_allclose(block_totals(numbers, science, SCALE), measured, rtol=1e-9)
    assert fine.reshape(9, SCALE, 9, SCALE).std(axis=(1, 3))[4, 4] > 1e4  # the star itself keeps its shape


def test_no_star_is_made_of_noise() -> None:
    sky = RNG.normal(100, 2, (30, 30))
    sky[20, 20] = 1e4
    limits = detail_limits(sky, Science(), background_of(sky, Science()))
    sr = np.zeros((30 * SCALE, 30 * SCALE), np.float32)
    sr[::SCALE, ::SCALE] = 1.0  # a model that makes a peak of every pixel
    fine = fitted(sr, sky, Science(), 1000.0, SCALE, limits).reshape(30, SCALE, 30, SCALE)
    peaks = fine.max(axis=(1, 3))
    assert peaks[:18].max() < sky[:18].max() + 2.5
    assert peaks[20, 20] > sky[20, 20] + 900  # a star may be as sharp as the model thinks
    np.testing.assert_allclose(fine.mean(axis=(1, 3)), sky, rtol=1e-12)


def test_a_peak_beyond_the_largest_float_stays_finite() -> None:
    lr = np.array([[3e38]], np.float32)
    sr = np.zeros((4, 4), np.float32)
    sr[0, 0] = 1.0
    assert np.isfinite(fitted(sr, lr, Science(), 3e38, SCALE)).all()


def test_a_result_of_counts_looks_as_bright_as_its_input() -> None:
    science = Science(quantity="sum", zero=32768.0)
    values = ValueMap("int16", 280.0, -32433.0)
    lr = np.array([[-32433 + 140]], np.int16)
    after = enlarged_values(values, science, SCALE)
    numbers = fitted(np.zeros((4, 4), np.float32), lr, science, values.gain, SCALE)
    assert after.to_unit(numbers).mean() == pytest.approx(0.5, abs=0.01)


def test_the_flux_error_names_the_worst_source_and_what_the_network_did() -> None:
    lr = RNG.normal(100, 1, (40, 40))
    lr[10:13, 10:13] += 1000
    lr[30, 30] += 500
    lr[0, 0] = np.nan
    result = lr.copy()
    result[30, 30] *= 1.01
    error = flux_error(lr, result, lr * 1.5, Science(unit="adu", quantity="sum"))
    assert error.sources == 2
    assert error.source_percent == pytest.approx(1.0)
    assert error.network_percent == pytest.approx(50.0)
    assert 0 < error.frame_percent < 0.01
    assert "worst of 2 sources" in str(error)
    assert msgspec.json.decode(msgspec.json.encode(error), type=FluxError) == error  # plain numbers, as sidecars need


@pytest.mark.parametrize("lr", [np.full((3, 3), 7.0), np.full((3, 3), np.nan), np.zeros((3, 3))])
def test_a_flat_or_empty_frame_has_no_sources(lr: NDArray[np.float64]) -> None:
    error = flux_error(lr, lr, lr, Science())
    assert (error.frame_percent, error.source_percent, error.sources) == (0.0, 0.0, 0)


@pytest.mark.filterwarnings("error")
def test_the_flux_error_of_numbers_whose_sum_is_beyond_the_largest_one() -> None:
    lr = RNG.normal(1.6e307, 1e305, (40, 40))
    lr[10:13, 10:13] *= 4
    result = lr.copy()
    result[10:13, 10:13] *= 1.01
    error = flux_error(lr, result, lr * 1.5, Science())
    assert error.sources == 1
    assert error.source_percent == pytest.approx(1.0)
    assert error.frame_percent == pytest.approx(0.01 * 36 / 1627 * 100, rel=1e-2)
    assert error.network_percent == pytest.approx(50.0)
    assert flux_error(lr, lr, lr, Science()).frame_percent == 0.0


@pytest.mark.filterwarnings("error")
def test_means_of_blocks_are_known_up_to_the_largest_number() -> None:
    assert_array_equal(block_totals(np.full((4, 8), 1.7e308), Science(), SCALE), np.full((1, 2), 1.7e308))


@pytest.mark.parametrize("before", [float("inf"), float("nan")])
def test_a_flux_error_that_cannot_be_known_is_not_said_to_be_none(before: float) -> None:
    error = frame_error(before, before, before, Science())
    assert np.isnan([error.frame_percent, error.network_percent]).all()
    assert str(error) == "flux error not known (means conserved)"


# --- science.robust_values ------------------------------------------------------------------------------------------


def test_the_range_leaves_out_the_few_that_outshine_the_rest() -> None:
    numbers = RNG.normal(100, 5, (200, 200, 1)).astype(np.float32)
    numbers[3, 3], numbers[4, 4] = 1e9, np.nan
    values = robust_values(numbers, Science())
    assert 20 < values.gain < 60
    assert values.to_unit(numbers)[3, 3, 0] > 1e6


def test_a_negative_scale_turns_the_range_so_that_bright_stays_bright() -> None:
    numbers = np.arange(10_000, dtype=np.int16).reshape(100, 100, 1)
    science = Science(scale=-1.0)
    unit = robust_values(numbers, science).to_unit(numbers)
    assert unit[0, 0, 0] > unit[-1, -1, 0]


@pytest.mark.parametrize("value", [0.0, 1e-300, -7.5])
def test_a_constant_picture_has_a_range(value: float) -> None:
    numbers = np.full((4, 4, 1), value)
    assert np.isfinite(robust_values(numbers, Science()).to_unit(numbers)).all()

"""Consistency is what it says, back-projection always improves it, and invented detail shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.imaging.fidelity import TURNS, back_projected, consistency, disagreement, spread_over_turns
from srdesk.imaging.image import FloatArray
from srdesk.imaging.resample import degrade, resize_bicubic

SCALE = 4


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((height, width, channels), np.float32)


def bicubic(lr: FloatArray) -> FloatArray:
    return resize_bicubic(lr, lr.shape[0] * SCALE, lr.shape[1] * SCALE).clip(0, 1)


def test_a_result_that_the_picture_was_made_from_is_consistent() -> None:
    hr = noise(40, 48)
    lr = resize_bicubic(hr, 10, 12)
    found = consistency(hr, lr)
    assert found.rms == 0
    assert found.psnr_db == float("inf")
    assert not found.map.any()


def test_consistency_is_the_difference_of_the_reduced_result() -> None:
    lr = np.full((6, 7, 3), 0.5, np.float32)
    sr = np.full((24, 28, 3), 0.6, np.float32)
    found = consistency(sr, lr)
    assert found.rms == pytest.approx(0.1, rel=1e-5)
    assert found.worst == pytest.approx(0.1, rel=1e-5)
    assert found.psnr_db == pytest.approx(20.0, abs=1e-3)
    assert found.map.shape == (6, 7)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 17, 33, 64])
def test_reducing_what_was_enlarged_is_a_symmetric_map_between_0_and_1(size: int) -> None:
    # What the proof rests on: one axis after the other, so that the eigenvalues of both axes are multiplied.
    unit = np.eye(size, dtype=np.float32)[:, :, None]
    enlarged = resize_bicubic(unit, size * SCALE, size)
    matrix = resize_bicubic(enlarged, size, size)[:, :, 0].astype(np.float64)
    assert_allclose(matrix, matrix.T, atol=1e-6)
    eigenvalues = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    assert eigenvalues.min() > 0
    assert eigenvalues.max() <= 1 + 1e-6


@settings(max_examples=40)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    seed=st.integers(0, 99),
    strength=st.floats(0.01, 1.0),
)
def test_back_projection_always_lowers_the_difference(height: int, width: int, seed: int, strength: float) -> None:
    lr = noise(height, width, seed=seed) * 0.8 + 0.1
    sr = noise(height * SCALE, width * SCALE, seed=seed + 1)
    before = consistency(sr, lr).rms
    after = back_projected(sr, lr, np.float32(strength))
    assert consistency(after, lr).rms < before
    assert after.min() >= 0
    assert after.max() <= 1


def test_more_strength_is_more_consistent_and_none_changes_no_bit() -> None:
    lr = noise(12, 13) * 0.4 + 0.3
    sr = (bicubic(lr) + 0.2 * noise(48, 52, seed=4) - 0.1).clip(0, 1)
    kept = sr.copy()
    rms = [consistency(back_projected(sr, lr, strength), lr).rms for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert rms == sorted(rms, reverse=True)
    assert rms[-1] < rms[0] / 5
    assert back_projected(sr, lr, 0.0) is sr
    assert_array_equal(sr, kept)


def test_back_projection_leaves_a_consistent_result_alone() -> None:
    hr = noise(40, 48)
    lr = resize_bicubic(hr, 10, 12)
    assert_array_equal(back_projected(hr, lr, 1.0), hr)


def test_measured_values_have_limits_of_their_own() -> None:
    lr = noise(10, 10, 1) * 5000 - 1000
    sr = resize_bicubic(lr, 40, 40) + 100
    after = back_projected(sr, lr, 1.0, limits=(-np.inf, np.inf))
    assert consistency(after, lr).rms < 0.1 * consistency(sr, lr).rms


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_beyond_its_range_is_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        back_projected(noise(4, 4), noise(1, 1), strength)


# --- invented detail ------------------------------------------------------------------------------------------------


def test_the_eight_turns_are_different_and_undone() -> None:
    pixels = noise(3, 5)
    turned = {turn(pixels).tobytes() for turn, _ in TURNS}
    assert len(turned) == 8
    for turn, undo in TURNS:
        assert_array_equal(undo(turn(pixels)), pixels)
    assert_array_equal(TURNS[0][0](pixels), pixels)


def test_a_method_without_a_sense_of_direction_invents_nothing() -> None:
    assert spread_over_turns(noise(9, 7), bicubic).max() < 1e-6


def test_detail_that_depends_on_the_way_up_shows_where_it_is() -> None:
    def inventive(lr: FloatArray) -> FloatArray:
        sr = bicubic(lr)
        sr[:4, :4] += 0.5  # always in the upper left corner, whatever the picture is
        return sr

    spread = spread_over_turns(np.full((9, 7, 3), 0.3, np.float32), inventive)
    assert spread.shape == (36, 28)
    assert spread[0, 0] == pytest.approx(0.5 * np.sqrt(0.25 * 0.75), rel=1e-3)
    assert spread[16, 14] < 1e-6


def test_two_results_disagree_by_their_mean_difference() -> None:
    one = np.zeros((2, 2, 3), np.float32)
    other = one.copy()
    other[0, 1] = (0.3, 0.0, -0.3)
    assert disagreement(one, other)[0, 1] == pytest.approx(0.2)
    assert disagreement(one, one).max() == 0


def test_the_reduction_of_training_and_of_consistency_agree_away_from_the_edges() -> None:
    hr = noise(64, 64)
    assert_allclose(resize_bicubic(hr, 16, 16)[3:-3, 3:-3], degrade(hr)[3:-3, 3:-3], atol=1e-6)

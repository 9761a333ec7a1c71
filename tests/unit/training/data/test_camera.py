"""Training sees pictures as a camera with noise, or one without colours, would."""

from __future__ import annotations

import numpy as np
import pytest

from srdesk.imaging.resample import degrade_8bit
from srdesk.training.config import TrainConfig
from srdesk.training.data.camera import Camera, camera_for, camera_of_picture

DIGEST = "0123456789abcdef" * 4


def test_noise_is_what_it_is_said_to_be_and_less_once_it_is_reduced() -> None:
    flat = np.full((512, 512, 3), 128, np.uint8)
    truth, exposed = Camera(is_grey=False, noise=0.1, random=np.random.default_rng(1)).take(flat)
    np.testing.assert_array_equal(truth, flat)
    assert exposed.std() == pytest.approx(25.5, rel=0.01)
    assert degrade_8bit(exposed, 4).std() < 0.35 * exposed.std()


def test_a_camera_without_colours_has_the_same_noise_in_all() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    truth, exposed = Camera(is_grey=True, noise=0.1, random=np.random.default_rng(1)).take(colours)
    for pixels in (truth, exposed):
        assert np.ptp(pixels, axis=2).max() == 0
    assert not np.array_equal(truth, exposed)
    np.testing.assert_allclose(truth[..., 0], colours.mean(axis=2), atol=0.51)


def test_pictures_are_taken_as_they_are_unless_told_otherwise() -> None:
    random = np.random.default_rng(0)
    assert camera_for(TrainConfig(), random) is None
    assert random.random() == np.random.default_rng(0).random(), "older runs go on as they began"


def test_a_held_out_picture_is_always_seen_alike() -> None:
    config = TrainConfig(noise=0.1, grey_share=0.5)
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    results = []
    for seed in (1, 2):
        camera = camera_of_picture(TrainConfig(noise=0.1, grey_share=0.5, seed=seed), DIGEST)
        assert camera is not None
        results.append(camera.take(picture)[1])
    np.testing.assert_array_equal(*results)
    other = camera_of_picture(config, DIGEST[::-1])
    assert other is not None
    assert not np.array_equal(other.take(picture)[1], results[0])


def test_all_noises_and_shares_are_drawn() -> None:
    config = TrainConfig(noise=0.2, grey_share=0.25)
    random = np.random.default_rng(0)
    cameras = [camera for _ in range(400) if (camera := camera_for(config, random)) is not None]
    assert np.mean([camera.is_grey for camera in cameras]) == pytest.approx(0.25, abs=0.06)
    noises = [camera.noise for camera in cameras]
    assert 0.0 <= min(noises) < 0.02
    assert 0.18 < max(noises) <= 0.2

"""What a run will take is known before it begins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.scenes import scene as scenes
from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.scenes.scene_forecast import foresee
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, ConfigError, ImageReadError, ImageWriteError
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(8)


@pytest.fixture(autouse=True)
def _small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 64)
    monkeypatch.setattr(scenes, "_WINDOW_COLUMNS_PX", 128)


def test_a_forecast_knows_the_size_and_the_windows_of_the_result(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    source = make_geotiff("scene.tif", RNG.integers(0, 4000, (4, 200, 130), np.uint16), photometric="RGB")
    forecast = foresee(source, tmp_path / "out.tif")
    assert (forecast.height, forecast.width) == (800, 520)
    assert forecast.passes == 2, "red, green and blue together, the fourth band alone"
    assert forecast.steps == 2 * 4 * 2
    assert forecast.finished_steps == 0
    assert forecast.finished_share == 0.0
    assert forecast.expected_bytes == 1024 * 768 * 4 * 2, "whole tiles, nothing compressed"
    assert forecast.free_bytes > forecast.expected_bytes


def test_bands_that_are_taken_as_colours_are_one_pass(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    source = make_geotiff("scene.tif", RNG.integers(0, 4000, (4, 20, 30), np.uint16), photometric="MINISBLACK")
    assert foresee(source, tmp_path / "out.tif").passes == 4
    assert foresee(source, tmp_path / "out.tif", (4, 3, 2)).passes == 2
    with pytest.raises(ConfigError):
        foresee(source, tmp_path / "out.tif", (5, 3, 2))


def test_what_an_earlier_run_has_finished_counts(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    source, output = make_geotiff("scene.tif", RNG.integers(0, 9, (1, 200, 130), np.uint8)), tmp_path / "out.tif"
    token = CancelToken()

    def stop_in_the_middle(progress: object) -> None:
        if getattr(progress, "done", 0) >= 3 * 64 * 128:
            token.cancel()

    control = Control(token, on_progress=stop_in_the_middle, max_rate_hz=float("inf"))
    with open_geotiff(source) as scene, pytest.raises(Cancelled):
        enlarge_scene(scene, BicubicUpscaler(), output, control, recipe="test")
    forecast = foresee(source, output)
    assert 0 < forecast.finished_steps < forecast.steps
    assert forecast.finished_share == forecast.finished_steps / 8


def test_too_little_room_is_refused_with_a_sentence(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_geotiff("scene.tif", RNG.integers(0, 9, (1, 200, 130), np.uint8))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with pytest.raises(ImageWriteError, match=r"it needs about \d+\.\d MB, and 1 kB are free"):
        foresee(source, tmp_path / "out.tif")


def test_a_scene_that_is_gone_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError):
        foresee(tmp_path / "gone.tif", tmp_path / "out.tif")

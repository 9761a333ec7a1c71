"""What is said about a scene before it is enlarged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srdesk.engine.control import Control
from srdesk.engine.scenes import scene as scenes
from srdesk.engine.scenes.scene import enlarge_scene, expected_bytes
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import ImageReadError
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.scene.writer import ScenePlan

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(17)


def said(path: Path, output: Path) -> list[str]:
    """Enlarge a scene; return what was said on the way."""
    sentences: list[str] = []
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, Control(on_notice=sentences.append), recipe="test")
    return sentences


def test_time_and_room_are_foretold_where_they_matter(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 200, 300), np.uint8))
    assert said(path, tmp_path / "out.tif") == []
    monkeypatch.setattr(scenes, "_WORTH_A_TRIAL_PX", 0)
    monkeypatch.setattr(scenes, "_WORTH_SAYING_S", -1)
    (sentence,) = said(path, tmp_path / "out.tif")
    assert re.fullmatch(r"This will take up to \d+ \w+ and about 0\.0 GB on the disk\.", sentence)


@pytest.mark.parametrize(("seconds", "words"), [(1, "1 seconds"), (119, "119 seconds"), (7000, "117 minutes")])
def test_times_are_said_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert scenes._spoken(seconds) == words
    assert scenes._spoken(3600 * 40) == "40 hours"
    assert scenes._spoken(86400 * 9.4) == "9 days"


def test_another_compression_is_said(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    options: dict[str, Any] = {"compress": "jpeg", "tiled": True, "blockxsize": 16, "blockysize": 16}
    pixels = RNG.integers(0, 256, (1, 32, 32), np.uint8)
    assert said(make_geotiff("a.tif", pixels, **options), tmp_path / "out.tif") == []
    (sentence,) = said(make_geotiff("b.tif", pixels, nodata=0, **options), tmp_path / "out.tif")
    assert sentence == "The result is compressed by DEFLATE instead of JPEG, so that it stays exact."


def test_a_lossy_kind_of_a_lossless_compression_is_another_one(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (1, 32, 32), np.uint8)
    (sentence,) = said(make_geotiff("a.tif", pixels, compress="lerc_deflate"), tmp_path / "out.tif")
    assert "DEFLATE instead of LERC_DEFLATE" in sentence


def test_flags_are_repeated_and_said_to_be(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    flags = RNG.choice(np.array([1, 21824, 22080, 55052], np.uint16), (1, 20, 30))
    assert said(make_geotiff("LC09_QA_PIXEL.TIF", flags, nodata=1), tmp_path / "out.tif") == [
        "Band 1 holds flags or classes, which were repeated, not enlarged."
    ]
    with open_geotiff(tmp_path / "out.tif") as scene:
        result = scene.dataset.read()
    np.testing.assert_array_equal(result, flags.repeat(4, axis=1).repeat(4, axis=2))


def test_a_result_is_expected_to_be_compressed_like_its_input(make_geotiff: MakeGeoTiff) -> None:
    noise = RNG.integers(0, 256, (1, 256, 256), np.uint8)
    sizes = {}
    for name, pixels, options in (
        ("raw", noise, {}),
        ("noise", noise, {"compress": "deflate"}),
        ("even", np.ones_like(noise), {"compress": "deflate"}),
        ("float", np.ones(noise.shape, np.float32), {"compress": "deflate"}),
    ):
        with open_geotiff(make_geotiff(f"{name}.tif", pixels, **options)) as scene:
            plan = ScenePlan(scene, 4, is_interleaved=False)
            sizes[name] = expected_bytes(plan) / plan.raw_bytes
    assert sizes == {"raw": 1, "noise": 1, "even": pytest.approx(0.1, rel=1e-3), "float": 1}


def test_progress_counts_every_window_and_band(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    seen = []
    control = Control(on_progress=lambda progress: seen.append((progress.done, progress.total)), max_rate_hz=1e9)
    with open_geotiff(make_geotiff("a.tif", np.ones((2, 20, 30), np.uint8))) as scene:
        enlarge_scene(scene, BicubicUpscaler(), tmp_path / "out.tif", control, recipe="test")
    assert seen[-1] == (1200, 1200)
    assert seen == sorted(seen)


def test_a_scene_that_is_changed_while_it_is_read_gives_no_result(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    path = make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8))
    control = Control(on_progress=lambda progress: os.utime(path, (1, 1)))
    with pytest.raises(ImageReadError, match="changed while it was read"), open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), tmp_path / "out.tif", control, recipe="test")
    assert list(tmp_path.iterdir()) == [path]

"""`srdesk upscale scene.tif`: from disk to disk, with everything that the file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srdesk.imaging.scene.gdal_session import gdal_session

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(31)


def scene(make_geotiff: MakeGeoTiff, name: str = "scene.tif", bands: int = 5, **options: Any) -> Path:
    return make_geotiff(name, RNG.integers(300, 3000, (bands, 40, 50), np.uint16), photometric="minisblack", **options)


def facts(path: Path) -> dict[str, Any]:
    with gdal_session() as rasterio, rasterio.open(path, driver="GTiff") as dataset:
        return {**dataset.profile, "tags": dataset.tags(), "bounds": dataset.bounds, "numbers": dataset.read()}


@pytest.mark.parametrize("model", ["bicubic", "tiny"])
def test_a_scene_keeps_its_place_on_earth(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, tiny_weights: Path, model: str
) -> None:
    source = scene(make_geotiff, compress="deflate", nodata=0)
    ended = srdesk("upscale", source, "--model", model, "--device", "cpu", "--bands", "4,3,2", "--json")
    assert ended.status == 0, ended.err
    (output,) = ended.document["outputs"]
    assert output["output"] == str(tmp_path / f"scene_{model}_x4.tif")
    assert (output["windows"], output["resumed_windows"]) == (3, 0)
    before, after = facts(source), facts(Path(output["output"]))
    for name in ("crs", "bounds", "nodata", "dtype", "count", "compress"):
        assert after[name] == before[name], name
    assert after["tags"]["SRDESK_MODEL"] == model
    assert ("SRDESK_WEIGHTS_SHA256" in after["tags"]) == (model == "tiny")
    assert after["numbers"].shape == (5, 160, 200)
    assert 250 < after["numbers"].mean() < 3050


def test_the_same_command_gives_the_same_bytes(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, tiny_weights: Path
) -> None:
    source = scene(make_geotiff, bands=2)
    for name in ("a.tif", "b.tif"):
        assert srdesk("upscale", source, "--model", "tiny", "--device", "cpu", "-o", tmp_path / name).status == 0
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_folder_of_scenes_and_photos_is_enlarged_each_in_its_way(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, photo: Any
) -> None:
    scene(make_geotiff)
    photo(tmp_path / "photo.png")
    ended = srdesk("upscale", tmp_path, "-o", f"{tmp_path}/out/", "--model", "bicubic")
    assert ended.status == 0, ended.err
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["photo_bicubic_x4.png", "scene_bicubic_x4.tif"]


def test_a_scene_as_a_png_is_a_photo(srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    ended = srdesk("upscale", scene(make_geotiff, bands=1), "--model", "bicubic", "-o", tmp_path / "out.png")
    assert ended.status == 0, ended.err
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "2x"], "4x for a GeoTIFF"),
        (["--background", "white"], "keeps its opacity"),
        (["--bands", "1,2,9"], "from 1 to 5"),
    ],
)
def test_what_is_not_done_to_scenes_is_said_before_anything_is_computed(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, options: list[str], words: str
) -> None:
    source = scene(make_geotiff)
    ended = srdesk("upscale", source, "--model", "bicubic", *options)
    assert ended.status == 1
    assert words in ended.err
    assert list(tmp_path.iterdir()) == [source]


def test_bands_that_are_no_triple_are_wrong_usage(srdesk: Any, make_geotiff: MakeGeoTiff) -> None:
    ended = srdesk("upscale", scene(make_geotiff), "--bands", "red,green,blue")
    assert ended.status == 2
    assert "4,3,2" in ended.err


def test_a_damaged_scene_does_not_stop_the_others(srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    good = scene(make_geotiff)
    noise = RNG.integers(0, 256, (1, 600, 600), np.uint8)
    bad = make_geotiff("bad.tif", noise, tiled=True, blockxsize=256, blockysize=256, compress="deflate")
    bad.write_bytes(bad.read_bytes()[:150_000])
    ended = srdesk("upscale", bad, good, "-o", f"{tmp_path}/out/", "--model", "bicubic")
    assert ended.status == 1
    assert "“bad.tif” cannot be opened" in ended.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scene_bicubic_x4.tif"]


@pytest.mark.hostile
def test_a_scene_whose_result_fits_nowhere_is_refused_before_torch_is_loaded(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.cli.model_choice.ModelChoice.open", lambda *_: pytest.fail("the model was loaded"))
    layout = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "SPARSE_OK": True, "nodata": 0}
    for side_px, words in ((500_000, "2,000,000 × 2,000,000 pixels"), (240_000, "GB are free")):
        with gdal_session() as rasterio:
            size = {"width": side_px, "height": side_px, "count": 1, "dtype": "float64"}
            with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **size, **layout):
                pass
        assert (tmp_path / "a.tif").stat().st_size < 3_000_000
        ended = srdesk("upscale", tmp_path / "a.tif", "-o", f"{tmp_path}/out/", "--model", "bicubic")
        assert ended.status == 1
        assert words in ended.err
        assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["a.tif"]

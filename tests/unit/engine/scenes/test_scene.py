"""Scenes from disk to disk: every number where it belongs, whatever is known about them kept, and resumable."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.engine.control import Control
from srdesk.engine.scenes import scene as scenes
from srdesk.engine.scenes.scene import SceneFacts, enlarge_scene, plan_passes, plan_windows
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts, Upscaler
from srdesk.errors import Cancelled, ConfigError, ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging.image import Box, Sink, Source
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import DTYPES, BandKind, open_geotiff
from srdesk.imaging.scene.writer import TILE_PX
from srdesk.imaging.stored import Numbers

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(21)
SCALE = 4
ROTATED = (math.cos(0.3) * 7, math.sin(0.3) * 7, 4e5, math.sin(0.3) * 7, -math.cos(0.3) * 7, 5.1e6)


class Identity:
    """A network that makes 4 × 4 equal pixels of each: windowed, it gives exactly what the whole gives."""

    name, card, scale = "identity", None, SCALE

    def __init__(self, calls: int | None = None, ending: BaseException | None = None) -> None:
        self.regions: list[tuple[Box, int]] = []
        self._calls, self._ending = calls, ending

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        region = region or Box(0, 0, source.height, source.width)
        for top in range(region.top, region.bottom, 24):
            strip = Box(top, region.left, min(24, region.bottom - top), region.width)
            sink.write(strip.scaled(SCALE), source.read(strip).repeat(SCALE, axis=0).repeat(SCALE, axis=1))
            if self._calls is not None and len(self.regions) == self._calls:
                assert self._ending is not None
                raise self._ending
        self.regions.append((region, source.channels))
        return UpscaleFacts("identity", "cpu", "fp32", 24, 1.0, 1.0)


def enlarge(path: Path, output: Path, upscaler: Any = None, **options: Any) -> SceneFacts:
    with open_geotiff(path) as scene:
        return enlarge_scene(scene, upscaler or Identity(), output, recipe="test", **options)


def read(path: Path) -> Numbers:
    with gdal_session() as rasterio, rasterio.open(path, driver="GTiff") as dataset:
        return np.asarray(dataset.read())


def repeated(numbers: Numbers) -> Numbers:
    return numbers.repeat(SCALE, axis=1).repeat(SCALE, axis=2)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut scenes into windows of a few tiles, so that small ones have several."""
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 64)
    monkeypatch.setattr(scenes, "_WINDOW_COLUMNS_PX", 128)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_network_that_changes_nothing_gives_back_every_number_of_every_band(
    make_geotiff: MakeGeoTiff, tmp_path: Path, dtype: str, interleave: str
) -> None:
    numbers = (RNG.random((5, 150, 201)) * 10_000).astype(dtype)
    path = make_geotiff("a.tif", numbers, interleave=interleave, photometric="RGB", compress="deflate")
    facts = enlarge(path, tmp_path / "out.tif")
    assert_array_equal(read(tmp_path / "out.tif"), repeated(numbers))
    assert (facts.height, facts.width, facts.windows) == (600, 804, 3 * 2 * 3)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "out.tif"]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 700), (700, 1), (64, 64), (65, 63)])
def test_sizes_of_every_kind_work(make_geotiff: MakeGeoTiff, tmp_path: Path, height: int, width: int) -> None:
    numbers = RNG.integers(0, 256, (1, height, width), np.uint8)
    enlarge(make_geotiff("a.tif", numbers), tmp_path / "out.tif")
    assert_array_equal(read(tmp_path / "out.tif"), repeated(numbers))


def test_a_colour_triple_goes_together_and_every_other_band_alone(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    path = make_geotiff("a.tif", RNG.integers(1, 9, (5, 10, 10), np.uint8), photometric="minisblack")
    with open_geotiff(path) as scene:
        assert [one.bands for one in plan_passes(scene, None)] == [(1,), (2,), (3,), (4,), (5,)]
        assert [one.bands for one in plan_passes(scene, (4, 3, 2))] == [(4, 3, 2), (1,), (5,)]
        for wrong in ((0, 1, 2), (1, 1, 2), (4, 5, 6)):
            with pytest.raises(ConfigError):
                plan_passes(scene, wrong)
    identity = Identity()
    enlarge(path, tmp_path / "out.tif", identity, colours=(5, 1, 3))
    assert [channels for _, channels in identity.regions] == [3, 1, 1]
    assert_array_equal(read(tmp_path / "out.tif"), repeated(read(path)))


def test_three_bands_in_another_order_stay_in_theirs(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    numbers = RNG.integers(0, 256, (3, 20, 20), np.uint8)
    path = make_geotiff("a.tif", numbers, interleave="pixel", photometric="minisblack")
    enlarge(path, tmp_path / "out.tif", colours=(3, 1, 2))
    assert_array_equal(read(tmp_path / "out.tif"), repeated(numbers))


@pytest.mark.usefixtures("small_windows")
def test_opacity_stays_whole_and_classes_are_copied(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    numbers = RNG.integers(50, 200, (4, 80, 80), np.uint8)
    numbers[3] = np.where(RNG.random((80, 80)) < 0.5, 0, 255)
    path = make_geotiff("a.tif", numbers, photometric="RGB", alpha="YES", interleave="pixel")
    with open_geotiff(path) as scene:
        assert [one.kind for one in plan_passes(scene, None)] == [BandKind.DATA, BandKind.OPACITY]
    enlarge(path, tmp_path / "out.tif", BicubicUpscaler())
    result = read(tmp_path / "out.tif")
    assert_array_equal(result[3], repeated(numbers)[3])
    hidden = repeated(numbers)[3] == 0
    assert_array_equal(result[:3, hidden], repeated(numbers)[:3, hidden])

    classes = RNG.integers(0, 5, (1, 90, 90), np.uint8)
    colours = {number: (number * 40, 0, 0, 255) for number in range(5)}
    path = make_geotiff("b.tif", classes, lambda d: d.write_colormap(1, colours), photometric="palette")
    enlarge(path, tmp_path / "classes.tif", BicubicUpscaler())
    assert_array_equal(read(tmp_path / "classes.tif"), repeated(classes))
    with gdal_session() as rasterio, rasterio.open(tmp_path / "classes.tif") as dataset:
        assert dataset.colormap(1)[3] == (120, 0, 0, 255)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("nodata", [np.nan, -9999.0])
def test_what_is_no_data_stays_in_its_place_and_changes_nothing_far_away(
    make_geotiff: MakeGeoTiff, tmp_path: Path, nodata: float, srresnet: Any
) -> None:
    upscaler = Upscaler(srresnet, "narrow", device="cpu", threads=1)
    numbers = RNG.random((1, 70, 130)).astype(np.float32)
    numbers[0, 0, 0], numbers[0, 0, 1] = 0, 1  # the range
    enlarge(make_geotiff("a.tif", numbers, nodata=nodata), tmp_path / "whole.tif", upscaler)
    numbers[0, 30, 40] = nodata
    enlarge(make_geotiff("a.tif", numbers, nodata=nodata), tmp_path / "out.tif", upscaler)
    whole, result = read(tmp_path / "whole.tif")[0], read(tmp_path / "out.tif")[0]
    block = np.zeros((280, 520), bool)
    block[120:124, 160:164] = True
    assert_array_equal(np.isnan(result) if np.isnan(nodata) else result == nodata, block)
    reach = 4 * 16
    near = np.zeros_like(block)
    near[120 - reach : 124 + reach, 160 - reach : 164 + reach] = True
    assert np.isfinite(result[~block]).all()
    np.testing.assert_allclose(result[~near], whole[~near], atol=1e-6)
    assert np.abs(result[near & ~block] - whole[near & ~block]).max() < 1


@pytest.mark.usefixtures("small_windows")
def test_windows_of_a_network_fit_together_without_seams(
    make_geotiff: MakeGeoTiff, tmp_path: Path, srresnet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    upscaler = Upscaler(srresnet, "narrow", device="cpu", threads=1)
    path = make_geotiff("a.tif", RNG.integers(0, 256, (3, 140, 200), np.uint8), photometric="RGB")
    enlarge(path, tmp_path / "windows.tif", upscaler)
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 1024)
    monkeypatch.setattr(scenes, "_WINDOW_COLUMNS_PX", 1024)
    enlarge(path, tmp_path / "whole.tif", upscaler)
    difference = read(tmp_path / "windows.tif").astype(int) - read(tmp_path / "whole.tif")
    assert np.abs(difference).max() <= 1
    assert np.count_nonzero(difference) < difference.size / 1000


@pytest.mark.usefixtures("small_windows")
def test_windows_without_data_are_not_computed(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    numbers = np.zeros((1, 130, 100), np.uint8)
    numbers[0, 70, 80] = 9
    identity = Identity()
    enlarge(make_geotiff("a.tif", numbers, nodata=0), tmp_path / "out.tif", identity)
    assert [region.top for region, _ in identity.regions] == [64]
    assert_array_equal(read(tmp_path / "out.tif"), repeated(numbers))


def test_windows_cover_a_scene_once_in_whole_tiles() -> None:
    for height, width in ((1, 1), (1024, 3072), (1025, 3073), (20_000, 20_001), (1, 50_000)):
        windows = plan_windows(height, width, SCALE)
        assert sum(window.height * window.width for window in windows) == height * width
        assert all(window.top * SCALE % TILE_PX == 0 and window.left * SCALE % TILE_PX == 0 for window in windows)
        assert all(window.height <= 1024 and window.width <= 3072 for window in windows)
        assert all(window.bottom <= height and window.right <= width for window in windows)


def describe(dataset: Any) -> None:
    from rasterio.enums import ColorInterp

    dataset.update_tags(SENSOR="MSI", AREA_OR_POINT="Point", TIFFTAG_SOFTWARE="maker")
    dataset.update_tags(ns="CALIBRATION", DATE="today")
    dataset.update_tags(2, WAVELENGTH="842", STATISTICS_MEAN="3")
    dataset.descriptions = ("green", "nir", "")
    dataset.scales, dataset.offsets = (0.0001, 0.0001, 1.0), (-0.1, 0.0, 0.0)
    dataset.units = ("sr-1", "", "")
    dataset.colorinterp = [ColorInterp.green, ColorInterp.undefined, ColorInterp.gray]


@pytest.mark.parametrize("endianness", ["LITTLE", "BIG"])
def test_whatever_a_file_says_is_said_again(make_geotiff: MakeGeoTiff, tmp_path: Path, endianness: str) -> None:
    options = {"transform": ROTATED, "nodata": 7, "endianness": endianness, "compress": "lzw", "interleave": "pixel"}
    path = make_geotiff("a.tif", RNG.integers(8, 9000, (3, 20, 30), np.uint16), describe, **options)
    enlarge(path, tmp_path / "out.tif", notes=(("SRDESK_MODEL", "identity"),))
    with gdal_session() as rasterio, rasterio.open(path) as before, rasterio.open(tmp_path / "out.tif") as after:
        assert after.crs == before.crs
        assert after.nodata == before.nodata
        for corner in ((0, 0), (20, 0), (0, 30), (20, 30)):
            there = np.array(before.xy(*corner, offset="ul"))
            here = np.array(after.xy(corner[0] * SCALE, corner[1] * SCALE, offset="ul"))
            assert np.abs(here - there).max() < 1e-6
        assert after.tags() == {**before.tags(), "SRDESK_MODEL": "identity"}
        assert after.tags(ns="CALIBRATION") == {"DATE": "today"}
        assert after.tags(2) == {
            "WAVELENGTH": "842",
            "SRDESK_RANGE": f"{before.read(2).min()}.0 {before.read(2).max()}.0",
        }
        for name in ("descriptions", "scales", "offsets", "units", "colorinterp", "dtypes"):
            assert getattr(after, name) == getattr(before, name), name
        assert after.profile["compress"] == "lzw"
        assert after.profile["tiled"]
        assert (after.height, after.width) == (80, 120)


def test_control_points_and_polynomials_are_scaled(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    def place(dataset: Any) -> None:
        from rasterio.control import GroundControlPoint
        from rasterio.crs import CRS
        from rasterio.rpc import RPC

        points = [(0, 0), (0, 30), (20, 0), (20, 30)]
        gcps = [GroundControlPoint(row=r, col=c, x=11 + c / 100, y=47 - r / 100, z=5) for r, c in points]
        dataset.gcps = (gcps, CRS.from_epsg(4326))
        one = [1.0] + [0.0] * 19
        names = ("lat", "long", "height", "line", "samp")
        values = dict(zip(names, (47.0, 11.0, 500.0, 9.5, 14.5), strict=True))
        dataset.rpcs = RPC(
            **{f"{name}_off": value for name, value in values.items()},
            **{f"{name}_scale": 10.0 for name in names},
            line_num_coeff=[0.0, 0.0, -1.0] + [0.0] * 17,
            line_den_coeff=one,
            samp_num_coeff=[0.0, 1.0] + [0.0] * 18,
            samp_den_coeff=one,
        )

    path = make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8), place, transform=None, crs=None)
    enlarge(path, tmp_path / "out.tif")
    with open_geotiff(path) as before, open_geotiff(tmp_path / "out.tif") as after:
        there, here = before.geolocation, after.geolocation
    assert [(gcp.row, gcp.col, gcp.x, gcp.y, gcp.z) for gcp in here.gcps] == [
        (gcp.row * SCALE, gcp.col * SCALE, gcp.x, gcp.y, gcp.z) for gcp in there.gcps
    ]
    assert here.gcps_crs == there.gcps_crs
    assert (here.rpcs.line_off, here.rpcs.samp_off) == (39.5, 59.5)
    assert (here.rpcs.line_scale, here.rpcs.samp_scale) == (40.0, 40.0)
    assert here.rpcs.line_num_coeff == there.rpcs.line_num_coeff


def test_mask_and_overviews_are_made_anew(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    mask = np.where(RNG.random((300, 200)) < 0.2, 0, 255).astype(np.uint8)

    def finish(dataset: Any) -> None:
        dataset.write_mask(mask)
        dataset.build_overviews([2, 4])

    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 300, 200), np.uint8), finish, compress="deflate")
    enlarge(path, tmp_path / "out.tif")
    with gdal_session() as rasterio, rasterio.open(tmp_path / "out.tif") as dataset:
        assert_array_equal(dataset.read_masks(1), repeated(mask[None])[0])
        assert dataset.overviews(1) == [2, 4, 8]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "out.tif"]


def test_a_coordinate_system_that_nobody_understands_goes_on_byte_for_byte(
    make_geotiff: MakeGeoTiff, tmp_path: Path
) -> None:
    path = make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8))
    path.write_bytes(path.read_bytes().replace((32633).to_bytes(2, "little"), (32799).to_bytes(2, "little")))
    enlarge(path, tmp_path / "out.tif")
    assert (32799).to_bytes(2, "little") in (tmp_path / "out.tif").read_bytes()
    with open_geotiff(tmp_path / "out.tif") as scene:
        assert scene.geolocation.transform.a == 2.5


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("finished", [1, 4, 7])
def test_a_cancelled_run_goes_on_to_the_same_bytes(make_geotiff: MakeGeoTiff, tmp_path: Path, finished: int) -> None:
    numbers = RNG.integers(0, 9000, (4, 130, 130), np.uint16)
    path = make_geotiff("a.tif", numbers, compress="zstd", photometric="RGB")
    identity = Identity()
    enlarge(path, tmp_path / "whole.tif", identity)
    assert len(identity.regions) == 3 * 2 * 2
    with pytest.raises(Cancelled):
        enlarge(path, tmp_path / "out.tif", Identity(finished, Cancelled()))
    rest = Identity()
    facts = enlarge(path, tmp_path / "out.tif", rest)
    assert facts.resumed_windows == finished
    assert len(rest.regions) == len(identity.regions) - finished
    assert (tmp_path / "out.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", "out.tif", "whole.tif"]


@pytest.mark.usefixtures("small_windows")
def test_another_input_or_recipe_begins_anew(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 130, 130), np.uint8))
    with pytest.raises(Cancelled):
        enlarge(path, tmp_path / "out.tif", Identity(2, Cancelled()))
    with open_geotiff(path) as scene:
        facts = enlarge_scene(scene, Identity(), tmp_path / "out.tif", recipe="other")
    assert facts.resumed_windows == 0


def free(monkeypatch: pytest.MonkeyPatch, *free_bytes: int) -> None:
    """Pretend that the disk has so much room, one figure after the other, the last one for good."""
    left = list(free_bytes)

    def disk_usage(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=left.pop(0) if len(left) > 1 else left[0])

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)


def test_too_little_room_is_said_before_anything_is_computed(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_geotiff("a.tif", np.ones((3, 500, 500), np.uint8))
    free(monkeypatch, 10_000_000)
    identity = Identity()
    with pytest.raises(ImageWriteError, match=r"needs about \d+\.\d MB, and 10\.0 MB are free") as caught:
        enlarge(path, tmp_path / "out.tif", identity)
    assert caught.value.hint
    assert identity.regions == []
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("small_windows")
def test_a_disk_that_fills_up_on_the_way_ends_the_run_and_leaves_nothing(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 130, 130), np.uint8))
    free(monkeypatch, 10**12, 10**12, 10)
    with pytest.raises(ImageWriteError, match="are free"):
        enlarge(path, tmp_path / "out.tif")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("small_windows")
def test_what_is_finished_is_kept_where_there_is_no_room_to_go_on(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 256, (1, 130, 130), np.uint8))
    with pytest.raises(Cancelled):
        enlarge(path, tmp_path / "out.tif", Identity(2, Cancelled()))
    with monkeypatch.context() as full:
        free(full, 10)
        with pytest.raises(ImageWriteError, match="are free"):
            enlarge(path, tmp_path / "out.tif")
    assert enlarge(path, tmp_path / "out.tif").resumed_windows == 2


def test_a_run_that_ends_before_anything_is_finished_leaves_nothing(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    path = make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8))
    with pytest.raises(ImageWriteError, match="no space left on device"):
        enlarge(path, tmp_path / "out.tif", Identity(0, ImageWriteError("out.tif", "no space left on device")))
    with pytest.raises(Cancelled):
        enlarge(path, tmp_path / "out.tif", Identity(0, Cancelled()))
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_scene_leaves_nothing(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    noise = RNG.integers(0, 256, (1, 600, 600), np.uint8)
    path = make_geotiff("a.tif", noise, tiled=True, blockxsize=256, blockysize=256, compress="deflate")
    path.write_bytes(path.read_bytes()[:150_000])
    with pytest.raises(ImageReadError, match=r"a\.tif"):
        enlarge(path, tmp_path / "out.tif")
    assert list(tmp_path.iterdir()) == [path]


def test_a_sparse_scene_of_half_a_million_pixels_squared_is_refused_by_its_result(
    make_geotiff: MakeGeoTiff, tmp_path: Path
) -> None:
    with gdal_session() as rasterio:
        size = {"width": 500_000, "height": 500_000, "count": 1, "dtype": "uint8"}
        layout = {"tiled": True, "blockxsize": 8192, "blockysize": 8192, "SPARSE_OK": True, "compress": "deflate"}
        with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **size, **layout):
            pass
    assert (tmp_path / "a.tif").stat().st_size < 100_000
    with pytest.raises(UnsupportedImageError, match="2,000,000 × 2,000,000"):
        enlarge(tmp_path / "a.tif", tmp_path / "out.tif")
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]

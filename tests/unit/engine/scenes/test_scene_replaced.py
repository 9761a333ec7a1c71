"""A scene that is written over an older one: nothing of that holds for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import ImageWriteError
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(31)


def enlarged(path: Path, output: Path) -> None:
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, recipe="test")


@pytest.mark.parametrize("has_nodata_by_band", [False, True])
def test_nothing_of_a_file_that_is_replaced_holds_for_the_new_one(
    make_geotiff: MakeGeoTiff, tmp_path: Path, *, has_nodata_by_band: bool
) -> None:
    numbers = RNG.integers(1, 256, (2, 300, 200), np.uint8)
    path, output = make_geotiff("a.tif", numbers), make_geotiff("out.tif", np.zeros((2, 1200, 800), np.uint8))
    with gdal_session() as rasterio:
        with rasterio.Env(TIFF_USE_OVR="YES"), rasterio.open(output, "r+") as dataset:
            dataset.build_overviews([2])
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="NO"), rasterio.open(output, "r+") as dataset:
            dataset.write_mask(np.zeros((1200, 800), np.uint8))
    old = "<PAMRasterBand band='1'><NoDataValue>9</NoDataValue></PAMRasterBand>"
    (tmp_path / "out.tif.aux.xml").write_text(f"<PAMDataset>{old}</PAMDataset>")
    assert {"out.tif.ovr", "out.tif.msk"} <= {file.name for file in tmp_path.iterdir()}
    if has_nodata_by_band:
        new = "<PAMRasterBand band='2'><NoDataValue>0</NoDataValue></PAMRasterBand>"
        (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{new}</PAMDataset>")
    enlarged(path, output)
    with gdal_session() as rasterio, rasterio.open(output) as dataset:
        assert dataset.overviews(1) == []
        assert dataset.nodatavals == ((None, 0.0) if has_nodata_by_band else (None, None))
        assert dataset.read_masks(1).all()
        assert (dataset.height, dataset.width) == (1200, 800)
    beside = ["a.tif.aux.xml", "out.tif", "out.tif.aux.xml"] if has_nodata_by_band else ["out.tif"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.tif", *beside]


def test_what_cannot_be_removed_of_a_file_that_is_replaced_is_said(
    make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8))
    (tmp_path / "out.tif.ovr").write_bytes(b"old")
    unlink = Path.unlink

    def refuse(file: Path, *, missing_ok: bool = False) -> None:
        if file.suffix == ".ovr":
            raise PermissionError(13, "Permission denied")
        unlink(file, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(ImageWriteError, match=r"out\.tif\.ovr.*replaced") as caught:
        enlarged(path, tmp_path / "out.tif")
    assert "Remove it" in caught.value.hint
    assert (tmp_path / "out.tif").exists()

"""A swath whose places stand in other files lies where it lay when its pixels are finer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff

HEIGHT, WIDTH = 24, 32


@pytest.mark.parametrize("convention", ["PIXEL_CENTER", "TOP_LEFT_CORNER"])
def test_a_swath_lies_where_it_lay(make_geotiff: Callable[..., Path], tmp_path: Path, convention: str) -> None:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    longitudes = make_geotiff("lon.tif", (9 + 0.01 * columns)[None])
    latitudes = make_geotiff("lat.tif", (50 - 0.01 * rows)[None])

    steps = {f"{side}_{what}": "01"[what == "STEP"] for side in ("PIXEL", "LINE") for what in ("OFFSET", "STEP")}
    files = {"X_DATASET": str(longitudes), "X_BAND": "1", "Y_DATASET": str(latitudes), "Y_BAND": "1"}
    shape: dict[str, Any] = {"count": 1, "height": HEIGHT, "width": WIDTH, "dtype": "uint16"}
    path, output = tmp_path / "a.tif", tmp_path / "out.tif"
    with gdal_session() as rasterio, rasterio.open(path, "w", driver="GTiff", **shape) as swath:
        swath.write(np.random.default_rng(1).integers(100, 900, (1, HEIGHT, WIDTH)).astype(np.uint16))
        swath.update_tags(ns="GEOLOCATION", **steps, **files, SRS="EPSG:4326", GEOREFERENCING_CONVENTION=convention)
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, recipe="test")
    assert_allclose(bounds(output), bounds(path), atol=0.005)  # half a pixel: GDAL estimates the grid


def bounds(path: Path) -> tuple[float, ...]:
    """Where GDAL puts a file: west, south, east, north."""
    with gdal_session() as rasterio:
        from rasterio.vrt import WarpedVRT

        with rasterio.open(path) as dataset, WarpedVRT(dataset, src_crs="EPSG:4326", crs="EPSG:4326") as warped:
            return tuple(warped.bounds)

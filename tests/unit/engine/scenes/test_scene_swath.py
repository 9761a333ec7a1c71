"""A swath whose places stand in other files lies where it lay when its pixels are finer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff

HEIGHT, WIDTH, SCALE = 24, 32, 4


@pytest.mark.parametrize("convention", ["PIXEL_CENTER", "TOP_LEFT_CORNER"])
def test_a_swath_lies_where_it_lay(tmp_path: Path, convention: str) -> None:
    counts = {"PIXEL_OFFSET": "3", "PIXEL_STEP": "2", "LINE_OFFSET": "-1.5", "LINE_STEP": "5"}
    files = {"X_DATASET": "lon.tif", "X_BAND": "1", "Y_DATASET": "lat.tif", "Y_BAND": "1", "SRS": "EPSG:4326"}
    tags = counts | files | {"GEOREFERENCING_CONVENTION": convention}
    shape: dict[str, Any] = {"count": 1, "height": HEIGHT, "width": WIDTH, "dtype": "uint16"}
    path, output = tmp_path / "a.tif", tmp_path / "out.tif"
    with gdal_session() as rasterio, rasterio.open(path, "w", driver="GTiff", **shape) as swath:
        swath.write(np.random.default_rng(1).integers(100, 900, (1, HEIGHT, WIDTH)).astype(np.uint16))
        swath.update_tags(ns="GEOLOCATION", **tags)
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, recipe="test")
    with gdal_session() as rasterio, rasterio.open(output) as result:
        said = result.tags(ns="GEOLOCATION")
    assert {name: said[name] for name in files} == files
    centre = 0.5 if convention == "PIXEL_CENTER" else 0.0  # of the first pixel, from its corner
    for side in ("PIXEL", "LINE"):
        for at in (0.0, 7.0, 21.5):  # from the corner of the picture, in pixels of the input
            there = (at - centre - float(tags[f"{side}_OFFSET"])) / float(tags[f"{side}_STEP"])
            here = (SCALE * at - centre - float(said[f"{side}_OFFSET"])) / float(said[f"{side}_STEP"])
            assert here == pytest.approx(there)

"""What a file beside a GeoTIFF says otherwise than the GeoTIFF counts in the result as it does in the input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff


def test_the_coordinate_system_and_nodata_of_the_file_beside_are_those_of_the_result(
    make_geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    numbers = np.random.default_rng(2).integers(100, 900, (1, 24, 32)).astype(np.uint16)
    numbers[0, :6] = 0
    path, output = make_geotiff("a.tif", numbers, crs="EPSG:32632", nodata=65535), tmp_path / "out.tif"
    with gdal_session():
        from rasterio.crs import CRS

        system = CRS.from_epsg(32633).to_wkt()
    nodata = '<PAMRasterBand band="1"><NoDataValue>0</NoDataValue></PAMRasterBand>'
    path.with_name("a.tif.aux.xml").write_text(f"<PAMDataset><SRS>{system}</SRS>{nodata}</PAMDataset>")
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, recipe="test")
    with gdal_session() as rasterio, rasterio.open(output) as result:
        assert result.crs.to_epsg() == 32633
        assert result.nodata == 0
        assert (result.read(1)[:24] == 0).all()
        assert (result.read(1)[24:] > 0).all()

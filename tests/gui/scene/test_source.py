"""Levels of a GeoTIFF: averages of what is data, from overviews where the file has some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.source import GeoTiffSource
from srdesk.imaging.image import Box
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.stored import Numbers

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(6)
TILED = {"tiled": True, "blockxsize": 128, "blockysize": 256}


def read(path: Path, level: int, box: Box, bands: tuple[int, ...] = ()) -> Patch:
    with gdal_session():
        source = GeoTiffSource(path, bands)
        try:
            return source.read(level, box)
        finally:
            source.close()


def test_what_a_file_says_of_itself(make_geotiff: MakeGeoTiff, numbers: Numbers) -> None:
    path = make_geotiff(
        "scene.tif", numbers, lambda dataset: dataset.build_overviews([2, 4]), photometric="RGB", **TILED
    )
    with gdal_session():
        source = GeoTiffSource(path)
        assert (source.height, source.width, source.channels) == (900, 800, 3)
        assert source.block == (256, 128)
        assert source.own_level == 2
        assert not source.has_holes
        assert source.geolocation.is_known
        source.close()


@pytest.mark.parametrize("level", [0, 1, 3])
def test_levels_are_averages(make_geotiff: MakeGeoTiff, numbers: Numbers, averages: Any, level: int) -> None:
    path = make_geotiff("scene.tif", numbers, photometric="RGB", **TILED)
    box = Box(8, 16, 64, 72)
    patch = read(path, level, box)
    expected = averages(numbers.transpose(1, 2, 0), level)[8:72, 16:88]
    assert_allclose(patch.numbers, expected, atol=0 if level == 0 else 1)
    assert not patch.numbers.flags.writeable


def test_chosen_bands_are_read_in_their_order(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(0, 4000, (5, 60, 70), np.uint16)
    path = make_geotiff("scene.tif", numbers)
    assert_array_equal(read(path, 0, Box(0, 0, 60, 70), (5, 2, 1)).numbers, numbers[[4, 1, 0]].transpose(1, 2, 0))
    assert_array_equal(read(path, 0, Box(0, 0, 60, 70), (4,)).numbers[..., 0], numbers[3])
    with pytest.raises(UnsupportedImageError):
        read(path, 0, Box(0, 0, 60, 70), (6,))


def test_nodata_and_numbers_that_are_none_are_holes(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.random((1, 64, 64)).astype(np.float32)
    numbers[0, :10], numbers[0, 20, 20] = -9999, np.nan
    patch = read(make_geotiff("scene.tif", numbers, nodata=-9999), 0, Box(0, 0, 64, 64))
    assert patch.is_data is not None
    expected = np.ones((64, 64), np.bool_)
    expected[:10], expected[20, 20] = False, False
    assert_array_equal(patch.is_data, expected)


def test_classes_keep_their_numbers_at_every_level(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.choice(np.array([3, 200], np.uint8), (1, 256, 256))
    colours = {3: (10, 20, 30, 255), 200: (1, 2, 3, 255)}
    path = make_geotiff("classes.tif", numbers, lambda dataset: dataset.write_colormap(1, colours))
    with gdal_session():
        source = GeoTiffSource(path)
        assert source.palette is not None
        assert source.palette[3].tolist() == [10, 20, 30]
        assert set(np.unique(source.read(3, Box(0, 0, 32, 32)).numbers)) == {3, 200}
        source.close()


def test_a_file_that_is_cut_off_is_an_error(make_geotiff: MakeGeoTiff, numbers: Numbers) -> None:
    path = make_geotiff("scene.tif", numbers, photometric="RGB", **TILED)
    with gdal_session():
        source = GeoTiffSource(path)
        with path.open("rb+") as stream:
            stream.truncate(path.stat().st_size // 2)
        with pytest.raises(ImageReadError, match="damaged or cut off"):
            source.read(0, Box(640, 512, 128, 128))
        source.close()

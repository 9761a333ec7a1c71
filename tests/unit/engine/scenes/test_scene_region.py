"""A part of a scene that is enlarged into memory is that part of the whole result, number for number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.scenes.scene_region import enlarge_region, pass_of, values_of
from srdesk.engine.upscaler import BicubicUpscaler, Upscaler
from srdesk.errors import Cancelled, ConfigError
from srdesk.imaging.image import Box
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.stored import Numbers

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(9)
REGIONS = [Box(0, 0, 20, 25), Box(61, 40, 33, 50), Box(110, 70, 10, 20)]


def nothing() -> None:
    pass


def region_of(path: Path, upscaler: BicubicUpscaler | Upscaler, region: Box, bands: tuple[int, ...]) -> Numbers:
    with open_geotiff(path) as scene:
        values = values_of(scene, pass_of(scene, bands), nothing)
        return enlarge_region(scene, upscaler, region, bands, values, Control())[0]


def whole_of(path: Path, upscaler: BicubicUpscaler | Upscaler, colours: tuple[int, int, int] | None) -> Numbers:
    output = path.with_name("whole.tif")
    with open_geotiff(path) as scene:
        enlarge_scene(scene, upscaler, output, recipe="test", colours=colours)
    with gdal_session() as rasterio, rasterio.open(output) as dataset:
        return np.moveaxis(dataset.read(), 0, -1)


def part(whole: Numbers, region: Box, bands: tuple[int, ...]) -> Numbers:
    box = region.scaled(4)
    return whole[box.top : box.bottom, box.left : box.right, [number - 1 for number in bands]]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("bands", [(1,), (4,), (3, 2, 1), (4, 3, 2)])
def test_regions_are_parts_of_the_whole(make_geotiff: MakeGeoTiff, dtype: str, bands: tuple[int, ...]) -> None:
    numbers = RNG.integers(0, 200, (4, 120, 90)).astype(dtype)
    numbers[:, 70:90, 50:60] = 7
    path = make_geotiff("scene.tif", numbers, photometric="RGB", nodata=7)
    colours = (bands[0], bands[1], bands[2]) if len(bands) == 3 else None
    whole = whole_of(path, BicubicUpscaler(), colours)
    for region in REGIONS:
        assert_array_equal(region_of(path, BicubicUpscaler(), region, bands), part(whole, region, bands))


def test_regions_of_a_network_are_parts_of_the_whole_but_for_rounding(
    make_geotiff: MakeGeoTiff, weights_file: Path
) -> None:
    path = make_geotiff("scene.tif", RNG.integers(100, 3000, (1, 120, 90), np.uint16))
    upscaler = Upscaler.from_weights(weights_file, device="cpu")
    whole = whole_of(path, upscaler, None)
    for region in REGIONS:
        assert_allclose(
            region_of(path, upscaler, region, (1,)).astype(int), part(whole, region, (1,)).astype(int), atol=1
        )


def test_class_numbers_are_repeated(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(0, 5, (1, 120, 90), np.uint8)
    colours = {number: (number * 20, 0, 0, 255) for number in range(5)}
    path = make_geotiff("classes.tif", numbers, lambda dataset: dataset.write_colormap(1, colours))
    region = Box(10, 20, 30, 40)
    expected = numbers[0, 10:40, 20:60].repeat(4, axis=0).repeat(4, axis=1)
    with open_geotiff(path) as scene:
        values = values_of(scene, pass_of(scene, (1,)), nothing)
        enlarged, facts = enlarge_region(scene, BicubicUpscaler(), region, (1,), values, Control())
    assert_array_equal(enlarged[..., 0], expected)
    assert facts.seconds == 0.0, "nothing was computed"
    assert not enlarged.flags.writeable


def test_bands_that_are_not_there_are_refused(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("scene.tif", RNG.integers(0, 9, (1, 20, 20), np.uint8))
    with open_geotiff(path) as scene, pytest.raises(ConfigError):
        pass_of(scene, (1, 2, 3))


def test_reading_the_range_of_a_scene_can_be_stopped(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("scene.tif", RNG.integers(0, 4000, (1, 300, 20), np.uint16))
    token = CancelToken()
    token.cancel()
    with open_geotiff(path) as scene, pytest.raises(Cancelled):
        values_of(scene, pass_of(scene, (1,)), token.check)

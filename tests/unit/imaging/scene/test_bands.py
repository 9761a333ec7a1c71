"""Numbers of every type come back bit for bit, and what is no data neither spreads nor appears."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.errors import Cancelled
from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.scene.bands import SLAB_PX, SceneBands, measured_values
from srdesk.imaging.scene.geotiff import DTYPES, open_geotiff
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import UINT8

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(12)
SCALE = 4


@contextmanager
def opened(path: Path, numbers: tuple[int, ...] = (1,)) -> Iterator[SceneBands]:
    with open_geotiff(path) as scene:
        yield SceneBands(scene, numbers, measured_values(scene, numbers, lambda: None))


def repeated(pixels: Numbers) -> Numbers:
    """What a network that changes nothing makes of pixels."""
    return pixels.repeat(SCALE, axis=0).repeat(SCALE, axis=1)


def through_identity(bands: SceneBands, box: Box) -> Numbers:
    unit: FloatArray = bands.read(box)
    assert unit.dtype == np.float32
    assert unit.min() >= 0
    assert unit.max() <= 1
    return bands.restored(box, repeated(unit), SCALE)  # type: ignore[arg-type]


def extreme(dtype: str) -> Numbers:
    """Numbers all over the range of a type, the ends included, `(1, H, W)`."""
    if np.dtype(dtype).kind == "f":
        numbers = RNG.normal(0, 1, (1, 140, 50)) * 10.0 ** RNG.integers(-12, 12, (1, 140, 50))
        return numbers.astype(dtype)
    limits = np.iinfo(dtype)
    numbers = RNG.integers(limits.min, limits.max, (1, 140, 50), dtype, endpoint=True)
    numbers[0, 0, :2] = limits.min, limits.max
    return numbers


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_network_that_changes_nothing_gives_back_the_numbers(make_geotiff: MakeGeoTiff, dtype: str) -> None:
    numbers = extreme(dtype)
    with opened(make_geotiff("a.tif", numbers)) as bands:
        result = through_identity(bands, Box(0, 0, 140, 50))
    assert result.dtype == dtype
    expected = repeated(numbers[0, :, :, None])
    if np.dtype(dtype).kind == "f":
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=0)
    else:
        assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", [dtype for dtype in DTYPES if dtype != "uint8"])
def test_single_values_far_beyond_the_others_are_neither_cut_off_nor_in_the_way(
    make_geotiff: MakeGeoTiff, dtype: str
) -> None:
    numbers = RNG.integers(100, 200, (1, 130, 100)).astype(dtype)
    numbers[0, 60, 60] = np.iinfo(dtype).max if np.dtype(dtype).kind != "f" else 1e30
    with opened(make_geotiff("a.tif", numbers)) as bands:
        assert bands.values.gain < 200
        result = through_identity(bands, Box(0, 0, 130, 100))
    assert_array_equal(result, repeated(numbers[0, :, :, None]))


def test_networks_see_the_range_that_a_scene_has(make_geotiff: MakeGeoTiff) -> None:
    faint = RNG.integers(300, 2500, (3, 50, 60), np.uint16)
    with opened(make_geotiff("a.tif", faint), (1, 2, 3)) as bands:
        unit = bands.read(Box(0, 0, 50, 60))
    assert unit.min() == 0
    assert unit.max() == 1
    with opened(make_geotiff("b.tif", faint.astype(np.uint8)), (1,)) as bands:
        assert bands.values == UINT8


def test_the_range_is_that_of_the_data_alone(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(300, 2500, (1, 50, 60), np.int16)
    numbers[0, :40] = -32768
    with opened(make_geotiff("a.tif", numbers, nodata=-32768)) as bands:
        assert bands.values.offset >= 300
    nothing = np.full((1, 5, 6), -32768, np.int16)
    with opened(make_geotiff("b.tif", nothing, nodata=-32768)) as bands:
        assert_array_equal(through_identity(bands, Box(0, 0, 5, 6)), repeated(nothing[0, :, :, None]))


def test_measuring_a_scene_can_be_stopped(make_geotiff: MakeGeoTiff) -> None:
    def stop() -> None:
        raise Cancelled

    with open_geotiff(make_geotiff("a.tif", extreme("uint16"))) as scene, pytest.raises(Cancelled):
        measured_values(scene, (1,), stop)


@pytest.mark.parametrize(("dtype", "nodata"), [("float32", np.nan), ("float32", -9999.0), ("uint8", 0), ("int16", -1)])
def test_one_pixel_without_data_becomes_its_block_and_nothing_else(
    make_geotiff: MakeGeoTiff, dtype: str, nodata: float
) -> None:
    numbers = RNG.integers(100, 200, (1, 40, 40)).astype(dtype)
    numbers[0, 20, 13] = nodata
    with opened(make_geotiff("a.tif", numbers, nodata=nodata)) as bands:
        box = Box(0, 0, 40, 40)
        seen = bands.read(box)
        around = seen[18:23, 11:16]
        assert abs(seen[20, 13, 0] - around.mean()) < np.ptp(around)  # a continuation of what is there
        result = bands.restored(box, np.full((160, 160, 1), 0.5, np.float32), SCALE)
    block = np.zeros((160, 160, 1), bool)
    block[80:84, 52:56] = True
    is_nodata = np.isnan(result) if np.isnan(nodata) else result == nodata
    assert_array_equal(is_nodata, block)


@pytest.mark.parametrize(("dtype", "nodata"), [("uint8", 0), ("uint8", 255), ("int16", 100), ("float32", 0.0)])
def test_data_never_turn_into_the_number_for_no_data(make_geotiff: MakeGeoTiff, dtype: str, nodata: float) -> None:
    numbers = np.full((1, 8, 8), 120, dtype)
    numbers[0, 0, 0], numbers[0, 0, 1] = nodata, 119
    with opened(make_geotiff("a.tif", numbers, nodata=nodata)) as bands:
        unit = (nodata - bands.values.offset) / bands.values.gain
        result = bands.restored(Box(4, 4, 4, 4), np.full((16, 16, 1), unit, np.float32), SCALE)
    assert (result != nodata).all()


def test_bands_of_a_triple_have_holes_of_their_own(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(100, 200, (3, 20, 20)).astype(np.uint16)
    numbers[1, 5, 5] = 0
    with opened(make_geotiff("a.tif", numbers, nodata=0), (3, 2, 1)) as bands:
        result = through_identity(bands, Box(0, 0, 20, 20))
    assert_array_equal(result, repeated(np.moveaxis(numbers[[2, 1, 0]], 0, -1)))


@pytest.mark.parametrize("box", [Box(0, 0, 9, 8), Box(120, 30, 20, 50), Box(250, 100, 60, 190), Box(310, 0, 1, 300)])
def test_a_box_is_that_part_of_the_whole_however_it_is_read(make_geotiff: MakeGeoTiff, box: Box) -> None:
    numbers = RNG.random((1, 311, 300)).astype(np.float32)
    numbers[0][RNG.random((311, 300)) < 0.4] = np.nan
    path = make_geotiff("a.tif", numbers)
    assert numbers.shape[1] > 2 * SLAB_PX
    with opened(path) as bands:
        whole = bands.read(Box(0, 0, 311, 300))
    assert np.isfinite(whole).all()
    with opened(path) as bands:
        bands.move_to(box)
        assert_array_equal(bands.read(box), whole[box.top : box.bottom, box.left : box.right])


def test_class_numbers_are_copied(make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(0, 9, (1, 10, 10), np.uint8)
    with opened(make_geotiff("a.tif", numbers)) as bands:
        assert_array_equal(bands.copied(Box(2, 3, 4, 5), SCALE), repeated(numbers[0, 2:6, 3:8, None]))


def test_a_box_is_void_only_if_every_pixel_is(make_geotiff: MakeGeoTiff) -> None:
    numbers = np.zeros((1, 300, 40), np.uint8)
    numbers[0, 299, 39] = 1
    with opened(make_geotiff("a.tif", numbers, nodata=0)) as bands:
        assert bands.is_void(Box(0, 0, 299, 40))
        assert bands.is_void(Box(128, 0, 172, 39))
        assert not bands.is_void(Box(0, 0, 300, 40))

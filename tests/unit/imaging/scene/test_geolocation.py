"""Points on the ground stay where they are when pixels become finer."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]

SCALE = 4
HEIGHT, WIDTH = 30, 40
PIXELS = np.zeros((1, HEIGHT, WIDTH), np.uint8)

STRAIGHT = (10.0, 0.0, 5e5, 0.0, -10.0, 5e6)
ROTATED = (math.cos(0.3) * 7, math.sin(0.3) * 7, 4e5, math.sin(0.3) * 7, -math.cos(0.3) * 7, 5.1e6)
SKEWED = (3.0, 1.25, 4.5e5, -0.4, -5.0, 5.2e6)


def points() -> list[tuple[float, float]]:
    """The four corners, and ten places anywhere."""
    rng = np.random.default_rng(8)
    corners = [(0.0, 0.0), (WIDTH, 0.0), (0.0, HEIGHT), (WIDTH, HEIGHT)]
    return corners + [(float(x), float(y)) for x, y in rng.uniform((0, 0), (WIDTH, HEIGHT), (10, 2))]


def rpcs() -> Any:
    """Polynomials as of a satellite that looks straight down, with some curvature."""
    from rasterio.rpc import RPC

    line = [0.0, 0.01, -1.0, 0.0, 0.002] + [0.0] * 15
    sample = [0.0, 1.0, 0.02, 0.0, -0.001] + [0.0] * 15
    one = [1.0] + [0.0] * 19
    offsets = {"lat_off": 47.0, "long_off": 11.0, "height_off": 500.0, "line_off": 14.5, "samp_off": 19.5}
    scales = {"lat_scale": 0.01, "long_scale": 0.02, "height_scale": 300.0, "line_scale": 15.0, "samp_scale": 20.0}
    return RPC(**offsets, **scales, line_num_coeff=line, line_den_coeff=one, samp_num_coeff=sample, samp_den_coeff=one)


@pytest.mark.parametrize("transform", [STRAIGHT, ROTATED, SKEWED])
def test_an_affine_map_gives_the_same_places_on_the_finer_grid(transform: tuple[float, ...]) -> None:
    with gdal_session() as rasterio:
        before = Geolocation(transform=rasterio.Affine(*transform))
    after = before.scaled(SCALE).transform
    for x, y in points():
        a, b, c, d, e, f = transform
        there = a * x + b * y + c, d * x + e * y + f
        here = (
            after.a * SCALE * x + after.b * SCALE * y + after.c,
            after.d * SCALE * x + after.e * SCALE * y + after.f,
        )
        assert np.abs(np.subtract(here, there)).max() < 1e-6 * abs(a)


@pytest.mark.parametrize("transform", [STRAIGHT, ROTATED, SKEWED])
def test_longitude_and_latitude_stay(make_geotiff: MakeGeoTiff, transform: tuple[float, ...]) -> None:
    with open_geotiff(make_geotiff("a.tif", PIXELS, transform=transform)) as scene:
        before = scene.geolocation
    after = before.scaled(SCALE)
    for x, y in points():
        there, here = before.lonlat(x, y), after.lonlat(SCALE * x, SCALE * y)
        assert there is not None
        assert here is not None
        assert np.abs(np.subtract(there, here)).max() < 1e-11


def test_a_corner_lies_where_the_coordinate_system_says(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("a.tif", PIXELS, transform=(10.0, 0.0, 500_000.0, 0.0, -10.0, 0.0))) as scene:
        found = scene.geolocation.lonlat(0, 0)
    assert found == pytest.approx((15.0, 0.0), abs=1e-9)  # UTM zone 33: its central meridian, on the equator


def test_ground_control_points_are_scaled_with_the_pixels(make_geotiff: MakeGeoTiff) -> None:
    from rasterio.control import GroundControlPoint

    corners = [(0, 0), (0, WIDTH), (HEIGHT, 0), (HEIGHT, WIDTH), (HEIGHT / 2, WIDTH / 3)]
    gcps = [
        GroundControlPoint(row=row, col=col, x=11 + col / 1000 + row / 9000, y=47 - row / 1000, z=7.0)
        for row, col in corners
    ]

    def place(dataset: Any) -> None:
        from rasterio.crs import CRS

        dataset.gcps = (gcps, CRS.from_epsg(4326))

    path = make_geotiff("a.tif", PIXELS, place, transform=None, crs=None)
    with open_geotiff(path) as scene:
        before = scene.geolocation
    after = before.scaled(SCALE)
    assert before.transform is None
    assert [(gcp.row, gcp.col) for gcp in after.gcps] == [(row * SCALE, col * SCALE) for row, col in corners]
    assert [(gcp.x, gcp.y, gcp.z) for gcp in after.gcps] == [(gcp.x, gcp.y, gcp.z) for gcp in before.gcps]
    for x, y in points():
        there, here = before.lonlat(x, y), after.lonlat(SCALE * x, SCALE * y)
        assert there == pytest.approx((11 + x / 1000 + y / 9000, 47 - y / 1000), abs=1e-7)
        assert here == pytest.approx(there, abs=1e-12)


def test_rational_polynomials_are_scaled_from_centre_to_centre() -> None:
    before = Geolocation(rpcs=rpcs())
    after = before.scaled(SCALE)
    for x, y in points():
        there, here = before.lonlat(x, y), after.lonlat(SCALE * x, SCALE * y)
        assert there is not None
        # A millionth of a pixel, of which there are 1000 to a degree of latitude.
        assert here == pytest.approx(there, abs=1e-9)


def test_nothing_is_said_about_places_that_the_file_does_not_know(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("a.tif", PIXELS, transform=None, crs=None)) as scene:
        assert not scene.geolocation.is_known
        assert scene.geolocation.lonlat(3, 4) is None


def test_a_place_off_the_map_is_none(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("a.tif", PIXELS)) as scene:
        assert scene.geolocation.lonlat(1e9, 1e9) is None


def test_a_position_on_the_map_is_that_of_rasterio_corners_being_whole_numbers(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("a.tif", PIXELS, transform=(8.0, 3.0, 5e5, 2.0, -9.0, 5e6))) as scene:
        assert scene.geolocation.on_map(0, 0) == (5e5, 5e6)
        assert scene.geolocation.on_map(4.5, 2.5) == pytest.approx(scene.dataset.xy(2, 4), abs=1e-9)
    assert Geolocation().on_map(1, 1) is None

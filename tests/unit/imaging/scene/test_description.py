"""What a scene says of itself, in lines for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS

from srdesk.imaging.scene.description import describe_scene, name_of_crs
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]
NUMBERS = np.arange(3 * 6 * 8, dtype=np.uint16).reshape(3, 6, 8)


def described(path: Path) -> list[str]:
    with open_geotiff(path) as scene:
        return describe_scene(scene).split("\n")


def test_size_type_place_bands_and_tags_are_told(make_geotiff: MakeGeoTiff) -> None:
    def finish(dataset: Any) -> None:
        dataset.set_band_description(2, "NIR")
        dataset.scales, dataset.offsets, dataset.units = [1, 0.5, 1], [0, -3.0, 0], ["", "K", ""]
        dataset.update_tags(MISSION="Landsat")
        dataset.update_tags(2, WAVELENGTH="865")

    lines = described(make_geotiff("a.tif", NUMBERS, finish, nodata=7, compress="deflate"))
    assert {"size = 8 × 6", "type = uint16", "compression = DEFLATE"} <= set(lines)
    assert "x = 10.0 · column + 0.0 · row + 500000.0" in lines
    assert "2: NIR, data, no data = 7, measured = number · 0.5 + -3.0, unit K" in lines
    assert {"MISSION = Landsat", "band 2 WAVELENGTH = 865"} <= set(lines)
    assert "WGS 84 / UTM zone 33N (EPSG:32633)" in lines
    assert not any("SUBDATASET" in line for line in lines)


def test_well_known_text_is_indented_by_its_brackets(make_geotiff: MakeGeoTiff) -> None:
    lines = described(make_geotiff("a.tif", NUMBERS))
    first = next(number for number, line in enumerate(lines) if line.startswith("PROJCS["))
    assert lines[first + 1].startswith("  GEOGCS[")
    assert lines[first + 2].startswith("    DATUM[")
    whole = "".join(line.strip() for line in lines[first : lines.index("", first)])
    assert CRS.from_wkt(whole) == CRS.from_epsg(32633)


def test_control_points_are_told_with_their_map(make_geotiff: MakeGeoTiff) -> None:
    points = [GroundControlPoint(row=row, col=2.5, x=11.0, y=47.0 + row, z=0.0) for row in (0, 3)]

    def finish(dataset: Any) -> None:
        dataset.gcps = (points, CRS.from_epsg(4326))

    lines = described(make_geotiff("a.tif", NUMBERS, finish, transform=None, crs=None))
    assert "control point: column 2.5, row 3.0 → 11.0, 50.0, 0.0" in lines
    assert "WGS 84 (EPSG:4326)" in lines


def test_a_map_without_a_code_is_called_by_its_name() -> None:
    wkt = CRS.from_epsg(32633).to_wkt().replace("WGS 84 / UTM zone 33N", "Site grid").replace("500000", "1234")
    wkt = wkt.replace(',AUTHORITY["EPSG","32633"]', "")
    assert name_of_crs(CRS.from_wkt(wkt)) == "Site grid"


def test_a_scene_that_says_nothing_is_told_in_few_lines(make_geotiff: MakeGeoTiff) -> None:
    lines = described(make_geotiff("a.tif", NUMBERS[:1], transform=None, crs=None))
    assert "Place" not in lines
    assert "Coordinate system" not in lines

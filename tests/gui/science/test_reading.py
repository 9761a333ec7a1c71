"""What the desk says of a point is what astropy and rasterio say, in the file and in the results made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.wcs
import numpy as np
import pytest
import rasterio
import rasterio.warp
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.comparison import CursorReading
from srdesk.gui.main_window import MainWindow
from srdesk.gui.science.reading import map_of, measured_of, place_of, unit_of
from srdesk.gui.work.requests import Document
from srdesk.gui.work.session import Session
from srdesk.imaging.fits.wcs import sexagesimal

WAIT_MS = 10_000
PIXELS = ((0, 0), (35, 0), (3, 23), (14, 9))
"""Column and row of a few LR pixels."""


@pytest.fixture
def opened(session: Session, open_in_window: Callable[[Path], None]) -> Callable[[Path], Document]:
    def open_it(path: Path) -> Document:
        open_in_window(path)
        assert session.document is not None
        return session.document

    return open_it


@pytest.fixture
def saved(qtbot: QtBot, session: Session, window: MainWindow) -> Callable[[], Path]:
    def save() -> Path:
        with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
            window.desk_actions.save.trigger()
        return Path(saved.args[0][0])

    return save


def sky_of(path: Path, hdu: int, column: float, row: float) -> tuple[float, float]:
    """Return what astropy says of the centre of a pixel, counted from the upper left corner as it is shown."""
    with astropy.io.fits.open(path) as hdus:
        header = hdus[hdu].header
        ra, dec = astropy.wcs.WCS(header).all_pix2world(column + 1, header["NAXIS2"] - row, 1)
    return float(ra), float(dec)


def test_right_ascension_and_declination_are_those_of_astropy(opened, saved, fits_file: Path) -> None:
    document = opened(fits_file)
    assert document.sky is not None
    result = saved()
    assert result.name == "ngc_srresnet_x4.fits"
    for column, row in PIXELS:
        assert document.sky(column + 0.5, row + 0.5) == pytest.approx(sky_of(fits_file, 1, column, row), abs=1e-9)
        for fine in range(4):  # along the diagonal of the pixels that it became
            place = document.sky(column + (fine + 0.5) / 4, row + (fine + 0.5) / 4)
            assert place == pytest.approx(sky_of(result, 1, 4 * column + fine, 4 * row + fine), abs=1e-9)


def test_a_point_of_the_sky_is_said_in_sexagesimals_and_degrees(opened, fits_file: Path) -> None:
    document = opened(fits_file)
    assert document.sky is not None
    there = document.sky(5.0, 6.0)
    said = place_of(document, 5.0, 6.0)
    assert said == f"RA Dec {sexagesimal(*there)}  ({there[0]:.6f}°, +{there[1]:.6f}°)"
    assert "13h29m5" in said


def rotated(make_geotiff: Callable[..., Path], **more: Any) -> Path:
    numbers = np.random.default_rng(3).integers(1, 255, (1, 24, 36)).astype(np.uint8)
    return make_geotiff("turned.tif", numbers, transform=(8.0, 3.0, 5e5, 2.0, -9.0, 5e6), **more)


def test_map_coordinates_are_those_of_rasterio(opened, saved, make_geotiff) -> None:
    path = rotated(make_geotiff)
    document = opened(path)
    result = saved()
    assert result.name == "turned_srresnet_x4.tif"
    where = document.geolocation
    assert where is not None
    with rasterio.open(path) as before, rasterio.open(result) as after:
        for column, row in PIXELS:
            assert where.on_map(column + 0.5, row + 0.5) == pytest.approx(before.xy(row, column), abs=1e-8)
            here = where.on_map(column + 0.625, row + 0.125)
            assert here == pytest.approx(after.xy(4 * row, 4 * column + 2), abs=1e-8)
            longitudes, latitudes = rasterio.warp.transform(before.crs, "EPSG:4326", [here[0]], [here[1]])
            lonlat = where.lonlat(column + 0.625, row + 0.125)
            assert lonlat == pytest.approx((longitudes[0], latitudes[0]), abs=1e-10)


def test_a_point_on_earth_is_said_in_degrees_and_metres_with_the_name_of_the_map(opened, make_geotiff) -> None:
    document = opened(rotated(make_geotiff))
    assert document.geolocation is not None
    longitude, latitude = document.geolocation.lonlat(2, 1)
    assert place_of(document, 2, 1) == (
        f"{latitude:.6f}° N, {longitude:.6f}° E  x {5e5 + 8 * 2 + 3 * 1:,.2f}, y {5e6 + 2 * 2 - 9 * 1:,.2f}"
    )
    assert map_of(document) == "WGS 84 / UTM zone 33N (EPSG:32633)"


def test_the_southern_and_western_half_are_named(opened, make_geotiff) -> None:
    numbers = np.full((1, 24, 36), 7, np.uint8)
    path = make_geotiff("rio.tif", numbers, crs="EPSG:4326", transform=(0.01, 0, -43.5, 0, -0.01, -22.5))
    said = place_of(opened(path), 0, 0)
    assert said == "22.500000° S, 43.500000° W  x −43.500000, y −22.500000"


def test_every_pane_has_the_same_place_in_the_line(window: MainWindow, opened, fits_file: Path) -> None:
    document = opened(fits_file)
    window.view.cursor_moved.emit(CursorReading(5.0, 6.0, {"lr": (1.0,)}))
    assert window.place_line.texts[0] == place_of(document, 5.0, 6.0)
    window.view.cursor_moved.emit(None)
    assert window.place_line.texts[0] == ""


def test_a_file_without_places_says_so(window: MainWindow, opened, make_geotiff) -> None:
    opened(make_geotiff("bare.tif", np.ones((5, 8, 9), np.uint8), transform=None, crs=None))
    window.view.cursor_moved.emit(CursorReading(5.0, 6.0, {"lr": (1.0,)}))
    assert "does not say where" in window.place_line.texts[0]


def test_nothing_is_said_of_what_lies_beyond_the_sky(window: MainWindow, opened, tmp_path: Path) -> None:
    header = astropy.io.fits.Header()
    header.update({"CTYPE1": "RA---AIT", "CTYPE2": "DEC--AIT", "CRPIX1": 18.5, "CRPIX2": 9.5})
    header.update({"CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -9.0, "CDELT2": 9.0})
    astropy.io.fits.PrimaryHDU(np.arange(648.0).reshape(18, 36), header).writeto(tmp_path / "all_sky.fits")
    opened(tmp_path / "all_sky.fits")
    said = []
    for x, y in ((18.0, 9.0), (0.5, 0.5)):
        window.view.cursor_moved.emit(CursorReading(x, y, {"lr": (1.0,)}))
        said.append(window.place_line.texts[0])
    assert said[0].startswith("RA Dec 00h00m00.00s +00°00′00.0″")
    assert said[1] == ""


def test_values_are_read_with_their_unit(qtbot: QtBot, window: MainWindow, opened, fits_file: Path) -> None:
    assert unit_of(opened(fits_file)) == "ELECTRONS"
    with qtbot.waitSignal(window.board.cursor_described) as described:
        window.view.cursor_moved.emit(CursorReading(5.0, 6.0, {"lr": (123.0,), "srresnet": (float("nan"),)}))
    assert described.args == ["5, 6   ELECTRONS   LR 123   SRResNet –"]


def test_what_the_numbers_of_a_scene_measure_is_said_beside_them(opened, scene_file: Path) -> None:
    document = opened(scene_file)
    assert unit_of(document) == ""  # the numbers themselves have none
    assert measured_of(document, (3000,)) == "LR = 0.2"
    assert measured_of(document, (500, 255)) == "LR = −0.05"

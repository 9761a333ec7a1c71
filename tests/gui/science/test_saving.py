"""Results of FITS files and scenes become FITS files and GeoTIFFs, and nothing less without a question."""

from __future__ import annotations

from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
import rasterio
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.work.session import Session

WAIT_MS = 10_000


@pytest.fixture
def save(qtbot: QtBot, window: MainWindow, session: Session):
    def do(action: str = "save") -> Path:
        with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
            getattr(window.desk_actions, action).trigger()
        return Path(saved.args[0][0])

    return do


def test_a_scene_becomes_a_geotiff_with_place_names_and_no_data(
    window: MainWindow, open_in_window, save, scene_file: Path
) -> None:
    open_in_window(scene_file)
    result = save()
    assert result.name == "delta_srresnet_x4.tif"
    with rasterio.open(scene_file) as before, rasterio.open(result) as after:
        assert after.crs == before.crs
        assert tuple(after.transform)[:6] == (2.5, 0.0, 5e5, 0.0, -2.5, 5e6)
        assert (after.nodata, after.descriptions, after.dtypes) == (0, ("Blue",), ("uint16",))
        assert (after.scales, after.offsets) == ((0.0001,), (-0.1,))
        assert after.tags()["SPACECRAFT"] == "LANDSAT_8"
        assert (after.read(1) == before.read(1).repeat(4, 0).repeat(4, 1)).all()
    assert window.banner.message is not None
    assert "band 1; the 4 other bands are not in it" in window.banner.message.text


def test_a_measured_picture_becomes_a_fits_file_with_all_other_images(open_in_window, save, fits_file: Path) -> None:
    open_in_window(fits_file)
    with astropy.io.fits.open(save()) as after, astropy.io.fits.open(fits_file) as before:
        assert [hdu.name for hdu in after] == [hdu.name for hdu in before]
        assert after[1].shape == (96, 144)
        assert (after[2].data == before[2].data).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_a_format_that_would_lose_what_was_measured_is_asked_about(
    window: MainWindow, answers, open_in_window, save, fits_file: Path, suffix: str
) -> None:
    open_in_window(fits_file)
    answers.given = {"save_path": fits_file.with_name(f"mine.{suffix}"), "format_instead": True}
    assert save("save_as").name == "mine.fits"
    assert "cannot hold measured values" in answers.reason


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_format_that_would_lose_the_place_is_asked_about(
    window: MainWindow, answers, open_in_window, save, make_geotiff, suffix: str
) -> None:
    path = make_geotiff("town.tif", np.full((3, 8, 9), 7, np.uint8), photometric="RGB")
    open_in_window(path)
    answers.given = {"save_path": path.with_name(f"mine.{suffix}"), "format_instead": True}
    assert save("save_as").name == "mine.tif"
    assert "cannot hold where on Earth" in answers.reason


def test_whoever_says_no_keeps_the_disk_as_it_is(window: MainWindow, answers, open_in_window, fits_file: Path) -> None:
    open_in_window(fits_file)
    answers.given = {"save_path": fits_file.with_name("mine.jpg"), "format_instead": False}
    window.desk_actions.save_as.trigger()
    assert [path.name for path in fits_file.parent.glob("*.*") if path.suffix in (".jpg", ".fits")] == ["ngc.fits"]


@pytest.mark.parametrize("kind", ["fits_file", "scene_file"])
def test_other_sizes_than_four_times_are_refused_at_once(
    window: MainWindow, open_in_window, request: pytest.FixtureRequest, kind: str
) -> None:
    open_in_window(request.getfixturevalue(kind))
    window.desk_actions.sizes["2x"].trigger()
    window.desk_actions.save.trigger()
    assert window.banner.message is not None
    assert "Use 4x" in window.banner.message.hint

"""Files of every type of numbers open, and are seen neither black nor white."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.message_list import Loudness
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box

WAIT_MS = 10_000
HEIGHT, WIDTH = 40, 60

RANGES = {
    "uint8": (0, 255),
    "int16": (-900, 2100),
    "uint16": (300, 9000),
    "int32": (-70_000, 900_000),
    "uint32": (0, 3_000_000_000),
    "int64": (0, 10**12),
    "float32": (-2e-7, 8e-6),
    "float64": (1e20, 3e24),
}
"""Type of numbers → the least and the largest of a picture."""


def ramp(dtype: str) -> np.ndarray:
    low, high = RANGES[dtype]
    return np.linspace(low, high, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(dtype)


def shown(session: Session, window: MainWindow) -> np.ndarray:
    source = window.view._contents["lr"].source
    assert isinstance(source, DisplayImage)
    return source.tile(0, Box(0, 0, HEIGHT, WIDTH))


def looks_right(pixels: np.ndarray) -> bool:
    grey = pixels[..., 0].astype(int)
    return bool(grey.min() < 12 and grey.max() > 243 and 70 < np.median(grey) < 190)


@pytest.mark.parametrize("dtype", RANGES)
def test_fits_files_of_every_type(window, session, open_in_window, tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "a.fits"
    astropy.io.fits.PrimaryHDU(ramp(dtype)).writeto(path)
    open_in_window(path)
    assert looks_right(shown(session, window)[::-1])


@pytest.mark.parametrize("dtype", [name for name in RANGES if name != "int64"])
@pytest.mark.parametrize("count", [1, 3, 13])
def test_scenes_of_every_type_with_few_and_many_bands(
    window, session, open_in_window, make_geotiff: Callable[..., Path], dtype: str, count: int
) -> None:
    open_in_window(make_geotiff("a.tif", np.stack([ramp(dtype)] * count)))
    assert looks_right(shown(session, window))
    assert window.science_bar.bands.boxes[0].count() == count


def test_class_numbers_keep_their_colours_and_have_nothing_to_stretch(
    window, session, open_in_window, make_geotiff, fits_file: Path
) -> None:
    open_in_window(fits_file)
    classes = (np.arange(HEIGHT * WIDTH) % 2).reshape(1, HEIGHT, WIDTH).astype(np.uint8)
    table = {0: (10, 20, 30, 255), 1: (200, 150, 100, 255)}
    open_in_window(
        make_geotiff("a.tif", classes, lambda dataset: dataset.write_colormap(1, table), photometric="palette")
    )
    assert (shown(session, window)[0, :2, :3] == [(10, 20, 30), (200, 150, 100)]).all()
    assert not window.science_bar.stretch.isVisible()
    assert not window.desk_actions.stretch_menu.isEnabled()
    open_in_window(fits_file)
    assert window.science_bar.stretch.isVisible()


@pytest.mark.parametrize("kind", ["fits", "tif"])
def test_pixels_without_a_value_are_seen_through_and_read_as_none(
    qtbot: QtBot, window, session, open_in_window, tmp_path: Path, make_geotiff, kind: str
) -> None:
    numbers = ramp("float32")
    numbers[10:14, 20:30] = np.nan
    path = tmp_path / "a.fits"
    if kind == "fits":
        astropy.io.fits.PrimaryHDU(numbers[::-1]).writeto(path)
    else:
        path = make_geotiff("a.tif", numbers[None], nodata=float("nan"))
    open_in_window(path)
    pixels = shown(session, window)
    assert (pixels[..., -1] == np.where(np.isnan(numbers), 0, 255)).all()
    assert looks_right(pixels)
    assert np.isnan(session.document.display.values_at(25.5, 12.5)[0])


def test_a_scene_without_any_value_says_so_and_leaves_the_other_bands_to_be_chosen(
    qtbot: QtBot, window, session, make_geotiff
) -> None:
    numbers = np.stack([np.full((HEIGHT, WIDTH), np.nan, np.float32), ramp("float32")])
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([make_geotiff("a.tif", numbers, nodata=float("nan"))])
    qtbot.waitUntil(lambda: window.banner.message is not None)
    assert window.banner.message.loudness is Loudness.NOTICE
    assert window.banner.message.text == "None of the pixels of “a.tif” has a value in the bands that are shown."
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.science_bar.bands.chosen.emit((2,))
    assert looks_right(shown(session, window))
    assert window.banner.message is None


def test_a_fits_file_without_any_value_says_so(qtbot: QtBot, window, session, tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    astropy.io.fits.PrimaryHDU(np.full((9, 9), np.nan, np.float32)).writeto(path)
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):
        window.open_flow.open([path])
    assert "none of its pixels has a value" in window.banner.message.text


def test_a_fits_file_whose_first_image_is_empty_opens_with_the_next_and_says_so(
    qtbot: QtBot, window, session, open_in_window, tmp_path: Path
) -> None:
    path = tmp_path / "a.fits"
    empty = astropy.io.fits.PrimaryHDU(np.full((9, 9), np.nan, np.float32))
    full = astropy.io.fits.ImageHDU(ramp("float32"), name="SCI")
    astropy.io.fits.HDUList([empty, full]).writeto(path)
    open_in_window(path)
    assert session.document.part == "1"
    qtbot.waitUntil(lambda: window.banner.message is not None)
    assert window.banner.message.text.endswith("“1 SCI (60 × 40)” is shown instead.")
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):  # whoever wants that very image is told
        window.science_bar.parts.chosen.emit("0")
    assert session.document.part == "1"
    assert window.science_bar.parts.box.currentData() == "1"

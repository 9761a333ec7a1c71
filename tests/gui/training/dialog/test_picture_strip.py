"""Pictures of a run through time, read from a folder that changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.training.picture_strip import MOST_KEPT, PictureStrip

WAIT_MS = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in (0, 1):
        for kind, side_px in (("lr", 8), ("bicubic", 32), ("hr", 32)):
            write(folder / f"{number:02}_{kind}.png", side_px, 10)
    return folder


@pytest.fixture
def strip(qtbot: QtBot) -> Iterator[PictureStrip]:
    strip = PictureStrip()
    qtbot.addWidget(strip)
    strip.resize(1000, 300)
    strip.show()
    yield strip
    strip.shutdown()


def write(path: Path, side_px: int, grey: int) -> None:
    PIL.Image.fromarray(np.full((side_px, side_px, 3), grey, np.uint8)).save(path)


def add_step(folder: Path, step: int, grey: int) -> None:
    for number in (0, 1):
        write(folder / f"{number:02}_step-{step:08}.png", 32, grey + number)


def seen(strip: PictureStrip, key: str) -> int | None:
    source = strip.view._contents[key].source
    values = None if source is None else source.values_at(0.5, 0.5)
    return None if values is None else int(values[0])


def test_nothing_is_shown_before_the_first_validation(strip: PictureStrip, folder: Path) -> None:
    strip.show_folder(folder)
    assert strip.step is None
    assert not strip.view.isVisible()


def test_a_folder_that_is_not_there_yet_is_empty(strip: PictureStrip, tmp_path: Path) -> None:
    strip.show_folder(tmp_path / "nowhere")
    assert strip.step is None


def test_start_and_latest_step_are_seen_beside_each_other(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    add_step(folder, 100, 30)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    assert strip.step == 100
    assert (seen(strip, "lr"), seen(strip, "start"), seen(strip, "now")) == (10, 20, 30)


def test_new_enlargements_are_followed_until_one_goes_back_in_time(
    qtbot: QtBot, strip: PictureStrip, folder: Path
) -> None:
    add_step(folder, 0, 20)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    add_step(folder, 100, 30)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.look_again()
    assert seen(strip, "now") == 30
    strip.bar.slider.setValue(0)
    assert not strip.bar.latest.isChecked()
    add_step(folder, 200, 40)
    strip.look_again()
    assert strip.step == 0
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.bar.latest.setChecked(True)
    assert (strip.step, seen(strip, "now")) == (200, 40)


def test_going_back_needs_no_second_reading(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    add_step(folder, 100, 30)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    strip.go_to(0)
    for path in folder.glob("*.png"):
        path.unlink()
    assert seen(strip, "now") == 20


def test_another_picture_can_be_chosen(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.bar.numbers.button(1).click()
    assert seen(strip, "now") == 21


def test_the_zoom_stays_while_one_goes_through_time(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    add_step(folder, 100, 30)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    strip.view.zoom_to(800)
    strip.go_to(0)
    assert strip.view.zoom_percent == pytest.approx(800)


def test_missing_and_damaged_files_leave_an_empty_pane(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    add_step(folder, 100, 30)
    (folder / "00_bicubic.png").unlink()
    (folder / "00_step-00000100.png").write_bytes(b"\x89PNG\r\n\x1a\n half a picture")
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    assert seen(strip, "now") is None
    assert seen(strip, "bicubic") is None
    assert seen(strip, "start") == 20


def test_only_some_pictures_are_kept_in_memory(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    for step in range(0, 100 * (MOST_KEPT + 5), 100):
        write(folder / f"00_step-{step:08}.png", 32, 20)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    for place in range(strip.bar.slider.maximum()):
        with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
            strip.bar.slider.setValue(place)
    assert len(strip._kept) == MOST_KEPT
    assert seen(strip, "hr") == 10


def test_start_and_now_can_be_compared_behind_a_slider(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 20)
    with qtbot.waitSignal(strip.shown, timeout=WAIT_MS):
        strip.show_folder(folder)
    strip.set_mode(CompareMode.SLIDER)
    assert strip.view.mode is CompareMode.SLIDER
    assert strip.view.compared == ("start", "now")


def test_steps_that_are_void_are_read_again_when_they_are_made_again(
    qtbot: QtBot, strip: PictureStrip, folder: Path
) -> None:
    for step in (0, 5, 10):
        add_step(folder, step, 30 + step)
    strip.show_folder(folder)
    strip.go_to(5)
    qtbot.waitUntil(lambda: seen(strip, "now") == 35, timeout=WAIT_MS)
    for path in (*folder.glob("*_step-00000005.png"), *folder.glob("*_step-00000010.png")):
        path.unlink()
    strip.look_again()
    assert strip.step == 0
    add_step(folder, 5, 200)
    strip.look_again()
    strip.go_to(5)
    qtbot.waitUntil(lambda: seen(strip, "now") == 200, timeout=WAIT_MS)


def test_pictures_that_are_drawn_anew_are_read_again(qtbot: QtBot, strip: PictureStrip, folder: Path) -> None:
    add_step(folder, 0, 30)
    strip.show_folder(folder)
    qtbot.waitUntil(lambda: seen(strip, "start") == 30, timeout=WAIT_MS)
    add_step(folder, 0, 60)
    for number in (0, 1):
        write(folder / f"{number:02}_hr.png", 32, 99)
    strip.read_again()
    qtbot.waitUntil(lambda: seen(strip, "start") == 60, timeout=WAIT_MS)
    assert seen(strip, "hr") == 99

"""Panes in step: the same place in every pane, on every screen, and the values read under the pointer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.comparison import CursorReading
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.view import CompareView
from srdesk.imaging.image import Box


def test_the_visible_region_is_exactly_the_lr_pixels_that_are_painted(view: CompareView, person: Any) -> None:
    view.zoom_to(450)
    view._navigator.pan(37, -61)

    shown = person.seen(person.pane(view, "lr").canvas)

    rows, columns, marks = shown[..., 0], shown[..., 1], shown[..., 2]
    region = view.visible_region()
    assert (marks == 200).all(), "the document fills the canvas"
    assert (rows.min(), columns.min()) == (region.top, region.left)
    assert (rows.max() + 1, columns.max() + 1) == (region.bottom, region.right)
    assert 0 < region.height < person.HEIGHT
    assert 0 < region.width < person.WIDTH


def test_all_panes_show_the_same_place_pixel_for_pixel(view: CompareView, person: Any) -> None:
    for each in person.KEYS[1:]:
        view.set_result(each, person.display(person.enlarged(), 4))
    canvas = person.pane(view, "bicubic").canvas
    view.zoom_to(400)
    person.wheel(canvas, QPointF(120, 80), 1)
    view.zoom_to(500)
    person.drag(canvas, QPointF(100, 100), QPointF(63, 129))

    pictures = [person.seen(each.canvas) for each in person.panes(view)]

    height, width = (min(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    assert all(np.array_equal(picture[:height, :width], pictures[0][:height, :width]) for picture in pictures)


def test_the_wheel_zooms_at_the_cursor(view: CompareView, person: Any) -> None:
    view.zoom_to(300)
    canvas, spot = person.pane(view, "lr").canvas, QPointF(200, 50)
    viewport = view._navigator.viewport
    before = viewport.to_lr(200, 50, canvas.device_size)

    for _ in range(5):
        person.wheel(canvas, spot, 1)

    zoomed = view._navigator.viewport
    assert zoomed.ratio > 2 * viewport.ratio
    assert zoomed.to_canvas(*before, canvas.device_size) == pytest.approx((200, 50), abs=1)


def test_a_wheel_that_turns_sideways_does_not_zoom(view: CompareView, person: Any) -> None:
    before = view.zoom_percent

    person.wheel(person.pane(view, "lr").canvas, QPointF(50, 50), 0)

    assert view.zoom_percent == before


def test_dragging_moves_the_document_with_the_pointer(view: CompareView, person: Any) -> None:
    view.zoom_to(400)
    canvas = person.pane(view, "srgan").canvas
    grabbed = view._navigator.viewport.to_lr(100, 90, canvas.device_size)

    person.drag(canvas, QPointF(100, 90), QPointF(60, 140))

    assert view._navigator.viewport.to_canvas(*grabbed, canvas.device_size) == pytest.approx((60, 140), abs=1)


def test_double_click_toggles_between_fit_and_100_percent(view: CompareView, person: Any) -> None:
    canvas = person.pane(view, "lr").canvas
    fitted = view.zoom_percent

    person.mouse(canvas, QEvent.Type.MouseButtonDblClick, QPointF(100, 100))
    assert view.zoom_percent == 100
    person.mouse(canvas, QEvent.Type.MouseButtonDblClick, QPointF(100, 100))
    assert view.zoom_percent == fitted


def test_arrow_keys_pan_and_plus_and_minus_zoom(view: CompareView, person: Any) -> None:
    view.zoom_to(400)
    canvas, navigator = person.pane(view, "lr").canvas, view._navigator
    start = navigator.viewport

    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Right)
    assert navigator.viewport.centre_x > start.centre_x
    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Down)
    assert navigator.viewport.centre_y > start.centre_y
    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Plus)
    assert navigator.viewport.ratio > start.ratio
    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Minus)
    assert navigator.viewport.ratio == pytest.approx(start.ratio)


def test_a_fitted_document_stays_fitted_when_the_window_grows(view: CompareView, qtbot: QtBot, person: Any) -> None:
    before = view.zoom_percent

    view.resize(1600, 1200)

    qtbot.waitUntil(lambda: view.zoom_percent > 1.3 * before)
    assert view.visible_region() == Box(0, 0, person.HEIGHT, person.WIDTH)


def test_the_desk_hears_which_region_is_seen_once_it_has_changed(view: CompareView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.visible_region_changed) as heard:
        view.zoom_to(400)
        view._navigator.pan(10, 10)

    assert heard.args == [view.visible_region()]


def test_a_new_document_of_the_same_size_tells_its_region_again(view: CompareView, qtbot: QtBot, person: Any) -> None:
    qtbot.waitUntil(lambda: view._region == Box(0, 0, person.HEIGHT, person.WIDTH))

    with qtbot.waitSignal(view.visible_region_changed):
        view.set_document(person.display(person.LR, 1))


def test_values_of_every_pane_are_read_under_the_pointer(view: CompareView, qtbot: QtBot, person: Any) -> None:
    view.set_result("bicubic", person.display(person.enlarged(), 4))
    view.set_preview("srcnn", Box(20, 30, 5, 5), DisplayImage.of_pixels(np.full((20, 20, 3), 9, np.uint8), 4))
    view.zoom_to(200)
    canvas = person.pane(view, "srgan").canvas
    x_px, y_px = view._navigator.viewport.to_canvas(31.6, 22.4, canvas.device_size)

    with qtbot.waitSignal(view.cursor_moved) as heard:
        person.hover(canvas, QPointF(x_px, y_px))

    reading = heard.args[0]
    assert isinstance(reading, CursorReading)
    assert (reading.x, reading.y) == pytest.approx((31.6, 22.4), abs=0.1)
    assert reading.values == {
        "lr": (22, 31, 200),
        "bicubic": (22, 31, 200),
        "srcnn": (9, 9, 9),
        "srresnet": None,
        "srgan": None,
    }


def test_nothing_is_read_beside_the_document_or_after_the_pointer_has_left(
    view: CompareView, qtbot: QtBot, person: Any
) -> None:
    view.resize(1000, 300)
    canvas = person.pane(view, "lr").canvas
    view.zoom_to(20)

    with qtbot.waitSignal(view.cursor_moved) as heard:
        person.hover(canvas, QPointF(1, 1))
    assert heard.args == [None]
    with qtbot.waitSignal(view.cursor_moved) as heard:
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert heard.args == [None]


def test_the_reading_follows_a_zoom_under_a_resting_pointer(view: CompareView, qtbot: QtBot, person: Any) -> None:
    canvas = person.pane(view, "lr").canvas
    person.hover(canvas, QPointF(150, 150))

    with qtbot.waitSignal(view.cursor_moved):
        view.zoom_to(200)


SHARP_AT_ANY_SCALE = """
import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
import qimage2ndarray
from srdesk.gui.compare.view import CompareView
from srdesk.gui.compare.comparison import PaneSpec
from srdesk.gui.compare.pyramid import DisplayImage

app = QApplication([])
view = CompareView()
view.resize(420, 320)
view.set_panes([PaneSpec("lr", "LR")])
pixels = np.random.default_rng(1).integers(0, 256, (90, 110, 3), np.uint8)
view.set_document(DisplayImage.of_pixels(pixels))
view.show()
view.zoom_to(100)
canvas = view._stage.panes()[0].canvas
canvas.grab()
while not canvas.is_sharp:
    app.processEvents()
image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
shown = qimage2ndarray.rgb_view(image)
left, top = view._navigator.viewport.origin(canvas.device_size)
rows = (np.arange(shown.shape[0]) - top) // 4
columns = (np.arange(shown.shape[1]) - left) // 4
inside = np.ix_((rows >= 0) & (rows < 90), (columns >= 0) & (columns < 110))
expected = pixels[np.ix_(rows.clip(0, 89), columns.clip(0, 109))]
print(view.devicePixelRatioF(), np.array_equal(shown[inside], expected[inside]))
"""


@pytest.mark.process
@pytest.mark.parametrize("factor", ["1.25", "1.5", "2"])
def test_100_percent_is_device_pixels_on_screens_of_any_density(factor: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SHARP_AT_ANY_SCALE, encoding="utf-8")
    environment = {"QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": factor, "PYTHONPATH": str(Path.cwd())}

    run = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60)

    assert run.stdout.split() == [str(float(factor)), "True"], run.stderr

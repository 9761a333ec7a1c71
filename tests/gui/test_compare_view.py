"""Panes in step: the same place in every pane, the four ways of comparing, and what is said to the rest of the desk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import qimage2ndarray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.canvas import Canvas, backdrop
from srdesk.gui.compare_bar import DEFAULT_GAIN
from srdesk.gui.compare_view import CompareView
from srdesk.gui.comparison import CompareMode, CursorReading, PaneSpec
from srdesk.gui.difference import COLOURS
from srdesk.gui.pane import Pane
from srdesk.gui.pyramid import DisplayImage
from srdesk.imaging.image import Box
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8

KEYS = ("lr", "bicubic", "srcnn", "srresnet", "srgan")
HEIGHT, WIDTH = 45, 61
LR = np.dstack([*np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.uint8), np.full((HEIGHT, WIDTH), 200, np.uint8)])
"""Every LR pixel has a colour of its own: row, column, 200."""


def enlarged(pixels: np.ndarray = LR) -> np.ndarray:
    return np.kron(pixels, np.ones((4, 4, 1), np.uint8))


def display(pixels: np.ndarray, scale: int) -> DisplayImage:
    return DisplayImage.build(StoredImage(pixels, UINT8), scale)


@pytest.fixture
def view(qtbot: QtBot) -> CompareView:
    view = CompareView()
    qtbot.addWidget(view)
    view.resize(1000, 700)
    view.set_panes([PaneSpec(key, key.upper()) for key in KEYS])
    view.set_document(display(LR, 1))
    with qtbot.waitExposed(view):
        view.show()
    return view


def panes(view: CompareView) -> list[Pane]:
    return view._stage.panes()


def pane(view: CompareView, key: str) -> Pane:
    return next(each for each in panes(view) if each.canvas.contents[0].key == key)


def seen(widget: QWidget, qtbot: QtBot) -> np.ndarray:
    """Return what ``widget`` shows when it is sharp, `(H, W, 3)`."""
    if isinstance(widget, Canvas):
        widget.grab()
        qtbot.waitUntil(lambda: widget.is_sharp)
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return qimage2ndarray.rgb_view(image).copy()


def wheel(canvas: Canvas, point: QPointF, notches: float) -> None:
    event = QWheelEvent(
        point,
        canvas.mapToGlobal(point),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def mouse(
    canvas: QWidget, kind: QEvent.Type, point: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton
) -> None:
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    pressed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
    event = QMouseEvent(kind, point, canvas.mapToGlobal(point), pressed, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)


def drag(canvas: QWidget, start: QPointF, end: QPointF) -> None:
    mouse(canvas, QEvent.Type.MouseButtonPress, start)
    mouse(canvas, QEvent.Type.MouseMove, end)
    mouse(canvas, QEvent.Type.MouseButtonRelease, end)


def hover(canvas: QWidget, point: QPointF) -> None:
    mouse(canvas, QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton)


def key(widget: QWidget, kind: QEvent.Type, which: Qt.Key) -> None:
    QApplication.sendEvent(widget, QKeyEvent(kind, which, Qt.KeyboardModifier.NoModifier))


# Step


def test_the_visible_region_is_exactly_the_lr_pixels_that_are_painted(view: CompareView, qtbot: QtBot) -> None:
    view.zoom_to(450)
    view._navigator.pan(37, -61)

    shown = seen(pane(view, "lr").canvas, qtbot)

    rows, columns, marks = shown[..., 0], shown[..., 1], shown[..., 2]
    region = view.visible_region()
    assert (marks == 200).all(), "the document fills the canvas"
    assert (rows.min(), columns.min()) == (region.top, region.left)
    assert (rows.max() + 1, columns.max() + 1) == (region.bottom, region.right)
    assert 0 < region.height < HEIGHT
    assert 0 < region.width < WIDTH


def test_all_panes_show_the_same_place_pixel_for_pixel(view: CompareView, qtbot: QtBot) -> None:
    for each in KEYS[1:]:
        view.set_result(each, display(enlarged(), 4))
    canvas = pane(view, "bicubic").canvas
    view.zoom_to(400)
    wheel(canvas, QPointF(120, 80), 1)
    view.zoom_to(500)
    drag(canvas, QPointF(100, 100), QPointF(63, 129))

    pictures = [seen(each.canvas, qtbot) for each in panes(view)]

    height, width = (min(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    assert all(np.array_equal(picture[:height, :width], pictures[0][:height, :width]) for picture in pictures)


def test_the_wheel_zooms_at_the_cursor(view: CompareView) -> None:
    view.zoom_to(300)
    canvas, spot = pane(view, "lr").canvas, QPointF(200, 50)
    viewport = view._navigator.viewport
    before = viewport.to_lr(200, 50, canvas.device_size)

    for _ in range(5):
        wheel(canvas, spot, 1)

    zoomed = view._navigator.viewport
    assert zoomed.ratio > 2 * viewport.ratio
    assert zoomed.to_canvas(*before, canvas.device_size) == pytest.approx((200, 50), abs=1)


def test_a_wheel_that_turns_sideways_does_not_zoom(view: CompareView) -> None:
    before = view.zoom_percent

    wheel(pane(view, "lr").canvas, QPointF(50, 50), 0)

    assert view.zoom_percent == before


def test_dragging_moves_the_document_with_the_pointer(view: CompareView) -> None:
    view.zoom_to(400)
    canvas = pane(view, "srgan").canvas
    grabbed = view._navigator.viewport.to_lr(100, 90, canvas.device_size)

    drag(canvas, QPointF(100, 90), QPointF(60, 140))

    assert view._navigator.viewport.to_canvas(*grabbed, canvas.device_size) == pytest.approx((60, 140), abs=1)


def test_double_click_toggles_between_fit_and_100_percent(view: CompareView) -> None:
    canvas = pane(view, "lr").canvas
    fitted = view.zoom_percent

    mouse(canvas, QEvent.Type.MouseButtonDblClick, QPointF(100, 100))
    assert view.zoom_percent == 100
    mouse(canvas, QEvent.Type.MouseButtonDblClick, QPointF(100, 100))
    assert view.zoom_percent == fitted


def test_arrow_keys_pan_and_plus_and_minus_zoom(view: CompareView) -> None:
    view.zoom_to(400)
    canvas, navigator = pane(view, "lr").canvas, view._navigator
    start = navigator.viewport

    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Right)
    assert navigator.viewport.centre_x > start.centre_x
    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Down)
    assert navigator.viewport.centre_y > start.centre_y
    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Plus)
    assert navigator.viewport.ratio > start.ratio
    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_Minus)
    assert navigator.viewport.ratio == pytest.approx(start.ratio)


def test_a_fitted_document_stays_fitted_when_the_window_grows(view: CompareView, qtbot: QtBot) -> None:
    before = view.zoom_percent

    view.resize(1600, 1200)

    qtbot.waitUntil(lambda: view.zoom_percent > 1.3 * before)
    assert view.visible_region() == Box(0, 0, HEIGHT, WIDTH)


def test_the_desk_hears_which_region_is_seen_once_it_has_changed(view: CompareView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.visible_region_changed) as heard:
        view.zoom_to(400)
        view._navigator.pan(10, 10)

    assert heard.args == [view.visible_region()]


def test_a_new_document_of_the_same_size_tells_its_region_again(view: CompareView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: view._region == Box(0, 0, HEIGHT, WIDTH))

    with qtbot.waitSignal(view.visible_region_changed):
        view.set_document(display(LR, 1))


# Panes


def test_hidden_panes_leave_their_room_to_the_others(view: CompareView, qtbot: QtBot) -> None:
    before = pane(view, "lr").canvas.width()

    for each in ("srcnn", "srresnet", "srgan"):
        view.set_pane_visible(each, False)

    assert [each.canvas.contents[0].key for each in panes(view)] == ["lr", "bicubic"]
    qtbot.waitUntil(lambda: pane(view, "lr").canvas.width() > 1.4 * before)
    view.set_pane_visible("srgan", True)
    assert [each.canvas.contents[0].key for each in panes(view)] == ["lr", "bicubic", "srgan"]
    assert all(each.isVisible() for each in panes(view))


def test_all_panes_can_be_hidden(view: CompareView) -> None:
    for each in KEYS:
        view.set_pane_visible(each, False)

    assert panes(view) == []
    view.zoom_by(1)


def test_a_message_stands_in_the_middle_of_its_pane_and_nothing_else(view: CompareView, qtbot: QtBot) -> None:
    view.set_message("srgan", "No weights yet.")

    canvas = pane(view, "srgan").canvas
    shown = seen(canvas, qtbot).astype(int)
    ground = np.array(backdrop(canvas.palette()).getRgb()[:3])
    written = np.abs(shown - ground).max(axis=2) > 60
    rows, columns = np.nonzero(written)
    assert rows.mean() == pytest.approx(shown.shape[0] / 2, abs=6)
    assert columns.mean() == pytest.approx(shown.shape[1] / 2, abs=6)
    assert (shown[:20] == ground).all()
    assert canvas.accessibleDescription() == "No weights yet."


def test_a_result_takes_the_place_of_what_was_said(view: CompareView, qtbot: QtBot) -> None:
    view.set_message("srresnet", "Waiting.")
    view.set_busy("srresnet", "Computing…", 0.5)
    view.set_preview("srresnet", Box(0, 0, 10, 10), np.zeros((40, 40, 3), np.uint8))

    view.set_result("srresnet", display(enlarged(), 4))

    view.zoom_to(500)
    assert (seen(pane(view, "srresnet").canvas, qtbot)[..., 2] == 200).all()
    assert pane(view, "srresnet").canvas.accessibleDescription() == ""


def test_a_preview_is_painted_where_it_belongs(view: CompareView, qtbot: QtBot) -> None:
    view.zoom_to(100)
    view.set_preview("srcnn", Box(15, 20, 10, 12), np.full((40, 48, 3), 255, np.uint8))

    canvas = pane(view, "srcnn").canvas
    rows, columns = np.nonzero((seen(canvas, qtbot) == 255).all(axis=2))

    left, top = view._navigator.viewport.origin(canvas.device_size)
    assert (rows.min(), rows.max() + 1) == (top + 60, top + 100)
    assert (columns.min(), columns.max() + 1) == (left + 80, left + 128)


def test_a_preview_that_comes_after_the_result_is_dropped(view: CompareView) -> None:
    view.set_result("srcnn", display(enlarged(), 4))

    view.set_preview("srcnn", Box(0, 0, 10, 10), np.zeros((40, 40, 3), np.uint8))

    assert not pane(view, "srcnn").canvas.contents[0].layer.patches


def test_progress_is_a_line_as_long_as_what_is_done(view: CompareView, qtbot: QtBot) -> None:
    view.set_busy("srcnn", "Computing…", 0.25)

    canvas = pane(view, "srcnn").canvas
    first_row = seen(canvas, qtbot)[0]
    highlight = canvas.palette().color(QPalette.ColorRole.Highlight).getRgb()[:3]
    assert (first_row == highlight).all(axis=1).sum() == pytest.approx(canvas.width() / 4, abs=1)


def test_a_cleared_view_shows_nothing_and_says_so(view: CompareView, qtbot: QtBot) -> None:
    view.set_result("bicubic", display(enlarged(), 4))

    view.clear()

    canvas = pane(view, "bicubic").canvas
    assert (seen(canvas, qtbot) == backdrop(canvas.palette()).getRgb()[:3]).all()
    assert view.visible_region().is_empty


def test_a_result_that_no_longer_fits_can_be_taken_away(view: CompareView) -> None:
    view.set_result("bicubic", display(enlarged(), 4))

    view.clear_result("bicubic")

    assert pane(view, "bicubic").canvas.contents[0].source is None


def test_each_title_says_how_large_the_pixels_of_its_picture_are(view: CompareView) -> None:
    view.set_result("bicubic", display(enlarged(), 4))
    view.zoom_to(100)

    assert pane(view, "lr").title_bar.texts == ("LR", "400 %")
    assert pane(view, "bicubic").title_bar.texts == ("BICUBIC", "100 %")
    assert pane(view, "srgan").title_bar.texts == ("SRGAN", "")


def test_clicking_a_pane_makes_it_the_one_that_commands_mean(view: CompareView, qtbot: QtBot) -> None:
    assert view.active_pane == "lr"

    with qtbot.waitSignal(view.active_pane_changed) as heard:
        qtbot.mouseClick(pane(view, "srcnn").canvas, Qt.MouseButton.LeftButton)

    assert heard.args == ["srcnn"]
    assert [each.title_bar.is_active for each in panes(view)] == [False, False, True, False, False]


def test_panes_are_reached_with_the_tab_key_and_have_names(view: CompareView) -> None:
    canvases = [each.canvas for each in panes(view)]

    assert all(canvas.focusPolicy() & Qt.FocusPolicy.TabFocus for canvas in canvases)
    assert [canvas.accessibleName() for canvas in canvases] == [each.upper() for each in KEYS]


def test_whoever_gives_the_view_the_keyboard_gives_it_to_a_pane(view: CompareView) -> None:
    view.activateWindow()
    view.setFocus()

    assert QApplication.focusWidget() is pane(view, "lr").canvas


# Reading


def test_values_of_every_pane_are_read_under_the_pointer(view: CompareView, qtbot: QtBot) -> None:
    view.set_result("bicubic", display(enlarged(), 4))
    view.set_preview("srcnn", Box(20, 30, 5, 5), np.full((20, 20, 3), 9, np.uint8))
    view.zoom_to(200)
    canvas = pane(view, "srgan").canvas
    x_px, y_px = view._navigator.viewport.to_canvas(31.6, 22.4, canvas.device_size)

    with qtbot.waitSignal(view.cursor_moved) as heard:
        hover(canvas, QPointF(x_px, y_px))

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


def test_nothing_is_read_beside_the_document_or_after_the_pointer_has_left(view: CompareView, qtbot: QtBot) -> None:
    view.resize(1000, 300)
    canvas = pane(view, "lr").canvas
    view.zoom_to(20)

    with qtbot.waitSignal(view.cursor_moved) as heard:
        hover(canvas, QPointF(1, 1))
    assert heard.args == [None]
    with qtbot.waitSignal(view.cursor_moved) as heard:
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert heard.args == [None]


def test_the_reading_follows_a_zoom_under_a_resting_pointer(view: CompareView, qtbot: QtBot) -> None:
    canvas = pane(view, "lr").canvas
    hover(canvas, QPointF(150, 150))

    with qtbot.waitSignal(view.cursor_moved):
        view.zoom_to(200)


# Comparing


@pytest.fixture
def compared(view: CompareView) -> CompareView:
    """Compare a picture of 100 with one of 104 in all channels, at a zoom at which they fill the stage."""
    view.set_result("bicubic", display(np.full_like(enlarged(), 100), 4))
    view.set_result("srresnet", display(np.full_like(enlarged(), 104), 4))
    view.set_compared("bicubic", "srresnet")
    view.zoom_to(800)
    return view


def test_the_slider_shows_one_picture_on_either_side(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.SLIDER)
    canvas = panes(compared)[0].canvas
    divider = compared._stage.divider
    assert divider.isVisible()

    for fraction in (0.0, 0.25, 0.5, 1.0):
        divider.move_to(fraction)
        split, reach = round(fraction * canvas.width()), divider.width() // 2 + 1
        shown = seen(canvas, qtbot)
        assert (shown[:, : max(0, split - reach)] == 100).all()
        assert (shown[:, split + reach :] == 104).all()


def test_the_divider_is_dragged_and_moved_by_keys_and_stays_on_the_stage(compared: CompareView) -> None:
    compared.set_mode(CompareMode.SLIDER)
    divider, canvas = compared._stage.divider, panes(compared)[0].canvas
    looks_at = compared._navigator.viewport

    middle = QPointF(divider.width() / 2, 50)
    drag(divider, middle, middle + QPointF(canvas.width() * 0.2, 0))
    assert divider.fraction == pytest.approx(0.7, abs=0.01)
    drag(divider, middle, middle + QPointF(5000, 0))
    assert divider.fraction == 1.0
    key(divider, QEvent.Type.KeyPress, Qt.Key.Key_Left)
    assert divider.fraction == pytest.approx(0.98)
    key(divider, QEvent.Type.KeyPress, Qt.Key.Key_Home)
    assert divider.fraction == 0.0
    mouse(divider, QEvent.Type.MouseButtonDblClick, middle)
    assert divider.fraction == 0.5
    assert compared._navigator.viewport == looks_at


def test_the_divider_keeps_its_place_when_the_window_grows(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.SLIDER)
    compared._stage.divider.move_to(0.25)

    compared.resize(1600, 900)

    canvas = panes(compared)[0].canvas
    qtbot.waitUntil(lambda: canvas.width() == 1600)
    assert compared._stage.divider.geometry().center().x() == 400


def test_the_half_that_was_clicked_is_the_active_pane(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.SLIDER)
    canvas = panes(compared)[0].canvas

    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() - 20, 20))
    assert compared.active_pane == "srresnet"
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert compared.active_pane == "bicubic"


@pytest.mark.parametrize("mode", [CompareMode.BLINK, CompareMode.GRID])
def test_holding_b_shows_the_second_picture_in_the_place_of_the_first(
    compared: CompareView, mode: CompareMode, qtbot: QtBot
) -> None:
    compared.set_mode(mode)
    canvas = pane(compared, "bicubic").canvas

    assert (seen(canvas, qtbot) == 100).all()
    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_B)
    assert (seen(canvas, qtbot) == 104).all()
    key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_B)
    assert (seen(canvas, qtbot) == 100).all()


def test_b_is_let_go_when_the_window_loses_the_keyboard(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.BLINK)
    canvas = panes(compared)[0].canvas
    key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_B)

    QApplication.sendEvent(compared, QEvent(QEvent.Type.WindowDeactivate))

    assert (seen(canvas, qtbot) == 100).all()


def test_blinking_by_itself_goes_to_and_fro_and_ends_with_the_first(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.BLINK)
    compared._blinker._timer.setInterval(1)
    compared.set_blinking(True)
    shown = []
    for _ in range(4):
        with qtbot.waitSignal(compared._blinker.swapped):
            pass
        shown.append(panes(compared)[0].canvas.contents[0].key)

    compared.set_mode(CompareMode.GRID)

    assert shown == ["srresnet", "bicubic"] * 2
    assert not compared._blinker.is_running
    assert not compared._blinker.is_swapped


@pytest.mark.parametrize("gain", [1, 8, 32])
def test_the_difference_is_amplified_and_coloured(compared: CompareView, gain: int, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    compared.set_gain(gain)

    assert (seen(panes(compared)[0].canvas, qtbot) == COLOURS[4 * gain]).all()
    assert f"{100 / gain:.3g}" in compared._bar.legend.accessibleName()


def test_the_difference_follows_a_new_result_and_is_not_made_anew_without_one(
    compared: CompareView, qtbot: QtBot
) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    canvas = panes(compared)[0].canvas
    before = canvas.contents[0].source

    compared.set_busy("srcnn", "Computing…", 0.5)
    assert canvas.contents[0].source is before
    compared.set_result("srresnet", display(np.full_like(enlarged(), 101), 4))
    assert (seen(canvas, qtbot) == COLOURS[1 * DEFAULT_GAIN]).all()


def test_a_difference_that_lacks_a_picture_says_which(compared: CompareView) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    compared.set_compared("bicubic", "srgan")

    assert "SRGAN" in panes(compared)[0].canvas.contents[0].message
    compared.set_compared("bicubic", "srresnet")
    assert not panes(compared)[0].canvas.contents[0].message


def test_the_bar_chooses_what_is_compared_and_swaps_it(compared: CompareView, qtbot: QtBot) -> None:
    compared.set_mode(CompareMode.SLIDER)
    bar = compared._bar

    bar.first.setCurrentIndex(bar.first.findData("lr"))
    assert compared.compared == ("lr", "srresnet")
    qtbot.mouseClick(bar._swap, Qt.MouseButton.LeftButton)
    assert compared.compared == ("srresnet", "lr")
    assert [content.key for content in panes(compared)[0].canvas.contents] == ["srresnet", "lr"]


def test_the_bar_is_there_only_where_two_panes_are_compared(compared: CompareView) -> None:
    visible = {}
    for mode in CompareMode:
        compared.set_mode(mode)
        visible[mode] = (compared._bar.isVisible(), compared._bar.gain.isVisible(), compared._bar.blinking.isVisible())

    assert visible == {
        CompareMode.GRID: (False, False, False),
        CompareMode.SLIDER: (True, False, False),
        CompareMode.BLINK: (True, False, True),
        CompareMode.DIFFERENCE: (True, True, False),
    }


def test_modes_keep_the_place_that_is_looked_at(compared: CompareView, qtbot: QtBot) -> None:
    compared.zoom_to(400)
    compared._navigator.pan(30, -20)
    before = compared._navigator.viewport

    for mode in (CompareMode.SLIDER, CompareMode.DIFFERENCE, CompareMode.BLINK, CompareMode.GRID):
        compared.set_mode(mode)
        seen(panes(compared)[0].canvas, qtbot)
        assert compared._navigator.viewport == before


def test_every_mode_follows_the_palette(compared: CompareView, qtbot: QtBot) -> None:
    compared.zoom_to(20)
    palette = compared.palette()
    palette.setColor(QPalette.ColorRole.Window, QColor(20, 30, 40))
    compared.setPalette(palette)
    ground = backdrop(palette).getRgb()[:3]

    for mode in CompareMode:
        compared.set_mode(mode)
        assert tuple(seen(panes(compared)[0].canvas, qtbot)[-1, 2]) == ground


# Other screens

SHARP_AT_ANY_SCALE = """
import numpy as np
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
import qimage2ndarray
from srdesk.gui.compare_view import CompareView
from srdesk.gui.comparison import PaneSpec
from srdesk.gui.pyramid import DisplayImage

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

"""The ways of comparing two panes: slider, blink, difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.bar import DEFAULT_GAIN
from srdesk.gui.compare.canvas import backdrop
from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.compare.view import CompareView
from srdesk.imaging.colour_map import COLOURS


def test_the_slider_shows_one_picture_on_either_side(compared: CompareView, person: Any) -> None:
    compared.set_mode(CompareMode.SLIDER)
    canvas = person.panes(compared)[0].canvas
    divider = compared._stage.divider
    assert divider.isVisible()

    for fraction in (0.0, 0.25, 0.5, 1.0):
        divider.move_to(fraction)
        split, reach = round(fraction * canvas.width()), divider.width() // 2 + 1
        shown = person.seen(canvas)
        assert (shown[:, : max(0, split - reach)] == 100).all()
        assert (shown[:, split + reach :] == 104).all()


def test_the_divider_is_dragged_and_moved_by_keys_and_stays_on_the_stage(compared: CompareView, person: Any) -> None:
    compared.set_mode(CompareMode.SLIDER)
    divider, canvas = compared._stage.divider, person.panes(compared)[0].canvas
    looks_at = compared._navigator.viewport

    middle = QPointF(divider.width() / 2, 50)
    person.drag(divider, middle, middle + QPointF(canvas.width() * 0.2, 0))
    assert divider.fraction == pytest.approx(0.7, abs=0.01)
    person.drag(divider, middle, middle + QPointF(5000, 0))
    assert divider.fraction == 1.0
    person.key(divider, QEvent.Type.KeyPress, Qt.Key.Key_Left)
    assert divider.fraction == pytest.approx(0.98)
    person.key(divider, QEvent.Type.KeyPress, Qt.Key.Key_Home)
    assert divider.fraction == 0.0
    person.mouse(divider, QEvent.Type.MouseButtonDblClick, middle)
    assert divider.fraction == 0.5
    assert compared._navigator.viewport == looks_at


def test_the_divider_keeps_its_place_when_the_window_grows(compared: CompareView, qtbot: QtBot, person: Any) -> None:
    compared.set_mode(CompareMode.SLIDER)
    compared._stage.divider.move_to(0.25)

    compared.resize(1600, 900)

    canvas = person.panes(compared)[0].canvas
    qtbot.waitUntil(lambda: canvas.width() == 1600)
    assert compared._stage.divider.geometry().center().x() == 400


def test_the_half_that_was_clicked_is_the_active_pane(compared: CompareView, qtbot: QtBot, person: Any) -> None:
    compared.set_mode(CompareMode.SLIDER)
    canvas = person.panes(compared)[0].canvas

    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(canvas.width() - 20, 20))
    assert compared.active_pane == "srresnet"
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert compared.active_pane == "bicubic"


@pytest.mark.parametrize("mode", [CompareMode.BLINK, CompareMode.GRID])
def test_holding_b_shows_the_second_picture_in_the_place_of_the_first(
    compared: CompareView, mode: CompareMode, person: Any
) -> None:
    compared.set_mode(mode)
    canvas = person.pane(compared, "bicubic").canvas

    assert (person.seen(canvas) == 100).all()
    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_B)
    assert (person.seen(canvas) == 104).all()
    person.key(canvas, QEvent.Type.KeyRelease, Qt.Key.Key_B)
    assert (person.seen(canvas) == 100).all()


def test_b_is_let_go_when_the_window_loses_the_keyboard(compared: CompareView, person: Any) -> None:
    compared.set_mode(CompareMode.BLINK)
    canvas = person.panes(compared)[0].canvas
    person.key(canvas, QEvent.Type.KeyPress, Qt.Key.Key_B)

    QApplication.sendEvent(compared, QEvent(QEvent.Type.WindowDeactivate))

    assert (person.seen(canvas) == 100).all()


def test_blinking_by_itself_goes_to_and_fro_and_ends_with_the_first(
    compared: CompareView, qtbot: QtBot, person: Any
) -> None:
    compared.set_mode(CompareMode.BLINK)
    compared._blinker._timer.setInterval(1)
    compared.set_blinking(True)
    shown = []
    for _ in range(4):
        with qtbot.waitSignal(compared._blinker.swapped):
            pass
        shown.append(person.panes(compared)[0].canvas.contents[0].key)

    compared.set_mode(CompareMode.GRID)

    assert shown == ["srresnet", "bicubic"] * 2
    assert not compared._blinker.is_running
    assert not compared._blinker.is_swapped


@pytest.mark.parametrize("gain", [1, 8, 32])
def test_the_difference_is_amplified_and_coloured(compared: CompareView, gain: int, person: Any) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    compared.set_gain(gain)

    assert (person.seen(person.panes(compared)[0].canvas) == COLOURS[4 * gain]).all()
    assert f"{100 / gain:.3g}" in compared._bar.legend.accessibleName()


def test_the_difference_follows_a_new_result_and_is_not_made_anew_without_one(
    compared: CompareView, person: Any
) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    canvas = person.panes(compared)[0].canvas
    before = canvas.contents[0].source

    compared.set_busy("srcnn", "Computing…", 0.5)
    assert canvas.contents[0].source is before
    compared.set_result("srresnet", person.display(np.full_like(person.enlarged(), 101), 4))
    assert (person.seen(canvas) == COLOURS[1 * DEFAULT_GAIN]).all()


def test_a_difference_that_lacks_a_picture_says_which(compared: CompareView, person: Any) -> None:
    compared.set_mode(CompareMode.DIFFERENCE)
    compared.set_compared("bicubic", "srgan")

    assert "SRGAN" in person.panes(compared)[0].canvas.contents[0].message
    compared.set_compared("bicubic", "srresnet")
    assert not person.panes(compared)[0].canvas.contents[0].message


def test_the_bar_chooses_what_is_compared_and_swaps_it(compared: CompareView, qtbot: QtBot, person: Any) -> None:
    compared.set_mode(CompareMode.SLIDER)
    bar = compared._bar

    bar.first.setCurrentIndex(bar.first.findData("lr"))
    assert compared.compared == ("lr", "srresnet")
    qtbot.mouseClick(bar._swap, Qt.MouseButton.LeftButton)
    assert compared.compared == ("srresnet", "lr")
    assert [content.key for content in person.panes(compared)[0].canvas.contents] == ["srresnet", "lr"]


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


def test_modes_keep_the_place_that_is_looked_at(compared: CompareView, person: Any) -> None:
    compared.zoom_to(400)
    compared._navigator.pan(30, -20)
    before = compared._navigator.viewport

    for mode in (CompareMode.SLIDER, CompareMode.DIFFERENCE, CompareMode.BLINK, CompareMode.GRID):
        compared.set_mode(mode)
        person.seen(person.panes(compared)[0].canvas)
        assert compared._navigator.viewport == before


def test_every_mode_follows_the_palette(compared: CompareView, person: Any) -> None:
    compared.zoom_to(20)
    palette = compared.palette()
    palette.setColor(QPalette.ColorRole.Window, QColor(20, 30, 40))
    compared.setPalette(palette)
    ground = backdrop(palette).getRgb()[:3]

    for mode in CompareMode:
        compared.set_mode(mode)
        assert tuple(person.seen(person.panes(compared)[0].canvas)[-1, 2]) == ground

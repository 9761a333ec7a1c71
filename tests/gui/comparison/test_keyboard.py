"""The keyboard stays with the panes, whichever way they are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.compare.divider import Divider
from srdesk.gui.main_window import MainWindow

KEYS = {
    CompareMode.GRID: Qt.Key.Key_G,
    CompareMode.SLIDER: Qt.Key.Key_S,
    CompareMode.BLINK: Qt.Key.Key_K,
    CompareMode.DIFFERENCE: Qt.Key.Key_D,
}


@pytest.fixture
def desk(window: MainWindow, open_in_window: Callable[[Path], None], picture: Path) -> MainWindow:
    """A window with an open picture, whose first pane has the keyboard."""
    open_in_window(picture)
    assert isinstance(holder(window), Canvas)
    return window


def holder(window: MainWindow) -> QWidget:
    """Return what has the keyboard while the window is the active one."""
    widget = window.focusWidget()
    assert widget is not None
    return widget


def assert_b_swaps(qtbot: QtBot, window: MainWindow) -> None:
    blinker = window.view._blinker
    qtbot.keyPress(holder(window), Qt.Key.Key_B)
    assert blinker.is_swapped
    qtbot.keyRelease(holder(window), Qt.Key.Key_B)
    assert not blinker.is_swapped


@pytest.mark.parametrize("mode", [CompareMode.SLIDER, CompareMode.BLINK, CompareMode.DIFFERENCE])
def test_a_mode_that_is_chosen_by_its_key_leaves_the_keyboard_with_a_pane(
    qtbot: QtBot, desk: MainWindow, mode: CompareMode
) -> None:
    for each in (mode, CompareMode.GRID):
        qtbot.keyClick(holder(desk), KEYS[each])
        assert desk.view.mode is each
        assert isinstance(holder(desk), Canvas)
        assert holder(desk).isVisible()
        assert_b_swaps(qtbot, desk)
        desk.view.zoom_to(1600)
        before = desk.view._navigator.viewport
        qtbot.keyClick(holder(desk), Qt.Key.Key_Left)
        assert desk.view._navigator.viewport != before


def test_the_pane_that_is_marked_has_the_keyboard_when_the_grid_comes_back(qtbot: QtBot, desk: MainWindow) -> None:
    qtbot.keyClick(holder(desk), Qt.Key.Key_S)
    desk.view.activate("srresnet")
    qtbot.keyClick(holder(desk), Qt.Key.Key_G)
    assert holder(desk).accessibleName() == "SRResNet"


def test_the_keyboard_goes_from_a_pane_that_is_hidden_to_another(qtbot: QtBot, desk: MainWindow) -> None:
    qtbot.keyClick(holder(desk), Qt.Key.Key_1)
    assert not desk.desk_actions.panes["lr"].isChecked()
    assert isinstance(holder(desk), Canvas)
    assert holder(desk).accessibleName() != "LR"


def test_the_keyboard_goes_from_the_divider_to_the_pane_when_both_halves_become_one(
    qtbot: QtBot, desk: MainWindow
) -> None:
    qtbot.keyClick(holder(desk), Qt.Key.Key_S)
    desk.view._stage.divider.setFocus()
    assert isinstance(holder(desk), Divider)
    desk.view.set_gain(4)
    assert isinstance(holder(desk), Divider)
    qtbot.keyClick(holder(desk), Qt.Key.Key_K)
    assert isinstance(holder(desk), Canvas)


@pytest.mark.parametrize("has_focus_on_the_button", [False, True])
def test_b_blinks_after_a_click_on_the_button_of_blink(
    qtbot: QtBot, desk: MainWindow, has_focus_on_the_button: bool
) -> None:
    button = desk.tool_bar.widgetForAction(desk.desk_actions.modes["blink"])
    if has_focus_on_the_button:
        button.setFocus()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert desk.view.mode is CompareMode.BLINK
    assert_b_swaps(qtbot, desk)


def test_a_change_of_mode_takes_the_keyboard_from_nobody_else(desk: MainWindow) -> None:
    button = desk.tool_bar.widgetForAction(desk.desk_actions.open)
    button.setFocus()
    desk.view.set_mode(CompareMode.SLIDER)
    desk.view.set_mode(CompareMode.GRID)
    assert holder(desk) is button


def test_b_that_is_released_after_shift_went_down_blinks_no_more(qtbot: QtBot, desk: MainWindow) -> None:
    desk.desk_actions.modes["blink"].trigger()
    qtbot.keyPress(holder(desk), Qt.Key.Key_B)
    qtbot.keyRelease(holder(desk), Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert not desk.view._blinker.is_swapped


def test_the_frame_of_the_keyboard_leaves_the_picture_as_it_is(
    desk: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    canvas = holder(desk)
    assert isinstance(canvas, Canvas)
    canvas.show_contents(replace(canvas._contents[0], note="Consistency 50 dB"))
    canvas._shows_focus = True  # as after Tab
    images = []
    for has_focus in (False, True):
        monkeypatch.setattr(canvas, "hasFocus", lambda has_focus=has_focus: has_focus)
        images.append(canvas.grab().toImage())
    middle = canvas.rect().center() * canvas.devicePixelRatioF()
    assert images[0] != images[1]
    assert images[0].pixelColor(middle) == images[1].pixelColor(middle)

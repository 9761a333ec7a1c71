"""Full screen: the menu says what the window is, however it came to be so."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow


@pytest.fixture
def left_in_full_screen(qtbot: QtBot, tmp_path: Path) -> None:
    """The window filled the screen when it was closed the last time."""
    before = QMainWindow()
    qtbot.addWidget(before)
    before.showFullScreen()
    kept = QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)
    kept.setValue("geometry", before.saveGeometry())
    kept.sync()


def is_full(window: MainWindow) -> bool:
    """Return whether the window fills the screen, if action and menu bar say the same."""
    is_full_screen = window.isFullScreen()
    assert window.desk_actions.full_screen.isChecked() == is_full_screen
    assert window.menuBar().isVisible() == (not is_full_screen)
    return is_full_screen


def test_f11_fills_the_screen_and_escape_leaves_it(qtbot: QtBot, window: MainWindow) -> None:
    assert not is_full(window)
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert is_full(window)
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not is_full(window)


@pytest.mark.parametrize("key", [Qt.Key.Key_F11, Qt.Key.Key_Escape])
@pytest.mark.usefixtures("left_in_full_screen")
def test_a_window_that_was_left_in_full_screen_begins_there_and_can_leave_it(
    key: Qt.Key, qtbot: QtBot, window: MainWindow
) -> None:
    assert is_full(window)
    qtbot.keyClick(window, key)
    assert not is_full(window)


def test_the_menu_follows_when_full_screen_is_left_or_begun_without_it(qtbot: QtBot, window: MainWindow) -> None:
    window.desk_actions.full_screen.trigger()
    window.windowHandle().setWindowStates(Qt.WindowState.WindowNoState)  # as a window manager does
    qtbot.waitUntil(lambda: not window.isFullScreen())
    assert not is_full(window)
    window.windowHandle().setWindowStates(Qt.WindowState.WindowFullScreen)
    qtbot.waitUntil(window.isFullScreen)
    assert is_full(window)


@pytest.mark.parametrize("key", [Qt.Key.Key_F11, Qt.Key.Key_Escape])
def test_a_maximised_window_is_maximised_again_after_full_screen(key: Qt.Key, qtbot: QtBot, window: MainWindow) -> None:
    window.showMaximized()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert is_full(window)
    qtbot.keyClick(window, key)
    assert not is_full(window)
    assert window.isMaximized()

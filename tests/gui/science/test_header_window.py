"""The header of the open file, searched and copied in a window that keeps nobody from working on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from srdesk.gui.look.theme import DARK, LIGHT
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.science.header_window import HeaderWindow

TEXT = "EXPTIME =                 1200.\nOBJECT  = 'M51     '\nTEXPTIME=                 2400."


@pytest.fixture
def header(qtbot: QtBot) -> HeaderWindow:
    window = HeaderWindow()
    qtbot.addWidget(window)
    window.show_header("m51.fits", TEXT)
    window.show()
    return window


def test_what_is_searched_for_is_counted_marked_and_gone_to(qtbot: QtBot, header: HeaderWindow) -> None:
    header.search.setText("exptime")
    assert header.found.text() == "2 found"
    assert [mark.cursor.selectedText() for mark in header.view.extraSelections()] == ["EXPTIME", "EXPTIME"]
    lines = [header.view.textCursor().blockNumber()]
    for _ in range(2):
        qtbot.keyClick(header.search, Qt.Key.Key_Return)
        lines.append(header.view.textCursor().blockNumber())
    assert lines == [0, 2, 0]


def test_nothing_is_marked_where_nothing_is_found_or_searched_for(header: HeaderWindow) -> None:
    header.search.setText("FILTER")
    assert (header.found.text(), header.view.extraSelections()) == ("0 found", [])
    header.search.clear()
    assert header.found.text() == ""


def test_all_of_it_can_be_copied(qtbot: QtBot, header: HeaderWindow) -> None:
    copy = next(button for button in header.findChildren(QPushButton) if button.text() == "Copy All")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == TEXT


def test_what_was_searched_for_is_marked_in_the_next_header_as_well(header: HeaderWindow) -> None:
    header.search.setText("OBJECT")
    header.show_header("m13.fits", "OBJECT  = 'M13     '\nOBJECTID= 4")
    assert header.found.text() == "2 found"


def test_marks_are_seen_in_the_colours_of_the_theme_that_is_chosen_meanwhile(
    qtbot: QtBot, qapp: QApplication, window: MainWindow, preferences: Preferences
) -> None:
    header = HeaderWindow(window)
    qtbot.addWidget(header)
    header.show_header("m51.fits", TEXT)
    header.show()
    header.search.setText("exptime")
    for theme, scheme in (("dark", DARK), ("light", LIGHT)):
        preferences.change(theme=theme)
        qapp.processEvents()
        marked = {mark.format.background().color().name() for mark in header.view.extraSelections()}
        assert marked == {scheme.chosen}


def test_the_window_follows_the_picture_that_is_open(
    window: MainWindow, open_in_window, fits_file: Path, scene_file: Path, picture: Path
) -> None:
    action = window.desk_actions.header
    assert not action.isEnabled()
    open_in_window(fits_file)
    action.trigger()
    shown = window.header.shown
    assert shown is not None
    assert shown.isVisible()
    assert not shown.isModal()
    assert "TELESCOP= 'HST" in shown.text
    assert shown.text.count("BUNIT   = 'ELECTRONS'") == 2
    open_in_window(scene_file)
    assert "SPACECRAFT = LANDSAT_8" in shown.text
    assert "4: NIR" in shown.text
    open_in_window(picture)
    assert not action.isEnabled()
    assert shown.text == ""
    window.desk_actions.close.trigger()
    assert not shown.isVisible()

"""What single panes show and say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.canvas import backdrop
from srdesk.gui.compare.comparison import PaneSpec
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.view import CompareView
from srdesk.imaging.image import Box


def test_hidden_panes_leave_their_room_to_the_others(view: CompareView, qtbot: QtBot, person: Any) -> None:
    before = person.pane(view, "lr").canvas.width()

    for each in ("srcnn", "srresnet", "srgan"):
        view.set_pane_visible(each, False)

    assert [each.canvas.contents[0].key for each in person.panes(view)] == ["lr", "bicubic"]
    qtbot.waitUntil(lambda: person.pane(view, "lr").canvas.width() > 1.4 * before)
    view.set_pane_visible("srgan", True)
    assert [each.canvas.contents[0].key for each in person.panes(view)] == ["lr", "bicubic", "srgan"]
    assert all(each.isVisible() for each in person.panes(view))


def test_all_panes_can_be_hidden(view: CompareView, person: Any) -> None:
    for each in person.KEYS:
        view.set_pane_visible(each, False)

    assert person.panes(view) == []
    view.zoom_by(1)


def test_a_message_stands_in_the_middle_of_its_pane_and_nothing_else(view: CompareView, person: Any) -> None:
    view.set_message("srgan", "No weights yet.")

    canvas = person.pane(view, "srgan").canvas
    shown = person.seen(canvas).astype(int)
    ground = np.array(backdrop(canvas.palette()).getRgb()[:3])
    written = np.abs(shown - ground).max(axis=2) > 60
    rows, columns = np.nonzero(written)
    assert rows.mean() == pytest.approx(shown.shape[0] / 2, abs=6)
    assert columns.mean() == pytest.approx(shown.shape[1] / 2, abs=6)
    assert (shown[:20] == ground).all()
    assert canvas.accessibleDescription() == "No weights yet."


def test_a_result_takes_the_place_of_what_was_said(view: CompareView, person: Any) -> None:
    view.set_message("srresnet", "Waiting.")
    view.set_busy("srresnet", "Computing…", 0.5)
    view.set_preview("srresnet", Box(0, 0, 10, 10), DisplayImage.of_pixels(np.zeros((40, 40, 3), np.uint8), 4))

    view.set_result("srresnet", person.display(person.enlarged(), 4))

    view.zoom_to(500)
    assert (person.seen(person.pane(view, "srresnet").canvas)[..., 2] == 200).all()
    assert person.pane(view, "srresnet").canvas.accessibleDescription() == ""


def test_a_preview_is_painted_where_it_belongs(view: CompareView, person: Any) -> None:
    view.zoom_to(100)
    view.set_preview("srcnn", Box(15, 20, 10, 12), DisplayImage.of_pixels(np.full((40, 48, 3), 255, np.uint8), 4))

    canvas = person.pane(view, "srcnn").canvas
    rows, columns = np.nonzero((person.seen(canvas) == 255).all(axis=2))

    left, top = view._navigator.viewport.origin(canvas.device_size)
    assert (rows.min(), rows.max() + 1) == (top + 60, top + 100)
    assert (columns.min(), columns.max() + 1) == (left + 80, left + 128)


def test_a_preview_that_comes_after_the_result_is_dropped(view: CompareView, person: Any) -> None:
    view.set_result("srcnn", person.display(person.enlarged(), 4))

    view.set_preview("srcnn", Box(0, 0, 10, 10), DisplayImage.of_pixels(np.zeros((40, 40, 3), np.uint8), 4))

    assert not person.pane(view, "srcnn").canvas.contents[0].layer.patches


def test_progress_is_a_line_as_long_as_what_is_done(view: CompareView, person: Any) -> None:
    view.set_busy("srcnn", "Computing…", 0.25)

    canvas = person.pane(view, "srcnn").canvas
    first_row = person.seen(canvas)[0]
    highlight = canvas.palette().color(QPalette.ColorRole.Highlight).getRgb()[:3]
    assert (first_row == highlight).all(axis=1).sum() == pytest.approx(canvas.width() / 4, abs=1)


def test_a_cleared_view_shows_nothing_and_says_so(view: CompareView, person: Any) -> None:
    view.set_result("bicubic", person.display(person.enlarged(), 4))

    view.clear()

    canvas = person.pane(view, "bicubic").canvas
    assert (person.seen(canvas) == backdrop(canvas.palette()).getRgb()[:3]).all()
    assert view.visible_region().is_empty


def test_a_result_that_no_longer_fits_can_be_taken_away(view: CompareView, person: Any) -> None:
    view.set_result("bicubic", person.display(person.enlarged(), 4))

    view.clear_result("bicubic")

    assert person.pane(view, "bicubic").canvas.contents[0].source is None


def test_each_title_says_how_large_the_pixels_of_its_picture_are(view: CompareView, person: Any) -> None:
    view.set_result("bicubic", person.display(person.enlarged(), 4))
    view.zoom_to(100)

    assert person.pane(view, "lr").title_bar.texts == ("LR", "400 %")
    assert person.pane(view, "bicubic").title_bar.texts == ("BICUBIC", "100 %")
    assert person.pane(view, "srgan").title_bar.texts == ("SRGAN", "")


def test_a_title_says_what_people_must_know_as_soon_as_there_is_a_picture(view: CompareView, person: Any) -> None:
    view.set_panes([PaneSpec("lr", "LR"), PaneSpec("srgan", "SRGAN", "detail partly invented")])
    view.set_document(person.display(person.LR, 1))
    assert person.pane(view, "srgan").title_bar.texts[0] == "SRGAN"

    view.set_preview("srgan", Box(0, 0, 4, 4), person.display(person.enlarged()[:16, :16], 4))
    assert person.pane(view, "srgan").title_bar.texts[0] == "SRGAN · detail partly invented"

    view.set_result("srgan", person.display(person.enlarged(), 4))
    assert person.pane(view, "srgan").title_bar.texts[0] == "SRGAN · detail partly invented"


def test_clicking_a_pane_makes_it_the_one_that_commands_mean(view: CompareView, qtbot: QtBot, person: Any) -> None:
    assert view.active_pane == "lr"

    with qtbot.waitSignal(view.active_pane_changed) as heard:
        qtbot.mouseClick(person.pane(view, "srcnn").canvas, Qt.MouseButton.LeftButton)

    assert heard.args == ["srcnn"]
    assert [each.title_bar.is_active for each in person.panes(view)] == [False, False, True, False, False]


def test_panes_are_reached_with_the_tab_key_and_have_names(view: CompareView, person: Any) -> None:
    canvases = [each.canvas for each in person.panes(view)]

    assert all(canvas.focusPolicy() & Qt.FocusPolicy.TabFocus for canvas in canvases)
    assert [canvas.accessibleName() for canvas in canvases] == [each.upper() for each in person.KEYS]


def test_whoever_gives_the_view_the_keyboard_gives_it_to_a_pane(view: CompareView, person: Any) -> None:
    view.activateWindow()
    view.setFocus()

    assert QApplication.focusWidget() is person.pane(view, "lr").canvas

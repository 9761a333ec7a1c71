"""The pane that commands mean is always one of those that can be seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.comparison import CompareMode, most_telling
from srdesk.gui.compare.view import CompareView
from srdesk.gui.main_window import MainWindow
from srdesk.gui.work.session import Session

WAIT_MS = 10_000


@pytest.fixture
def desk(
    window: MainWindow, open_in_window: Callable[[Path], None], panes_with_weights: dict[str, Path], picture: Path
) -> MainWindow:
    """A window with an open picture of which every network has made a result."""
    for pane in ("srcnn", "srgan"):
        panes_with_weights[pane] = panes_with_weights["srresnet"]
    open_in_window(picture)
    return window


def saved(qtbot: QtBot, window: MainWindow, session: Session, folder: Path) -> list[str]:
    window.desk_actions.save.trigger()
    qtbot.waitUntil(lambda: not session.is_saving, timeout=WAIT_MS)
    return [path.name for path in folder.glob("photo_*")]


def marked(view: CompareView) -> list[str]:
    return [pane.canvas.contents[0].key for pane in view._stage.panes() if pane.title_bar.is_active]


@pytest.mark.parametrize("mode", [CompareMode.SLIDER, CompareMode.BLINK, CompareMode.DIFFERENCE])
def test_where_two_panes_are_compared_one_of_them_is_saved(
    mode: CompareMode, qtbot: QtBot, desk: MainWindow, session: Session, tmp_path: Path
) -> None:
    srgan = next(pane for pane in desk.view._stage.panes() if pane.canvas.contents[0].key == "srgan")
    qtbot.mouseClick(srgan.canvas, Qt.MouseButton.LeftButton)
    desk.desk_actions.modes[mode.value].trigger()
    assert desk.view.active_pane == "srresnet"
    assert saved(qtbot, desk, session, tmp_path) == ["photo_srresnet_x4.png"]


def test_another_pane_is_marked_when_the_marked_one_is_hidden(
    qtbot: QtBot, desk: MainWindow, session: Session, tmp_path: Path
) -> None:
    desk.view.activate("srcnn")
    desk.desk_actions.panes["srcnn"].trigger()
    assert marked(desk.view) == ["srresnet"]
    assert saved(qtbot, desk, session, tmp_path) == ["photo_srresnet_x4.png"]
    QGuiApplication.clipboard().clear()
    desk.desk_actions.copy.trigger()
    assert "SRResNet" in desk.status.text


def test_what_is_marked_stays_so_as_long_as_it_is_seen(qtbot: QtBot, desk: MainWindow) -> None:
    desk.view.set_mode(CompareMode.SLIDER)
    desk.view.activate("bicubic")
    desk.view.set_mode(CompareMode.BLINK)
    holder = desk.focusWidget()
    qtbot.keyPress(holder, Qt.Key.Key_B)
    assert desk.view._blinker.is_swapped
    qtbot.keyRelease(holder, Qt.Key.Key_B)
    desk.view.set_mode(CompareMode.GRID)
    desk.desk_actions.panes["srcnn"].trigger()
    assert desk.view.active_pane == "bicubic"
    assert marked(desk.view) == ["bicubic"]


def test_another_pane_is_meant_when_others_are_compared(desk: MainWindow) -> None:
    desk.view.set_mode(CompareMode.SLIDER)
    desk.view.set_compared("lr", "srgan")
    assert desk.view.active_pane == "srgan"


@pytest.mark.parametrize(
    ("keys", "best"),
    [
        (("bicubic", "srcnn"), "srcnn"),
        (("srgan", "bicubic"), "srgan"),
        (("srgan", "srresnet"), "srresnet"),
        (("map", "hr", "lr", "bicubic"), "bicubic"),
        (("map", "hr", "lr"), "lr"),
        (("lr", "start", "now"), "start"),
    ],
)
def test_a_network_tells_most(keys: tuple[str, ...], best: str) -> None:
    assert most_telling(keys) == best

"""Panes that are compared get a picture, and only those are offered that can have one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.compare.view import CompareView
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Phase, Session

WAIT_MS = 10_000
COMPUTED = ["lr", "bicubic", "srcnn", "srresnet", "srgan"]


@pytest.fixture
def desk(
    window: MainWindow, preferences: Preferences, open_in_window: Callable[[Path], None], picture: Path
) -> MainWindow:
    """A window with an open picture and the grid without SRResNet."""
    preferences.change(visible_panes=("lr", "bicubic"))
    open_in_window(picture)
    return window


def offered(view: CompareView) -> list[str]:
    first, second = ([box.itemData(row) for row in range(box.count())] for box in (view._bar.first, view._bar.second))
    assert first == second
    return first


def rendered(session: Session, pane: str) -> bool:
    return session.renderer.result(pane) is not None


@pytest.mark.parametrize("mode", [CompareMode.SLIDER, CompareMode.BLINK, CompareMode.DIFFERENCE])
def test_a_pane_that_the_grid_lacks_is_computed_when_it_is_compared(
    mode: CompareMode, qtbot: QtBot, desk: MainWindow, session: Session
) -> None:
    assert desk.view.compared == ("bicubic", "srresnet")
    assert not rendered(session, "srresnet")
    desk.desk_actions.modes[mode.value].trigger()
    qtbot.waitUntil(lambda: rendered(session, "srresnet"), timeout=WAIT_MS)
    assert not desk.view._stage.panes()[0].canvas.contents[0].message


def test_a_pane_that_is_chosen_in_the_bar_is_computed_and_described(
    qtbot: QtBot, desk: MainWindow, session: Session, panes_with_weights: dict[str, Path]
) -> None:
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    desk.view.set_mode(CompareMode.SLIDER)
    desk.view._bar.second.setCurrentIndex(desk.view._bar.second.findData("srgan"))
    qtbot.waitUntil(lambda: rendered(session, "srgan"), timeout=WAIT_MS)
    with qtbot.waitSignal(desk.board.cursor_described) as described:
        desk.view._read_out((3.0, 3.0))
    assert "SRGAN" in described.args[0]


def test_a_pane_that_is_no_longer_compared_is_not_computed(
    qtbot: QtBot, desk: MainWindow, session: Session, open_in_window, save_picture
) -> None:
    desk.view.set_mode(CompareMode.SLIDER)
    qtbot.waitUntil(lambda: rendered(session, "srresnet"), timeout=WAIT_MS)
    desk.view.set_mode(CompareMode.GRID)
    open_in_window(save_picture("other.png", (20, 12)))
    assert session.phase is Phase.DONE
    assert not rendered(session, "srresnet")


def test_truth_is_offered_while_there_is_one(
    qtbot: QtBot, desk: MainWindow, session: Session, honesty: Honesty, open_in_window, answers, save_picture
) -> None:
    assert offered(desk.view) == COMPUTED
    answers.given = {"truth_path": save_picture("truth.png", (96, 64))}
    with qtbot.waitSignal(honesty.appraiser.truth_changed, timeout=WAIT_MS):
        desk.desk_actions.open_truth.trigger()
    assert offered(desk.view) == [*COMPUTED, "hr"]
    desk.desk_actions.truth_pane.trigger()  # which hides it in the grid
    assert offered(desk.view) == [*COMPUTED, "hr"]
    desk.view.set_mode(CompareMode.SLIDER)
    desk.view.set_compared("srresnet", "hr")
    open_in_window(save_picture("other.png", (20, 12)))
    assert offered(desk.view) == COMPUTED
    assert desk.view.compared == ("srresnet", "bicubic")
    assert desk.view._bar.second.currentData() == "bicubic"


def test_a_map_is_offered_while_there_is_one(
    qtbot: QtBot, desk: MainWindow, honesty: Honesty, session: Session, open_in_window, save_picture
) -> None:
    desk.view.activate("bicubic")
    qtbot.waitUntil(lambda: honesty.appraiser.found("bicubic") is not None, timeout=WAIT_MS)
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        desk.desk_actions.consistency_map.trigger()
    assert offered(desk.view) == [*COMPUTED, "map"]
    desk.view.set_compared("bicubic", "map")
    open_in_window(save_picture("other.png", (20, 12)))
    assert offered(desk.view) == COMPUTED
    assert desk.view.compared == ("bicubic", "srresnet")


def test_panes_are_offered_under_the_names_of_the_weights_that_they_use(desk: MainWindow) -> None:
    desk.view.set_compared("bicubic", "srresnet")
    desk.board.show_weights({"srresnet": "mine_x4"})
    boxes = (desk.view._bar.first, desk.view._bar.second)
    assert [box.currentText() for box in boxes] == ["Bicubic", "SRResNet · mine_x4"]
    assert boxes[0].itemText(boxes[0].findData("srresnet")) == "SRResNet · mine_x4"
    desk.view._bar.offer("srresnet", offered=False)
    desk.view._bar.offer("srresnet", offered=True)
    assert boxes[0].itemText(boxes[0].findData("srresnet")) == "SRResNet · mine_x4"
    desk.board.show_weights({})
    assert boxes[0].itemText(boxes[0].findData("srresnet")) == "SRResNet"

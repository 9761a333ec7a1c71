"""The dock as a person uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.queue_dock import QueueDock
from srdesk.gui.queue.queue_model import Column
from srdesk.gui.queue.run_state import RunState
from srdesk.gui.work.session import Session

WAIT_MS = 20_000
States = Callable[[], list[str]]


@pytest.fixture
def filled(qtbot: QtBot, dock: QueueDock, desk_queue: DeskQueue, answers, pictures: list[Path]) -> QueueDock:
    """A dock with three files that wait for the bicubic."""
    choose(dock.form.model, "bicubic")
    answers.given["open_paths"] = pictures
    dock.queue_actions.add_files.trigger()
    qtbot.waitUntil(lambda: dock.model.rowCount() == 3, timeout=WAIT_MS)
    return dock


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was handed to other programs."""
    urls: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: urls.append(url.toLocalFile()))
    return urls


def choose(combo: QComboBox, value: str) -> None:
    combo.setCurrentIndex(combo.findData(value))
    combo.activated.emit(combo.currentIndex())


def mark(dock: QueueDock, *rows: int) -> None:
    flags = QItemSelectionModel.SelectionFlag
    dock.table.clearSelection()
    for row in rows:
        dock.table.selectionModel().select(dock.model.index(row, 0), flags.Select | flags.Rows)


def names(dock: QueueDock) -> list[str]:
    return [dock.model.index(row, Column.FILE).data() for row in range(dock.model.rowCount())]


def finish(qtbot: QtBot, dock: QueueDock, queue: DeskQueue) -> None:
    qtbot.waitUntil(dock.queue_actions.start.isEnabled, timeout=WAIT_MS)
    with qtbot.waitSignal(queue.ended, timeout=WAIT_MS):
        dock.queue_actions.start.trigger()


def test_files_are_added_started_and_seen_to_be_done(
    qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue, states: States
) -> None:
    assert names(filled) == ["p0.png", "p1.png", "p2.png"]
    qtbot.waitUntil(lambda: filled.words.text() == "0 of 3 files", timeout=WAIT_MS)
    finish(qtbot, filled, desk_queue)
    assert states() == ["done"] * 3
    assert filled.words.text() == "3 of 3 files"
    assert filled.bar.value() == filled.bar.maximum()
    assert filled.model.index(0, Column.RESULT).data() == "p0_bicubic_x4.png"


def test_a_folder_is_added_with_everything_below(
    qtbot: QtBot, dock: QueueDock, answers, pictures: list[Path], tmp_path: Path
) -> None:
    answers.given["folder_to_open"] = tmp_path
    dock.queue_actions.add_folder.trigger()
    qtbot.waitUntil(lambda: names(dock) == ["p0.png", "p1.png", "p2.png"], timeout=WAIT_MS)


def test_only_what_makes_sense_can_be_done(
    qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue, enlarger, states: States
) -> None:
    actions = filled.queue_actions

    def allowed() -> set[str]:
        its = ("start", "stop", "retry", "clear", "up", "remove", "open_picture", "open_result")
        return {name for name in its if getattr(actions, name).isEnabled()}

    assert allowed() == {"start"}
    mark(filled, 0)
    assert allowed() == {"start", "up", "remove", "open_picture"}
    enlarger.gate.clear()
    enlarger.failing = {"p1.png"}
    actions.start.trigger()
    assert actions.start.text() == "&Pause"
    assert "stop" in allowed()
    actions.start.trigger()
    assert (actions.start.text(), desk_queue.state) == ("&Go On", RunState.PAUSED)
    enlarger.gate.set()
    finish(qtbot, filled, desk_queue)
    qtbot.waitUntil(lambda: states() == ["done", "failed", "done"], timeout=WAIT_MS)
    assert allowed() == {"retry", "clear", "up", "remove", "open_picture", "open_result"}
    mark(filled, 0, 1)
    assert allowed() == {"retry", "clear", "up", "remove"}


def test_chosen_files_are_moved_removed_and_enlarged_in_another_way(
    qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue
) -> None:
    mark(filled, 2)
    filled.queue_actions.up.trigger()
    qtbot.waitUntil(lambda: names(filled) == ["p0.png", "p2.png", "p1.png"], timeout=WAIT_MS)
    assert [item.source.name for item in filled.table.chosen] == ["p2.png"]
    choose(filled.form.model, "mine")
    filled.form.apply.click()
    qtbot.waitUntil(lambda: desk_queue.items[1].recipe.model == "mine", timeout=WAIT_MS)
    filled.queue_actions.down.trigger()
    qtbot.waitUntil(lambda: names(filled) == ["p0.png", "p1.png", "p2.png"], timeout=WAIT_MS)
    filled.table.setFocus()
    mark(filled, 0, 1)
    filled.queue_actions.remove.trigger()
    qtbot.waitUntil(lambda: names(filled) == ["p2.png"], timeout=WAIT_MS)
    assert not filled.form.apply.isEnabled()


def test_what_failed_is_tried_again_and_what_is_finished_cleared(
    qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue, enlarger, states: States
) -> None:
    enlarger.failing = {"p0.png"}
    finish(qtbot, filled, desk_queue)
    assert filled.words.text() == "3 of 3 files  ·  1 failed"
    enlarger.failing = set()
    filled.queue_actions.retry.trigger()
    qtbot.waitUntil(lambda: states()[0] == "waiting", timeout=WAIT_MS)
    finish(qtbot, filled, desk_queue)
    filled.queue_actions.clear.trigger()
    qtbot.waitUntil(lambda: filled.model.rowCount() == 0, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: filled.words.text() == "", timeout=WAIT_MS)


def test_results_and_their_folders_are_opened_from_the_row(
    qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue, shown: list[str], pictures: list[Path]
) -> None:
    finish(qtbot, filled, desk_queue)
    folder = pictures[0].parent
    mark(filled, 1)
    filled.queue_actions.open_result.trigger()
    filled.queue_actions.open_folder.trigger()
    result = str(folder / "p1_bicubic_x4.png")
    assert shown == [result, str(folder)]
    filled.table.scrollTo(filled.model.index(1, Column.RESULT))
    cell = filled.table.visualRect(filled.model.index(1, Column.RESULT))
    for from_the_right_px in (40, 15):
        place = QPoint(cell.right() - from_the_right_px, cell.center().y())
        qtbot.mouseClick(filled.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert shown == [result, str(folder)] * 2


def test_a_double_click_opens_the_file_on_the_desk(
    qtbot: QtBot, filled: QueueDock, session: Session, pictures: list[Path]
) -> None:
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        filled.table.doubleClicked.emit(filled.model.index(1, 0))
    assert opened.args[0].path == pictures[1]


def test_a_name_that_cannot_work_is_said_and_nothing_added(
    dock: QueueDock, window: MainWindow, desk_queue: DeskQueue, pictures: list[Path]
) -> None:
    dock.form.template.setText("{lens}")
    dock.deeds.add(pictures)
    assert window.banner.message is not None
    assert "{lens}" in window.banner.message.text
    assert desk_queue.items == ()


def test_every_state_can_be_painted(qtbot: QtBot, filled: QueueDock, desk_queue: DeskQueue, enlarger) -> None:
    assert not filled.grab().isNull()
    enlarger.gate.clear()
    enlarger.failing = {"p1.png"}
    filled.queue_actions.start.trigger()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    assert not filled.grab().isNull()
    with qtbot.waitSignal(desk_queue.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert not filled.grab().isNull()


def test_tab_leaves_the_table(qtbot: QtBot, filled: QueueDock) -> None:
    filled.show()
    for which in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        filled.table.setFocus()
        assert filled.window().focusWidget() is filled.table
        qtbot.keyClick(filled.table, which)
        assert filled.window().focusWidget() is not filled.table

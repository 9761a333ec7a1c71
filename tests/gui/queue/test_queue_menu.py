"""The queue as a part of the window: how files get there, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QUrl
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.run_state import RunState
from srdesk.gui.work.session import Phase, Session

WAIT_MS = 20_000


@pytest.fixture
def notified(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said to who looks elsewhere."""
    said: list[str] = []
    monkeypatch.setattr(window.queue.notifier, "notify", lambda title, text: said.append(text))
    return said


def give(window: MainWindow, *paths: Path) -> None:
    """Drop or paste files."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    assert window.open_flow.take(mime)


def begin(qtbot: QtBot, queue: DeskQueue, enlarger) -> None:
    """Start the queue and leave it in the midst of its first file."""
    enlarger.gate.clear()
    queue.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)


def test_several_files_are_asked_about_and_go_to_the_queue(
    qtbot: QtBot, window: MainWindow, session: Session, desk_queue: DeskQueue, pictures: list[Path]
) -> None:
    give(window, *pictures)
    assert window.queue.intake.isVisible()
    assert window.queue.intake.text.text() == "3 files"
    with qtbot.waitSignal(desk_queue.added, timeout=WAIT_MS):
        window.queue.intake.queue.click()
    assert not window.queue.intake.isVisible()
    assert window.queue.dock.isVisible()
    assert window.desk_actions.queue.isChecked()
    assert [item.source for item in desk_queue.items] == pictures
    assert window.status.text == "Added 3 files."
    assert session.document is None


def test_one_file_is_opened_without_a_question(
    qtbot: QtBot, window: MainWindow, session: Session, pictures: list[Path]
) -> None:
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        give(window, pictures[0])
    assert not window.queue.intake.isVisible()


def test_a_folder_is_asked_about_and_its_first_picture_can_be_opened(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, answers, pictures: list[Path]
) -> None:
    answers.given["folder_to_open"] = pictures[0].parent
    window.desk_actions.open_folder.trigger()
    assert window.queue.intake.text.text() == f"“{pictures[0].parent.name}” is a folder"
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        window.queue.intake.first.click()
    assert opened.args[0].path == pictures[0]
    assert preferences.settings.recent_files == tuple(str(path) for path in pictures)


def test_a_folder_without_pictures_is_said_in_passing(
    qtbot: QtBot, window: MainWindow, desk_queue: DeskQueue, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    give(window, tmp_path / "empty")
    with qtbot.waitSignal(desk_queue.found, timeout=WAIT_MS):
        window.queue.intake.first.click()
    assert window.status.text == "There is no picture in this folder."


def test_the_question_can_be_left_unanswered(
    window: MainWindow, session: Session, desk_queue: DeskQueue, pictures: list[Path]
) -> None:
    give(window, *pictures)
    window.queue.intake.dismissing.click()
    assert not window.queue.intake.isVisible()
    assert (session.document, desk_queue.items) == (None, ())


def test_the_open_picture_comes_first(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    added: DeskQueue,
    nearest,
    enlarger,
    pictures: list[Path],
) -> None:
    begin(qtbot, added, enlarger)
    nearest.gate.clear()
    window.open_flow.open(pictures[:1])
    qtbot.waitUntil(lambda: added.state is RunState.WAITING, timeout=WAIT_MS)
    nearest.gate.set()
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    assert added.state is RunState.RUNNING
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()


def test_a_queue_that_runs_is_seen_in_the_status_line_and_opened_from_there(
    qtbot: QtBot, window: MainWindow, added: DeskQueue, enlarger
) -> None:
    indicator = window.queue.indicator
    assert not indicator.isVisible()
    begin(qtbot, added, enlarger)
    assert indicator.isVisible()
    assert "%" in indicator.text()
    assert "of 3 files" in indicator.toolTip()
    indicator.click()
    assert window.queue.dock.isVisible()
    assert not window.welcome._samples.isVisible()  # the queue needs the room
    window.desk_actions.queue.trigger()
    assert not window.queue.dock.isVisible()
    assert window.welcome._samples.isVisible()
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert not indicator.isVisible()


@pytest.mark.parametrize("failing", [set(), {"p1.png"}])
def test_the_end_is_told_and_failures_have_a_button(
    qtbot: QtBot, window: MainWindow, added: DeskQueue, enlarger, notified: list[str], failing: set[str]
) -> None:
    enlarger.failing = failing
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        added.start()
    if not failing:
        assert notified == [window.status.text] == ["The queue is done: 3 enlarged."]
        assert window.banner.message is None
        return
    message = window.banner.message
    assert message is not None
    assert notified == [message.text] == ["The queue is done: 2 enlarged, 1 failed."]
    assert message.remedy is not None
    message.remedy.act()
    assert window.queue.dock.isVisible()


@pytest.mark.parametrize("shall_close", [True, False])
def test_closing_while_it_runs_asks_and_keeps_what_is_left(
    qtbot: QtBot, window: MainWindow, added: DeskQueue, enlarger, answers, preferences, shall_close: bool
) -> None:
    begin(qtbot, added, enlarger)
    answers.given["close_during_queue"] = (shall_close, False)
    assert window.close() is shall_close
    assert preferences.settings.ask_before_closing is not shall_close
    assert added.is_active
    assert added.shutdown(5.0)
    assert [item.state for item in added.items] == ["waiting"] * 3


def test_closing_asks_nothing_while_it_does_not_run_or_nobody_is_there(
    qtbot: QtBot, window: MainWindow, added: DeskQueue, enlarger, answers
) -> None:
    assert window.close()
    window.show()
    begin(qtbot, added, enlarger)
    window.close_unasked()
    assert answers.asked == []
    added.stop()
    qtbot.waitUntil(lambda: added.state is RunState.IDLE, timeout=WAIT_MS)


def test_a_queue_that_was_not_finished_is_offered_and_goes_on(
    qtbot: QtBot, window: MainWindow, added: DeskQueue, open_in_window: Callable[[Path], None], pictures: list[Path]
) -> None:
    added.look_around()
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    open_in_window(pictures[0])  # it has nothing to do with a picture, and stays
    message = window.banner.message
    assert message is not None
    assert message.text == "The queue was not finished: 3 files left."
    assert message.remedy is not None
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        message.remedy.act()
    assert window.queue.dock.isVisible()


def test_new_weights_can_be_used_at_once(
    window: MainWindow, training, dock, make_weights: Callable[..., Path], tmp_path: Path
) -> None:
    assert dock.form.model.findData("fresh") < 0
    make_weights(tmp_path / "own" / "fresh.safetensors", name="fresh")
    training.weights_changed.emit()
    assert dock.form.model.findData("fresh") > 0

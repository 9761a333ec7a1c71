"""What the window offers about training, and what it says while the training dialog is closed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.message_list import Loudness, Message
from srdesk.gui.preferences import Preferences
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.training import Training
from srdesk.gui.work.requests import RenderRequest
from srdesk.gui.work.session import Phase, Session
from srdesk.training import events
from srdesk.training.run.runs import TOLD_NAME, Run

WAIT_MS = 20_000

pytestmark = pytest.mark.usefixtures("fake_trainer")


class FakeDialog:
    """Writes down what it should show."""

    def __init__(self, training: Training, parent: MainWindow) -> None:
        self.shown: list[object] = []
        self.is_visible = False
        self.shows_current = True

    def isVisible(self) -> bool:
        return self.is_visible

    def shows(self, process: RunProcess) -> bool:
        return self.shows_current

    def show_new(self, folder: Path | None) -> None:
        self.shown.append(("new", folder))

    def show_run(self, folder: Path) -> None:
        self.shown.append(("run", folder))

    def shutdown(self) -> None:
        self.shown.append("shutdown")


@pytest.fixture
def shown(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[object]]:
    """Tell what the training dialog was asked to show."""
    monkeypatch.setattr("srdesk.gui.training.train_dialog.TrainDialog", FakeDialog)
    return lambda: window.train._dialog.shown if window.train._dialog is not None else []


@pytest.fixture
def process(qtbot: QtBot, training: Training, config, shown) -> Iterator[RunProcess]:
    """A run that makes one step and waits."""
    process = training.start(config("wait"))
    qtbot.waitUntil(lambda: any(isinstance(event, events.Validated) for event in process.told), timeout=WAIT_MS)
    yield process
    if process.is_alive:
        process.stop()
        qtbot.waitUntil(lambda: process._trainer.has_ended, timeout=WAIT_MS)


def test_the_menu_opens_the_dialog_and_brings_the_pictures_along(
    window: MainWindow, answers, shown, tmp_path: Path
) -> None:
    window.desk_actions.train.trigger()
    answers.given = {"training_folder": tmp_path}
    window.desk_actions.fine_tune.trigger()
    answers.given = {"training_folder": None}
    window.desk_actions.fine_tune.trigger()
    assert shown() == [("new", None), ("new", tmp_path)]


def test_a_run_that_goes_on_is_seen_in_the_status_line_and_opened_from_there(
    qtbot: QtBot, window: MainWindow, training: Training, process: RunProcess, shown
) -> None:
    indicator = window.train.indicator
    qtbot.waitUntil(lambda: "29.00 dB" in indicator.text(), timeout=WAIT_MS)
    assert indicator.isVisible()
    assert indicator.text() == "portraits  ·  33 %  ·  29.00 dB  ·  1 min left"
    indicator.click()
    window.desk_actions.train.trigger()
    assert shown() == [("run", process.run.folder)] * 2
    process.pause()
    qtbot.waitUntil(lambda: "paused" in indicator.text(), timeout=WAIT_MS)
    process.stop()
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)
    assert not indicator.isVisible()


@pytest.mark.parametrize("answer", ["keep", "stop", "stay"])
def test_closing_asks_what_becomes_of_the_training(
    qtbot: QtBot, window: MainWindow, training: Training, answers, process: RunProcess, answer: str
) -> None:
    answers.given = {"close_during_training": answer}
    assert window.close() is (answer != "stay")
    assert process.run.is_kept_running() is (answer == "keep")
    training.shutdown()
    if answer == "keep":
        assert process.run.is_running()
        process.run.ask("stop")
    qtbot.waitUntil(lambda: process._trainer.has_ended, timeout=WAIT_MS)
    assert process.run.state() == "stopped"


def test_closing_asks_nothing_where_the_answer_is_known_or_nobody_can_give_one(
    window: MainWindow, answers, process: RunProcess
) -> None:
    process.keep_running(True)
    assert window.close()
    process.keep_running(False)
    window.close_unasked()
    assert answers.asked == []


def test_what_an_earlier_desk_was_told_does_not_count(
    qtbot: QtBot, window: MainWindow, training: Training, answers, process: RunProcess, shown
) -> None:
    process.keep_running(True)
    process.release()
    training.look_around()
    assert training.current is not None
    assert training.current is not process
    assert window.banner.message is not None
    assert window.banner.message.text == "The training “portraits” goes on in the background."
    answers.given = {"close_during_training": "stop"}
    assert window.close()
    assert answers.asked == ["close_during_training"]
    qtbot.waitUntil(lambda: process._trainer.has_ended, timeout=WAIT_MS)


def test_a_run_that_is_done_is_announced_with_a_button_unless_it_is_being_watched(
    qtbot: QtBot, window: MainWindow, training: Training, config, shown
) -> None:
    process = training.start(config())
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    message = window.banner.message
    assert message is not None
    assert message.text == "The training “portraits” is done. Its best weights reach 31.00 dB."
    assert message.remedy is not None
    message.remedy.act()
    assert shown() == [("run", process.run.folder)]
    window.banner.dismiss()
    window.train._dialog.is_visible = True
    training.start(config())
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)
    assert window.banner.message is None
    window.train._dialog.shows_current = False  # another run is looked at
    training.start(config())
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)


def test_a_crash_is_reported_with_the_last_words_of_the_log(
    qtbot: QtBot, window: MainWindow, process: RunProcess
) -> None:
    pid = process.run.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    message = window.banner.message
    assert message is not None
    assert "SIGKILL" in message.text
    assert "Resume the run" in message.hint
    assert "a word on stderr" in message.details


def test_a_failure_is_reported_in_the_words_of_the_trainer(
    qtbot: QtBot, window: MainWindow, training: Training, config
) -> None:
    training.start(config("fail"))
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    message = window.banner.message
    assert message is not None
    assert (message.text, message.hint) == ("The folder is empty.", "Choose another.")


def test_a_run_that_waits_for_a_reason_says_so(
    qtbot: QtBot, window: MainWindow, training: Training, config, shown
) -> None:
    process = training.start(config("full wait"))
    qtbot.waitUntil(lambda: process.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    process.pause()
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    assert window.banner.message is not None
    assert window.banner.message.text == "The training “portraits” waits. The disk is full."
    process.discard()
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)


def test_an_interrupted_run_is_announced_and_stays_announced_when_a_picture_is_opened(
    qtbot: QtBot,
    window: MainWindow,
    training: Training,
    config,
    make_started,
    make_step,
    open_in_window: Callable[[Path], None],
    picture: Path,
) -> None:
    run = Run(training.runs_folder / "one")
    run.make_folder()
    run.store(config())
    run.events_path.write_bytes(events.encode(make_started()) + events.encode(make_step(1200)))
    training.look_around()
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    open_in_window(picture)
    assert window.banner.message is not None
    assert window.banner.message.text == "The training “portraits” was interrupted at step 1,200."


def test_an_interrupted_run_counts_as_told_only_when_it_could_be_read(
    qtbot: QtBot, window: MainWindow, training: Training, config, make_started, make_step
) -> None:
    run = Run(training.runs_folder / "one")
    run.make_folder()
    run.store(config())
    run.events_path.write_bytes(events.encode(make_started()) + events.encode(make_step(1200)))
    window.say(Message("“a.png” cannot be opened.", Loudness.ERROR))
    with qtbot.waitSignal(training.found_interrupted, timeout=WAIT_MS):
        training.look_around()
    window.say(Message("The queue was not finished: 3 files left.", Loudness.NOTICE, is_about_picture=False))
    assert not (run.folder / TOLD_NAME).exists()
    window.banner.dismiss()
    assert window.banner.message is not None
    assert "interrupted at step 1,200" in window.banner.message.text
    assert (run.folder / TOLD_NAME).read_text() == "1200"
    window.banner.dismiss()
    assert "queue was not finished" in window.banner.message.text


@pytest.mark.parametrize(("beside", "device"), [("cpu", "cpu"), ("same", "cuda")])
def test_panes_leave_the_gpu_to_the_training_unless_asked_otherwise(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    training: Training,
    preferences: Preferences,
    nearest,
    config,
    open_in_window: Callable[[Path], None],
    picture: Path,
    beside: str,
    device: str,
) -> None:
    def compute() -> RenderRequest:
        window.desk_actions.run.trigger()
        qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
        return nearest.seen[-1]

    preferences.change(device="cuda", precision="fp16", panes_beside_training=beside)
    open_in_window(picture)
    process = training.start(config("cuda wait"))
    qtbot.waitUntil(lambda: training.holds_gpu, timeout=WAIT_MS)
    recipe = compute().recipe
    assert (recipe.device, recipe.precision) == (device, "auto" if device == "cpu" else "fp16")
    said = [label.text() for label in window.status.findChildren(QLabel)]
    assert any("a training has the GPU" in text for text in said) is (device == "cpu")
    process.stop()
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)
    recipe = compute().recipe
    assert (recipe.device, recipe.precision) == ("cuda", "fp16")


def test_results_are_named_after_the_weights_that_made_them(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    preferences: Preferences,
    open_in_window: Callable[[Path], None],
    picture: Path,
) -> None:
    preferences.change(pane_weights={"srresnet": "portraits"})
    open_in_window(picture)
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
        window.desk_actions.save.trigger()
    assert saved.args == [(picture.with_name("photo_portraits_x4.png"),)]

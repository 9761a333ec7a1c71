"""A run is started, asked, followed and outlived; whatever happens to its process, the desk learns how it ended."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from pytestqt.qtbot import QtBot

from srdesk.errors import TrainingError
from srdesk.gui.training.outcome import Crashed, Failed, Finished, Stopped
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.trainer import ChildTrainer
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run

WAIT_MS = 20_000

pytestmark = pytest.mark.usefixtures("fake_trainer")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "one"


@pytest.fixture
def new_process(qtbot: QtBot) -> Iterator[Callable[[], RunProcess]]:
    """Make processes that are gone after the test."""
    made: list[RunProcess] = []

    def make() -> RunProcess:
        made.append(RunProcess())
        return made[-1]

    yield make
    for process in made:
        process.release()
        if isinstance(process._trainer, ChildTrainer):  # a desk that has ended needs not reap what it leaves running
            qtbot.waitUntil(lambda process=process: process._trainer.has_ended, timeout=WAIT_MS)


def wait_for_step(qtbot: QtBot, process: RunProcess, step: int = 1) -> None:
    qtbot.waitUntil(
        lambda: any(isinstance(event, events.Step) and event.step >= step for event in process.told), timeout=WAIT_MS
    )


def wait_for_end(qtbot: QtBot, process: RunProcess) -> None:
    qtbot.waitUntil(lambda: process.outcome is not None, timeout=WAIT_MS)


def test_a_run_tells_everything_and_finishes(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    with qtbot.waitSignal(process.ended, timeout=WAIT_MS) as ended:
        process.start(config(), folder)
    assert isinstance(ended.args[0], Finished)
    assert process.told == Run(folder).events()
    assert [event.step for event in process.told if isinstance(event, events.Step)] == [1, 2, 3]
    assert process.phase is RunPhase.ENDED
    assert Run(folder).config() == config()


def test_a_run_can_be_paused_and_resumed(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    for deed, phase in ((process.pause, RunPhase.PAUSED), (process.resume, RunPhase.RUNNING)):
        deed()
        qtbot.waitUntil(lambda phase=phase: process.phase is phase, timeout=WAIT_MS)
    process.stop()
    wait_for_end(qtbot, process)


def test_a_stopped_run_goes_on_from_where_it_was(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    process.stop()
    assert process.phase is RunPhase.STOPPING
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Stopped)
    (folder / "config.json").write_bytes(msgspec.json.encode(config()))
    process.keep_running(True)
    again = new_process()
    again.start_again(folder)
    assert not again.run.is_kept_running()
    wait_for_end(qtbot, again)
    assert isinstance(again.outcome, Finished)
    firsts = [event.first_step for event in again.told if isinstance(event, events.Started)]
    assert firsts == [0, 1]


def test_a_stop_before_the_trainer_is_there_is_no_crash(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    process.stop()
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Stopped)
    assert not folder.joinpath("run.pid").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_trainer_is_a_crash_with_the_last_words_of_its_log_and_leaves_no_zombie(
    qtbot: QtBot, new_process, config, folder: Path, number: int
) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    pid = Run(folder).pid()
    assert pid is not None
    os.kill(pid, number)
    wait_for_end(qtbot, process)
    assert process.outcome == Crashed(-number, "a word on stderr\n")
    assert not psutil.pid_exists(pid)
    assert signal.Signals(number).name in str(process.outcome.error)


def test_a_trainer_that_falls_at_once_is_not_taken_for_the_end_of_an_earlier_session(
    qtbot: QtBot, new_process, config, folder: Path
) -> None:
    first = new_process()
    first.start(config(), folder)
    wait_for_end(qtbot, first)
    again = new_process()
    (folder / "config.json").write_bytes(msgspec.json.encode(config("fall")))
    again.start_again(folder)
    wait_for_end(qtbot, again)
    assert isinstance(again.outcome, Crashed)
    assert again.outcome.exit_code == 3


def test_an_error_that_the_trainer_explains_is_passed_on(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("fail"), folder)
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Failed)
    assert (str(process.outcome.error), process.outcome.error.hint) == ("The folder is empty.", "Choose another.")


def test_what_a_trainer_says_that_may_not_write_into_the_run_is_passed_on(
    qtbot: QtBot, new_process, config, folder: Path
) -> None:
    process = new_process()
    process.start(config("refuse"), folder)
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Failed)
    error = process.outcome.error
    assert (str(error), error.hint) == ("The run is being trained elsewhere.", "Wait until it has ended.")


def test_what_an_earlier_trainer_said_is_not_taken_for_the_words_of_a_later_one(
    qtbot: QtBot, new_process, config, folder: Path
) -> None:
    for notes, kind in (("refuse", Failed), ("fall", Crashed)):
        process = new_process()
        process.start(config(notes), folder)
        wait_for_end(qtbot, process)
        assert isinstance(process.outcome, kind)


def test_a_trainer_that_does_not_hear_is_killed_in_the_end(
    qtbot: QtBot, new_process, config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.gui.training.run_process.STOP_PATIENCE_MS", 20)
    monkeypatch.setattr("srdesk.gui.training.run_process.TERMINATE_PATIENCE_MS", 20)
    process = new_process()
    process.start(config("deaf wait"), folder)
    wait_for_step(qtbot, process)
    process.stop()
    wait_for_end(qtbot, process)
    assert process.outcome == Stopped()


def test_a_trainer_that_is_slow_gets_the_time_that_it_needs_to_stop(
    qtbot: QtBot, new_process, config, folder: Path, make_step, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 40.0)
    process._note(make_step(1))
    process.stop()
    assert process._ladder.interval() >= 80_000
    monkeypatch.undo()
    wait_for_end(qtbot, process)


def test_a_discarded_run_leaves_nothing_behind(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    process.discard()
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Stopped)
    assert not (folder / "events.jsonl").exists()


def test_a_run_stops_when_the_desk_lets_go_of_it(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    process.release()
    qtbot.waitUntil(lambda: Run(folder).state() == "stopped", timeout=WAIT_MS)


def test_a_run_that_is_kept_outlives_the_desk_and_the_next_desk_follows_and_stops_it(
    qtbot: QtBot, new_process, config, folder: Path
) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    process.keep_running(True)
    process.release()
    later = new_process()
    later.attach(folder)
    wait_for_step(qtbot, later)
    qtbot.waitUntil(lambda: later.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    later.stop()
    wait_for_end(qtbot, later)
    assert isinstance(later.outcome, Stopped)
    assert Run(folder).state() == "stopped"


def test_a_survivor_that_does_not_hear_is_killed_too(
    qtbot: QtBot, new_process, config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.gui.training.run_process.STOP_PATIENCE_MS", 20)
    monkeypatch.setattr("srdesk.gui.training.run_process.TERMINATE_PATIENCE_MS", 20)
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    later = new_process()
    later.attach(folder)
    wait_for_step(qtbot, later)
    pid = Run(folder).pid()
    assert pid is not None
    psutil.Process(pid).suspend()
    later.stop()
    wait_for_end(qtbot, later)
    assert not Run(folder).is_running()
    wait_for_end(qtbot, process)


def test_an_ended_run_is_replayed_with_half_a_line_and_unknown_events_left_out(
    qtbot: QtBot, new_process, make_started, folder: Path
) -> None:
    folder.mkdir(parents=True)
    lines = [events.encode(make_started()), b'{"event": "of the future"}\n', b'{"event": "step", "st']
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    process = new_process()
    with qtbot.waitSignal(process.ended, timeout=WAIT_MS) as ended:
        process.replay(folder)
    assert process.told == [make_started()]
    assert ended.args == [Crashed(None, "")]
    assert not process.is_alive


def test_a_folder_that_vanishes_ends_the_run_without_a_fuss(qtbot: QtBot, new_process, config, folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    shutil.rmtree(folder)
    complaints: list[object] = []
    process.failed.connect(complaints.append)
    process.pause()
    assert len(complaints) == 1
    process.stop()
    wait_for_end(qtbot, process)
    assert process.phase is RunPhase.ENDED


def test_a_folder_that_cannot_be_made_is_said_at_once(new_process, config, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        new_process().start(config(), tmp_path / "file" / "run")


def test_a_trainer_that_cannot_be_started_is_a_failure(
    qtbot: QtBot, new_process, config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.gui.training.trainer.trainer_command", lambda *arguments: ["/nowhere"])
    process = new_process()
    process.start(config(), folder)
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Failed)


def test_a_long_run_is_replayed_in_portions(qtbot: QtBot, new_process, make_started, folder: Path) -> None:
    folder.mkdir(parents=True)
    step = events.Step(
        step=1, loss=1.0, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=1.0, data_wait_share=0.0,
        remaining_s=1.0, memory_bytes=1,
    )  # fmt: skip
    (folder / "events.jsonl").write_bytes(events.encode(make_started()) + events.encode(step) * 20_000)
    process = new_process()
    process.replay(folder)
    process._follow()
    assert 0 < len(process.told) < 20_001
    wait_for_end(qtbot, process)
    assert len(process.told) == 20_001


def test_a_trainer_stands_back(qtbot: QtBot, new_process, config: Callable[..., TrainConfig], folder: Path) -> None:
    process = new_process()
    process.start(config("wait"), folder)
    wait_for_step(qtbot, process)
    pid = Run(folder).pid()
    assert pid is not None
    assert psutil.Process(pid).nice() > psutil.Process().nice()
    assert os.getsid(pid) != os.getsid(0)  # Ctrl-C in the terminal of the desk does not reach it
    process.stop()
    wait_for_end(qtbot, process)

"""Short tasks tell events on stdout; however they end, the desk learns it, and none of them outlives it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.training.outcome import Crashed, Failed, Finished, Stopped
from srdesk.gui.training.task_process import TaskProcess
from srdesk.training import events

WAIT_MS = 20_000

BEGIN = """
import sys
from srdesk.training import events

def tell(event):
    sys.stdout.buffer.write(events.encode(event))
    sys.stdout.flush()

def end(reason):
    tell(events.Finished(reason=reason, step=0, best_psnr_y_db=None, elapsed_s=1.0))
"""


@pytest.fixture
def task(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], TaskProcess]:
    """Make a task that runs a script."""

    def make(script: str) -> TaskProcess:
        path = tmp_path / "task.py"
        path.write_text(BEGIN + script)
        monkeypatch.setattr(
            "srdesk.gui.training.task_process.trainer_command", lambda *words: [sys.executable, str(path), *words]
        )
        return TaskProcess()

    return make


def run_to_end(qtbot: QtBot, process: TaskProcess, *arguments: str) -> list[events.AnyEvent]:
    told: list[events.AnyEvent] = []
    process.progressed.connect(told.append)
    with qtbot.waitSignal(process.ended, timeout=WAIT_MS):
        process.start(*arguments)
    return told


def test_every_line_is_an_event_and_noise_is_passed_over(qtbot: QtBot, task) -> None:
    process = task("""
tell(events.Notice(message=" ".join(sys.argv[1:])))
print("noise", flush=True)
tell(events.Notice(message="x" * 100_000))
end("done")
""")
    told = run_to_end(qtbot, process, "--check")
    assert told[:2] == [events.Notice(message="--check --events"), events.Notice(message="x" * 100_000)]
    assert isinstance(process.outcome, Finished)
    assert not process.is_alive


def test_a_task_that_is_cancelled_hears_the_word_stop(qtbot: QtBot, task) -> None:
    process = task("""
tell(events.Notice(message="ready"))
end("stopped" if sys.stdin.readline() == "stop\\n" else "done")
""")
    process.progressed.connect(lambda event: process.cancel())
    run_to_end(qtbot, process)
    assert isinstance(process.outcome, Stopped)


def test_a_task_that_does_not_hear_is_killed_in_the_end(qtbot: QtBot, task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srdesk.gui.training.task_process.STOP_PATIENCE_MS", 20)
    monkeypatch.setattr("srdesk.gui.training.task_process.TERMINATE_PATIENCE_MS", 20)
    process = task("""
import signal, threading
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell(events.Notice(message="ready"))
threading.Event().wait()
""")
    process.progressed.connect(lambda event: process.cancel())
    run_to_end(qtbot, process)
    assert process.outcome == Stopped()


def test_a_task_that_falls_is_a_crash_with_its_last_words(qtbot: QtBot, task) -> None:
    process = task("""
import os, signal
print("last words", file=sys.stderr, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""")
    run_to_end(qtbot, process)
    assert process.outcome == Crashed(-9, "last words\n")


def test_an_error_that_the_task_explains_is_passed_on(qtbot: QtBot, task) -> None:
    process = task('tell(events.Failed(kind="DatasetError", message="Empty.", hint="Fill it."))')
    run_to_end(qtbot, process)
    assert isinstance(process.outcome, Failed)
    assert process.outcome.error.hint == "Fill it."


def test_a_task_that_cannot_be_started_is_a_failure(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srdesk.gui.training.task_process.trainer_command", lambda *words: ["/nowhere"])
    process = TaskProcess()
    run_to_end(qtbot, process)
    assert isinstance(process.outcome, Failed)


def test_a_task_can_be_ended_at_once(qtbot: QtBot, task) -> None:
    process = task("""
tell(events.Notice(message="ready"))
sys.stdin.readline()
""")
    with qtbot.waitSignal(process.progressed, timeout=WAIT_MS):
        process.start()
    process.end_now()
    assert not process.is_alive
    assert process.outcome == Stopped()

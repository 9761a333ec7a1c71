"""The desk and the real trainer: whoever of the two dies, the other does what it should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import psutil
import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.training.outcome import Crashed, Finished, Stopped
from srdesk.gui.training.run_process import RunProcess
from srdesk.gui.training.task_process import TaskProcess
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run

pytestmark = [pytest.mark.process, pytest.mark.slow]

WAIT_MS = 60_000

DESK = """
import os, signal, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from srdesk.gui.training.run_process import RunProcess
from srdesk.gui.training.task_process import TaskProcess
from srdesk.training import events
from srdesk.training.run.runs import Run

application = QCoreApplication([])
process, folder = RunProcess(), Path(sys.argv[1])

def on_progressed(event):
    if isinstance(event, events.Step):
        if sys.argv[2] == "keep":
            process.keep_running(True)
        os.kill(os.getpid(), signal.SIGKILL)

process.progressed.connect(on_progressed)
process.start(Run(folder).config(), folder)
application.exec()
"""
"""A desk that dies at the first step of its run."""

BUSY_DESK = """
import sys
from pathlib import Path
from srdesk.gui import app
from srdesk.training import events
from srdesk.training.config import read_config

class Busy(app.Desk):
    def open(self, files):
        self.training.progressed.connect(self.on_progressed)
        self.training.start(read_config(Path(sys.argv[1])))

    def on_progressed(self, event):
        if isinstance(event, events.Step) and event.step == 1:
            print(self.training.current.run.folder, flush=True)

app.Desk = Busy
sys.exit(app.main([]))
"""
"""A desk that trains as soon as it is open, and says where after the first step."""


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., TrainConfig]:
    """Make the configuration of a tiny run."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        PIL.Image.fromarray(coarse).resize((64, 64), PIL.Image.Resampling.BICUBIC).save(folder / f"{seed}.png")

    def make(steps: int) -> TrainConfig:
        return TrainConfig(
            model_options={"channels": 8, "blocks": 1}, data=(str(folder),), steps=steps, batch_size=2, crop_px=8,
            validation_crop_px=64, validate_every_steps=5, checkpoint_every_steps=5, report_every_steps=1, threads=1,
            precision="fp32", tensorboard=False,
        )  # fmt: skip

    return make


def wait_for_step(qtbot: QtBot, process: RunProcess, step: int) -> None:
    def has_come() -> bool:
        assert process.outcome is None, process.outcome
        return any(isinstance(event, events.Step) and event.step >= step for event in process.told)

    qtbot.waitUntil(has_come, timeout=WAIT_MS)


def wait_for_end(qtbot: QtBot, process: RunProcess) -> None:
    qtbot.waitUntil(lambda: process.outcome is not None, timeout=WAIT_MS)


def test_a_killed_trainer_is_noticed_and_its_run_goes_on_from_the_checkpoint(
    qtbot: QtBot, config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    process = RunProcess()
    process.start(config(40), tmp_path / "run")
    wait_for_step(qtbot, process, 8)
    pid = process.run.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Crashed)
    assert process.run.state() == "interrupted"
    again = RunProcess()
    again.start_again(tmp_path / "run")
    wait_for_end(qtbot, again)
    assert isinstance(again.outcome, Finished)
    firsts = [event.first_step for event in again.told if isinstance(event, events.Started)]
    assert firsts[0] == 0
    assert firsts[1] >= 5
    assert again.run.best_weights() is not None


def test_a_run_pauses_resumes_and_stops_when_the_desk_asks(
    qtbot: QtBot, config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    process = RunProcess()
    process.start(config(20_000), tmp_path / "run")
    wait_for_step(qtbot, process, 1)
    for ask, kind in ((process.pause, events.Paused), (process.resume, events.Resumed)):
        ask()
        qtbot.waitUntil(lambda kind=kind: any(isinstance(event, kind) for event in process.told), timeout=WAIT_MS)
    process.stop()
    wait_for_end(qtbot, process)
    assert isinstance(process.outcome, Stopped)
    assert (tmp_path / "run" / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("fate", ["stop", "keep"])
def test_a_run_whose_desk_dies_stops_with_a_checkpoint_or_is_found_by_the_next_desk(
    qtbot: QtBot, config: Callable[..., TrainConfig], tmp_path: Path, fate: str
) -> None:
    run = Run(tmp_path / "run")
    run.make_folder()
    run.store(config(20_000))
    desk = subprocess.run([sys.executable, "-c", DESK, str(run.folder), fate], timeout=60)
    assert desk.returncode == -signal.SIGKILL
    if fate == "stop":
        qtbot.waitUntil(lambda: run.state() == "stopped", timeout=WAIT_MS)
    else:
        later = RunProcess()
        later.attach(run.folder)
        wait_for_step(qtbot, later, 20)
        pid = run.pid()
        assert pid is not None
        later.stop()
        wait_for_end(qtbot, later)
        assert isinstance(later.outcome, Stopped)
        psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert (run.folder / "checkpoint.safetensors").exists()


def test_a_desk_that_is_told_to_end_does_so_at_once_and_its_run_stops_with_a_checkpoint(
    qtbot: QtBot, config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_bytes(msgspec.json.encode(config(20_000)))
    desk = subprocess.Popen(
        [sys.executable, "-c", BUSY_DESK, str(tmp_path / "config.json")],
        env=os.environ | {"SRDESK_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
    )
    assert desk.stdout is not None
    run = Run(Path(desk.stdout.readline().decode().strip()))
    desk.send_signal(signal.SIGTERM)
    assert desk.communicate(timeout=30)[0] == b""
    assert desk.returncode == 0
    qtbot.waitUntil(lambda: run.state() == "stopped", timeout=WAIT_MS)
    assert (run.folder / "checkpoint.safetensors").exists()


def test_pictures_are_checked_by_a_task(qtbot: QtBot, config: Callable[..., TrainConfig]) -> None:
    task = TaskProcess()
    told: list[events.AnyEvent] = []
    task.progressed.connect(told.append)
    with qtbot.waitSignal(task.ended, timeout=WAIT_MS):
        task.start("--check", "--data", config(1).data[0], "--crop-px", "8")
    assert isinstance(task.outcome, Finished)
    assert [event.pictures for event in told if isinstance(event, events.HealthReport)] == [4]

"""A training process that is asked to wait, to go on alone, or to work on a disk that is full."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import PIL.Image
import psutil
import pytest

from srdesk.training import events
from srdesk.training.learning.checkpoint import load_checkpoint
from srdesk.training.run.runs import Run

pytestmark = [pytest.mark.process, pytest.mark.slow]

OPTIONS = (
    'model_options={"channels": 4, "blocks": 1}',
    "batch_size=2",
    "crop_px=8",
    "validation_crop_px=64",
    "validate_every_steps=1000000",
    "checkpoint_every_steps=3",
    "report_every_steps=1",
    "threads=1",
    "precision=fp32",
)

E = TypeVar("E", bound=events.Event)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.fixture
def trainer(run: Run, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Give a trainer that would be at work for hours."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        PIL.Image.fromarray(coarse).resize((64, 64), PIL.Image.Resampling.BICUBIC).save(folder / f"{seed}.png")
    with start("--data", str(folder), "--run", str(run.folder), "--steps", "1000000", "--set", *OPTIONS) as process:
        wait_for(process, events.Saved)
        yield process
        process.kill()


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "srdesk", "train", *arguments, "--events"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(process: subprocess.Popen[bytes], kind: type[E]) -> E:
    """Return the next event of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        event = events.decode(line)
        if isinstance(event, kind):
            return event
    pytest.fail(f"ended without {kind.__name__}: {process.communicate()[1].decode()}")


def errors_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stderr is not None
    return process.stderr.read().decode()


def test_a_run_pauses_goes_on_and_stops_as_asked(trainer: subprocess.Popen[bytes], run: Run) -> None:
    run.ask("pause")
    paused = wait_for(trainer, events.Paused)
    checkpoint = load_checkpoint(run.folder)
    assert checkpoint is not None
    assert checkpoint.state.step == paused.step
    assert run.state() == "paused"
    run.ask("resume")
    assert wait_for(trainer, events.Resumed).step == paused.step
    assert wait_for(trainer, events.Step).step == paused.step + 1
    assert run.state() == "running"
    run.ask("stop")
    assert wait_for(trainer, events.Finished).reason == "stopped"
    assert trainer.wait(60) == 0
    assert run.state() == "stopped"


def test_a_paused_run_can_be_stopped(trainer: subprocess.Popen[bytes], run: Run) -> None:
    assert trainer.stdin is not None
    trainer.stdin.write(b"pause\n")
    trainer.stdin.flush()
    paused = wait_for(trainer, events.Paused)
    trainer.stdin.write(b"stop\n")
    trainer.stdin.flush()
    assert wait_for(trainer, events.Finished).step == paused.step
    assert trainer.wait(60) == 0


def test_a_second_trainer_is_refused_and_the_first_goes_on(trainer: subprocess.Popen[bytes], run: Run) -> None:
    with start("--run", str(run.folder)) as second:
        failed = wait_for(second, events.Failed)
        assert second.wait(60) == 1
        assert f"“run” is already being trained by another process {trainer.pid}." in failed.message
        assert failed.message in errors_of(second)
    wait_for(trainer, events.Step)
    assert not any(isinstance(event, events.Failed) for event in run.events())


def test_a_kept_run_outlives_whoever_started_it(trainer: subprocess.Popen[bytes], run: Run) -> None:
    run.keep_running(True)
    assert trainer.stdin is not None
    assert trainer.stdout is not None
    trainer.stdin.close()
    trainer.stdout.close()
    reached = run.overview().step
    give_up_at = time.monotonic() + 60
    while run.overview().step < reached + 20:
        assert trainer.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    run.ask("stop")
    assert trainer.wait(60) == 0
    assert run.state() == "stopped"


def test_a_killed_run_is_known_as_interrupted(trainer: subprocess.Popen[bytes], run: Run) -> None:
    assert run.state() == "running"
    trainer.kill()
    trainer.wait()
    assert run.state() == "interrupted"


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
@pytest.mark.parametrize(("largest_file_bytes", "name"), [(1, "events.jsonl"), (14_000, "checkpoint.safetensors")])
def test_a_run_waits_while_the_disk_is_full_and_goes_on(
    trainer: subprocess.Popen[bytes], run: Run, largest_file_bytes: int, name: str
) -> None:
    process = psutil.Process(trainer.pid)
    unlimited = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (largest_file_bytes, unlimited[1]))
    paused = wait_for(trainer, events.Paused)
    assert name in paused.reason
    assert "File too large" in paused.reason
    checkpoint = load_checkpoint(run.folder)
    assert checkpoint is not None
    assert checkpoint.state.step <= paused.step
    assert list(run.folder.rglob("*.part")) == []
    process.rlimit(psutil.RLIMIT_FSIZE, unlimited)
    run.ask("resume")
    assert wait_for(trainer, events.Resumed).step == paused.step
    assert wait_for(trainer, events.Saved).step >= paused.step
    run.ask("stop")
    assert wait_for(trainer, events.Finished).reason == "stopped"
    assert trainer.wait(60) == 0
    steps = [event.step for event in run.events() if isinstance(event, events.Step)]
    assert steps == list(range(1, steps[-1] + 1))


@pytest.mark.skipif(sys.platform != "linux", reason="limits another process")
def test_a_run_that_is_stopped_while_the_disk_is_full_ends_with_the_error(
    trainer: subprocess.Popen[bytes], run: Run
) -> None:
    process = psutil.Process(trainer.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (14_000, process.rlimit(psutil.RLIMIT_FSIZE)[1]))
    paused = wait_for(trainer, events.Paused)
    run.ask("stop")
    failed = wait_for(trainer, events.Failed)
    assert trainer.wait(60) == 1
    assert failed.message in paused.reason
    assert failed.message in errors_of(trainer)
    assert load_checkpoint(run.folder) is not None
    assert list(run.folder.rglob("*.part")) == []

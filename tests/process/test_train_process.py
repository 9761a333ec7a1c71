"""`srdesk train` as a process that another program watches, stops, kills and starts again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import pytest
import torch

from srdesk.training import events
from srdesk.training.learning.checkpoint import load_checkpoint

pytestmark = [pytest.mark.process, pytest.mark.slow]

OPTIONS = {
    "model_options": '{"channels": 4, "blocks": 1}',
    "batch_size": "2",
    "crop_px": "8",
    "validation_crop_px": "64",
    "validate_every_steps": "10",
    "checkpoint_every_steps": "3",
    "report_every_steps": "1",
    "threads": "1",
    "precision": "fp32",
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(4):
        coarse = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        PIL.Image.fromarray(coarse).resize((64, 64), PIL.Image.Resampling.BICUBIC).save(folder / f"{seed}.png")
    return folder


def start(pictures: Path, run: Path, *, steps: int, watched: bool = True) -> subprocess.Popen[bytes]:
    settings = [f"{field}={value}" for field, value in OPTIONS.items()]
    command = [sys.executable, "-m", "srdesk", "train", "--data", str(pictures), "--run", str(run)]
    command += ["--steps", str(steps), "--set", *settings, *(["--events"] if watched else [])]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def told_by(process: subprocess.Popen[bytes]) -> Iterator[events.AnyEvent]:
    assert process.stdout is not None
    for line in process.stdout:
        yield events.decode(line)


def wait_for_step(process: subprocess.Popen[bytes], step: int) -> None:
    for event in told_by(process):
        if isinstance(event, events.Step) and event.step >= step:
            return
    pytest.fail(f"ended before step {step}: {process.communicate()[1].decode()}")


def finish(process: subprocess.Popen[bytes]) -> tuple[int, list[events.AnyEvent]]:
    rest, _ = process.communicate(timeout=60)
    return process.returncode, [events.decode(line) for line in rest.splitlines()]


def test_the_word_stop_ends_the_run_with_a_checkpoint(pictures: Path, tmp_path: Path) -> None:
    process = start(pictures, tmp_path / "run", steps=100_000)
    wait_for_step(process, 4)
    assert process.stdin is not None
    process.stdin.write(b"stop\n")
    process.stdin.flush()
    last = list(told_by(process))[-1]
    code, _ = finish(process)
    checkpoint = load_checkpoint(tmp_path / "run")
    assert code == 0
    assert isinstance(last, events.Finished)
    assert last.reason == "stopped"
    assert checkpoint is not None
    assert checkpoint.state.step == last.step


def test_the_end_of_stdin_ends_the_run_too(pictures: Path, tmp_path: Path) -> None:
    process = start(pictures, tmp_path / "run", steps=100_000)
    wait_for_step(process, 2)
    code, told = finish(process)  # closes stdin, as the death of the parent does
    assert code == 0
    assert isinstance(told[-1], events.Finished)


def test_a_program_that_stops_reading_ends_the_run_with_a_checkpoint(pictures: Path, tmp_path: Path) -> None:
    with start(pictures, tmp_path / "run", steps=100_000) as process:
        wait_for_step(process, 2)
        assert process.stdout is not None
        process.stdout.close()  # as the death of the desk does, though stdin is still open here
        assert process.wait(60) == 0
    last = events.decode((tmp_path / "run" / "events.jsonl").read_bytes().splitlines()[-1])
    checkpoint = load_checkpoint(tmp_path / "run")
    assert isinstance(last, events.Finished)
    assert checkpoint is not None
    assert checkpoint.state.step == last.step


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_saves_and_says_130(pictures: Path, tmp_path: Path, signal_number: int) -> None:
    process = start(pictures, tmp_path / "run", steps=100_000, watched=False)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "checkpoint.safetensors").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal_number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped at step" in errors.decode()
    assert load_checkpoint(tmp_path / "run") is not None


def test_kills_at_random_moments_change_nothing_about_the_result(pictures: Path, tmp_path: Path) -> None:
    steps = 300
    undisturbed = start(pictures, tmp_path / "undisturbed", steps=steps)
    for _ in told_by(undisturbed):
        pass
    assert finish(undisturbed)[0] == 0
    dice = random.Random(20261123)
    reached = 0
    for _ in range(4):
        if reached == steps:
            break
        process = start(pictures, tmp_path / "killed", steps=steps)
        wait_for_step(process, reached + 1)
        time.sleep(dice.uniform(0.0, 0.2))
        process.kill()
        process.communicate()
        checkpoint = load_checkpoint(tmp_path / "killed")
        now = checkpoint.state.step if checkpoint else 0
        assert now >= reached
        reached = now
    last = start(pictures, tmp_path / "killed", steps=steps)
    for _ in told_by(last):
        pass
    assert finish(last)[0] == 0
    expected, actual = load_checkpoint(tmp_path / "undisturbed"), load_checkpoint(tmp_path / "killed")
    assert expected is not None
    assert actual is not None
    assert expected.state.step == actual.state.step == steps
    assert [name for name in expected.tensors if not torch.equal(expected.tensors[name], actual.tensors[name])] == []


def test_a_failure_is_an_event_and_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    process = start(tmp_path / "empty", tmp_path / "run", steps=5)
    output, errors = process.communicate(timeout=60)
    told = [events.decode(line) for line in output.splitlines()]
    assert process.returncode == 1
    assert isinstance(told[-1], events.Failed)
    assert told[-1].kind == "DatasetError"
    assert told[-1].message in errors.decode()
    assert "Traceback" not in errors.decode()


def test_the_run_folder_keeps_configuration_and_events(pictures: Path, tmp_path: Path) -> None:
    process = start(pictures, tmp_path / "run", steps=3)
    wire = list(told_by(process))
    finish(process)
    kept = [events.decode(line) for line in (tmp_path / "run" / "events.jsonl").read_bytes().splitlines()]
    assert kept == wire
    assert msgspec.json.decode((tmp_path / "run" / "config.json").read_bytes())["steps"] == 3

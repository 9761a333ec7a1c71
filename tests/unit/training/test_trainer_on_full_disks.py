"""A disk that is full makes a run wait, and changes nothing about what it computes."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import torch

from srdesk.engine.control import CancelToken
from srdesk.errors import CheckpointError, SrDeskError, TrainingError
from srdesk.imaging.atomic import atomic_write
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.learning import checkpoint as checkpoint_module
from srdesk.training.learning.checkpoint import CHECKPOINT_NAME, load_checkpoint
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests
from srdesk.training.trainer import train

MakeConfig = Callable[..., TrainConfig]

SAVERS = {
    "checkpoint.safetensors": "srdesk.training.learning.checkpoint.atomic_write",
    "start.safetensors": "srdesk.engine.weights.atomic_write",
}


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)


def fill_disk(monkeypatch: pytest.MonkeyPatch, saver: str, *, before: int, refusals: int) -> None:
    """Let a saver find the disk full after some successes, so many times, half-way through the file."""
    calls = itertools.count()

    @contextlib.contextmanager
    def writing(path: Path) -> Iterator[BinaryIO]:
        with atomic_write(path) as stream:
            if before <= next(calls) < before + refusals:
                stream.write(b"half of it")
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            yield stream

    monkeypatch.setattr(saver, writing)


def run(config: TrainConfig, folder: Path, on_pause: str = "resume") -> list[events.AnyEvent]:
    folder.mkdir(exist_ok=True)
    requests, told = Requests(CancelToken()), []
    for event in train(config, folder, requests.token, requests=requests):
        told.append(event)
        if isinstance(event, events.Paused):
            assert not list(folder.rglob("*.part"))
            requests.ask("resume" if on_pause == "resume" else "stop")
    return told


@pytest.mark.parametrize("name", SAVERS)
def test_a_run_waits_for_space_and_computes_the_same(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run(tiny_config(), tmp_path / "undisturbed")
    fill_disk(monkeypatch, SAVERS[name], before=0, refusals=1)
    told = run(tiny_config(), tmp_path / "disturbed")
    pauses = [event for event in told if isinstance(event, events.Paused | events.Resumed)]
    assert [type(event) for event in pauses] == [events.Paused, events.Resumed]
    assert isinstance(pauses[0], events.Paused)
    assert name in pauses[0].reason
    assert os.strerror(errno.ENOSPC) in pauses[0].reason
    one, other = load_checkpoint(tmp_path / "undisturbed"), load_checkpoint(tmp_path / "disturbed")
    assert one is not None
    assert other is not None
    assert [key for key in one.tensors if not torch.equal(one.tensors[key], other.tensors[key])] == []


def test_a_stop_on_a_full_disk_is_an_error_and_keeps_the_old_checkpoint(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, SAVERS[CHECKPOINT_NAME], before=1, refusals=100)
    with pytest.raises(CheckpointError, match=os.strerror(errno.ENOSPC)):
        run(tiny_config(), tmp_path / "run", on_pause="stop")
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.state.step == 2


def test_a_run_does_not_begin_on_a_disk_without_room(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr(checkpoint_module.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(
        TrainingError, match=r"The run needs 0 MB, and the disk of its folder .* has 0 MB left"
    ) as caught:
        run(tiny_config(), tmp_path / "run")
    assert "Free some space" in caught.value.hint
    assert load_checkpoint(tmp_path / "run") is None


def test_room_is_wanted_for_twice_what_a_run_writes(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny_config(), tmp_path / "run")
    written = sum(path.stat().st_size for path in tmp_path.glob("run/**/*.safetensors"))
    asked: list[SrDeskError] = []
    usage = type("Usage", (), {"free": 0})
    monkeypatch.setattr(checkpoint_module.shutil, "disk_usage", lambda folder: usage)
    for usage.free in range(written, 3 * written, written // 10):
        try:
            run(tiny_config(), tmp_path / "run")
        except TrainingError as error:
            asked.append(error)
        else:
            break
    assert 1.5 * written < usage.free < 2.5 * written
    assert asked

"""A run whose folder is taken away waits for it, and never works in a folder that it does not hold."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import TrainingError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests
from srdesk.training.run.runs import CHECKPOINT_NAME, LOCK_NAME, WEIGHTS_FOLDER, Run
from srdesk.training.trainer import train

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a run that has its folder already."""
    run = Run(tmp_path / "run")
    run.make_folder()
    return run


def held(config: TrainConfig, run: Run, requests: Requests) -> Iterator[events.AnyEvent]:
    """Train as the only trainer in the folder."""
    with run.hold():
        yield from train(config, run.folder, requests.token, requests=requests)


@pytest.mark.parametrize("moment", [events.Started, events.Step])
@pytest.mark.parametrize("strip_pictures", [0, 2])
def test_a_run_waits_until_its_folder_is_back(
    tiny_config: MakeConfig, run: Run, moment: type[events.AnyEvent], strip_pictures: int
) -> None:
    requests, pauses, was_moved = Requests(CancelToken()), [], False
    elsewhere = run.folder.with_name("elsewhere")
    for event in held(tiny_config(strip_pictures=strip_pictures), run, requests):
        if isinstance(event, moment) and not was_moved:
            run.folder.rename(elsewhere)
            was_moved = True
        if isinstance(event, events.Paused):
            pauses.append(event.reason)
            assert not run.folder.exists()
            elsewhere.rename(run.folder)
            requests.ask("resume")
    assert len(pauses) == 1
    assert os.strerror(errno.ENOENT) in pauses[0]
    assert isinstance(event, events.Finished)
    assert (event.reason, event.step) == ("done", 6)


def test_a_run_ends_when_another_trainer_works_in_a_new_folder_of_its_name(tiny_config: MakeConfig, run: Run) -> None:
    told = held(tiny_config(), run, Requests(CancelToken()))
    next(event for event in told if isinstance(event, events.Saved))
    shutil.rmtree(run.folder)
    other = Run(run.folder)
    other.make_folder()
    with other.hold():
        with pytest.raises(TrainingError, match="is no longer the one that this training works in") as ended:
            list(told)
        assert not (run.folder / CHECKPOINT_NAME).exists()
        assert not (run.folder / WEIGHTS_FOLDER).exists()
    assert "--run" in ended.value.hint


def test_a_run_ends_when_its_lock_is_gone(tiny_config: MakeConfig, run: Run) -> None:
    told = held(tiny_config(), run, Requests(CancelToken()))
    next(event for event in told if isinstance(event, events.Saved))
    before = (run.folder / CHECKPOINT_NAME).read_bytes()
    (run.folder / LOCK_NAME).unlink()
    with pytest.raises(TrainingError, match=f"“{LOCK_NAME}”"):
        list(told)
    assert (run.folder / CHECKPOINT_NAME).read_bytes() == before

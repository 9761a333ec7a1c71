"""A run waits where it is asked to, and where the disk refuses what it saves."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import CheckpointError, TrainingError
from srdesk.training import events
from srdesk.training.pauses import Pauses, Waiting
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests

PATH = Path("run") / "checkpoint.safetensors"


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def requests() -> Requests:
    return Requests(CancelToken())


def full_disk(times: int, *, on_refusal: Callable[[], None] = lambda: None) -> Callable[[], Path]:
    """Return a saver that finds the disk full so many times."""
    left = itertools.count(times, -1)

    def save() -> Path:
        if next(left) <= 0:
            return PATH
        on_refusal()
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise CheckpointError(PATH, f"it cannot be written ({error.strerror})", hint="Free some.") from error

    return save


def results(waiting: Waiting[Path]) -> tuple[list[events.AnyEvent], Path]:
    told: list[events.AnyEvent] = []
    while True:
        try:
            told.append(next(waiting))
        except StopIteration as end:
            return told, end.value


def test_what_can_be_saved_is_saved_without_a_word(requests: Requests) -> None:
    assert results(Pauses(requests).insist(full_disk(0), 7)) == ([], PATH)


def test_a_full_disk_pauses_the_run_until_there_is_space(requests: Requests) -> None:
    told, saved = results(Pauses(requests, retry_s=0.0).insist(full_disk(3), 7))
    assert saved == PATH
    assert [type(event) for event in told] == [events.Paused, events.Resumed]
    assert isinstance(told[0], events.Paused)
    assert told[0].step == 7
    assert "cannot be written (No space left on device). Free some." in told[0].reason


def test_who_asks_to_go_on_has_it_tried_again_at_once(requests: Requests) -> None:
    save = full_disk(2, on_refusal=lambda: requests.ask("resume"))
    assert results(Pauses(requests, retry_s=3600.0).insist(save, 7))[1] == PATH


def test_a_stop_while_the_disk_is_full_ends_with_the_error(requests: Requests) -> None:
    waiting = Pauses(requests, retry_s=3600.0).insist(full_disk(100), 7)
    assert isinstance(next(waiting), events.Paused)
    requests.ask("stop")
    with pytest.raises(CheckpointError, match="No space left"):
        next(waiting)


def test_what_waiting_cannot_help_is_raised_at_once(requests: Requests) -> None:
    def save() -> Path:
        raise CheckpointError(PATH, "it belongs to another configuration")

    with pytest.raises(CheckpointError, match="another configuration"):
        next(Pauses(requests).insist(save, 7))


def test_a_bare_failure_of_the_system_becomes_a_sentence(requests: Requests) -> None:
    def save() -> Path:
        raise PermissionError(errno.EACCES, "Permission denied", "run/weights")

    pauses = Pauses(requests, retry_s=3600.0)
    waiting = pauses.insist(save, 7)
    paused = next(waiting)
    assert isinstance(paused, events.Paused)
    assert paused.reason.startswith("“run/weights” cannot be written: Permission denied.")
    requests.ask("stop")
    with pytest.raises(TrainingError):
        next(waiting)


def test_a_pause_lasts_until_someone_asks_to_go_on(requests: Requests) -> None:
    pauses = Pauses(requests)
    requests.ask("pause")
    pauses.look()
    assert pauses.is_pause_asked
    waiting = pauses.wait(7)
    assert next(waiting) == events.Paused(step=7, reason="")
    requests.ask("resume")
    assert list(waiting) == [events.Resumed(step=7)]
    assert not pauses.is_stopped


def test_a_paused_run_that_is_stopped_does_not_go_on_first(requests: Requests) -> None:
    pauses = Pauses(requests)
    waiting = pauses.wait(7)
    next(waiting)
    requests.ask("stop")
    assert list(waiting) == []
    assert pauses.is_stopped

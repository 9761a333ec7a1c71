"""Events reach the run folder and whoever watches, whole lines only, also when the disk is full for a while."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import TrainingError
from srdesk.training import events
from srdesk.training.journal import EventsFile, Journal
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests
from srdesk.training.run.runs import Run

resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX")

SetLimit = Callable[[int], None]

NOTICE = events.Notice(message="Something happened.")
FAILED = events.Failed(kind="DatasetError", message="No.", hint="Yes.")


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def requests() -> Requests:
    return Requests(CancelToken())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.fixture
def largest_file_bytes() -> Iterator[SetLimit]:
    """Return what makes the system refuse to let files grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FullAtFirst(io.BytesIO):
    """A wire that frees the disk when it is told of the pause."""

    def __init__(self, free: Callable[[], None]) -> None:
        super().__init__()
        self._free = free

    def write(self, line: bytes) -> int:
        if b'"paused"' in line:
            self._free()
        return super().write(line)


def told_to(wire: io.BytesIO) -> list[events.AnyEvent]:
    return [events.decode(line) for line in wire.getvalue().splitlines()]


def test_events_are_kept_and_passed_on(run: Run, requests: Requests) -> None:
    wire = io.BytesIO()
    journal = Journal(wire, requests)
    journal.open(run, total_steps=10)
    journal.tell(NOTICE)
    assert run.events() == told_to(wire) == [NOTICE]
    journal.close()


def test_half_a_line_of_a_killed_process_is_cut_off(run: Run) -> None:
    line = events.encode(NOTICE)
    run.events_path.write_bytes(line + line[:9])
    with closing(EventsFile(run.events_path)) as file:
        file.add(FAILED)
        assert file.write_pending() is None
    assert run.events_path.read_bytes() == line + events.encode(FAILED)


def test_an_event_that_does_not_fit_leaves_no_half_line(run: Run, largest_file_bytes: SetLimit) -> None:
    line = events.encode(NOTICE)
    with closing(EventsFile(run.events_path)) as file:
        file.add(NOTICE)
        assert file.write_pending() is None
        largest_file_bytes(len(line) + 9)
        file.add(FAILED)
        error = file.write_pending()
        assert error is not None
        assert "File too large" in str(error)
        assert run.events_path.read_bytes() == line
        largest_file_bytes(10_000)
        assert file.write_pending() is None
    assert run.events() == [NOTICE, FAILED]


def test_a_full_disk_holds_the_run_up_and_loses_no_event(
    run: Run, requests: Requests, largest_file_bytes: SetLimit
) -> None:
    wire = FullAtFirst(free=lambda: largest_file_bytes(10_000))
    journal = Journal(wire, requests, retry_s=0.0)
    journal.open(run, total_steps=10)
    largest_file_bytes(9)
    journal.tell(NOTICE)
    assert run.events() == [NOTICE]
    assert [type(event) for event in told_to(wire)] == [events.Paused, events.Resumed, events.Notice]
    journal.check()
    journal.close()


def test_a_run_that_is_stopped_while_the_disk_is_full_ends_with_an_error(
    run: Run, requests: Requests, largest_file_bytes: SetLimit
) -> None:
    wire = FullAtFirst(free=lambda: requests.ask("stop"))
    journal = Journal(wire, requests, retry_s=3600.0)
    journal.open(run, total_steps=10)
    largest_file_bytes(9)
    journal.tell(NOTICE)
    with pytest.raises(TrainingError, match="File too large"):
        journal.check()
    journal.close()


def test_a_failure_is_told_without_waiting_for_space(
    run: Run, requests: Requests, largest_file_bytes: SetLimit
) -> None:
    wire = io.BytesIO()
    journal = Journal(wire, requests, retry_s=3600.0)
    journal.open(run, total_steps=10)
    largest_file_bytes(9)
    journal.tell(FAILED)
    assert told_to(wire) == [FAILED]
    journal.close()


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_watching_program_that_is_gone_stops_a_run_unless_it_is_kept(
    run: Run, requests: Requests, is_kept: bool
) -> None:
    reading, writing = os.pipe()
    run.keep_running(is_kept)
    journal = Journal(os.fdopen(writing, "wb", buffering=0), requests)
    journal.open(run, total_steps=10)
    os.close(reading)
    journal.tell(NOTICE)
    assert requests.token.is_cancelled != is_kept
    journal.tell(FAILED)
    assert run.events() == [NOTICE, FAILED]
    journal.close()


def test_a_person_is_told_of_pauses(run: Run, requests: Requests, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(None, requests)
    journal.open(run, total_steps=10)
    journal.tell(events.Paused(step=4, reason="The disk is full. Free some."))
    journal.tell(events.Resumed(step=4))
    journal.close()
    assert "Paused at step 4. The disk is full. Free some.\nGoing on at step 4." in capsys.readouterr().err


def test_events_that_cannot_be_kept_at_all_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=os.strerror(errno.ENOENT)):
        EventsFile(tmp_path / "gone" / "events.jsonl")

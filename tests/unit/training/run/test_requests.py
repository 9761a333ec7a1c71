"""What is asked of a run arrives, whichever way it comes."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests, hear_lines, hearing_requests
from srdesk.training.run.runs import Run


@pytest.fixture
def requests() -> Requests:
    return Requests(CancelToken())


def test_a_pause_is_heard_once(requests: Requests) -> None:
    requests.ask("pause")
    assert requests.take_pause()
    assert not requests.take_pause()


def test_who_changes_his_mind_before_the_pause_is_not_made_to_wait(requests: Requests) -> None:
    requests.ask("pause")
    requests.ask("resume")
    assert not requests.take_pause()


def test_who_changes_his_mind_while_the_checkpoint_is_saved_is_not_made_to_wait(requests: Requests) -> None:
    requests.ask("pause")
    assert requests.take_pause()
    requests.ask("resume")
    assert list(requests.waiting()) == []


@pytest.mark.parametrize("request_", ["resume", "stop"])
def test_waiting_ends_when_it_is_asked_to(
    requests: Requests, request_: requests_module.Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)
    turns = itertools.count()
    for _ in requests.waiting():
        if next(turns) == 2:
            requests.ask(request_)
    assert next(turns) == 3
    assert requests.token.is_cancelled == (request_ == "stop")


def test_waiting_ends_when_the_time_is_up(requests: Requests) -> None:
    assert list(requests.waiting(0.0)) == []


def test_a_request_in_the_run_folder_is_heard(requests: Requests, tmp_path: Path) -> None:
    run = Run(tmp_path)
    with hearing_requests(requests, run):
        run.ask("stop")
        give_up_at = time.monotonic() + 30
        while not requests.token.is_cancelled and time.monotonic() < give_up_at:
            time.sleep(0.01)
    assert requests.token.is_cancelled


def test_lines_are_requests_and_other_lines_are_nothing(requests: Requests, tmp_path: Path) -> None:
    Run(tmp_path).keep_running(True)
    hear_lines(requests, Run(tmp_path), ["hello\n", "pause\n"])
    assert requests.take_pause()
    hear_lines(requests, Run(tmp_path), ["stop\n"])
    assert requests.token.is_cancelled


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_end_of_the_lines_stops_a_run_unless_it_is_kept(requests: Requests, tmp_path: Path, is_kept: bool) -> None:
    Run(tmp_path).keep_running(is_kept)
    hear_lines(requests, Run(tmp_path), [])
    assert requests.token.is_cancelled != is_kept

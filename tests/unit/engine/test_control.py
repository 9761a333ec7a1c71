"""Long calls that are made up of others, and tokens that stop them or make them wait."""

from __future__ import annotations

import threading

import pytest

from srdesk.engine.control import Control, PauseToken, Progress, Stages
from srdesk.errors import Cancelled


def test_parts_of_a_call_report_as_shares_of_it() -> None:
    heard: list[Progress] = []
    for part in Control(on_progress=heard.append, max_rate_hz=1e9).parts(4):
        part.report(1, 2)
        part.report(2, 2)
    assert [progress.fraction for progress in heard] == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1])


def test_parts_of_a_call_pass_notices_on_and_stop_with_it() -> None:
    said: list[str] = []
    control = Control(on_notice=said.append)
    (part,) = control.parts(1)
    part.notify("Memory is short.")
    assert said == ["Memory is short."]
    assert part.token is control.token


def checked_on_a_thread(token: PauseToken, ended: list[str]) -> threading.Thread:
    def check() -> None:
        try:
            token.check()
        except Cancelled:
            ended.append("cancelled")
        else:
            ended.append("went on")

    thread = threading.Thread(target=check)
    thread.start()
    return thread


def test_a_call_goes_on_while_nobody_asks_it_to_wait() -> None:
    token = PauseToken()
    token.check()
    assert not token.is_paused
    assert not token.is_cancelled


def test_a_paused_call_waits_until_it_may_go_on() -> None:
    token, ended = PauseToken(), []
    token.pause()
    assert token.is_paused
    thread = checked_on_a_thread(token, ended)
    thread.join(0.05)
    assert thread.is_alive()
    assert not ended
    token.go_on()
    thread.join()
    assert ended == ["went on"]
    assert not token.is_paused


def test_a_paused_call_can_be_cancelled() -> None:
    token, ended = PauseToken(), []
    token.pause()
    thread = checked_on_a_thread(token, ended)
    token.cancel()
    thread.join()
    assert ended == ["cancelled"]
    with pytest.raises(Cancelled):
        token.check()


def test_pausing_a_call_that_was_cancelled_does_not_keep_it_waiting() -> None:
    token, ended = PauseToken(), []
    token.cancel()
    token.pause()
    thread = checked_on_a_thread(token, ended)
    thread.join(5.0)
    assert ended == ["cancelled"]


def test_stages_go_on_where_others_ended_and_say_a_thing_once() -> None:
    heard: list[Progress] = []
    said: list[str] = []
    control = Control(on_progress=heard.append, on_notice=said.append, max_rate_hz=1e9)
    stages = Stages(control, 100)
    for done in (0, 40):
        stage = stages.after(done)
        assert stage.token is control.token
        stage.report(20, 60)
        stage.notify("Memory is short.")
    stages.after(40).notify("Memory is very short.")
    assert [(progress.done, progress.total) for progress in heard] == [(20, 100), (60, 100)]
    assert said == stages.notices == ["Memory is short.", "Memory is very short."]

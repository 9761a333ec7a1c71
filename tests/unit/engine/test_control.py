"""Tokens stop calls, and make them wait."""

from __future__ import annotations

import threading

import pytest

from srdesk.engine.control import PauseToken
from srdesk.errors import Cancelled


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

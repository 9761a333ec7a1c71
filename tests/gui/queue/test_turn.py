"""The queue waits for its turn between two strips, and never when it was asked to stop."""

from __future__ import annotations

import threading

import pytest

from srdesk.errors import Cancelled
from srdesk.gui.queue.turn import Turn, TurnToken, Wait

WAIT_S = 10.0


class Worker(threading.Thread):
    """Checks its token once."""

    def __init__(self, token: TurnToken) -> None:
        super().__init__()
        self._token = token
        self.was_cancelled = False
        self.start()

    def run(self) -> None:
        try:
            self._token.check()
        except Cancelled:
            self.was_cancelled = True


def test_a_call_goes_on_when_there_is_no_reason_left_to_wait() -> None:
    turn = Turn()
    turn.set_waiting(Wait.PAUSED, shall_wait=True)
    turn.set_waiting(Wait.PANES, shall_wait=True)
    worker = Worker(TurnToken(turn))
    turn.set_waiting(Wait.PANES, shall_wait=False)
    worker.join(0.05)
    assert worker.is_alive()
    assert turn.reasons == {Wait.PAUSED}
    turn.set_waiting(Wait.PAUSED, shall_wait=False)
    worker.join(WAIT_S)
    assert not worker.is_alive()
    assert not worker.was_cancelled
    assert turn.waited_s >= 0.05


def test_a_call_that_waits_can_be_stopped() -> None:
    turn = Turn()
    turn.set_waiting(Wait.PAUSED, shall_wait=True)
    token = TurnToken(turn)
    worker = Worker(token)
    token.cancel()
    worker.join(WAIT_S)
    assert worker.was_cancelled


def test_a_call_whose_turn_it_is_does_not_wait_at_all() -> None:
    turn = Turn()
    token = TurnToken(turn)
    token.check()
    assert turn.waited_s == 0
    token.cancel()
    with pytest.raises(Cancelled):
        token.check()

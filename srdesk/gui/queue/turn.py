"""Whose turn it is to compute: the open picture comes first, and the queue waits between two strips meanwhile.

Both would otherwise share the cores, and the person in front of the window would wait twice as long for a preview
because of files that nobody is looking at. What the queue has computed of its file is kept while it waits.
"""

from __future__ import annotations

import threading
import time
from enum import Enum

from srdesk.engine.control import CancelToken


class Wait(Enum):
    """Why the queue waits."""

    PAUSED = "paused"
    """The person wants it to."""
    PANES = "panes"
    """A pane of the open picture is being computed."""


class Turn:
    """Lets the queue go on, or not; safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reasons: set[Wait] = set()
        self._waited_s = 0.0

    @property
    def reasons(self) -> frozenset[Wait]:
        """Why the queue waits; empty while it may go on."""
        with self._changed:
            return frozenset(self._reasons)

    @property
    def waited_s(self) -> float:
        """Seconds that calls have spent waiting so far; not part of how long a file takes."""
        with self._changed:
            return self._waited_s

    def set_waiting(self, reason: Wait, *, shall_wait: bool) -> None:
        """Make the queue wait for ``reason``, or no longer."""
        with self._changed:
            if shall_wait:
                self._reasons.add(reason)
            else:
                self._reasons.discard(reason)
            self._changed.notify_all()

    def wait(self, token: CancelToken) -> None:
        """Return when there is no reason to wait, or when ``token`` is raised and `wake` was called."""
        with self._changed:
            if not self._reasons:
                return
            began_s = time.monotonic()
            while self._reasons and not token.is_cancelled:
                self._changed.wait()
            self._waited_s += time.monotonic() - began_s

    def wake(self) -> None:
        """Let those who wait look at their tokens."""
        with self._changed:
            self._changed.notify_all()


class TurnToken(CancelToken):
    """A token that also makes its call wait for its turn, wherever the call would have stopped if asked to."""

    def __init__(self, turn: Turn) -> None:
        super().__init__()
        self._turn = turn

    def cancel(self) -> None:
        """Ask the call to stop, also one that waits."""
        super().cancel()
        self._turn.wake()

    def check(self) -> None:
        """Wait for the turn of this call; then go on, or raise.

        Raises:
            Cancelled: someone asked to stop.
        """
        self._turn.wait(self)
        super().check()

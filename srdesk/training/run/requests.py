"""What is asked of a run while it goes on: by lines on stdin, by the run folder's request file, by signals."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from typing import get_args

from srdesk.engine.control import CancelToken
from srdesk.training.run.runs import Request, Run

LOOK_EVERY_S = 0.2
"""Time between two looks at the request file, and at what was asked while a run waits."""


class Requests:
    """What was asked and not yet done; other threads ask, the run looks when it suits."""

    def __init__(self, token: CancelToken) -> None:
        self.token = token
        """Cancelled when someone asks the run to stop."""
        self._is_pause_asked = False
        self._is_resume_asked = False

    def ask(self, request: Request) -> None:
        """Ask for something; safe from any thread. Of pause and resume the later one counts."""
        match request:
            case "stop":
                self.token.cancel()
            case "pause":
                self._is_pause_asked, self._is_resume_asked = True, False
            case "resume":
                self._is_pause_asked, self._is_resume_asked = False, True

    def take_pause(self) -> bool:
        """Tell whether someone wants the run to pause, and forget it."""
        was_asked, self._is_pause_asked = self._is_pause_asked, False
        return was_asked

    def take_resume(self) -> bool:
        """Tell whether someone wants the run to go on, and forget it."""
        was_asked, self._is_resume_asked = self._is_resume_asked, False
        return was_asked

    def waiting(self, patience_s: float | None = None) -> Iterator[None]:
        """Yield several times a second until someone asks to go on or to stop, or the time is up."""
        give_up_at_s = float("inf") if patience_s is None else time.monotonic() + patience_s
        while not self.token.is_cancelled and not self.take_resume() and time.monotonic() < give_up_at_s:
            time.sleep(LOOK_EVERY_S)
            yield


@contextlib.contextmanager
def hearing_requests(requests: Requests, run: Run) -> Iterator[None]:
    """Look for the request file of a run on another thread."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(LOOK_EVERY_S):
            if (request := run.take_request()) is not None:
                requests.ask(request)

    thread = threading.Thread(target=watch, name="requests", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def hear_lines(requests: Requests, run: Run, lines: Iterable[str]) -> None:
    """Take each line as a request; their end, when the program at the other end dies, stops a run that is not kept."""
    for line in lines:
        word = line.strip()
        for request in get_args(Request):
            if request == word:
                requests.ask(request)
    if not run.is_kept_running():
        requests.ask("stop")

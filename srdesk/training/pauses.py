"""Where a run waits: because someone asked for it, or because the disk cannot take what it saves.

Of several processes that train together, the main one waits where it is; the others wait at their next look.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from srdesk.errors import SrDeskError, TrainingError
from srdesk.training import events
from srdesk.training.journal import RETRY_S
from srdesk.training.learning import parallel
from srdesk.training.run.requests import Requests

_HINT = "See that its folder is there, writable and has free space."

T = TypeVar("T")

Waiting = Generator[events.AnyEvent, None, T]
"""Tells of pauses and in the end returns a ``T``."""


class Pauses:
    """What the training loop asks between two steps: whether to stop, and whether to wait."""

    def __init__(
        self, requests: Requests, *, before_saving: Callable[[], None] | None = None, retry_s: float = RETRY_S
    ) -> None:
        """Listen to requests.

        Args:
            requests: what is asked of the run.
            before_saving: raises an error where nothing may be saved any more.
            retry_s: how long a disk that refuses something is left alone.
        """
        self._requests = requests
        self._before_saving = before_saving
        self._retry_s = retry_s
        self.is_stopped = False
        """Whether someone had asked to stop at the latest look."""
        self.is_pause_asked = False
        """Whether someone had asked to pause."""

    def look(self) -> None:
        """Take notice of what was asked; every process of a run must look, after each time that the main one saved."""
        wants_pause = self._requests.take_pause() and parallel.is_main()
        is_waiting = self._agree(is_waiting=wants_pause)
        while is_waiting and not self.is_stopped and not parallel.is_main():
            is_waiting = self._agree(is_waiting=False)
        self.is_pause_asked = wants_pause and not self.is_stopped

    def wait(self, step: int) -> Iterator[events.AnyEvent]:
        """Wait, after a look at which it was asked for, until someone asks to go on or to stop.

        Args:
            step: the step that is saved; told in the events.
        """
        yield events.Paused(step=step, reason="")
        self._wait(None)
        if not self.is_stopped:
            self._agree(is_waiting=False)
            yield events.Resumed(step=step)

    def insist(self, save: Callable[[], T], step: int) -> Waiting[T]:
        """Save something; while the system refuses, wait, and try again from time to time or when asked to go on.

        Args:
            save: leaves what was there before intact, and nothing half-written, when it fails.
            step: steps done so far, told in the events.

        Returns:
            What ``save`` returned.

        Raises:
            SrDeskError: what ``save`` raised, if it is not the system that refuses, or if someone asked to stop; or
                what forbids saving.
        """
        was_refused = False
        while True:
            try:
                if self._before_saving is not None:
                    self._before_saving()
                saved = save()
                break
            except (SrDeskError, OSError) as error:
                refusal = _refusal(error)
            if not self.is_stopped:
                self._agree(is_waiting=True)
            if self.is_stopped:
                raise refusal
            if not was_refused:
                retry = f"It is tried again every {self._retry_s:.0f} seconds, or when the run is resumed."
                yield events.Paused(step=step, reason=f"{refusal} {refusal.hint} {retry}")
            was_refused = True
            self._wait(self._retry_s)
        if was_refused:
            yield events.Resumed(step=step)
        return saved

    def _wait(self, patience_s: float | None) -> None:
        for _ in self._requests.waiting(patience_s):
            self._agree(is_waiting=True)
            if self.is_stopped:
                return
        if self._requests.token.is_cancelled:
            self._agree(is_waiting=True)

    def _agree(self, *, is_waiting: bool) -> bool:
        """Tell the other processes what this one knows, and return whether the main one waits."""
        is_waiting, self.is_stopped = parallel.any_of(is_waiting, self._requests.token.is_cancelled)
        return is_waiting


def _refusal(error: SrDeskError | OSError) -> SrDeskError:
    """Return what to tell of a failure that the system is behind; raise any other."""
    if isinstance(error, OSError):
        refusal = TrainingError(f"“{error.filename}” cannot be written: {error.strerror}.", hint=_HINT)
        refusal.__cause__ = error
        return refusal
    if not isinstance(error.__cause__, OSError):
        raise error
    return error

"""How long a run will still take, told from its own speed."""

from __future__ import annotations

from collections.abc import Callable

from srdesk.engine.control import Progress


class RunClock:
    """Times one run: neither pauses count, nor what an earlier run had finished.

    Args:
        now_s: the time in seconds.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._first: Progress | None = None
        self._since_s = self._now_s()
        self._paused_s = 0.0
        self._pause_began_s: float | None = None

    def pause(self) -> None:
        """Stop the clock."""
        if self._pause_began_s is None:
            self._pause_began_s = self._now_s()

    def go_on(self) -> None:
        """Let the clock go on."""
        if self._pause_began_s is not None:
            self._paused_s += self._now_s() - self._pause_began_s
            self._pause_began_s = None

    def timed(self, progress: Progress) -> Progress | None:
        """Return a progress with the time that all of it would have taken at the speed of this run.

        None until this run has finished something of its own.
        """
        if self._first is None:
            self._first, self._since_s, self._paused_s = progress, self._now_s(), 0.0
        own = progress.done - self._first.done
        if own <= 0:
            return None
        elapsed_s = self._now_s() - self._since_s - self._paused_s
        return Progress(progress.done, progress.total, elapsed_s * progress.done / own)

"""The only two things that a caller hands into a long call: a way to stop it, and a way to hear how far it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from srdesk.errors import Cancelled


class CancelToken:
    """A flag that any thread can raise and that long calls look at between strips."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the call that holds this token to stop; safe from any thread, any number of times."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            Cancelled: someone asked to stop.
        """
        if self._event.is_set():
            raise Cancelled


class PauseToken(CancelToken):
    """A token that can also make the call that holds it wait."""

    def __init__(self) -> None:
        super().__init__()
        self._may_go_on = threading.Event()
        self._may_go_on.set()

    def pause(self) -> None:
        """Ask the call to wait; safe from any thread, any number of times."""
        self._may_go_on.clear()
        if self.is_cancelled:  # nobody would ever let it go on
            self._may_go_on.set()

    def go_on(self) -> None:
        """Let the call go on."""
        self._may_go_on.set()

    @property
    def is_paused(self) -> bool:
        """Whether the call waits, or is about to."""
        return not self._may_go_on.is_set()

    def cancel(self) -> None:
        """Ask the call to stop, also while it waits."""
        super().cancel()
        self._may_go_on.set()

    def check(self) -> None:
        """Go on, now or later, or raise.

        Raises:
            Cancelled: someone asked to stop.
        """
        self._may_go_on.wait()
        super().check()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long call has come."""

    done: int
    """Finished units (LR pixels)."""
    total: int
    """All units."""
    elapsed_s: float
    """Seconds since the call began."""

    @property
    def fraction(self) -> float:
        """Share that is done, 0 to 1."""
        return self.done / self.total if self.total else 1.0

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds to go, None before the first unit is done."""
        if self.done <= 0:
            return None
        return self.elapsed_s * (self.total - self.done) / self.done


@dataclass(slots=True)
class Control:
    """What a long call is given: a token to look at and an ear to report to."""

    token: CancelToken = field(default_factory=CancelToken)
    """Raised when the call shall stop."""
    on_progress: Callable[[Progress], None] | None = None
    """Called on the computing thread, at most ``max_rate_hz`` times a second and once at the end."""
    on_notice: Callable[[str], None] | None = None
    """Called with one plain sentence when the call had to change its way (smaller windows, float32)."""
    max_rate_hz: float = 20.0
    """Upper bound of progress reports a second."""
    _started_s: float = field(default_factory=time.monotonic, init=False)
    _last_s: float = field(default=float("-inf"), init=False)

    def start(self) -> None:
        """Set the clock that ETA is measured by to now."""
        self._started_s = time.monotonic()
        self._last_s = float("-inf")

    def report(self, done: int, total: int) -> None:
        """Tell the ear that ``done`` of ``total`` units are finished, unless it was told very recently."""
        now_s = time.monotonic()
        if self.on_progress is None or (done < total and now_s - self._last_s < 1.0 / self.max_rate_hz):
            return
        self._last_s = now_s
        self.on_progress(Progress(done, total, now_s - self._started_s))

    def notify(self, sentence: str) -> None:
        """Pass on one plain sentence about a change of way."""
        if self.on_notice is not None:
            self.on_notice(sentence)

    def parts(self, count: int) -> Iterator[Control]:
        """Yield what to hand into each of ``count`` calls that are about equally long, and make up this one."""
        self.start()
        for number in range(count):

            def report(progress: Progress, before: int = number) -> None:
                self.report(before * progress.total + progress.done, count * progress.total)

            yield Control(self.token, report, self.on_notice, self.max_rate_hz)


class Stages:
    """Calls that make up a longer one, one after the other, and what they said.

    Args:
        control: that of the longer call.
        total: all its units.
    """

    def __init__(self, control: Control, total: int) -> None:
        self._control, self._total = control, total
        self.notices: list[str] = []
        """Every sentence that was passed on; what each of the calls would say again is said once."""

    def after(self, done: int) -> Control:
        """Return what to hand into a call that begins when ``done`` units are finished."""

        def report(progress: Progress) -> None:
            self._control.report(done + progress.done, self._total)

        return Control(self._control.token, report, self._notify, self._control.max_rate_hz)

    def _notify(self, sentence: str) -> None:
        if sentence not in self.notices:
            self.notices.append(sentence)
            self._control.notify(sentence)

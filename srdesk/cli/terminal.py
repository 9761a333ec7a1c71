"""What the command line says, and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.errors import Cancelled
from srdesk.imaging.naming import CollisionPolicy


def print_result(text: str) -> None:
    """Write one line to stdout."""
    if sys.stdout is not None:  # a program without a console on Windows has none
        sys.stdout.write(f"{text}\n")


def print_json(document: object) -> None:
    """Write ``document`` to stdout as JSON.

    Raises:
        ValueError: it contains a number that JSON does not know.
    """
    print_result(json.dumps(document, indent=2, allow_nan=False))


def print_remark(sentence: str) -> None:
    """Write one sentence to stderr, for the person and not for other programs."""
    if sys.stderr is not None:
        sys.stderr.write(f"srdesk: {sentence}\n")


def print_problem(sentence: str, hint: str = "") -> None:
    """Write to stderr what went wrong, and on a second line what to do about it."""
    print_remark(sentence)
    if hint and sys.stderr is not None:
        sys.stderr.write(f"        {hint}\n")


def has_person() -> bool:
    """Tell whether someone can be asked and is looking at the progress."""
    return sys.stderr is not None and sys.stderr.isatty() and sys.stdin is not None and sys.stdin.isatty()


def ask_about_collision(path: Path) -> CollisionPolicy:
    """Ask the person what to do with an output that exists.

    Raises:
        Cancelled: there is no answer, or Ctrl-C was pressed.
    """
    answers: dict[str, CollisionPolicy] = {"n": "number", "s": "skip", "o": "overwrite"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a raised token would not end the waiting
    try:
        while True:
            sys.stderr.write(f"“{path}” exists. (n)ext free number, (s)kip or (o)verwrite? ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                raise Cancelled
            if (answer := answers.get(line.strip().lower()[:1])) is not None:
                return answer
    except KeyboardInterrupt:
        raise Cancelled from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def cancelling_on_interrupt() -> Iterator[CancelToken]:
    """Give a token that Ctrl-C, or a polite request of the system to end, raises.

    A second Ctrl-C interrupts at once, for a call that does not look at its token. Outside the main thread, where
    Python takes no signals, nothing raises the token.
    """
    token = CancelToken()
    if threading.current_thread() is not threading.main_thread():
        yield token
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        if token.is_cancelled:
            raise KeyboardInterrupt
        token.cancel()

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield token
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class ProgressBar:
    """A progress bar on stderr, if that is a terminal; as a context it removes itself at the end."""

    _FORM = "{desc} {percentage:3.0f} % |{bar}| {remaining} left"

    def __init__(self, title: str) -> None:
        from tqdm import tqdm

        tqdm.monitor_interval = 0  # no thread of its own: progress is reported often enough
        is_hidden = sys.stderr is None or not sys.stderr.isatty()
        self._bar = tqdm(
            desc=title, total=1.0, unit="", leave=False, disable=is_hidden, bar_format=self._FORM, file=sys.stderr
        )

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def control(self, token: CancelToken) -> Control:
        """Return what to hand into a long call so that this bar shows how far it is."""
        return Control(token=token, on_progress=self._show, on_notice=self.say)

    def _show(self, progress: Progress) -> None:
        self._bar.n = progress.fraction
        self._bar.refresh()

    def say(self, sentence: str) -> None:
        """Write one sentence to stderr, in the place of the bar."""
        self._bar.clear()
        print_remark(sentence)


class BatchBar(ProgressBar):
    """A progress bar of many files, whose remaining time is known from elsewhere."""

    _FORM = "{desc} {percentage:3.0f} % |{bar}|{unit}"

    def __init__(self) -> None:
        super().__init__("")

    def show(self, title: str, fraction: float, remaining_s: float | None) -> None:
        """Show how far all files are.

        Args:
            title: what is being done.
            fraction: share that is done, 0 to 1.
            remaining_s: seconds to go, None if nobody knows.
        """
        bar = self._bar
        bar.n, bar.unit = fraction, "" if remaining_s is None else f" {bar.format_interval(remaining_s)} left"
        bar.set_description_str(title, refresh=False)
        bar.refresh()

    def clear(self) -> None:
        """Remove the bar until it is shown again, so that something can be written in its place."""
        self._bar.clear()

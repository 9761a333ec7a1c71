"""What the desk as a whole does when it is told to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.app import _Signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


class Window:
    """Counts how often it was told to close."""

    def __init__(self) -> None:
        self.closed = 0

    def close_unasked(self) -> None:
        self.closed += 1


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    """Return a window that signals close."""
    window = Window()
    signals = _Signals(window)  # type: ignore[arg-type]
    yield window
    signals.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_every_signal_closes_the_window_once(qtbot: QtBot, window: Window, number: signal.Signals) -> None:
    for times in (1, 2):
        os.kill(os.getpid(), number)
        qtbot.waitUntil(lambda times=times: window.closed >= times)
        qtbot.wait(50)
        assert window.closed == times

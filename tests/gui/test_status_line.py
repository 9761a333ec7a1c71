"""The status line says what is going on, and for how long."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.control import Progress
from srdesk.gui.status_line import StatusLine, duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (130, "2 min 10 s"),
        (3599, "59 min 59 s"),
        (3900, "1 h 5 min"),
    ],
)
def test_a_time_is_said_in_the_coarsest_useful_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_work_shows_share_and_remaining_time_and_can_be_cancelled(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    assert not line.is_busy
    line.show_work("Enlarging", Progress(25, 100, 10.0))
    assert (line.text, line.is_busy) == ("Enlarging · 25 % · 30 s left", True)
    line.show_idle("Ready")
    assert (line.text, line.is_busy) == ("Ready", False)


def test_a_long_reading_is_cut_off_and_does_not_widen_the_window(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.show()
    before = line.minimumSizeHint().width()
    line.show_cursor("SRResNet 65535 65535 65535   " * 20)
    line.say("Saved as a very long name in a very long folder " * 5)
    assert line.minimumSizeHint().width() == before


def test_a_passing_word_stays_for_a_while_and_then_makes_way(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_idle("Ready")
    line.say("Saved")
    line.show_idle("Ready")
    assert line.text == "Saved"
    line._passing.timeout.emit()
    assert line.text == "Ready"


def test_work_that_goes_on_does_not_hide_a_passing_word(qtbot: QtBot) -> None:
    line = StatusLine()
    qtbot.addWidget(line)
    line.show_work("Enlarging")
    line.say("Saved")
    line.show_work("Enlarging", Progress(25, 100, 10.0))
    assert (line.text, line.is_busy) == ("Saved", True)
    line._passing.timeout.emit()
    assert (line.text, line.is_busy) == ("Enlarging · 25 % · 30 s left", True)

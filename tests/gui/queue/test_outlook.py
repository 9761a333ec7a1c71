"""How far the queue is, told at once when something happens, and no more than twice a second."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.outlook import Figures, QueueOutlook

WAIT_MS = 20_000


def test_figures_follow_the_queue_to_its_end(qtbot: QtBot, added: DeskQueue, enlarger) -> None:
    outlook = QueueOutlook(added)
    told: list[Figures] = []
    outlook.changed.connect(told.append)
    enlarger.gate.clear()
    added.start()
    assert told[-1].words == "0 of 3 files"  # a change of state is told at once
    qtbot.waitUntil(lambda: len(told[-1].arrivals_s) == 3, timeout=WAIT_MS)  # from what is running alone
    times_s = [told[-1].arrivals_s[item.id] for item in added.items]
    assert times_s == sorted(times_s)
    assert " left" in told[-1].words
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert (told[-1].fraction, told[-1].arrivals_s, told[-1].words) == (1.0, {}, "3 of 3 files")
    assert outlook.figures is told[-1]


def test_many_changes_in_a_moment_are_one(qtbot: QtBot, added: DeskQueue) -> None:
    outlook = QueueOutlook(added)
    told: list[Figures] = []
    outlook.changed.connect(told.append)
    for _ in range(50):
        added.changed.emit(added.items)
    assert len(told) == 1
    qtbot.waitUntil(lambda: len(told) == 2, timeout=WAIT_MS)  # the others, when it has rested

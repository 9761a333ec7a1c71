"""How far the queue is and how long it will take, looked at twice a second, since that has a price."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from srdesk.gui.queue import texts
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.run_state import RunState

_EVERY_MS = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """What can be told of the whole queue."""

    fraction: float
    """Share that is finished, 0 to 1."""
    arrivals_s: Mapping[int, float]
    """Seconds until items will be done, by their ids; only of those that can be told."""
    words: str
    """The whole in one line; empty if there is nothing in it."""


class QueueOutlook(QObject):
    """Tells the figures when they change, at once if nothing was told just before."""

    changed = Signal(object)
    """The new `Figures`."""

    def __init__(self, queue: DeskQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._is_due = False
        self._resting = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._resting.timeout.connect(self._on_rested)
        queue.changed.connect(self._on_changed)
        queue.state_changed.connect(self.look)
        self.figures = Figures(0.0, {}, "")
        """The latest figures."""

    @Slot()
    def look(self) -> None:
        """Tell how the queue stands now."""
        self._is_due = False
        self._resting.start()
        items, arrivals_s = self._queue.items, self._queue.arrivals_s()
        # The last one that can be told is the last of all, or else nobody knows how long the whole will take.
        is_known = len(arrivals_s) == self._queue.unfinished
        remaining_s = max(arrivals_s.values(), default=0.0) if is_known else None
        words = texts.whole(items, self._queue.state, remaining_s)
        self.figures = Figures(self._queue.fraction, arrivals_s, words)
        self.changed.emit(self.figures)

    @Slot()
    def _on_changed(self) -> None:
        if self._resting.isActive():
            self._is_due = True
        else:
            self.look()

    @Slot()
    def _on_rested(self) -> None:
        if self._is_due or self._queue.state in (RunState.RUNNING, RunState.WAITING):
            self.look()

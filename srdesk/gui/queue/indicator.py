"""The place in the status line where a queue that is running can be seen, and opened."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue import texts
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.run_state import RunState

_REFRESH_MS = 500


class QueueIndicator(QPushButton):
    """Shows how far the queue is; hidden while nothing is being done."""

    def __init__(self, queue: DeskQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlat(True)
        self._queue = queue
        self._refreshing = QTimer(self, interval=_REFRESH_MS)
        self._refreshing.timeout.connect(self._refresh)
        self.redraw()
        queue.state_changed.connect(self._on_state_changed)
        queue.changed.connect(self._refresh)
        self._on_state_changed(queue.state)

    @Slot()
    def redraw(self) -> None:
        """Draw the icon in the colours of the theme."""
        scheme = current_scheme()
        self.setIcon(icons.icon("queue", scheme.text, scheme.disabled))

    @Slot(object)
    def _on_state_changed(self, state: RunState) -> None:
        if state is RunState.IDLE:
            self._refreshing.stop()
        else:
            self._refreshing.start()
        self.setVisible(state is not RunState.IDLE)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        if self._queue.state is RunState.IDLE:
            return
        words = texts.whole(self._queue.items, self._queue.state, self._queue.remaining_s())
        self.setText(self.tr("{} %").format(int(100 * self._queue.fraction)))
        self.setToolTip(self.tr("Queue: {}. Click to see it.").format(words))

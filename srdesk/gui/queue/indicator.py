"""The place in the status line where a queue that is running can be seen, and opened."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QPushButton, QWidget

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.outlook import Figures, QueueOutlook
from srdesk.gui.queue.run_state import RunState


class QueueIndicator(QPushButton):
    """Shows how far the queue is; hidden while nothing is being done."""

    def __init__(self, queue: DeskQueue, outlook: QueueOutlook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlat(True)
        self.redraw()
        queue.state_changed.connect(self._on_state_changed)
        outlook.changed.connect(self._on_figures)
        self._on_state_changed(queue.state)

    @Slot()
    def redraw(self) -> None:
        """Draw the icon in the colours of the theme."""
        scheme = current_scheme()
        self.setIcon(icons.icon("queue", scheme.text, scheme.disabled))

    @Slot(object)
    def _on_state_changed(self, state: RunState) -> None:
        self.setVisible(state is not RunState.IDLE)

    @Slot(object)
    def _on_figures(self, figures: Figures) -> None:
        self.setText(self.tr("{} %").format(int(100 * figures.fraction)))
        self.setToolTip(self.tr("Queue: {}. Click to see it.").format(figures.words))

"""The table of the queue: rows to choose, to move by hand, and to do something with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from srdesk.gui.queue.cells import ResultCell, StateCell
from srdesk.gui.queue.queue_model import ITEM_ROLE, Column, QueueModel
from srdesk.gui.work import clipboard

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem

_ROW_HEIGHT_PX = 30
_WIDTHS_PX = {
    Column.FILE: 160,
    Column.KIND: 58,
    Column.SIZE: 80,
    Column.MODEL: 92,
    Column.STATE: 150,
    Column.TIME: 86,
    Column.LEFT: 86,
}


class QueueTable(QTableView):
    """Shows a `QueueModel`, and an invitation while it is empty."""

    chosen_changed = Signal()
    """Other rows are chosen."""

    def __init__(self, model: QueueModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("queueTable")
        self.setAccessibleName(self.tr("Files of the queue"))
        self.result = ResultCell(self)
        """Says which results the person wants to see."""
        self._items = model
        self.setModel(model)
        self.setItemDelegateForColumn(Column.STATE, StateCell(self))
        self.setItemDelegateForColumn(Column.RESULT, self.result)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setDragDropOverwriteMode(False)
        self._dress_headers()
        self.selectionModel().selectionChanged.connect(self.chosen_changed)

    def _dress_headers(self) -> None:
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # else each of ten thousand rows would be measured
        rows.setDefaultSectionSize(max(_ROW_HEIGHT_PX, self.fontMetrics().height() + 12))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        for column, width_px in _WIDTHS_PX.items():
            header.resizeSection(column, width_px)

    @property
    def chosen(self) -> list[QueueItem]:
        """The items of the chosen rows, from top to bottom."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._items.items[row] for row in rows]

    def current(self) -> QueueItem | None:
        """Return the item of the row with the cursor."""
        index = self.currentIndex()
        return index.data(ITEM_ROLE) if index.isValid() else None

    def add_to_menu(self, actions: list[QAction | None]) -> None:
        """Offer ``actions`` on the rows; None is a line between them."""
        for action in actions:
            if action is None:
                line = QAction(self)
                line.setSeparator(True)
                self.addAction(line)
            else:
                self.addAction(action)

    @Slot()
    def show_running(self) -> None:
        """Scroll to the row that is being enlarged."""
        for row, item in enumerate(self._items.items):
            if item.state == "running":
                self.scrollTo(self._items.index(row, 0), QAbstractItemView.ScrollHint.EnsureVisible)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take files as copies."""
        super().dragMoveEvent(event)
        self._keep_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Move rows, or take files as copies."""
        super().dropEvent(event)
        self._keep_files(event)

    def _keep_files(self, event: QDropEvent) -> None:
        if event.isAccepted() and event.source() is not self:
            clipboard.accept_unmoved(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows, or the invitation."""
        super().paintEvent(event)
        if self._items.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            area = self.viewport().rect().adjusted(16, 8, -16, -8)
            invitation = self.tr("Drop pictures and folders here. They are enlarged one after the other.")
            painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), invitation)
            painter.end()

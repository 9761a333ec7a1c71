"""The queue as a table: what Qt is told when it changes, cell by cell. Fluid with ten thousand rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QColor

from srdesk.engine.control import Progress
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue import texts
from srdesk.gui.status_line import duration
from srdesk.gui.work import clipboard

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem

ITEM_ROLE = Qt.ItemDataRole.UserRole
"""Data role of the `QueueItem` of a row."""

PROGRESS_ROLE = Qt.ItemDataRole.UserRole + 1
"""Data role of the share of a running item that is done, 0 to 1; None for other items."""

_ROWS_TYPE = "application/x-srdesk-queue-rows"
_Index = QModelIndex | QPersistentModelIndex
_DISPLAY = Qt.ItemDataRole.DisplayRole


class Column(IntEnum):
    """What the columns show."""

    FILE = 0
    KIND = 1
    SIZE = 2
    MODEL = 3
    STATE = 4
    TIME = 5
    LEFT = 6
    RESULT = 7


class QueueModel(QAbstractTableModel):
    """Shows the latest snapshot of the queue. Changes nothing itself: what the person wants is a signal."""

    move_requested = Signal(object, int)
    """Ids of items, and the row in front of which they shall be."""
    files_dropped = Signal(object)
    """Paths that were dropped on the table."""

    def __init__(self) -> None:
        super().__init__()
        self._items: tuple[QueueItem, ...] = ()
        self._progress: dict[int, Progress] = {}
        self._remarks: dict[int, list[str]] = {}
        self._arrivals_s: dict[int, float] = {}
        self._scheme = current_scheme()

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """What is shown, row by row."""
        return self._items

    # --- what is shown --------------------------------------------------------------------------------------------

    def show(self, items: tuple[QueueItem, ...]) -> None:
        """Show ``items``; rows that stay keep their selection, wherever they are now."""
        if [item.id for item in items] != [item.id for item in self._items]:
            self._remove_all_but({item.id for item in items})
            self._append_new(items)
            self._reorder(items)
        changed = [row for row, (old, new) in enumerate(zip(self._items, items, strict=True)) if old is not new]
        self._items = items
        running = {item.id for item in items if item.state == "running"}
        self._progress = {key: progress for key, progress in self._progress.items() if key in running}
        if changed:
            self._say_changed(changed[0], changed[-1], Column.FILE, Column.RESULT)

    def show_progress(self, item_id: int, progress: Progress) -> None:
        """Show how far the item that is being enlarged has come."""
        self._progress[item_id] = progress
        row = next((row for row, item in enumerate(self._items) if item.id == item_id), None)
        if row is not None:
            self._say_changed(row, row, Column.STATE, Column.LEFT)

    def show_remark(self, item_id: int, sentence: str) -> None:
        """Keep a sentence about an item that is not a failure, for who looks closer."""
        self._remarks.setdefault(item_id, []).append(sentence)

    def show_arrivals(self, arrivals_s: Mapping[int, float]) -> None:
        """Show in how many seconds items will be done, by their ids."""
        self._arrivals_s = dict(arrivals_s)
        if self._items:
            self._say_changed(0, len(self._items) - 1, Column.LEFT, Column.LEFT)

    @Slot()
    def redraw(self) -> None:
        """Use the colours of the theme."""
        self._scheme = current_scheme()

    def _remove_all_but(self, staying: set[int]) -> None:
        leaving = [row for row, item in enumerate(self._items) if item.id not in staying]
        for first, last in reversed(_runs(leaving)):
            self.beginRemoveRows(QModelIndex(), first, last)
            self._items = self._items[:first] + self._items[last + 1 :]
            self.endRemoveRows()

    def _append_new(self, items: Sequence[QueueItem]) -> None:
        known = {item.id for item in self._items}
        new = tuple(item for item in items if item.id not in known)
        if new:
            self.beginInsertRows(QModelIndex(), len(self._items), len(self._items) + len(new) - 1)
            self._items += new
            self.endInsertRows()

    def _reorder(self, items: tuple[QueueItem, ...]) -> None:
        before = self._items
        rows = {item.id: row for row, item in enumerate(items)}
        if all(rows[a.id] < rows[b.id] for a, b in pairwise(before)):
            return
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        self._items = tuple(sorted(before, key=lambda item: rows[item.id]))
        self.changePersistentIndexList(old, [self.index(rows[before[i.row()].id], i.column()) for i in old])
        self.layoutChanged.emit()

    def _say_changed(self, first: int, last: int, left: Column, right: Column) -> None:
        self.dataChanged.emit(self.index(first, left), self.index(last, right))

    # --- what Qt asks ---------------------------------------------------------------------------------------------

    def rowCount(self, parent: _Index | None = None) -> int:
        """Return the number of items."""
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def columnCount(self, parent: _Index | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _DISPLAY) -> Any:
        """Return the titles of the columns."""
        if orientation is not Qt.Orientation.Horizontal or role != _DISPLAY:
            return None
        return {
            Column.FILE: self.tr("File"),
            Column.KIND: self.tr("Kind"),
            Column.SIZE: self.tr("Result"),
            Column.MODEL: self.tr("Model"),
            Column.STATE: self.tr("State"),
            Column.TIME: self.tr("Took"),
            Column.LEFT: self.tr("Time left"),
            Column.RESULT: self.tr("Saved as"),
        }[Column(section)]

    def data(self, index: _Index, role: int = _DISPLAY) -> Any:
        """Return what is in a cell, how it looks, or the item behind it."""
        item, column = self._items[index.row()], Column(index.column())
        if role == _DISPLAY:
            return self._text(item, column)
        if role == ITEM_ROLE:
            return item
        if role == PROGRESS_ROLE:
            return self._share(item)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(item, column)
        if role == Qt.ItemDataRole.BackgroundRole and item.state == "failed":
            return QColor(self._scheme.error_panel)
        if role == Qt.ItemDataRole.ForegroundRole:
            return QColor(self._colour(item, column))
        return None

    def _text(self, item: QueueItem, column: Column) -> str:
        match column:
            case Column.FILE:
                return item.source.name
            case Column.KIND:
                return texts.kind(item.source)
            case Column.SIZE:
                return texts.size(item.megapixels)
            case Column.MODEL:
                return PANE_TITLES.get(item.recipe.model, item.recipe.model)
            case Column.STATE:
                return texts.state(item, has_remarks=item.id in self._remarks)
            case Column.TIME:
                return duration(item.seconds) if item.state == "done" else ""
            case Column.LEFT:
                return self._left(item)
            case Column.RESULT:
                return item.output.name if item.output and item.state in ("done", "skipped") else ""

    def _tip(self, item: QueueItem, column: Column) -> str:
        if item.state == "failed" and column is not Column.RESULT:
            return f"{item.error}\n{item.hint}".strip()
        if column is Column.STATE and item.id in self._remarks:
            return "\n".join(self._remarks[item.id])
        if column is Column.RESULT:
            return str(item.output) if item.output else self.tr("Will be saved in {}").format(item.output_folder)
        return str(item.source) if column is Column.FILE else self._text(item, column)

    def _colour(self, item: QueueItem, column: Column) -> str:
        if item.state == "failed" and column in (Column.FILE, Column.STATE):
            return self._scheme.error
        is_quiet = item.state in ("waiting", "skipped") or column not in (Column.FILE, Column.STATE, Column.RESULT)
        return self._scheme.muted if is_quiet else self._scheme.text

    def _share(self, item: QueueItem) -> float | None:
        if item.state != "running":
            return None
        progress = self._progress.get(item.id)
        return progress.fraction if progress is not None else 0.0

    def _left(self, item: QueueItem) -> str:
        seconds = None if item.is_finished else self._arrivals_s.get(item.id)
        return "" if seconds is None else duration(seconds)

    # --- drag and drop --------------------------------------------------------------------------------------------

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Let rows be dragged, and dropped between others."""
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.ItemIsDropEnabled
        return flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDragEnabled | flag.ItemNeverHasChildren

    def mimeTypes(self) -> list[str]:
        """Return what can be dropped: rows, and files."""
        return [_ROWS_TYPE, "text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """Return dragged rows as the ids of their items."""
        rows = sorted({index.row() for index in indexes})
        mime = QMimeData()
        mime.setData(_ROWS_TYPE, ",".join(str(self._items[row].id) for row in rows).encode())
        return mime

    def supportedDropActions(self) -> Qt.DropAction:
        """Let rows be moved, and files be copied into the queue."""
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction

    def dropMimeData(self, mime: QMimeData, _action: Qt.DropAction, row: int, _column: int, parent: _Index) -> bool:
        """Say what was dropped."""
        if mime.hasFormat(_ROWS_TYPE):
            ids = [int(text) for text in bytes(mime.data(_ROWS_TYPE).data()).split(b",")]
            target = row if row >= 0 else parent.row() if parent.isValid() else len(self._items)
            self.move_requested.emit(ids, target)
            return False  # nothing is to be taken away from where the rows were
        self.files_dropped.emit(clipboard.paths_in(mime))
        return True


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending ``rows`` as first and last of each run without a gap."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs

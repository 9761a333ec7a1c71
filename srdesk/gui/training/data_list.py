"""The folders and archives of pictures that a run shall learn from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QPalette, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from srdesk.gui.training.questions import TrainingQuestions

_ARCHIVE_SUFFIX = ".zip"


class _DropList(QListWidget):
    """Says what belongs into it while it is empty."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the entries, or the invitation."""
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            area = self.viewport().rect().adjusted(16, 8, -16, -8)
            invitation = self.tr("Drop folders of sharp pictures here, or zip archives of them.")
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, invitation)
            painter.end()


class DataList(QWidget):
    """Folders and zip archives, added by button or by dropping them."""

    named_again = Signal()
    """Something was added that is listed already."""
    changed = Signal()
    """Another set of folders and archives is listed."""

    def __init__(self, questions: TrainingQuestions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._list = _DropList()
        self._list.setObjectName("dataList")
        self._list.setSelectionMode(QListWidget.SelectionMode.ExtendedSelection)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setAccessibleName(self.tr("Folders and archives of pictures"))
        self._list.itemSelectionChanged.connect(self._offer_removal)
        add_folder = QPushButton(self.tr("Add Folder…"))
        add_folder.clicked.connect(self._on_add_folder)
        add_archive = QPushButton(self.tr("Add Zip…"))
        add_archive.clicked.connect(self._on_add_archives)
        self._remove = QPushButton(self.tr("Remove"))
        self._remove.clicked.connect(self._on_remove)
        QShortcut(
            QKeySequence(QKeySequence.StandardKey.Delete),
            self._list,
            self._on_remove,
            context=Qt.ShortcutContext.WidgetShortcut,
        )
        self.buttons = QHBoxLayout()
        """The row under the list; others may add to it."""
        self.buttons.setSpacing(8)
        for button in (add_folder, add_archive, self._remove):
            button.setAutoDefault(False)
            self.buttons.addWidget(button)
        self.buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._list)
        column.addLayout(self.buttons)
        self.setFocusProxy(self._list)
        self._offer_removal()

    @property
    def paths(self) -> tuple[str, ...]:
        """What is listed, absolute, in the order in which it was added."""
        return tuple(self._list.item(row).text() for row in range(self._list.count()))

    def add(self, *paths: Path) -> None:
        """List folders and archives that are not listed yet; everything else is left out."""
        before = self.paths
        if any(str(path.absolute()) in before for path in paths):
            self.named_again.emit()
        for path in paths:
            name = str(path.absolute())
            if (path.is_dir() or path.suffix.lower() == _ARCHIVE_SUFFIX) and name not in self.paths:
                item = QListWidgetItem(name)
                item.setToolTip(name)
                self._list.addItem(item)
        if self.paths != before:
            self.changed.emit()

    def accepts(self, dragged: QMimeData) -> bool:
        """Tell whether something that is dragged could be listed."""
        return any(path.is_dir() or path.suffix.lower() == _ARCHIVE_SUFFIX for path in _local_paths(dragged))

    def set_dragging(self, *, is_dragging: bool) -> None:
        """Show whether something is being dragged over the window that could be listed."""
        self._list.setProperty("dragging", is_dragging)
        self._list.style().unpolish(self._list)
        self._list.style().polish(self._list)

    def take(self, dropped: QMimeData) -> None:
        """List what was dropped."""
        self.add(*_local_paths(dropped))

    @Slot()
    def _offer_removal(self) -> None:
        self._remove.setEnabled(bool(self._list.selectedItems()))

    @Slot()
    def _on_add_folder(self) -> None:
        folder = self._questions.data_folder()
        if folder is not None:
            self.add(folder)

    @Slot()
    def _on_add_archives(self) -> None:
        self.add(*self._questions.archives())

    @Slot()
    def _on_remove(self) -> None:
        chosen = self._list.selectedItems()
        for item in chosen:
            self._list.takeItem(self._list.row(item))
        if chosen:
            self.changed.emit()


def _local_paths(data: QMimeData) -> list[Path]:
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]

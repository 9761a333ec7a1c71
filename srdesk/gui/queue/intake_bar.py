"""Asks what shall become of several files or a folder: a bar that keeps nobody waiting and goes when it is answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


class IntakeBar(QFrame):
    """Offers the queue first, since nobody looks at a hundred pictures one by one."""

    queue_chosen = Signal(object)
    """Paths that shall be enlarged one after the other."""
    open_chosen = Signal(object)
    """Paths of which the first picture shall be opened."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.paths: tuple[Path, ...] = ()
        """What the question is about; empty while there is none."""
        self.text = QLabel()
        """What was given."""
        self.text.setObjectName("bannerText")
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        hint = QLabel(self.tr("Enlarge all pictures one after the other, or open the first?"))
        hint.setWordWrap(True)
        self.queue = QPushButton(self.tr("Add to Queue"))
        """Answers with the queue."""
        self.queue.setProperty("primary", True)
        self.first = QPushButton(self.tr("Open First"))
        """Answers with opening."""
        self.dismissing = QPushButton(self.tr("Dismiss"))
        """Answers with nothing."""
        self.dismissing.setFlat(True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(hint)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 12, 8)
        row.setSpacing(8)
        row.addLayout(words, 1)
        for button in (self.queue, self.first, self.dismissing):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.queue.clicked.connect(self._on_queue)
        self.first.clicked.connect(self._on_first)
        self.dismissing.clicked.connect(self.dismiss)
        self.hide()

    @Slot(object)
    def ask(self, paths: Sequence[Path]) -> None:
        """Ask about ``paths``; a question of before is forgotten."""
        self.paths = tuple(paths)
        self.text.setText(self._described())
        self.show()
        self.queue.setFocus()

    @Slot()
    def dismiss(self) -> None:
        """Hide the question."""
        self.paths = ()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Dismiss with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)

    def _described(self) -> str:
        folders = [path for path in self.paths if path.is_dir()]
        files = len(self.paths) - len(folders)
        if len(self.paths) == 1:
            return self.tr("“{}” is a folder").format(self.paths[0].name or str(self.paths[0]))
        parts = []
        if folders:
            parts.append(self.tr("1 folder") if len(folders) == 1 else self.tr("{:,} folders").format(len(folders)))
        if files:
            parts.append(self.tr("1 file") if files == 1 else self.tr("{:,} files").format(files))
        return self.tr(" and ").join(parts)

    @Slot()
    def _on_queue(self) -> None:
        paths = self.paths
        self.dismiss()
        self.queue_chosen.emit(paths)

    @Slot()
    def _on_first(self) -> None:
        paths = self.paths
        self.dismiss()
        self.open_chosen.emit(paths)

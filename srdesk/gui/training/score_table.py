"""Held-out pictures one by one: how well each was enlarged before the run and after it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from srdesk.training import events


class ScoreTable(QTableWidget):
    """One row for each picture, those that gained most first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 5, parent)
        self.setObjectName("scoreTable")
        self.setAccessibleName(self.tr("PSNR of each held-out picture"))
        titles = (
            self.tr("PSNR in dB"),
            self.tr("Bicubic"),
            self.tr("Start"),
            self.tr("New"),
            self.tr("Difference"),
        )
        for column, title in enumerate(titles):
            self.setHorizontalHeaderItem(column, _cell(title, is_number=column > 0))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)

    def show_scores(self, scores: tuple[events.PictureScore, ...]) -> None:
        """Show these, and be hidden if there are none."""
        self.setVisible(bool(scores))
        self.setRowCount(len(scores))
        for row, score in enumerate(sorted(scores, key=lambda score: score.start_db - score.best_db)):
            texts = (
                score.name,
                f"{score.bicubic_db:.2f}",
                f"{score.start_db:.2f}",
                f"{score.best_db:.2f}",
                f"{score.best_db - score.start_db:+.2f} dB",
            )
            for column, text in enumerate(texts):
                self.setItem(row, column, _cell(text, is_number=column > 0))


def _cell(text: str, *, is_number: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item

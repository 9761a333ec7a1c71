"""The line under the panes of a FITS file or a scene: where the cursor is, and how well what was measured is kept."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from srdesk.gui.status_line import ElidedLabel


class PlaceLine(QFrame):
    """Shows what it is told."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("placeLine")
        self._place = ElidedLabel()
        self._place.setAccessibleName(self.tr("Place of the cursor"))
        self._kept = QLabel()
        self._kept.setAccessibleName(self.tr("Flux error"))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 3, 12, 3)
        row.setSpacing(20)
        row.addWidget(self._place, 1)
        row.addWidget(self._kept, 0, Qt.AlignmentFlag.AlignRight)
        self.hide()

    @property
    def texts(self) -> tuple[str, str]:
        """What stands at the left and at the right."""
        return self._place.text(), self._kept.text()

    def show_place(self, text: str) -> None:
        """Say where the cursor is."""
        self._place.setText(text)

    def show_kept(self, text: str, more: str = "") -> None:
        """Say how well what was measured is kept; ``more`` explains it to who asks."""
        self._kept.setText(text)
        self._kept.setToolTip(more)

"""The pages in the middle of the window, of which one is seen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QStackedWidget, QWidget


class Pages(QStackedWidget):
    """A stack that asks for the room of the page that is seen, not for that of the largest one.

    Otherwise the window would outgrow small screens for the sake of a page that nobody sees.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.currentChanged.connect(self._on_changed)

    def sizeHint(self) -> QSize:
        """Return what the page that is seen would like."""
        page = self.currentWidget()
        return super().sizeHint() if page is None else page.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return what the page that is seen needs."""
        page = self.currentWidget()
        return super().minimumSizeHint() if page is None else page.minimumSizeHint()

    @Slot()
    def _on_changed(self) -> None:
        self.updateGeometry()

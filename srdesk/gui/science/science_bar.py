"""The row above the panes of a FITS file or a scene: what of the file is shown, and how it is seen."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from srdesk.gui.science.choosers import BandChooser, PartChooser
from srdesk.gui.science.stretch_bar import StretchBar


class ScienceBar(QFrame):
    """Holds the choosers; each is there only where there is something to choose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scienceBar")
        self.parts = PartChooser(self)
        self.bands = BandChooser(self)
        self.stretch = StretchBar(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 4)
        row.setSpacing(14)
        row.addWidget(self.parts)
        row.addWidget(self.bands)
        row.addWidget(self.stretch, 1)
        self.hide()

"""The row above the panes of a FITS file or a scene: what of the file is shown, and how it is seen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QWidget

from srdesk.gui.science.choosers import BandChooser, PartChooser
from srdesk.gui.science.stretch_bar import StretchBar

_MARGINS_PX = (10, 4, 10, 4)
_COMFORT_PX = 40
"""What the histogram should have beyond the least, for there to be one row."""


class ScienceBar(QFrame):
    """Holds the choosers; each is there only where there is something to choose. Two rows where one is too long."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scienceBar")
        self.parts = PartChooser(self)
        self.bands = BandChooser(self)
        self.stretch = StretchBar(self)
        self._file = QHBoxLayout()
        self._file.addWidget(self.parts)
        self._file.addWidget(self.bands)
        self._file.addStretch(1)
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._rows.setContentsMargins(*_MARGINS_PX)
        self._rows.setSpacing(8)
        self._rows.addLayout(self._file)
        self._rows.addWidget(self.stretch, 1)
        # The window may become narrower than a single row; then there are two.
        self._rows.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.hide()

    @property
    def has_two_rows(self) -> bool:
        """Whether there is too little room for one row."""
        return self._rows.direction() is QBoxLayout.Direction.TopToBottom

    def arrange(self) -> None:
        """Use one row if it is long enough, two otherwise; to be called when choosers have come or gone."""
        self._file.invalidate()  # it has noticed none of that yet
        needed_px = self._file.sizeHint().width() + self.stretch.minimumSizeHint().width() + _COMFORT_PX
        left_px, _, right_px, _ = _MARGINS_PX
        has_room = needed_px + left_px + right_px <= self.width()
        is_alone = self.parts.isHidden() and self.bands.isHidden()
        one, two = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        wanted = one if has_room or is_alone else two
        if wanted is not self._rows.direction():
            self._rows.setDirection(wanted)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        """Return the height that is needed, and the width of the longer of two rows."""
        width_px = max(self._file.minimumSize().width(), self.stretch.minimumSizeHint().width())
        left_px, _, right_px, _ = _MARGINS_PX
        return QSize(width_px + left_px + right_px, self._rows.minimumSize().height())

    def sizeHint(self) -> QSize:
        """Return the height that is needed; the window decides on the width."""
        return self.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use one row or two."""
        super().resizeEvent(event)
        self.arrange()

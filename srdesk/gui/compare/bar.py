"""The row above the comparison: which two panes are compared, and how."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QToolButton, QWidget

from srdesk.gui.compare.image_view import to_qimage
from srdesk.imaging.colour_map import COLOURS

GAINS = (1, 2, 4, 8, 16, 32)
"""Amplifications of a difference that can be chosen."""
DEFAULT_GAIN = 8
"""Amplification at first: 1/8 of the range reaches the brightest colour."""

USUAL = ("bicubic", "srresnet")
"""Panes that are compared where nobody has said which."""


class CompareBar(QWidget):
    """Chooses the two compared panes, the gain of the difference and whether blinking goes by itself."""

    compared_changed = Signal(str, str)
    """Other panes were chosen: keys of the first and the second."""
    gain_changed = Signal(int)
    """Another amplification was chosen."""
    blinking_changed = Signal(bool)
    """Blinking by itself was switched on or off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panes: list[tuple[str, str]] = []
        self._withheld: set[str] = set()
        self.first = self._combo(self.tr("First compared pane"))
        self.second = self._combo(self.tr("Second compared pane"))
        self._swap = QToolButton(self)
        self._swap.setText("⇄")
        self._swap.setToolTip(self.tr("Swap the two panes"))
        self._swap.setAccessibleName(self._swap.toolTip())
        self._swap.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._swap.clicked.connect(self._swap_compared)
        self.gain = self._combo(self.tr("Amplification of the difference"))
        for gain in GAINS:
            self.gain.addItem(f"× {gain}", gain)
        self.gain.setCurrentIndex(GAINS.index(DEFAULT_GAIN))
        self.gain.currentIndexChanged.connect(self._choose_gain)
        self.legend = DifferenceLegend(DEFAULT_GAIN, self)
        self.blinking = QCheckBox(self.tr("Blink by itself"), self)
        self.blinking.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.blinking.toggled.connect(self.blinking_changed)
        self._hint = QLabel(self.tr("Hold B to see the second pane"), self)
        self._gain_label = QLabel(self.tr("Amplified"), self)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 4)
        for widget in (self.first, self._swap, self.second, self._gain_label, self.gain, self.legend):
            row.addWidget(widget)
        row.addWidget(self.blinking)
        row.addWidget(self._hint)
        row.addStretch(1)
        for combo in (self.first, self.second):
            combo.currentIndexChanged.connect(self._choose_compared)

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setAccessibleName(name)
        combo.setToolTip(name)
        # A click leaves the keyboard with the panes, where B blinks; here B would choose “Bicubic”.
        combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return combo

    def set_panes(self, panes: list[tuple[str, str]]) -> None:
        """Offer these (key, title) to choose from."""
        self._panes = panes
        self._withheld.clear()
        self._fill()

    def rename(self, key: str, title: str) -> None:
        """Offer a pane under another name."""
        self._panes = [(each, title if each == key else earlier) for each, earlier in self._panes]
        for combo in (self.first, self.second):
            place = combo.findData(key)
            if place >= 0:
                combo.setItemText(place, title)

    def offer(self, key: str, *, offered: bool) -> None:
        """Offer a pane, or no longer; another one is then compared in its place."""
        if offered == (key not in self._withheld):
            return
        (self._withheld.discard if offered else self._withheld.add)(key)
        pair = [self.first.currentData(), self.second.currentData()]
        self._fill()
        if key in pair:
            rest = [each for each, _ in self._panes if each not in self._withheld and each not in pair]
            other = next((each for each in USUAL if each in rest), rest[0])
            pair = [other if each == key else each for each in pair]
        self.set_compared(*pair)
        self._choose_compared()

    def _fill(self) -> None:
        for combo in (self.first, self.second):
            combo.blockSignals(True)
            combo.clear()
            for key, title in self._panes:
                if key not in self._withheld:
                    combo.addItem(title, key)
            combo.blockSignals(False)

    def set_compared(self, first: str, second: str) -> None:
        """Show which panes are compared, without saying so again."""
        for combo, key in ((self.first, first), (self.second, second)):
            combo.blockSignals(True)
            combo.setCurrentIndex(combo.findData(key))
            combo.blockSignals(False)

    def set_gain(self, gain: int) -> None:
        """Show how much the difference is amplified, without saying so again."""
        self.gain.blockSignals(True)
        self.gain.setCurrentIndex(self.gain.findData(gain))
        self.gain.blockSignals(False)
        self.legend.set_gain(gain)

    def set_purpose(self, *, difference: bool, blink: bool) -> None:
        """Show the controls of one mode only."""
        for control in (self._gain_label, self.gain, self.legend):
            control.setVisible(difference)
        self.blinking.setVisible(blink)
        self._hint.setVisible(blink)

    def _choose_compared(self) -> None:
        self.compared_changed.emit(self.first.currentData(), self.second.currentData())

    def _swap_compared(self) -> None:
        self.compared_changed.emit(self.second.currentData(), self.first.currentData())

    def _choose_gain(self) -> None:
        self.gain_changed.emit(self.gain.currentData())


class DifferenceLegend(QWidget):
    """The colours of a difference, from none to the smallest that reaches the brightest colour."""

    def __init__(self, gain: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip = to_qimage(COLOURS[None])
        self.set_gain(gain)

    def set_gain(self, gain: int) -> None:
        """Label the colours for an amplification."""
        self._low = self.tr("0")
        self._high = self.tr("≥ {percent} % of full range").format(percent=f"{100 / gain:.3g}")
        self.setAccessibleName(self.tr("Legend: dark is equal, bright is {limit}").format(limit=self._high))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the strip and its two labels."""
        words = self.fontMetrics().horizontalAdvance(self._low + self._high)
        return QSize(words + 160, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint label, strip, label."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        area = QRectF(self.rect())
        left = self.fontMetrics().horizontalAdvance(self._low) + 8
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._low)
        painter.drawImage(QRectF(left, area.top() + 3, 128, area.height() - 6), self._strip)
        painter.drawText(
            area.adjusted(left + 136, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._high
        )
        painter.end()

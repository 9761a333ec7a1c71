"""How measured pictures are seen: range and curve, black and white, gamma, inversion, saturated pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QToolButton, QWidget

from srdesk.gui.science.choosers import compact_box
from srdesk.gui.science.histogram import Histogram
from srdesk.gui.science.look import Look, RangeName, ToneScale

_RANGE_LETTERS = 10
_GAMMAS = (0.2, 5.0)
_LABEL_DIGITS = "−0.00000e+00"

Speaker = Callable[[float], str]
"""From a value of `[0, 1]` to what it measures, in words."""


class StretchBar(QWidget):
    """Chooses a `Look`. Nothing here changes a number of a picture."""

    look_changed = Signal(object)
    """The `Look` that was chosen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = Look()
        self._scale: ToneScale | None = None
        self._speak: Speaker = str
        self.ranges = compact_box(self.tr("Stretch"), _RANGE_LETTERS, self)
        hints = range_hints(self)
        for name, title in range_titles(self).items():
            self.ranges.addItem(title, name)
            self.ranges.setItemData(self.ranges.count() - 1, hints[name], Qt.ItemDataRole.ToolTipRole)
        self.histogram = Histogram(self)
        self.black, self.white = (self._end_label() for _ in range(2))
        self.white.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.gamma = QDoubleSpinBox(self, singleStep=0.1, decimals=2, value=1.0)
        self.gamma.setRange(*_GAMMAS)
        self.gamma.setPrefix(self.tr("γ "))
        self.gamma.setKeyboardTracking(False)
        self.gamma.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel, which zooms, does not take the keyboard
        self.gamma.setAccessibleName(self.tr("Gamma"))
        self.gamma.setToolTip(self.tr("Gamma: above 1 lifts what is between black and white"))
        self.inverted = self._button(self.tr("Invert"), self.tr("Show dark as bright"))
        self.saturated = self._button(self.tr("Saturated"), self.tr("Mark saturated pixels"))
        for button in (self.inverted, self.saturated):
            button.setCheckable(True)
        self.reset = self._button(self.tr("Reset"), self.tr("See the picture as it was opened"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.ranges)
        row.addWidget(self.black)
        row.addWidget(self.histogram, 1)
        row.addWidget(self.white)
        for widget in (self.gamma, self.inverted, self.saturated, self.reset):
            row.addWidget(widget)
        self.ranges.activated.connect(self._on_range)
        self.histogram.ends_changed.connect(self._on_ends)
        self.gamma.valueChanged.connect(self._on_gamma)
        self.inverted.clicked.connect(self._on_inverted)
        self.saturated.clicked.connect(self._on_saturated)
        self.reset.clicked.connect(self._on_reset)

    @property
    def look(self) -> Look:
        """What is chosen."""
        return self._look

    def show_scale(self, scale: ToneScale, look: Look, speak: Speaker, *, can_saturate: bool) -> None:
        """Begin with another document.

        Args:
            scale: its tones.
            look: how it is seen.
            speak: says what its values measure.
            can_saturate: whether it says from which value on a pixel is saturated.
        """
        self._scale, self._speak = scale, speak
        self.saturated.setVisible(can_saturate)
        self._count(look)
        self.show_look(look)

    def show_look(self, look: Look) -> None:
        """Show what is chosen, without saying so."""
        if look.range != self._look.range:
            self._count(look)
        self._look = look
        self.ranges.setCurrentIndex(self.ranges.findData(look.range))
        self.histogram.set_ends(look.black, look.white)
        self.gamma.blockSignals(True)
        self.gamma.setValue(look.gamma)
        self.gamma.blockSignals(False)
        self.inverted.setChecked(look.is_inverted)
        self.saturated.setChecked(look.marks_saturated)
        if self._scale is None:
            return
        ends = self._scale.ends(look)
        black, white = ("", "") if ends is None else (self._speak(end) for end in ends)
        self.black.setText(black)
        self.white.setText(white)

    def choose(self, look: Look) -> None:
        """Choose another look, and say so."""
        if look != self._look:
            self.show_look(look)
            self.look_changed.emit(look)

    def _count(self, look: Look) -> None:
        if self._scale is not None:
            self.histogram.show_counts(self._scale.histogram(look.range))

    def _end_label(self) -> QLabel:
        label = QLabel(self, alignment=Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setObjectName("muted")
        label.setMinimumWidth(self.fontMetrics().horizontalAdvance(_LABEL_DIGITS[:7]))
        return label

    def _button(self, text: str, hint: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setObjectName("choice")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(hint)
        return button

    @Slot(int)
    def _on_range(self, index: int) -> None:
        name: RangeName = self.ranges.itemData(index)
        self.choose(replace(self._look, range=name, black=0.0, white=1.0))

    @Slot(float, float)
    def _on_ends(self, black: float, white: float) -> None:
        self.choose(replace(self._look, black=black, white=white))

    @Slot(float)
    def _on_gamma(self, gamma: float) -> None:
        self.choose(replace(self._look, gamma=gamma))

    @Slot(bool)
    def _on_inverted(self, is_on: bool) -> None:
        self.choose(replace(self._look, is_inverted=is_on))

    @Slot(bool)
    def _on_saturated(self, is_on: bool) -> None:
        self.choose(replace(self._look, marks_saturated=is_on))

    @Slot()
    def _on_reset(self) -> None:
        self.choose(Look())


def range_hints(widget: QWidget) -> dict[RangeName, str]:
    """Return what the ranges are, a sentence each."""
    tr = widget.tr
    return {
        "auto": tr("What shows most at the first look"),
        "linear": tr("From the least to the largest value"),
        "percentile": tr("99.5 % of the values lie between black and white"),
        "asinh": tr("Raises the faint and holds the bright together"),
        "zscale": tr("Around the median, as in IRAF and DS9"),
    }


def range_titles(widget: QWidget) -> dict[RangeName, str]:
    """Return what people call the ranges."""
    tr = widget.tr
    return {
        "auto": tr("Auto"),
        "linear": tr("Linear"),
        "percentile": tr("Percentile"),
        "asinh": tr("Asinh"),
        "zscale": tr("ZScale"),
    }

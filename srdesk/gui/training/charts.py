"""Charts in the colours of the theme: lines, clouds and levels over steps.

The inks follow those of Okabe and Ito, which people with any kind of colour vision can tell apart; lines also differ in
their dashes.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal, NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from srdesk.gui.look.theme import DARK, current_scheme
from srdesk.gui.training.run_record import Curve, Mark, thinned

MOST_POINTS = 400
"""Points of one curve that are drawn."""

_MARGIN = 0.08
"""Free part of the height above and below the curves."""
_MOST_DOTS = 100
"""A curve with more points is drawn without a dot on each."""


class Ink(Enum):
    """A colour on light and on dark ground."""

    LINE = ("#0072b2", "#56b4e9")
    CLOUD = ("#7cc3ec", "#2f6f96")
    START = ("#009e73", "#2fbf94")
    BICUBIC = ("#d55e00", "#f0813a")
    FAKE = ("#e69f00", "#e6b340")

    @property
    def colour(self) -> str:
        """The colour on the ground of the present theme."""
        light, dark = self.value
        return dark if current_scheme() is DARK else light


class _Inked(NamedTuple):
    """Something drawn, and how."""

    item: Any
    ink: Ink
    width_px: float
    style: Qt.PenStyle | None
    """None for clouds."""

    def paint(self, density: float) -> None:
        """Give the item its colour; pens of charts count the pixels of the screen, ``density`` per logical one."""
        if self.style is None:
            self.item.setSymbolBrush(QColor(self.ink.colour))
        else:
            self.item.setPen(pg.mkPen(self.ink.colour, width=self.width_px * density, style=self.style))


class Chart(QWidget):
    """One plot under its title, with a legend beside it."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inked: list[_Inked] = []
        self._names: dict[str, tuple[Ink, str]] = {}
        self._marks: list[Mark] = []
        self._mark_items: list[Any] = []
        self._title = QLabel(title)
        bold = self._title.font()
        bold.setBold(True)
        self._title.setFont(bold)
        self._legend = QLabel()
        self._legend.setObjectName("muted")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._head = QHBoxLayout()
        self._head.setSpacing(12)
        self._title.setMinimumHeight(self._title.fontMetrics().height() + 6)
        self._head.addWidget(self._title)
        self._head.addStretch(1)
        self._plot = pg.PlotWidget(enableMenu=False)
        self._plot.setFrameShape(self._plot.Shape.NoFrame)
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.disableAutoRange()  # spans are set; finding them out from the items would take longer than painting
        self._plot.setMinimumSize(120, 90)
        self._plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).enableAutoSIPrefix(False)
            self._plot.getAxis(side).setStyle(showValues=False)  # until there are some
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(self._head)
        column.addWidget(self._legend)
        column.addWidget(self._plot, 1)
        self._dress()

    def add_to_head(self, widget: QWidget) -> None:
        """Put ``widget`` beside the title."""
        self._head.insertWidget(1, widget)

    def set_names(self, names: dict[str, tuple[Ink, str]]) -> None:
        """Say what is drawn: name → ink and a sign that looks like the line."""
        if names != self._names:
            self._names = names
            self._write_legend()

    def add_line(self, ink: Ink, width_px: float = 2.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> Any:
        """Return a line without points."""
        item = pg.PlotDataItem(antialias=True)
        self._plot.addItem(item)
        return self._inks(item, ink, width_px, style)

    def add_points(self, ink: Ink, size_px: float) -> Any:
        """Return a cloud without points."""
        item = pg.PlotDataItem(pen=None, symbol="o", symbolSize=size_px, symbolPen=None)
        self._plot.addItem(item)
        return self._inks(item, ink, 0.0, None)

    def add_level(self, ink: Ink, style: Qt.PenStyle, angle: Literal[0, 90] = 0) -> Any:
        """Return a line from side to side, or from bottom to top at 90°, hidden until it is shown."""
        item = pg.InfiniteLine(angle=angle)
        item.hide()
        self._plot.addItem(item, ignoreBounds=True)
        return self._inks(item, ink, 1.5, style)

    def set_span(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show ``x`` from the first to the second value, and ``y`` with a margin; logarithms where they are drawn."""
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setStyle(showValues=True)
        self._plot.setXRange(*x, padding=0.01)
        room = max(y[1] - y[0], abs(y[1]) * 1e-3, 1e-9) * _MARGIN
        self._plot.setYRange(y[0] - room, y[1] + room, padding=0)

    def set_log(self, *, x: bool = False, y: bool = False) -> None:
        """Draw powers of ten at equal distances."""
        self._plot.setLogMode(x=x, y=y)

    def show_marks(self, marks: list[Mark]) -> None:
        """Draw where a session began and where the run went back."""
        if marks == self._marks:
            return
        self._marks = list(marks)
        self._draw_marks()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def event(self, event: QEvent) -> bool:
        """Follow to screens of another density."""
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.Show):
            self._dress()
        return super().event(event)

    def _inks(self, item: Any, ink: Ink, width_px: float, style: Qt.PenStyle | None) -> Any:
        inked = _Inked(item, ink, width_px, style)
        inked.paint(self.devicePixelRatioF())
        self._inked.append(inked)
        return item

    def _dress(self) -> None:
        scheme = current_scheme()
        self._plot.setBackground(scheme.panel)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(scheme.line))
            axis.setTextPen(pg.mkPen(scheme.muted))
            axis.setStyle(tickFont=self.font(), tickLength=-4)
        self._plot.showGrid(x=False, y=True, alpha=0.12)
        for inked in self._inked:
            inked.paint(self.devicePixelRatioF())
        self._write_legend()
        self._draw_marks()

    def _write_legend(self) -> None:
        parts = [
            f"<span style='color:{ink.colour}'>{sign}</span>&nbsp;{name}" for name, (ink, sign) in self._names.items()
        ]
        self._legend.setText("&nbsp; ".join(parts))
        self._plot.setAccessibleName(f"{self._title.text()}: {', '.join(self._names)}")

    def _draw_marks(self) -> None:
        for item in self._mark_items:
            self._plot.removeItem(item)
        self._mark_items = []
        for mark in self._marks:
            colour = Ink.BICUBIC.colour if mark.kind == "rollback" else current_scheme().disabled
            item = pg.InfiniteLine(
                pos=mark.step, angle=90, pen=pg.mkPen(colour, width=self.devicePixelRatioF(), style=Qt.PenStyle.DotLine)
            )
            item.setZValue(-1)
            self._plot.addItem(item, ignoreBounds=True)
            self._mark_items.append(item)


class QualityChart(Chart):
    """A measure on the held-out pictures, with the line to beat and the line that the run began at."""

    def __init__(self, title: str, digits: int, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._digits = digits
        self._shown: tuple[object, ...] = ()
        self._bicubic = self.add_level(Ink.BICUBIC, Qt.PenStyle.DashLine)
        self._start = self.add_level(Ink.START, Qt.PenStyle.DotLine)
        self._now = self.add_line(Ink.LINE)
        self._dots = self.add_points(Ink.LINE, 5)

    def show_curve(
        self, curve: Curve, *, bicubic: float | None, start: float | None, last_step: int, is_close_up: bool
    ) -> None:
        """Draw ``curve`` and the two levels, as far as they are known.

        Args:
            curve: what was measured.
            bicubic: bicubic enlargement.
            start: weights that the run began with.
            last_step: right end of the chart.
            is_close_up: fill the height with the curve and the start, wherever bicubic is.
        """
        shown = (len(curve), curve.last, bicubic, start, last_step, is_close_up)
        if shown == self._shown:
            return  # painting takes the time that the window needs for other things
        self._shown = shown
        at = thinned(len(curve), MOST_POINTS)
        x, y = curve.steps[at], curve.values[at]
        self._now.setData(x, y)
        self._dots.setData(*((x, y) if len(at) <= _MOST_DOTS else (x[-1:], y[-1:])))
        now = float(y[-1]) if len(y) else None
        seen = y.tolist()
        for item, level, is_seen in ((self._start, start, True), (self._bicubic, bicubic, not is_close_up)):
            item.setVisible(level is not None)
            if level is not None:
                item.setValue(level)
                seen += [level] if is_seen else []
        if seen:
            self.set_span((0, last_step), (min(seen), max(seen)))
        named = (
            (self.tr("now"), now, Ink.LINE, "━"),
            (self.tr("start"), start, Ink.START, "┅"),
            (self.tr("bicubic"), bicubic, Ink.BICUBIC, "╍"),
        )
        self.set_names(
            {
                f"{name} {level:.{self._digits}f}" if level is not None else name: (ink, sign)
                for name, level, ink, sign in named
            }
        )

"""How many pixels have which tone, with two handles to drag: what is shown black, and what is shown white."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPalette, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from srdesk.gui.science.look import AXIS, LEAST_APART

_HEIGHT_PX, _LEAST_WIDTH_PX, _USUAL_WIDTH_PX = 36, 110, 240
_MARGIN_PX = 7
_HANDLE_PX = 6
_KEY_STEP = 0.01

_CHANNEL_COLOURS = ("#d04a3a", "#3f9a4d", "#3f74d1")


class Histogram(QWidget):
    """Draws the tones of a picture; the black and the white end are dragged, or moved with the arrow keys.

    Left and right move the black end; with Shift, the white one.
    """

    ends_changed = Signal(float, float)
    """Other ends were chosen: places on the axis that are black and white."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: NDArray[np.float64] = np.zeros((1, 1))
        self._ends = [0.0, 1.0]
        self._dragged: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Histogram with the black and the white end"))
        self.setToolTip(
            self.tr("Drag the ends to choose what is black and what is white; double-click to put them back.")
        )

    @property
    def ends(self) -> tuple[float, float]:
        """Places on the axis that are black and white."""
        return self._ends[0], self._ends[1]

    def show_counts(self, counts: NDArray[np.float64]) -> None:
        """Draw `(C, bins)` shares of the fullest bin."""
        self._counts = counts
        self.update()

    def set_ends(self, black: float, white: float) -> None:
        """Put the handles somewhere, without saying so."""
        self._ends = [black, white]
        self.update()

    def x_of(self, place: float) -> float:
        """Return where a place on the axis is drawn, in pixels from the left."""
        low, high = AXIS
        return _MARGIN_PX + (place - low) / (high - low) * (self.width() - 2 * _MARGIN_PX)

    def sizeHint(self) -> QSize:
        """Return the usual size."""
        return QSize(_USUAL_WIDTH_PX, _HEIGHT_PX)

    def minimumSizeHint(self) -> QSize:
        """Return the size below which nothing can be aimed at."""
        return QSize(_LEAST_WIDTH_PX, _HEIGHT_PX)

    # --- hands ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the nearer end."""
        if event.button() is Qt.MouseButton.LeftButton:
            x = event.position().x()
            distances = [abs(x - self.x_of(end)) for end in self._ends]
            self._dragged = int(np.argmin(distances))
            if distances[0] == distances[1]:
                self._dragged = int(x > self.x_of(self._ends[1]))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the end that is held."""
        if self._dragged is not None:
            low, high = AXIS
            share = (event.position().x() - _MARGIN_PX) / max(1, self.width() - 2 * _MARGIN_PX)
            self._move(self._dragged, low + share * (high - low))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Put both ends back."""
        self._dragged = None
        self._choose(0.0, 1.0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move an end with the arrow keys."""
        step = {Qt.Key.Key_Left: -_KEY_STEP, Qt.Key.Key_Right: _KEY_STEP}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        end = int(bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self._move(end, self._ends[end] + step)

    def _move(self, end: int, place: float) -> None:
        black, white = self._ends
        place = min(max(place, AXIS[0]), AXIS[1])
        if end == 0:
            black = min(place, white - LEAST_APART)
        else:
            white = max(place, black + LEAST_APART)
        self._choose(black, white)

    def _choose(self, black: float, white: float) -> None:
        if (black, white) != self.ends:
            self.set_ends(black, white)
            self.ends_changed.emit(black, white)

    # --- eyes -----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the counts, what lies beyond the ends veiled, and the handles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        ground = QRectF(self.rect()).adjusted(_MARGIN_PX, 1.5, -_MARGIN_PX, -_HANDLE_PX - 0.5)
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        painter.drawRect(ground)
        self._paint_counts(painter, ground)
        veil = QColor(palette.color(QPalette.ColorRole.Window))
        veil.setAlpha(190)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(veil)
        black, white = (min(max(self.x_of(end), ground.left()), ground.right()) for end in self._ends)
        painter.drawRect(QRectF(ground.left(), ground.top(), black - ground.left(), ground.height()))
        painter.drawRect(QRectF(white, ground.top(), ground.right() - white, ground.height()))
        line = palette.color(QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.WindowText)
        for x, fill in ((black, QColor("black")), (white, QColor("white"))):
            painter.setPen(line)
            painter.drawLine(QPointF(x, ground.top()), QPointF(x, ground.bottom()))
            painter.setBrush(fill)
            foot, top = self.height() - 0.5, ground.bottom() - 1
            painter.drawPolygon(
                QPolygonF([QPointF(x, top), QPointF(x + _HANDLE_PX - 1, foot), QPointF(x - _HANDLE_PX + 1, foot)])
            )
        painter.end()

    def _paint_counts(self, painter: QPainter, ground: QRectF) -> None:
        channels, bins = self._counts.shape
        painter.setPen(Qt.PenStyle.NoPen)
        for channel in range(channels):
            colour = (
                QColor(_CHANNEL_COLOURS[channel])
                if channels > 1
                else self.palette().color(QPalette.ColorRole.WindowText)
            )
            colour.setAlpha(130)
            path = QPainterPath(ground.bottomLeft())
            # Roots, since the sky or the sea would leave nothing of all else.
            for number, share in enumerate(np.sqrt(self._counts[channel])):
                y = ground.bottom() - float(share) * (ground.height() - 1)
                for edge in (number, number + 1):
                    path.lineTo(ground.left() + edge / bins * ground.width(), y)
            path.lineTo(ground.bottomRight())
            painter.fillPath(path, colour)

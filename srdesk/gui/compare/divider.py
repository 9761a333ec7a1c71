"""The handle between the two halves of a split canvas."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QWidget

WIDTH_PX = 25
"""Width that can be grabbed, in logical pixels; odd, so that the line has a middle."""
KEY_STEP = 0.02
"""Part of the canvas that an arrow key moves the divider by."""


class Divider(QWidget):
    """A vertical line on a canvas that is dragged with the mouse or moved with the arrow keys."""

    moved = Signal(float)
    """The divider is at another fraction of the width of the canvas."""

    def __init__(self, canvas: QWidget) -> None:
        super().__init__(canvas)
        self.fraction = 0.5
        """Place on the canvas, 0 is left and 1 is right."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setAccessibleName(self.tr("Divider"))
        self.setToolTip(self.tr("Drag, or press ← and →, to compare"))
        self._canvas = canvas
        canvas.installEventFilter(self)

    def move_to(self, fraction: float) -> None:
        """Move to ``fraction`` of the width of the canvas, or the nearest that is on it."""
        fraction = min(max(fraction, 0.0), 1.0)
        has_moved = fraction != self.fraction
        self.fraction = fraction
        self._settle()
        if has_moved:
            self.moved.emit(fraction)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay at the same fraction when the canvas has another size."""
        if event.type() == QEvent.Type.Resize:
            self._settle()
        return False

    def _settle(self) -> None:
        middle = round(self.fraction * self._canvas.width())
        self.setGeometry(middle - WIDTH_PX // 2, 0, WIDTH_PX, self._canvas.height())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.move_to(self._canvas.mapFromGlobal(event.globalPosition()).x() / max(1, self._canvas.width()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Keep the press from the canvas, which would pan."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the release from the canvas."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go back to the middle."""
        self.move_to(0.5)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys, Home and End."""
        match event.key():
            case Qt.Key.Key_Left:
                self.move_to(self.fraction - KEY_STEP)
            case Qt.Key.Key_Right:
                self.move_to(self.fraction + KEY_STEP)
            case Qt.Key.Key_Home:
                self.move_to(0.0)
            case Qt.Key.Key_End:
                self.move_to(1.0)
            case _:
                event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show that the arrow keys move the divider now."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that they no longer do."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a line that is seen on any picture, and a knob with two arrows."""
        painter = QPainter(self)
        middle = WIDTH_PX // 2
        painter.fillRect(middle - 1, 0, 3, self.height(), QColor(0, 0, 0, 120))
        painter.fillRect(middle, 0, 1, self.height(), Qt.GlobalColor.white)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QPalette.ColorRole.Highlight if self.hasFocus() else QPalette.ColorRole.Button
        painter.setBrush(self.palette().color(colour))
        painter.setPen(QPen(Qt.GlobalColor.white, 1.5))
        knob = QRectF(1, self.height() / 2 - 11.5, 23, 23)
        painter.drawEllipse(knob)
        text = QPalette.ColorRole.HighlightedText if self.hasFocus() else QPalette.ColorRole.ButtonText
        painter.setPen(QPen(self.palette().color(text), 1.5))
        for side in (-1, 1):
            tip = knob.center() + QPointF(side * 7, 0)
            for up in (-1, 1):
                painter.drawLine(tip, tip + QPointF(-side * 3, up * 3))
        painter.end()

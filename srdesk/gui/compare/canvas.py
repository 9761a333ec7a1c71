"""The area in which one pane, or two halves of a split, are painted, zoomed and dragged."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from srdesk.gui.compare import captions
from srdesk.gui.compare.navigator import Navigator
from srdesk.gui.compare.pane_content import PaneContent
from srdesk.gui.compare.viewport import CanvasSize

FRAME_BUDGET_S = 0.008
"""Time that all canvases together may spend on converting tiles before the window is responsive again."""
NOTCH = 120
"""Eighths of a degree that one notch of a mouse wheel turns."""
KEYBOARD_REASONS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
"""Ways to get the focus that show where it is."""
KEY_PAN_FRACTION = 0.125
"""Part of the canvas that an arrow key pans by."""
MARK_PX = 6
"""Half length of the cross that marks the pointer in the other panes, in logical pixels."""


def backdrop(palette: QPalette) -> QColor:
    """Return the colour around pictures: the window's, a little darker."""
    return palette.color(QPalette.ColorRole.Window).darker(112)


class Canvas(QWidget):
    """Paints one content, or two on either side of a divider, for the viewport of a navigator."""

    hovered = Signal(object)
    """The pointer is over an LR point ``(x, y)``, or left the canvas (None)."""
    activated = Signal(str)
    """The content with this key was clicked, or got the keyboard."""
    resized = Signal()
    """The canvas has another size, or another device pixel ratio."""

    def __init__(self, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self.budget_s = FRAME_BUDGET_S
        """Time that one paint may spend on making the picture sharper; the rest follows in the next ones."""
        self._contents: tuple[PaneContent, ...] = ()
        self._split = 1.0
        self._mark: tuple[float, float] | None = None
        self._pointer: QPointF | None = None
        self._is_dragging = False
        self._shows_focus = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        navigator.changed.connect(self._look_again)

    @property
    def device_size(self) -> CanvasSize:
        """Size in device pixels."""
        ratio = self.devicePixelRatioF()
        return CanvasSize(max(1, round(self.height() * ratio)), max(1, round(self.width() * ratio)))

    @property
    def contents(self) -> tuple[PaneContent, ...]:
        """The one content that is shown, or the two of a split."""
        return self._contents

    def show_contents(self, *contents: PaneContent) -> None:
        """Show one content, or two of which the second begins at the split."""
        self._contents = contents
        self.refresh()

    def refresh(self) -> None:
        """Paint again, since a content has changed."""
        said = [text for content in self._contents for text in content.said if text]
        self.setAccessibleName(" | ".join(content.title for content in self._contents))
        self.setAccessibleDescription("\n".join(said))
        self.update()

    def take_news(self) -> None:
        """Look again at what had to be read from the disk first."""
        if not self.is_sharp:
            self.update()
        self._tell_point()

    def set_split(self, split: float) -> None:
        """Let the second content begin at ``split``, a fraction of the width."""
        self._split = split
        self.update()

    def set_mark(self, point: tuple[float, float] | None) -> None:
        """Mark an LR point ``(x, y)`` with a small cross."""
        for mark in (self._mark, point):
            if mark is not None and self._mark != point:
                self.update(self._mark_rect(mark).toAlignedRect())
        self._mark = point

    @property
    def is_sharp(self) -> bool:
        """Whether everything that is seen was painted from the right level."""
        return all(content.layer.is_sharp for content in self._contents)

    def sizeHint(self) -> QSize:
        """Return a size at which a picture can be judged."""
        return QSize(320, 240)

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size."""
        return QSize(96, 72)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible tiles, then what is said about them."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), backdrop(self.palette()))
        if self._navigator.lr_size is not None:
            self._paint_layers(painter)
        for content, part in zip(self._contents, self._parts(), strict=False):
            captions.paint(painter, content.captions, part, self.palette())
        if self._mark is not None and not any(content.message for content in self._contents):
            self._paint_mark(painter, self._mark)
        if self.hasFocus() and self._shows_focus:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)  # captions were painted with one
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()
        if any(content.layer.can_sharpen for content in self._contents):
            self.update()

    def _paint_layers(self, painter: QPainter) -> None:
        ratio = self.devicePixelRatioF()
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        canvas = self.device_size
        for content, part in zip(self._contents, self._parts(), strict=False):
            left, right = round(part.left() * ratio), round((part.left() + part.width()) * ratio)
            clip = QRect(left, 0, right - left, canvas.height_px)
            if not content.message and not clip.isEmpty():
                content.layer.paint(painter, self._navigator.viewport, canvas, clip, self.budget_s)
        painter.restore()

    def _parts(self) -> list[QRectF]:
        """Return where each content is painted, in logical pixels."""
        width, height = float(self.width()), float(self.height())
        if len(self._contents) < 2:
            return [QRectF(0, 0, width, height)]
        split = round(self._split * width)
        return [QRectF(0, 0, split, height), QRectF(split, 0, width - split, height)]

    def _mark_rect(self, point: tuple[float, float]) -> QRectF:
        x_px, y_px = self._navigator.viewport.to_canvas(*point, self.device_size)
        ratio, reach = self.devicePixelRatioF(), MARK_PX + 3
        return QRectF(x_px / ratio - reach, y_px / ratio - reach, 2 * reach, 2 * reach)

    def _paint_mark(self, painter: QPainter, point: tuple[float, float]) -> None:
        centre = self._mark_rect(point).center()
        for colour, width in ((Qt.GlobalColor.black, 3), (Qt.GlobalColor.white, 1)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawLine(centre - QPointF(MARK_PX, 0), centre + QPointF(MARK_PX, 0))
            painter.drawLine(centre - QPointF(0, MARK_PX), centre + QPointF(0, MARK_PX))

    # What people do

    def _activate(self, point: QPointF) -> None:
        for content, part in zip(self._contents, self._parts(), strict=False):
            if part.left() <= point.x() < part.right():
                self.activated.emit(content.key)

    def _spot(self, point: QPointF) -> tuple[float, float, CanvasSize]:
        ratio = self.devicePixelRatioF()
        return point.x() * ratio, point.y() * ratio, self.device_size

    def _look_again(self) -> None:
        self.update()
        self._tell_point()

    def _tell_point(self) -> None:
        if self._pointer is not None:
            self.hovered.emit(self._navigator.viewport.to_lr(*self._spot(self._pointer)))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        turned = event.angleDelta().y()
        if turned:
            self._navigator.zoom_by(turned / NOTCH, self._spot(event.position()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        self._activate(event.position())
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._is_dragging = True
            self._pointer = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the document, and say what is under the pointer."""
        before, self._pointer = self._pointer, event.position()
        if self._is_dragging and before is not None:
            moved = (self._pointer - before) * self.devicePixelRatioF()
            self._navigator.pan(moved.x(), moved.y())
        else:
            self._tell_point()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Stop dragging."""
        self._is_dragging = False
        self.setCursor(Qt.CursorShape.CrossCursor)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Toggle between the whole document and 100 % at the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._navigator.toggle_fit(self._spot(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Pan with the arrow keys, zoom with plus and minus."""
        step_x = KEY_PAN_FRACTION * self.device_size.width_px
        step_y = KEY_PAN_FRACTION * self.device_size.height_px
        match event.key():
            case Qt.Key.Key_Left:
                self._navigator.pan(step_x, 0)
            case Qt.Key.Key_Right:
                self._navigator.pan(-step_x, 0)
            case Qt.Key.Key_Up:
                self._navigator.pan(0, step_y)
            case Qt.Key.Key_Down:
                self._navigator.pan(0, -step_y)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self._navigator.zoom_by(1)
            case Qt.Key.Key_Minus:
                self._navigator.zoom_by(-1)
            case _:
                event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Become the active pane, and show it where the keyboard has brought the focus."""
        if event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
            self._shows_focus = event.reason() in KEYBOARD_REASONS
        if self._shows_focus:
            self._activate(QPointF(0, 0))
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the frame away."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Say that nothing is under the pointer any more."""
        self._pointer = None
        self.hovered.emit(None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pass on that there is another size."""
        self.resized.emit()

    def event(self, event: QEvent) -> bool:
        """Pass on that the window is on a screen with other pixels."""
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.resized.emit()
        return super().event(event)

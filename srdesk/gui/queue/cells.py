"""How the cells of the queue are painted: the bar of what is running, and the two buttons of what is done."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue.queue_model import ITEM_ROLE, PROGRESS_ROLE

_BAR_HEIGHT_PX = 6
_PERCENT_TEXT = "100 %"
_PADDING_PX = 10
_BUTTON_PX = 22
_ICON_PX = 16
_BUTTONS = ("external", "open")
"""Icons of the buttons of a finished row, from left to right: the result itself, and its folder."""

_Index = QModelIndex | QPersistentModelIndex


class StateCell(QStyledItemDelegate):
    """Words, or a progress bar while the item is being enlarged."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        """Cut sentences off at their end, not in the middle as names are."""
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideRight

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint a cell."""
        share = index.data(PROGRESS_ROLE)
        if share is None:
            super().paint(painter, option, index)
            return
        _paint_empty(self, painter, option, index)
        scheme = current_scheme()
        cell = option.rect.adjusted(_PADDING_PX, 0, -_PADDING_PX, 0)
        words = QRect(cell)
        words.setLeft(cell.right() - option.fontMetrics.horizontalAdvance(_PERCENT_TEXT))
        bar = QRect(
            cell.left(), cell.center().y() - _BAR_HEIGHT_PX // 2, words.left() - cell.left() - 8, _BAR_HEIGHT_PX
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(scheme.line))
        painter.drawRoundedRect(bar, _BAR_HEIGHT_PX / 2, _BAR_HEIGHT_PX / 2)
        painter.setBrush(QColor(scheme.accent))
        painter.setClipRect(QRect(bar.left(), bar.top(), round(bar.width() * share), bar.height()))
        painter.drawRoundedRect(bar, _BAR_HEIGHT_PX / 2, _BAR_HEIGHT_PX / 2)
        painter.setClipping(False)
        painter.setPen(QColor(scheme.text))
        alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, int(alignment), self.tr("{} %").format(int(share * 100)))
        painter.restore()


class ResultCell(QStyledItemDelegate):
    """The name of the result, and buttons that open it or show it in its folder."""

    open_requested = Signal(object)
    """`QueueItem` whose result the person wants to see."""
    folder_requested = Signal(object)
    """`QueueItem` whose result the person wants to find."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint a cell."""
        if not index.data():
            super().paint(painter, option, index)
            return
        _paint_empty(self, painter, option, index)
        buttons = _button_places(option.rect)
        painter.save()
        painter.setPen(QColor(current_scheme().text))
        words = option.rect.adjusted(_PADDING_PX, 0, 0, 0)
        words.setRight(buttons[0].left() - 4)
        text = option.fontMetrics.elidedText(index.data(), Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        colour = current_scheme().muted
        density = painter.device().devicePixelRatioF()
        for place, name in zip(buttons, _BUTTONS, strict=True):
            inset = (_BUTTON_PX - _ICON_PX) // 2
            drawn = icons.pixmap(name, colour, _ICON_PX, density)
            painter.drawPixmap(place.left() + inset, place.top() + inset, drawn)
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index
    ) -> bool:
        """Notice clicks on the buttons."""
        is_release = event.type() == QEvent.Type.MouseButtonRelease
        if not (isinstance(event, QMouseEvent) and is_release and index.data()):
            return super().editorEvent(event, model, option, index)
        if event.button() != Qt.MouseButton.LeftButton:
            return False
        to_open, to_folder = _button_places(option.rect)
        if to_open.contains(event.position().toPoint()):
            self.open_requested.emit(index.data(ITEM_ROLE))
        elif to_folder.contains(event.position().toPoint()):
            self.folder_requested.emit(index.data(ITEM_ROLE))
        return True


def _button_places(cell: QRect) -> tuple[QRect, QRect]:
    top = cell.center().y() - _BUTTON_PX // 2 + 1
    right = QRect(cell.right() - _BUTTON_PX - 4, top, _BUTTON_PX, _BUTTON_PX)
    return right.translated(-_BUTTON_PX - 2, 0), right


def _paint_empty(delegate: QStyledItemDelegate, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
    """Paint what lies behind the words of a cell."""
    plain = QStyleOptionViewItem(option)
    delegate.initStyleOption(plain, index)
    plain.text = ""
    widget = option.widget
    widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, plain, painter, widget)

"""The strip above the panes that says what went wrong: one sentence, one remedy, the details on request."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from srdesk.gui.messages.message_list import Loudness, Message

_DETAILS_HEIGHT_PX = 120


class Banner(QFrame):
    """Shows one `Message` of loudness NOTICE or ERROR at a time.

    A newer one replaces it, but a notice never hides an error; and notices that are not about the open picture, such
    as that a training was interrupted, are said only once: they wait for their turn, or come back.
    """

    dismissed = Signal()
    """The banner was closed by the person."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._message: Message | None = None
        self._unread: list[Message] = []
        self._text = QLabel()
        self._text.setObjectName("bannerText")
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._hint = QLabel()
        self._hint.setWordWrap(True)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)
        self._remedy = QPushButton()
        self._remedy.setProperty("primary", True)
        self._remedy.clicked.connect(self._on_remedy)
        self._more = _flat_button(self.tr("Details"))
        self._more.setCheckable(True)
        self._more.toggled.connect(self._on_more)
        self._copy = _flat_button(self.tr("Copy diagnostics"))
        self._copy.clicked.connect(self._on_copy)
        self._close = _flat_button(self.tr("Dismiss"))
        self._close.clicked.connect(self.dismiss)
        self._details = QPlainTextEdit()
        self._details.setReadOnly(True)
        self._details.setFixedHeight(_DETAILS_HEIGHT_PX)
        self._details.setAccessibleName(self.tr("Details of the message"))

        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._text)
        words.addWidget(self._hint)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addLayout(words, 1)
        for button in (self._more, self._copy, self._remedy, self._close):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 12, 8)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._details)
        self.hide()

    @property
    def message(self) -> Message | None:
        """What the banner says, None while it is hidden."""
        return self._message

    def say(self, message: Message) -> None:
        """Say ``message``, at once or when it is its turn."""
        shown = self._message
        self._unread = [each for each in self._unread if each.text != message.text]
        if shown is None or shown.text == message.text:
            self.show_message(message)
        elif message.loudness is Loudness.NOTICE and (shown.loudness is Loudness.ERROR or _is_news(shown, message)):
            self._unread += [message] if _is_news(message) else []
        else:
            self._unread[:0] = [shown] if _is_news(shown) else []
            self.show_message(message)
        self._tell_how_many_wait()

    def leave_picture(self) -> None:
        """Go on with what is left to say when another picture is opened."""
        if self._message is None:
            return
        left = self._message.for_next_picture()
        if left is None:
            self.dismiss()
        elif left is not self._message:
            self.show_message(left)

    def show_message(self, message: Message) -> None:
        """Say ``message`` until it is dismissed or replaced, whatever is said now."""
        self._message = message
        self.setProperty("severity", "error" if message.loudness is Loudness.ERROR else "notice")
        for widget in (self, self._text):
            widget.style().unpolish(widget)
            widget.style().polish(widget)
        self._text.setText(message.text)
        self._hint.setText(message.hint)
        self._hint.setVisible(bool(message.hint))
        if message.remedy is not None:
            self._remedy.setText(message.remedy.label)
        self._remedy.setVisible(message.remedy is not None)
        self._details.setPlainText(message.details)
        self._more.setChecked(False)
        self._details.hide()
        for button in (self._more, self._copy):
            button.setVisible(bool(message.details))
        self.setAccessibleName(f"{message.text} {message.hint}")
        self.show()
        if message.on_shown is not None:
            message.on_shown()

    @Slot()
    def dismiss(self) -> None:
        """Say what waits, or hide the banner."""
        if self._message is None:
            return
        self._message = None
        if self._unread:
            self.show_message(self._unread.pop(0))
        else:
            self.hide()
        self._tell_how_many_wait()
        self.dismissed.emit()

    def _tell_how_many_wait(self) -> None:
        waiting = len(self._unread)
        self._close.setText(self.tr("Next ({})").format(waiting) if waiting else self.tr("Dismiss"))

    @Slot()
    def _on_remedy(self) -> None:
        remedy = self._message.remedy if self._message else None
        self.dismiss()
        if remedy is not None:
            remedy.act()

    @Slot(bool)
    def _on_more(self, is_open: bool) -> None:
        self._details.setVisible(is_open)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details.toPlainText())


def _is_news(*messages: Message) -> bool:
    """Whether all of them are to be known whatever is open meanwhile, though nothing went wrong."""
    return all(each.loudness is Loudness.NOTICE and not each.is_about_picture for each in messages)


def _flat_button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setFlat(True)
    return button

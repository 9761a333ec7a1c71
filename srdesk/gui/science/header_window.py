"""The header of the open file in a window of its own, to be searched and copied while one works on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from srdesk.gui.look.theme import current_scheme

_SIZE_PX = (760, 620)
_MOST_MARKED = 2000


class HeaderWindow(QDialog):
    """Shows text; what is searched for is marked everywhere, and Enter goes from one place to the next."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(False)
        self.resize(*_SIZE_PX)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search names and values"))
        self.search.setAccessibleName(self.tr("Search in the header"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_searched)
        self.search.returnPressed.connect(self._on_next)
        self.found = QLabel()
        self.found.setObjectName("muted")
        self.view = QPlainTextEdit()
        self.view.setReadOnly(True)
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view.setAccessibleName(self.tr("Header"))
        copy = QPushButton(self.tr("Copy All"))
        copy.clicked.connect(self._on_copy)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.close)
        for button in (copy, close):
            button.setAutoDefault(False)  # Enter belongs to the search
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._on_find)
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.found)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        bottom.addWidget(copy)
        bottom.addWidget(close)
        column = QVBoxLayout(self)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addLayout(bottom)

    @property
    def text(self) -> str:
        """What can be read."""
        return self.view.toPlainText()

    def show_header(self, name: str, text: str) -> None:
        """Show the header of the file that people call ``name``; what was searched for stays so."""
        self.setWindowTitle(self.tr("Header of {}").format(name) if name else self.tr("Header"))
        self.view.setPlainText(text)
        self._mark()

    def changeEvent(self, event: QEvent) -> None:
        """Mark in other colours when the window has others."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._mark()

    def _places(self) -> list[QTextCursor]:
        word = self.search.text()
        places: list[QTextCursor] = []
        cursor = QTextCursor(self.view.document())
        while word and len(places) < _MOST_MARKED:
            cursor = self.view.document().find(word, cursor)
            if cursor.isNull():
                break
            places.append(QTextCursor(cursor))
        return places

    def _mark(self) -> list[QTextCursor]:
        places = self._places()
        marks = []
        for place in places:
            mark = QTextEdit.ExtraSelection()
            mark.cursor = place
            mark.format.setBackground(QColor(current_scheme().chosen))
            marks.append(mark)
        self.view.setExtraSelections(marks)
        more = "+" if len(places) == _MOST_MARKED else ""
        self.found.setText(self.tr("{} found").format(f"{len(places)}{more}") if self.search.text() else "")
        return places

    @Slot()
    def _on_searched(self) -> None:
        places = self._mark()
        if places:
            self._go_to(places[0])

    @Slot()
    def _on_next(self) -> None:
        places = self._places()
        if places:
            here = self.view.textCursor().selectionEnd()
            self._go_to(next((place for place in places if place.selectionStart() >= here), places[0]))

    def _go_to(self, place: QTextCursor) -> None:
        self.view.setTextCursor(place)
        self.view.ensureCursorVisible()

    @Slot()
    def _on_find(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text)

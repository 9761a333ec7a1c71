"""Tools ▸ Header: opens the window with the header, and keeps it to the picture that is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from srdesk.gui.science.header_window import HeaderWindow
from srdesk.gui.work.requests import Document
from srdesk.gui.work.session import Session


class HeaderMenu(QObject):
    """Offers the header of FITS files and scenes."""

    def __init__(self, window: QMainWindow, action: QAction, session: Session) -> None:
        super().__init__(window)
        self._window = window
        self._action = action
        self._session = session
        self.shown: HeaderWindow | None = None
        """The window with the header, None until it was asked for."""
        action.triggered.connect(self._on_triggered)
        session.opened.connect(self._on_opened)
        session.closed.connect(self._on_closed)
        self._on_closed()

    @Slot()
    def _on_triggered(self) -> None:
        document = self._session.document
        if document is None:
            return
        if self.shown is None:
            self.shown = HeaderWindow(self._window)
        self.shown.show_header(document.name, document.header)
        self.shown.show()
        self.shown.raise_()
        self.shown.activateWindow()

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self._action.setEnabled(bool(document.header))
        if self.shown is not None:
            self.shown.show_header(document.name, document.header)

    @Slot()
    def _on_closed(self) -> None:
        self._action.setEnabled(False)
        if self.shown is not None:
            self.shown.hide()
            self.shown.show_header("", "")

"""The way of a pane onto the clipboard, as it is seen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QLabel

from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.compare.pyramid import DisplayImage, Picture
from srdesk.gui.compare.view import CompareView
from srdesk.gui.work import clipboard
from srdesk.gui.work.session import Session


class CopyFlow(QObject):
    """Copies the marked pane.

    Args:
        action: asks for it.
        session: what is open.
        view: knows which pane is marked.
        elsewhere: returns what a pane shows that the session has not computed; None if it shows nothing.
        as_seen: returns a picture as the panes show it.
    """

    remarked = Signal(str)
    """A sentence for the status line."""

    def __init__(
        self,
        action: QAction,
        session: Session,
        view: CompareView,
        *,
        elsewhere: Callable[[str], Picture | None],
        as_seen: Callable[[DisplayImage], DisplayImage],
    ) -> None:
        super().__init__(view)
        self._session = session
        self._view = view
        self._elsewhere = elsewhere
        self._as_seen = as_seen
        action.triggered.connect(self.copy)

    @Slot()
    def copy(self) -> None:
        """Copy the marked pane, and say so; or the words that are marked, of a message that has the focus."""
        focus = QApplication.focusWidget()
        if isinstance(focus, QLabel) and focus.hasSelectedText():
            QApplication.clipboard().setText(focus.selectedText())
            self.remarked.emit(self.tr("Copied the marked words"))
            return
        pane = self._view.active_pane
        if self._session.document is None:
            return
        shown = self._shown(pane)
        if shown is None:
            self.remarked.emit(self.tr("{} has nothing to copy yet.").format(PANE_TITLES[pane]))
        elif isinstance(shown, DisplayImage) and clipboard.copy_picture(self._as_seen(shown)):
            said = self.tr("Copied {}, {} × {} pixels")
            self.remarked.emit(said.format(PANE_TITLES[pane], shown.width, shown.height))
        else:
            self.remarked.emit(self.tr("This result is too large for the clipboard; save it instead."))

    def _shown(self, pane: str) -> Picture | None:
        document, renderer = self._session.document, self._session.renderer
        other = self._elsewhere(pane)
        if other is not None or document is None:
            return other
        if pane == "lr":
            return document.display
        computed = renderer.result(pane) or renderer.preview(pane)
        return None if computed is None else computed.display

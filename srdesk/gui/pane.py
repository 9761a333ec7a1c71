"""A pane: a title bar that says what is seen and how large its own pixels are, and the canvas under it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from srdesk.gui.canvas import Canvas
from srdesk.gui.navigator import Navigator
from srdesk.gui.pane_content import PaneContent


class Pane(QWidget):
    """Shows one content, or two in a split, under a title."""

    def __init__(self, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self._header = QWidget(self)
        self._header.setAutoFillBackground(True)
        self._title = QLabel(self._header)
        self._note = QLabel(self._header)
        for label in (self._title, self._note):
            label.setTextFormat(Qt.TextFormat.PlainText)
        bold = self._title.font()
        bold.setBold(True)
        self._title.setFont(bold)
        row = QHBoxLayout(self._header)
        row.setContentsMargins(8, 3, 8, 3)
        row.addWidget(self._title, 1)
        row.addWidget(self._note)
        self.canvas = Canvas(navigator, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._header)
        column.addWidget(self.canvas, 1)
        navigator.changed.connect(self._describe)
        self.set_active(active=False)

    def show_contents(self, *contents: PaneContent) -> None:
        """Show one content, or two in a split."""
        self.canvas.show_contents(*contents)
        self._describe()

    def refresh(self) -> None:
        """Paint again, since a content has changed."""
        self.canvas.refresh()
        self._describe()

    def set_active(self, *, active: bool) -> None:
        """Show whether commands such as “copy pane” mean this pane."""
        background, text = (
            (QPalette.ColorRole.Highlight, QPalette.ColorRole.HighlightedText)
            if active
            else (QPalette.ColorRole.Button, QPalette.ColorRole.ButtonText)
        )
        self._header.setBackgroundRole(background)
        self._title.setForegroundRole(text)
        self._note.setForegroundRole(text)

    @property
    def title(self) -> str:
        """Text at the left of the title bar."""
        return self._title.text()

    @property
    def note(self) -> str:
        """Text at the right of the title bar."""
        return self._note.text()

    def _describe(self) -> None:
        contents = self.canvas.contents
        self._title.setText(contents[0].title if contents else "")
        self._note.setToolTip("")
        if len(contents) == 2:
            self._note.setText(contents[1].title)
            return
        source = contents[0].source if contents else None
        if source is None or self._navigator.lr_size is None:
            self._note.setText("")
            return
        own_percent = 100.0 * self._navigator.viewport.ratio / source.scale[1]
        self._note.setText(self.tr("{percent} %").format(percent=f"{own_percent:.3g}"))
        self._note.setToolTip(
            self.tr("One pixel of this picture covers {pixels} screen pixels each way.").format(
                pixels=f"{own_percent / 100:.3g}"
            )
        )

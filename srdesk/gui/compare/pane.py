"""A pane: a title bar that says what is seen and how large its own pixels are, and the canvas under it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.navigator import Navigator
from srdesk.gui.compare.pane_content import PaneContent

ACTIVE_BAR_PX = 4
"""Width of the coloured bar at the left of the active pane's title."""


class Pane(QWidget):
    """Shows one content, or two in a split, under a title."""

    def __init__(self, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self.title_bar = TitleBar(self)
        self.canvas = Canvas(navigator, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.title_bar)
        column.addWidget(self.canvas, 1)
        navigator.changed.connect(self._describe)

    def show_contents(self, *contents: PaneContent) -> None:
        """Show one content, or two in a split."""
        self.canvas.show_contents(*contents)
        self._describe()

    def refresh(self) -> None:
        """Paint again, since a content has changed."""
        self.canvas.refresh()
        self._describe()

    def _describe(self) -> None:
        contents = self.canvas.contents
        source = contents[0].source if contents else None
        if len(contents) == 2:
            self.title_bar.say(_with_remark(contents[0]), _with_remark(contents[1]), is_title=True)
        elif source is None or self._navigator.lr_size is None:
            self.title_bar.say(_with_remark(contents[0]) if contents else "", "")
        else:
            own_percent = 100.0 * self._navigator.viewport.ratio / source.scale[1]
            self.title_bar.say(
                _with_remark(contents[0]),
                self.tr("{percent} %").format(percent=_short(own_percent)),
                self.tr("One pixel of this picture covers {pixels} screen pixels each way.").format(
                    pixels=_short(own_percent / 100)
                ),
            )


class TitleBar(QWidget):
    """Two texts over a canvas, and a mark where commands such as “copy pane” mean this pane."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_active = False
        self._left = QLabel(self)
        self._right = QLabel(self)
        for label in (self._left, self._right):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._bold = self._left.font()
        self._bold.setBold(True)
        self._left.setFont(self._bold)
        row = QHBoxLayout(self)
        row.setContentsMargins(ACTIVE_BAR_PX + 6, 4, 8, 4)
        row.addWidget(self._left, 1)
        row.addWidget(self._right)

    @property
    def texts(self) -> tuple[str, str]:
        """What stands at the left and at the right."""
        return self._left.text(), self._right.text()

    @property
    def is_active(self) -> bool:
        """Whether commands mean this pane."""
        return self._is_active

    def say(self, left: str, right: str, hint: str = "", *, is_title: bool = False) -> None:
        """Write ``left`` and ``right``; ``hint`` explains the right one, which may be a title, too."""
        self._left.setText(left)
        self._right.setText(right)
        self._right.setFont(self._bold if is_title else self.font())
        self._right.setToolTip(hint)

    def set_active(self, *, active: bool) -> None:
        """Show whether commands mean this pane."""
        self._is_active = active
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground, and the mark of the active pane."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Button))
        if self._is_active:
            bar = self.rect().adjusted(0, 0, ACTIVE_BAR_PX - self.width(), 0)
            painter.fillRect(bar, self.palette().color(QPalette.ColorRole.Highlight))
        painter.end()


def _with_remark(content: PaneContent) -> str:
    has_pixels = content.source is not None or content.layer.patches
    return f"{content.title} · {content.remark}" if content.remark and has_pixels else content.title


def _short(number: float) -> str:
    """Return three digits, or all digits before the point."""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"

"""Where panes stand: in a grid, or one alone on the whole stage, split by a divider if it shows two contents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from srdesk.gui.compare.canvas import FRAME_BUDGET_S, backdrop
from srdesk.gui.compare.divider import Divider
from srdesk.gui.compare.navigator import Navigator
from srdesk.gui.compare.pane import Pane
from srdesk.gui.compare.pane_content import PaneContent
from srdesk.gui.compare.viewport import CanvasSize

GAP_PX = 2
"""Space between panes."""


class CompareStage(QWidget):
    """Lays panes out; knows nothing of what they mean."""

    hovered = Signal(object)
    """The pointer is over an LR point ``(x, y)`` of any pane, or over none (None)."""
    activated = Signal(str)
    """The content with this key was clicked or got the keyboard."""

    def __init__(self, navigator: Navigator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = navigator
        self._panes: dict[str, Pane] = {}
        self._shown: list[str] = []
        self._active = ""
        self._grid_page = QWidget(self)
        self._grid = QGridLayout(self._grid_page)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP_PX)
        self._single = self._new_pane(self)
        self.divider = Divider(self._single.canvas)
        self.divider.moved.connect(self._single.canvas.set_split)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._grid_page, 1)
        column.addWidget(self._single, 1)
        navigator.document_changed.connect(self._lay_out)

    def set_keys(self, keys: Iterable[str]) -> None:
        """Have one pane in the grid for each key, empty."""
        for pane in self._panes.values():
            pane.deleteLater()
        self._panes = {key: self._new_pane(self._grid_page) for key in keys}

    def show_grid(self, contents: Mapping[str, PaneContent]) -> None:
        """Show the panes of these keys side by side, each with its content."""
        going = [self._single, *(pane for key, pane in self._panes.items() if key not in contents)]
        must_return = self._hold_keyboard(going)
        self._single.hide()
        self._grid_page.show()
        for key, content in contents.items():
            self._panes[key].canvas.budget_s = FRAME_BUDGET_S / len(contents)
            self._panes[key].show_contents(content)
        self._shown = list(contents)
        self._lay_out()
        self._measure()
        if must_return:
            self._return_keyboard()

    def show_single(self, *contents: PaneContent) -> None:
        """Show one pane only, with one content or with two on either side of the divider."""
        is_split = len(contents) == 2
        must_return = self._hold_keyboard([self._grid_page] if is_split else [self._grid_page, self.divider])
        self._grid_page.hide()
        self._single.show_contents(*contents)
        self._single.canvas.set_split(self.divider.fraction)
        self.divider.setVisible(is_split)
        self._single.show()
        self._measure()
        if must_return:
            self._return_keyboard()

    def panes(self) -> list[Pane]:
        """Return the panes that are on the stage."""
        if self._grid_page.isHidden():
            return [self._single]
        return [self._panes[key] for key in self._shown]

    def refresh(self, *changed: PaneContent) -> None:
        """Paint the panes again that show one of these contents."""
        for pane in self.panes():
            if any(content in changed for content in pane.canvas.contents):
                pane.refresh()

    def take_news(self) -> None:
        """Look again at what had to be read from the disk first."""
        for pane in self.panes():
            pane.canvas.take_news()

    def set_active(self, key: str) -> None:
        """Mark the pane that commands mean; it also gets the keyboard when another pane goes that has it."""
        self._active = key
        for pane_key, pane in self._panes.items():
            pane.title_bar.set_active(active=pane_key == key)

    def set_mark(self, point: tuple[float, float] | None) -> None:
        """Mark an LR point in all panes but the one that the pointer is over."""
        for pane in self.panes():
            pane.canvas.set_mark(None if pane.canvas.underMouse() else point)

    def largest_canvas(self) -> CanvasSize:
        """Return a size in device pixels that no canvas on the stage exceeds."""
        sizes = [pane.canvas.device_size for pane in self.panes()]
        return CanvasSize(
            max((size.height_px for size in sizes), default=1), max((size.width_px for size in sizes), default=1)
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the number of columns anew."""
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint places of the grid that no pane takes like the ground of a pane."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), backdrop(self.palette()))
        painter.end()

    def _new_pane(self, parent: QWidget) -> Pane:
        pane = Pane(self._navigator, parent)
        pane.canvas.hovered.connect(self.hovered)
        pane.canvas.activated.connect(self.activated)
        pane.canvas.resized.connect(self._measure)
        return pane

    def _hold_keyboard(self, going: Iterable[QWidget]) -> bool:
        """Take the keyboard from what is about to go, and say whether it has to be returned to a pane.

        Else Qt would give it to the next widget that takes it, such as a button, where B and the arrow keys do nothing.
        """
        holder = self.window().focusWidget()
        is_going = holder is not None and any(each is holder or each.isAncestorOf(holder) for each in going)
        if is_going:
            self.setFocus()
        return is_going

    def _return_keyboard(self) -> None:
        panes = self.panes()
        active = self._panes.get(self._active)
        if panes:
            (active if active is not None and active in panes else panes[0]).canvas.setFocus()

    def _measure(self) -> None:
        """Tell the navigator the size of the smallest canvas, which the document is fitted to."""
        sizes = [pane.canvas.device_size for pane in self.panes()]
        if sizes:
            self._navigator.set_canvas(
                CanvasSize(min(size.height_px for size in sizes), min(size.width_px for size in sizes))
            )

    def _lay_out(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        columns = best_columns(len(self._shown), self.size(), self._navigator.lr_size or (3, 4))
        for key, pane in self._panes.items():
            pane.setVisible(key in self._shown)
        for place, key in enumerate(self._shown):
            self._grid.addWidget(self._panes[key], place // columns, place % columns)
        rows = -(-len(self._shown) // columns)
        for row in range(max(rows, self._grid.rowCount())):
            self._grid.setRowStretch(row, int(row < rows))
        for column in range(max(columns, self._grid.columnCount())):
            self._grid.setColumnStretch(column, int(column < columns))


def best_columns(panes: int, stage: QSize, lr_size: tuple[int, int]) -> int:
    """Return the number of columns with which the document is seen largest.

    Where that is the same, the grid with the fewest empty places is taken, then the one with fewer rows.
    """

    def zoom(columns: int) -> float:
        rows = -(-panes // columns)
        return min(stage.height() / rows / lr_size[0], stage.width() / columns / lr_size[1])

    return max(range(1, panes + 1), default=1, key=lambda columns: (zoom(columns), -(-panes % columns), columns))

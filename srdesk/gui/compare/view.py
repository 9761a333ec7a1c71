"""The panes in step: side by side, behind a divider, blinking, or as their difference."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from srdesk.gui.compare.bar import DEFAULT_GAIN, USUAL, CompareBar
from srdesk.gui.compare.blinker import Blinker
from srdesk.gui.compare.captions import Legend
from srdesk.gui.compare.comparison import CompareMode, CursorReading, PaneSpec, most_telling
from srdesk.gui.compare.difference_content import DifferenceContent
from srdesk.gui.compare.navigator import Navigator
from srdesk.gui.compare.pane_content import PaneContent
from srdesk.gui.compare.pyramid import DisplayImage, Picture
from srdesk.gui.compare.shading import Shading
from srdesk.gui.compare.stage import CompareStage
from srdesk.imaging.image import Box


class CompareView(QWidget):
    """Shows the panes of one document in step."""

    visible_region_changed = Signal(object)
    """Another `Box` of LR pixels is seen; once per turn of the event loop."""
    cursor_moved = Signal(object)
    """The pointer is over the document (`CursorReading`) or no longer (None)."""
    active_pane_changed = Signal(str)
    """Another pane is the one that commands such as “copy pane” mean."""
    zoom_changed = Signal(float)
    """Zoom in percent: 100 is one result pixel per screen pixel."""
    mode_changed = Signal(object)
    """Panes are compared in another `CompareMode`."""
    compared_changed = Signal()
    """Two other panes are compared."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = Navigator(self)
        self._contents: dict[str, PaneContent] = {}
        self._hidden: set[str] = set()
        self._lr: Picture | None = None
        self._mode = CompareMode.GRID
        self._compared = ("", "")
        self._active = ""
        self._gain = DEFAULT_GAIN
        self._region = Box(0, 0, 0, 0)
        self._difference = DifferenceContent(self)

        self._bar = CompareBar(self)
        self._bar.compared_changed.connect(self.set_compared)
        self._bar.gain_changed.connect(self.set_gain)
        self._bar.blinking_changed.connect(self.set_blinking)
        self._stage = CompareStage(self._navigator, self)
        self._stage.hovered.connect(self._read_out)
        self._stage.activated.connect(self.activate)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._stage, 1)

        self._blinker = Blinker(self)
        self._blinker.swapped.connect(self._show)
        self._region_timer = QTimer(self)
        self._region_timer.setSingleShot(True)
        self._region_timer.timeout.connect(self._tell_region)
        self._navigator.changed.connect(self._moved)
        self._bar.hide()

    # What is shown

    def set_panes(self, specs: Sequence[PaneSpec]) -> None:
        """Have these panes, in this order and empty; all of them are seen."""
        self._contents = {spec.key: PaneContent(spec.key, spec.title, spec.remark) for spec in specs}
        self._hidden = set()
        keys = list(self._contents)
        self._stage.set_keys(keys)
        self._bar.set_panes([(spec.key, spec.title) for spec in specs])
        self.activate(keys[0])
        first, second = USUAL
        self.set_compared(first if first in keys else keys[0], second if second in keys else keys[-1])

    def set_document(self, lr: Picture, result_scale: float = 4.0, *, stays: bool = False) -> None:
        """Show a new document, ``lr`` at scale 1: its LR pane at once, the others wait for results.

        100 % refers to ``result_scale`` pixels per LR pixel. The view ``stays`` where it is if the size is the same.
        """
        self._lr = lr
        self._region = Box(0, 0, 0, 0)
        for key, content in self._contents.items():
            (content.show if key == "lr" else content.wait)(lr)
        self._navigator.result_scale = result_scale
        self._navigator.open(lr.height, lr.width, stays=stays)
        self._refresh()

    def set_result(self, key: str, result: Picture) -> None:
        """Show the finished picture of a pane; what was said in it goes away."""
        self._contents[key].show(result)
        self._refresh()

    def set_preview(self, key: str, lr_box: Box, patch: DisplayImage) -> None:
        """Show a sharp patch over the placeholder of a pane that has no result yet; ``lr_box`` is where it lies."""
        self._contents[key].add_patch(lr_box, patch)
        self._refresh()

    def take_news(self) -> None:
        """Look again at what had to be read from the disk first, since some of it is there now."""
        self._stage.take_news()

    def set_title(self, key: str, title: str) -> None:
        """Call a pane by another name."""
        if title != self._contents[key].title:
            self._contents[key].title = title
            self._bar.rename(key, title)
            self._refresh()

    def set_message(self, key: str, text: str) -> None:
        """Say something in the middle of a pane instead of a picture; nothing if ``text`` is empty."""
        content = self._contents[key]
        if text != content.message:
            content.message = text
            self._refresh()

    def set_busy(self, key: str, text: str, fraction: float | None = None) -> None:
        """Say in a corner of a pane what is being done, and how far it is; nothing if ``text`` is empty."""
        content = self._contents[key]
        if (text, fraction) != (content.busy, content.fraction):
            content.busy, content.fraction = text, fraction
            self._stage.refresh(content)

    def set_note(self, key: str, text: str, legend: Legend | None = None) -> None:
        """Say in a corner of a pane what is known of its picture, and what its colours mean."""
        content = self._contents[key]
        content.note, content.legend = text, legend
        self._stage.refresh(content)

    def set_shading(self, shading: Shading | None) -> None:
        """Let all panes be seen in another way, also pictures that are yet to come; None for as each of them says."""
        for content in self._contents.values():
            content.shade(shading)
        self._refresh()

    def clear_result(self, key: str) -> None:
        """Show the placeholder again, since the result no longer fits (other weights, another size)."""
        self._contents[key].wait(self._lr)
        self._refresh()

    def clear(self) -> None:
        """Show no document."""
        self._lr = None
        self._region = Box(0, 0, 0, 0)
        for content in self._contents.values():
            content.show(None)
        self._navigator.close()
        self._refresh()

    def set_pane_visible(self, key: str, visible: bool) -> None:
        """Show or hide a pane of the grid."""
        (self._hidden.discard if visible else self._hidden.add)(key)
        self._show()

    def set_pane_offered(self, key: str, *, offered: bool) -> None:
        """Let a pane be chosen to be compared, or no longer."""
        self._bar.offer(key, offered=offered)

    # How it is compared

    @property
    def mode(self) -> CompareMode:
        """How panes are compared."""
        return self._mode

    @property
    def compared(self) -> tuple[str, str]:
        """Keys of the two panes that slider, blink and difference compare."""
        return self._compared

    @property
    def active_pane(self) -> str:
        """Key of the pane that commands mean."""
        return self._active

    def set_mode(self, mode: CompareMode) -> None:
        """Compare panes in another way."""
        self._mode = mode
        self._show()
        self.mode_changed.emit(mode)

    def set_compared(self, first: str, second: str) -> None:
        """Choose the two panes that slider, blink and difference compare."""
        self._compared = (first, second)
        self._bar.set_compared(first, second)
        self._show()
        self.compared_changed.emit()

    def set_gain(self, gain: int) -> None:
        """Amplify the difference by ``gain``."""
        self._gain = gain
        self._bar.set_gain(gain)
        self._show()

    def set_blinking(self, blinking: bool) -> None:
        """Let blink mode blink by itself, or only while B is held."""
        self._bar.blinking.setChecked(blinking)
        self._show()

    # Where one looks

    def zoom_fit(self) -> None:
        """Show the whole document."""
        self._navigator.fit()

    def zoom_to(self, percent: float) -> None:
        """Zoom around the middle: 100 is one result pixel per screen pixel."""
        self._navigator.zoom_to(percent)

    def zoom_by(self, steps: float) -> None:
        """Zoom in by so many quarter octaves, out if negative."""
        self._navigator.zoom_by(steps)

    @property
    def zoom_percent(self) -> float:
        """Zoom: 100 is one result pixel per screen pixel."""
        return self._navigator.percent

    def visible_region(self) -> Box:
        """Return the LR pixels that are at least partly seen in any pane; empty without a document."""
        if self._navigator.lr_size is None:
            return Box(0, 0, 0, 0)
        return self._navigator.viewport.visible(*self._navigator.lr_size, self._stage.largest_canvas())

    def _show(self) -> None:
        """Put the contents on the stage that mode, comparison and held key ask for."""
        self._bar.setVisible(self._mode is not CompareMode.GRID)
        self._bar.set_purpose(difference=self._mode is CompareMode.DIFFERENCE, blink=self._mode is CompareMode.BLINK)
        self._blinker.run(running=self._mode is CompareMode.BLINK and self._bar.blinking.isChecked())
        if not self._contents:
            return
        order = reversed(self._compared) if self._blinker.is_swapped else self._compared
        first, second = (self._contents[key] for key in order)
        is_grid = self._mode is CompareMode.GRID
        seen = [key for key in self._contents if key not in self._hidden] if is_grid else self._compared
        if seen and self._active not in seen:  # or commands would mean what nobody sees
            self.activate(most_telling([key for key in self._compared if key in seen] or seen))
        match self._mode:
            case CompareMode.GRID:
                shown = {key: self._contents[key] for key in seen}
                if self._compared[0] in shown:
                    shown[self._compared[0]] = first
                self._stage.show_grid(shown)
            case CompareMode.SLIDER:
                self._stage.show_single(first, second)
            case CompareMode.BLINK:
                self._stage.show_single(first)
            case CompareMode.DIFFERENCE:
                has_document = self._lr is not None
                self._stage.show_single(self._difference.of(first, second, self._gain, has_document=has_document))
        if self._stage.panes():
            self.setFocusProxy(self._stage.panes()[0].canvas)
        self._moved()

    def _refresh(self) -> None:
        if self._mode is CompareMode.DIFFERENCE:
            self._show()
        self._stage.refresh(*self._contents.values())

    def activate(self, key: str) -> None:
        """Make a pane the one that commands mean."""
        if key and key != self._active:
            self._active = key
            self._stage.set_active(key)
            self.active_pane_changed.emit(key)

    def _read_out(self, point: tuple[float, float] | None) -> None:
        if point is not None and not self._navigator.is_inside(*point):
            point = None
        self._stage.set_mark(point)
        values = {key: content.values_at(*point) for key, content in self._contents.items()} if point else {}
        self.cursor_moved.emit(CursorReading(*point, values) if point else None)

    def _moved(self) -> None:
        for content in self._contents.values():
            content.layer.forget_requests()
        self._region_timer.start()
        self.zoom_changed.emit(self._navigator.percent)

    def _tell_region(self) -> None:
        region = self.visible_region()
        if region != self._region:
            self._region = region
            self.visible_region_changed.emit(region)

"""The panes in step: side by side, behind a divider, blinking, or as their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from srdesk.gui.canvas import PaneContent
from srdesk.gui.compare_bar import DEFAULT_GAIN, CompareBar
from srdesk.gui.compare_stage import CompareStage
from srdesk.gui.difference import DifferenceImage
from srdesk.gui.navigator import Navigator
from srdesk.gui.pyramid import DisplayImage, FileValues
from srdesk.imaging.image import Box

BLINK_EVERY_MS = 700
"""Time that each of two blinking panes is seen."""


class CompareMode(Enum):
    """How panes are compared."""

    GRID = "grid"
    SLIDER = "slider"
    BLINK = "blink"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """A pane that there shall be."""

    key: str
    """Name that the desk uses: lr, bicubic, srcnn, srresnet, srgan."""
    title: str
    """Name that people read, translated."""


@dataclass(frozen=True, slots=True)
class CursorReading:
    """What is under the pointer."""

    x: float
    """LR column; the pixel is ``int(x)``."""
    y: float
    """LR row."""
    values: Mapping[str, FileValues | None]
    """File values by pane key, alpha last; None where a pane has no picture."""


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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._navigator = Navigator(self)
        self._contents: dict[str, PaneContent] = {}
        self._hidden: set[str] = set()
        self._lr: DisplayImage | None = None
        self._mode = CompareMode.GRID
        self._compared = ("", "")
        self._active = ""
        self._gain = DEFAULT_GAIN
        self._is_swapped = False
        self._region = Box(0, 0, 0, 0)
        self._difference = PaneContent("", "")

        self._bar = CompareBar(self)
        self._bar.compared_changed.connect(self.set_compared)
        self._bar.gain_changed.connect(self.set_gain)
        self._bar.blinking_changed.connect(self.set_blinking)
        self._stage = CompareStage(self._navigator, self)
        self._stage.hovered.connect(self._read_out)
        self._stage.activated.connect(self._activate)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(self._stage, 1)

        self._blink_timer = QTimer(self)
        self._blink_timer.setInterval(BLINK_EVERY_MS)
        self._blink_timer.timeout.connect(self._blink)
        self._region_timer = QTimer(self)
        self._region_timer.setSingleShot(True)
        self._region_timer.timeout.connect(self._tell_region)
        self._navigator.changed.connect(self._moved)
        self._bar.hide()

    # What is shown

    def set_panes(self, specs: Sequence[PaneSpec]) -> None:
        """Have these panes, in this order and empty; all of them are seen."""
        self._contents = {spec.key: PaneContent(spec.key, spec.title) for spec in specs}
        self._hidden = set()
        keys = list(self._contents)
        self._stage.set_keys(keys)
        self._bar.set_panes([(spec.key, spec.title) for spec in specs])
        first = "bicubic" if "bicubic" in keys else keys[0]
        self.set_compared(first, "srresnet" if "srresnet" in keys else keys[-1])
        self._activate(keys[0])

    def set_document(self, lr: DisplayImage, result_scale: float = 4.0) -> None:
        """Show a new document: its LR pane at once, the others wait for results.

        Args:
            lr: The LR picture, at scale 1.
            result_scale: Result pixels per LR pixel, which 100 % refers to.
        """
        self._lr = lr
        for key, content in self._contents.items():
            content.message = content.busy = ""
            if key == "lr":
                content.layer.show(lr)
            else:
                content.layer.wait(lr)
        self._navigator.result_scale = result_scale
        self._navigator.open(lr.height, lr.width)
        self._refresh()

    def set_result_scale(self, scale: float) -> None:
        """Let 100 % refer to results with so many pixels per LR pixel."""
        self._navigator.result_scale = scale
        self._navigator.changed.emit()

    def set_result(self, key: str, result: DisplayImage) -> None:
        """Show the finished picture of a pane; what was said in it goes away."""
        content = self._contents[key]
        content.message = content.busy = ""
        content.layer.show(result)
        self._refresh()

    def set_preview(self, key: str, lr_box: Box, pixels: NDArray[np.uint8] | DisplayImage) -> None:
        """Show a sharp patch over the placeholder of a pane that has no result yet.

        Args:
            key: Pane.
            lr_box: Part of the document in LR pixels.
            pixels: `(H, W, C)` uint8 of that part, a whole multiple of its size, not modified later; a
                `DisplayImage` of it where colours need a profile.
        """
        if not isinstance(pixels, DisplayImage):
            pixels = DisplayImage.of_pixels(pixels, (pixels.shape[0] / lr_box.height, pixels.shape[1] / lr_box.width))
        self._contents[key].message = ""
        self._contents[key].layer.add_patch(lr_box, pixels)
        self._refresh()

    def set_message(self, key: str, text: str) -> None:
        """Say something in the middle of a pane instead of a picture; nothing if ``text`` is empty."""
        self._contents[key].message = text
        self._refresh()

    def set_busy(self, key: str, text: str, fraction: float | None = None) -> None:
        """Say in a corner of a pane what is being done, and how far it is; nothing if ``text`` is empty."""
        self._contents[key].busy = text
        self._contents[key].fraction = fraction
        self._refresh()

    def clear_result(self, key: str) -> None:
        """Show the placeholder again, since the result no longer fits (other weights, another size)."""
        content = self._contents[key]
        content.message = content.busy = ""
        content.layer.wait(self._lr)
        self._refresh()

    def clear(self) -> None:
        """Show no document."""
        self._lr = None
        for content in self._contents.values():
            content.message = content.busy = ""
            content.layer.show(None)
        self._navigator.close()
        self._refresh()

    def set_pane_visible(self, key: str, visible: bool) -> None:
        """Show or hide a pane of the grid."""
        (self._hidden.discard if visible else self._hidden.add)(key)
        self._show()

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
        self._is_swapped = False
        self._show()
        self.mode_changed.emit(mode)

    def set_compared(self, first: str, second: str) -> None:
        """Choose the two panes that slider, blink and difference compare."""
        self._compared = (first, second)
        self._bar.set_compared(first, second)
        self._show()

    def set_gain(self, gain: int) -> None:
        """Amplify the difference by ``gain``."""
        self._gain = gain
        self._bar.set_gain(gain)
        self._show()

    def set_blinking(self, blinking: bool) -> None:
        """Let blink mode blink by itself, or only while B is held."""
        self._bar.blinking.setChecked(blinking)
        self._show()

    def set_swapped(self, swapped: bool) -> None:
        """Show the second compared pane in the place of the first, as while B is held."""
        if swapped != self._is_swapped:
            self._is_swapped = swapped
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

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the second compared pane while B is held."""
        if event.key() == Qt.Key.Key_B and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.set_swapped(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the first compared pane again."""
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.set_swapped(False)
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Forget a held key whose release goes to another window."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.set_swapped(False)
        super().changeEvent(event)

    def _show(self) -> None:
        """Put the contents on the stage that mode, comparison and held key ask for."""
        self._bar.setVisible(self._mode is not CompareMode.GRID)
        self._bar.set_purpose(difference=self._mode is CompareMode.DIFFERENCE, blink=self._mode is CompareMode.BLINK)
        blinks = self._mode is CompareMode.BLINK and self._bar.blinking.isChecked()
        if blinks != self._blink_timer.isActive():
            (self._blink_timer.start if blinks else self._blink_timer.stop)()
        if not self._contents:
            return
        first, second = (self._contents[key] for key in self._compared)
        if self._is_swapped:
            first, second = second, first
        match self._mode:
            case CompareMode.GRID:
                shown = {key: content for key, content in self._contents.items() if key not in self._hidden}
                if self._compared[0] in shown:
                    shown[self._compared[0]] = first
                self._stage.show_grid(shown)
            case CompareMode.SLIDER:
                self._stage.show_single(first, second)
            case CompareMode.BLINK:
                self._stage.show_single(first)
            case CompareMode.DIFFERENCE:
                self._show_difference(first, second)
        self._moved()

    def _show_difference(self, first: PaneContent, second: PaneContent) -> None:
        title = self.tr("Difference of {first} and {second}").format(first=first.title, second=second.title)
        self._difference = PaneContent("", title)
        missing = [content.title for content in (first, second) if content.layer.source is None]
        if missing and self._lr is not None:
            self._difference.message = self.tr("There is no picture of {pane} yet.").format(pane=missing[0])
        elif first.layer.source is not None and second.layer.source is not None:
            self._difference.layer.show(DifferenceImage(first.layer.source, second.layer.source, self._gain))
        self._stage.show_single(self._difference)

    def _refresh(self) -> None:
        if self._mode is CompareMode.DIFFERENCE:
            self._show()
        self._stage.refresh()

    def _blink(self) -> None:
        self.set_swapped(not self._is_swapped)

    def _activate(self, key: str) -> None:
        if key and key != self._active:
            self._active = key
            self._stage.set_active(key)
            self.active_pane_changed.emit(key)

    def _read_out(self, point: tuple[float, float] | None) -> None:
        self._stage.set_mark(point)
        if point is None or self._lr is None or self._lr.values_at(*point) is None:
            self.cursor_moved.emit(None)
            return
        values = {
            key: content.layer.source.values_at(*point) if isinstance(content.layer.source, DisplayImage) else None
            for key, content in self._contents.items()
        }
        self.cursor_moved.emit(CursorReading(*point, values))

    def _moved(self) -> None:
        self._region_timer.start()
        self.zoom_changed.emit(self._navigator.percent)

    def _tell_region(self) -> None:
        region = self.visible_region()
        if region != self._region:
            self._region = region
            self.visible_region_changed.emit(region)

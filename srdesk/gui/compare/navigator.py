"""The one viewport that all panes share: fitted, zoomed and panned in LR coordinates, so that panes cannot drift apart.

100 % means that one pixel of the enlarged result covers one pixel of the screen; an LR pixel then covers 4 × 4.
"""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, Signal

from srdesk.gui.compare.viewport import CanvasSize, Viewport

STEPS_PER_OCTAVE = 4
"""Zoom steps (wheel notches) in which the ratio doubles."""
MAX_PERCENT = 6400.0
"""Largest zoom."""
MIN_DOCUMENT_PX = 64
"""The document's longer side never gets smaller than this on the screen."""


class Navigator(QObject):
    """Owns the viewport and moves it."""

    changed = Signal()
    """The viewport, or the document that it looks at, is another one."""

    document_changed = Signal()
    """Another document, or none, is looked at."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.viewport = Viewport()
        self.result_scale = 4.0
        """Result pixels per LR pixel: what 100 % refers to."""
        self.is_fitted = True
        """Whether the document follows the size of the canvas."""
        self._lr_size: tuple[int, int] | None = None
        self._canvas = CanvasSize(1, 1)

    @property
    def lr_size(self) -> tuple[int, int] | None:
        """LR ``(height, width)`` of the document, None without one."""
        return self._lr_size

    def is_inside(self, x_lr: float, y_lr: float) -> bool:
        """Whether an LR point lies on the document."""
        return self._lr_size is not None and 0 <= y_lr < self._lr_size[0] and 0 <= x_lr < self._lr_size[1]

    @property
    def percent(self) -> float:
        """Zoom: device pixels per result pixel, in percent."""
        return 100.0 * self.viewport.ratio / self.result_scale

    def open(self, lr_height: int, lr_width: int, *, stays: bool = False) -> None:
        """Look at the whole of a new document; if it ``stays``, at the same place as of one of the same size."""
        stays = stays and self._lr_size == (lr_height, lr_width) and not self.is_fitted
        self._lr_size = (lr_height, lr_width)
        self.document_changed.emit()
        if stays:
            self.changed.emit()
        else:
            self.fit()

    def close(self) -> None:
        """Look at nothing."""
        self._lr_size = None
        self.is_fitted = True
        self.document_changed.emit()
        self.changed.emit()

    def set_canvas(self, canvas: CanvasSize) -> None:
        """Take the size of the smallest canvas, which is the one that the document is fitted to."""
        if canvas == self._canvas:
            return
        self._canvas = canvas
        if self.is_fitted:
            self.fit()
        else:
            self._look(self.viewport)

    def fit(self) -> None:
        """Show the whole document, and go on doing so when canvases change their size."""
        self.is_fitted = True
        if self._lr_size is not None:
            self.viewport = Viewport.fitted(*self._lr_size, self._canvas)
        self.changed.emit()

    def zoom_to(self, percent: float, at: tuple[float, float, CanvasSize] | None = None) -> None:
        """Zoom to ``percent`` around ``at``: a point in device pixels of a canvas, by default the middle."""
        x_px, y_px, canvas = at or (self._canvas.width_px / 2, self._canvas.height_px / 2, self._canvas)
        self.is_fitted = False
        self._look(self.viewport.zoomed(self._allowed(percent * self.result_scale / 100.0), x_px, y_px, canvas))

    def zoom_by(self, steps: float, at: tuple[float, float, CanvasSize] | None = None) -> None:
        """Zoom in (or out, if negative) by so many steps; whole steps meet 25 %, 50 %, 100 %, 200 % exactly."""
        place = STEPS_PER_OCTAVE * math.log2(self.percent / 100.0)
        if steps == int(steps):
            place = math.floor(place + 1e-6) if steps > 0 else math.ceil(place - 1e-6)
        self.zoom_to(100.0 * 2.0 ** ((place + steps) / STEPS_PER_OCTAVE), at)

    def toggle_fit(self, at: tuple[float, float, CanvasSize]) -> None:
        """Go to 100 % around a point of a canvas, or back to the whole document."""
        if self.is_fitted:
            self.zoom_to(100.0, at)
        else:
            self.fit()

    def pan(self, right_px: float, down_px: float) -> None:
        """Drag the document by so many device pixels."""
        before = self.viewport
        self._look(before.panned(right_px, down_px))
        self.is_fitted = self.is_fitted and self.viewport == before  # all of it is seen: there is nowhere to go

    def _allowed(self, ratio: float) -> float:
        if self._lr_size is None:
            return ratio
        fitted = Viewport.fitted(*self._lr_size, self._canvas).ratio
        smallest = min(MIN_DOCUMENT_PX / max(self._lr_size), fitted)
        return min(max(ratio, smallest), max(MAX_PERCENT / 100.0 * self.result_scale, fitted))

    def _look(self, viewport: Viewport) -> None:
        if self._lr_size is not None:
            self.viewport = viewport.clamped(*self._lr_size, self._canvas)
            self.changed.emit()

"""Where a canvas looks: the arithmetic between LR coordinates and the pixels of the screen. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from srdesk.imaging.image import Box


@dataclass(frozen=True, slots=True)
class CanvasSize:
    """Size of a canvas in device pixels."""

    height_px: int
    """Rows of the screen."""
    width_px: int
    """Columns of the screen."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """The part of the document that all panes look at, in LR coordinates (x right, y down, pixel 0 spans 0 to 1).

    The same viewport is seen by canvases of slightly different sizes: they agree in their centre.
    """

    centre_x: float = 0.0
    """LR column in the middle of the canvas."""
    centre_y: float = 0.0
    """LR row in the middle of the canvas."""
    ratio: float = 1.0
    """Device pixels per LR pixel."""

    @classmethod
    def fitted(cls, lr_height: int, lr_width: int, canvas: CanvasSize) -> Viewport:
        """Return the viewport in which the whole document just fits."""
        ratio = min(canvas.height_px / lr_height, canvas.width_px / lr_width)
        return cls(lr_width / 2, lr_height / 2, ratio)

    def origin(self, canvas: CanvasSize) -> tuple[int, int]:
        """Return the device pixel ``(x, y)`` at which LR (0, 0) begins: whole pixels keep whole zooms sharp."""
        return (
            math.floor(canvas.width_px / 2 - self.centre_x * self.ratio + 0.5),
            math.floor(canvas.height_px / 2 - self.centre_y * self.ratio + 0.5),
        )

    def to_lr(self, x_px: float, y_px: float, canvas: CanvasSize) -> tuple[float, float]:
        """Return the LR point ``(x, y)`` under a point of the canvas in device pixels."""
        left, top = self.origin(canvas)
        return (x_px - left) / self.ratio, (y_px - top) / self.ratio

    def to_canvas(self, x_lr: float, y_lr: float, canvas: CanvasSize) -> tuple[float, float]:
        """Return the point of the canvas in device pixels ``(x, y)`` at which an LR point is seen."""
        left, top = self.origin(canvas)
        return left + x_lr * self.ratio, top + y_lr * self.ratio

    def visible(self, lr_height: int, lr_width: int, canvas: CanvasSize) -> Box:
        """Return the LR pixels of which at least a part is seen."""
        left, top = self.to_lr(0, 0, canvas)
        right, bottom = self.to_lr(canvas.width_px, canvas.height_px, canvas)
        first_row, first_column = math.floor(top), math.floor(left)
        box = Box(first_row, first_column, math.ceil(bottom) - first_row, math.ceil(right) - first_column)
        return box.clipped(lr_height, lr_width)

    def zoomed(self, ratio: float, x_px: float, y_px: float, canvas: CanvasSize) -> Viewport:
        """Return the viewport with another ``ratio`` that shows the same LR point at ``(x_px, y_px)``."""
        x_lr, y_lr = self.to_lr(x_px, y_px, canvas)
        return Viewport(
            x_lr + (canvas.width_px / 2 - x_px) / ratio,
            y_lr + (canvas.height_px / 2 - y_px) / ratio,
            ratio,
        )

    def panned(self, right_px: float, down_px: float) -> Viewport:
        """Return the viewport after the document was dragged by so many device pixels."""
        return replace(
            self, centre_x=self.centre_x - right_px / self.ratio, centre_y=self.centre_y - down_px / self.ratio
        )

    def clamped(self, lr_height: int, lr_width: int, canvas: CanvasSize) -> Viewport:
        """Return the viewport with its centre on the document, and centred where the whole document fits."""
        if lr_height * self.ratio <= canvas.height_px and lr_width * self.ratio <= canvas.width_px:
            return replace(self, centre_x=lr_width / 2, centre_y=lr_height / 2)
        return replace(
            self,
            centre_x=min(max(self.centre_x, 0.0), float(lr_width)),
            centre_y=min(max(self.centre_y, 0.0), float(lr_height)),
        )

"""What there is to see under one pane key, and what is said about it, wherever it is shown. No widgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from srdesk.gui.compare.captions import Captions, Legend
from srdesk.gui.compare.file_values import FileValues
from srdesk.gui.compare.image_view import ImageLayer
from srdesk.gui.compare.pyramid import DisplayImage, Picture, TileSource
from srdesk.gui.compare.shading import Shading
from srdesk.imaging.image import Box


@runtime_checkable
class Shadeable(Protocol):
    """A `TileSource` with more tones than a screen."""

    def shaded(self, shading: Shading) -> TileSource:
        """Return the same picture seen in another way."""


@dataclass(slots=True, eq=False)
class PaneContent:
    """A picture, or patches of it over a placeholder, or a message; perhaps with news of what is being computed."""

    key: str
    """Name that the desk uses for the pane."""
    title: str
    """Name that people read."""
    remark: str = ""
    """What people must know about every picture here; said while there is one."""
    layer: ImageLayer = field(default_factory=ImageLayer)
    """The pixels."""
    shading: Shading | None = None
    """How pictures with more tones than a screen are seen; None for as each of them says."""
    message: str = ""
    """Said in the middle instead of a picture."""
    busy: str = ""
    """Said in a corner while something is computed."""
    fraction: float | None = None
    """Progress from 0 to 1, None where it is not known."""
    note: str = ""
    """Said in a corner of a picture: what is known of it."""
    legend: Legend | None = None
    """What the colours mean, if it is a map."""

    @property
    def source(self) -> TileSource | None:
        """The picture, None while there is none (patches and placeholders do not count)."""
        return self.layer.source

    @property
    def said(self) -> tuple[str, ...]:
        """Everything that is said about what there is to see."""
        legend = self.legend
        ends = () if legend is None else (f"{legend.title}: {legend.lowest} – {legend.highest}",)
        return (self.message, self.busy, self.note, *ends)

    @property
    def captions(self) -> Captions:
        """Everything that is written over the picture."""
        return Captions(self.message, self.busy, self.fraction, self.note, self.legend)

    def show(self, source: TileSource | None) -> None:
        """Show a picture, or nothing; what was said goes away."""
        self.message = self.busy = self.note = ""
        self.legend = None
        self.layer.show(self._shaded(source))

    def wait(self, placeholder: TileSource | None) -> None:
        """Show ``placeholder`` dimmed; what was said goes away."""
        self.show(None)
        self.layer.wait(self._shaded(placeholder))

    def add_patch(self, lr_box: Box, patch: DisplayImage) -> None:
        """Show ``patch`` where ``lr_box`` is; nothing changes if there is a picture already."""
        if self.source is None:
            self.message = ""
            self.layer.add_patch(lr_box, patch if self.shading is None else patch.shaded(self.shading))

    def shade(self, shading: Shading | None) -> None:
        """Let what is shown, and what will be, be seen in another way."""
        self.shading = shading
        self.layer.replace(self._shaded)

    def _shaded(self, source: TileSource | None) -> TileSource | None:
        if self.shading is None or not isinstance(source, Shadeable):
            return source
        return source.shaded(self.shading)

    def values_at(self, x_lr: float, y_lr: float) -> FileValues | None:
        """Return the file values of the pixel that is seen at an LR point, None where there is none."""
        if isinstance(self.source, Picture):
            return self.source.values_at(x_lr, y_lr)
        for lr_box, patch in reversed(self.layer.patches):
            values = patch.values_at(x_lr - lr_box.left, y_lr - lr_box.top)
            if values is not None:
                return values
        return None

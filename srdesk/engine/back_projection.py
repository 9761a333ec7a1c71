"""A model whose results are drawn towards the picture that they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import psutil

from srdesk.engine.control import Control
from srdesk.errors import OutOfMemoryError
from srdesk.imaging.fidelity import back_projected
from srdesk.imaging.image import Box, FloatArray, ImageSink, Sink, Source

if TYPE_CHECKING:
    from srdesk.engine.library import WeightsCard
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler

_COPIES = 4
"""Pictures of the size of the result that the back-projection holds at a time."""


def back_projecting(upscaler: AnyUpscaler, strength: float) -> AnyUpscaler:
    """Return a model that back-projects its results; ``upscaler`` itself at strength 0.

    Args:
        upscaler: the model.
        strength: 0 to 1, see `srdesk.imaging.fidelity.back_projected`.
    """
    return _BackProjecting(upscaler, strength) if strength else upscaler


class _BackProjecting:
    """A model, and the back-projection behind it. A region is back-projected as if it were the whole picture."""

    def __init__(self, upscaler: AnyUpscaler, strength: float) -> None:
        self._upscaler, self._strength = upscaler, strength

    @property
    def name(self) -> str:
        return self._upscaler.name

    @property
    def card(self) -> WeightsCard | None:
        return self._upscaler.card

    @property
    def scale(self) -> int:
        return self._upscaler.scale

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        """Enlarge, hold the result as a whole, and back-project it; as `srdesk.engine.upscaler.Upscaler.upscale`.

        Raises:
            OutOfMemoryError: the result cannot be held; or as the model does.
            Cancelled: the token was raised.
        """
        region = region or Box(0, 0, source.height, source.width)
        box = region.scaled(self.scale)
        _check_memory(box, source.channels)
        whole = ImageSink(box.height, box.width, source.channels)
        facts = self._upscaler.upscale(source, _Moved(whole, box), control, region=region)
        if control is not None:
            control.token.check()
        sink.write(box, back_projected(whole.pixels, source.read(region), self._strength))
        return facts


class _Moved:
    """A sink for one box of a larger picture."""

    def __init__(self, sink: Sink, box: Box) -> None:
        self._sink, self._box = sink, box

    def write(self, box: Box, pixels: FloatArray) -> None:
        self._sink.write(Box(box.top - self._box.top, box.left - self._box.left, box.height, box.width), pixels)


def _check_memory(box: Box, channels: int) -> None:
    needed_bytes = box.height * box.width * channels * np.dtype(np.float32).itemsize * _COPIES
    free_bytes = psutil.virtual_memory().available
    if needed_bytes > free_bytes:
        raise OutOfMemoryError(
            f"The back-projection needs {needed_bytes / 1e9:.1f} GB of memory, and {free_bytes / 1e9:.1f} GB are free.",
            hint="Close other programs, enlarge a smaller picture, or do without the back-projection.",
        )

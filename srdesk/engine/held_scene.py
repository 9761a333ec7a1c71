"""Bands of a scene held in memory, enlarged as `srdesk.engine.scenes.scene` enlarges them from disk to disk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from srdesk.engine.control import Control
from srdesk.engine.measured import made_by
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.scene.bands import SceneBands
from srdesk.imaging.scene.held import HeldScene
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.values import opacity_map

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler

_STRIP_PX = 256
"""Rows of classes that are copied between two looks at the token."""


def enlarge_held(
    image: Image, upscaler: AnyUpscaler, control: Control, *, region: Box
) -> tuple[StoredImage, UpscaleFacts]:
    """Enlarge the bands of a picture that was read from a scene into numbers of their own type.

    Args:
        image: LR picture with the numbers and the origin of a scene.
        upscaler: the model; class numbers are repeated instead.
        control: how to stop the call and where to report.
        region: LR rectangle inside the picture that is enlarged.

    Returns:
        The result of the region, transparent where there are no data, and the facts.

    Raises:
        OutOfMemoryError: memory ran out on the way.
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    scale = upscaler.scale
    bands = SceneBands(HeldScene.of(image), tuple(range(1, image.channels + 1)), image.values)
    bands.move_to(region)
    sink = _Sink(bands, region, scale)
    origin = image.metadata.scene
    if origin is not None and origin.is_copied:
        facts = sink.copy(region, control)
    else:
        facts = upscaler.upscale(bands, sink, control, region=region)
    alpha = None
    if image.alpha is not None:
        part = image.alpha[region.top : region.bottom, region.left : region.right]
        alpha = opacity_map(image.values.dtype).from_unit(part).repeat(scale, axis=0).repeat(scale, axis=1)
    metadata = replace(image.metadata, history=(*image.metadata.history, *made_by(upscaler)))
    return StoredImage(sink.numbers, image.values, alpha, metadata), facts


class _Sink:
    """Gathers what a model makes of a region, as numbers of the file."""

    def __init__(self, bands: SceneBands, region: Box, scale: int) -> None:
        self._bands, self._region, self._scale = bands, region.scaled(scale), scale
        shape = (self._region.height, self._region.width, bands.channels)
        self.numbers: Numbers = np.empty(shape, bands.values.dtype)

    def write(self, box: Box, pixels: FloatArray) -> None:
        scale = self._scale
        lr = Box(box.top // scale, box.left // scale, box.height // scale, box.width // scale)
        self._put(box, self._bands.restored(lr, pixels, scale))

    def copy(self, region: Box, control: Control) -> UpscaleFacts:
        """Repeat the numbers of ``region``; say that nothing was computed."""
        from srdesk.engine.upscaler import UpscaleFacts

        for top in range(region.top, region.bottom, _STRIP_PX):
            control.token.check()
            strip = Box(top, region.left, min(_STRIP_PX, region.bottom - top), region.width)
            self._put(strip.scaled(self._scale), self._bands.copied(strip, self._scale))
        return UpscaleFacts("copy", "cpu", "fp32", 0, 0.0, 0.0)

    def _put(self, box: Box, numbers: Numbers) -> None:
        top, left = box.top - self._region.top, box.left - self._region.left
        self.numbers[top : top + box.height, left : left + box.width] = numbers

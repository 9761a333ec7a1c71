"""A measured picture enlarged: the network sees its usable range, and what was measured is conserved.

The network gets what lies within the range of the picture's `ValueMap`, pixels without a value filled from around
them. What lies beyond the range, such as the cores of stars, goes around the network through the bicubic and is added
again, so that nothing is clipped away. Then every block of the result is fitted to its LR pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from srdesk import __version__
from srdesk.engine.control import CancelToken, Control
from srdesk.imaging.flux import (
    FluxError,
    background_of,
    block_totals,
    detail_limits,
    enlarged_values,
    fitted,
    flux_error,
    worst_of,
)
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink, Sink
from srdesk.imaging.resample import resize_bicubic_box
from srdesk.imaging.science import Science
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler

SCALE = 4
"""Scale of every model."""

_STRIP_PX = 64
"""LR rows that are fitted in one go; between two strips the token is looked at."""

Numbers = NDArray[np.generic]
Fill = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class _Task:
    image: Image
    science: Science
    numbers: Numbers
    box: Box
    """LR rectangle that is enlarged."""


def enlarge_measured(
    image: Image, upscaler: AnyUpscaler, control: Control, *, region: Box, fill: Fill
) -> tuple[StoredImage, UpscaleFacts]:
    """Enlarge a measured picture four times into numbers of its own type.

    Args:
        image: LR picture with science and numbers.
        upscaler: the model.
        control: how to stop the call and where to report.
        region: LR rectangle inside the picture that is enlarged.
        fill: fills the pixels whose opacity is 0 from the others: takes `(H, W, C)` pixels and `(H, W)` opacity.

    Returns:
        The result of the region and the facts, its flux error among them.

    Raises:
        OutOfMemoryError: memory ran out on the way.
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    if image.science is None or image.numbers is None:
        raise ValueError("this picture was not measured")
    task = _Task(image, image.science, image.numbers, region)
    usable = np.asarray(~image.science.is_unusable(image.numbers).any(axis=2), np.float32)
    source = image.with_pixels(fill(image.pixels, usable), None)
    scaled = region.scaled(SCALE)
    sink = ImageSink(scaled.height, scaled.width, image.channels)
    facts = upscaler.upscale(source, _Shifted(sink, scaled), control, region=region)
    _add_excess(task, sink.pixels, usable, control.token)
    stored, error = _fit(task, sink.pixels, control.token)
    metadata = replace(image.metadata, history=(*image.metadata.history, *made_by(upscaler)))
    return stored.with_metadata(metadata), replace(facts, flux=error)


def conserved(image: Image, sr: FloatArray, token: CancelToken | None = None) -> StoredImage:
    """Return enlarged pixels of a whole measured picture as numbers of its type that conserve what was measured.

    Args:
        image: LR picture with science and numbers.
        sr: `(4h, 4w, 1)` float32, in the unit range of the picture's `ValueMap`; may become the result.
        token: looked at between strips.

    Raises:
        Cancelled: someone asked to stop.
    """
    if image.science is None or image.numbers is None:
        raise ValueError("this picture was not measured")
    task = _Task(image, image.science, image.numbers, Box(0, 0, image.height, image.width))
    return _fit(task, sr, token or CancelToken())[0]


class _Shifted:
    """A sink for one box of a larger picture."""

    def __init__(self, sink: Sink, box: Box) -> None:
        self._sink = sink
        self._box = box

    def write(self, box: Box, pixels: FloatArray) -> None:
        self._sink.write(Box(box.top - self._box.top, box.left - self._box.left, box.height, box.width), pixels)


def _add_excess(task: _Task, sr: FloatArray, usable: FloatArray, token: CancelToken) -> None:
    """Add the bicubic of what the network did not see, in place."""
    excess = task.image.values.to_unit(task.numbers)
    excess -= np.clip(excess, 0.0, 1.0)
    excess[usable == 0] = 0.0
    if not excess.any():
        return
    source = Image(excess)
    height, width = source.height * SCALE, source.width * SCALE
    box = task.box.scaled(SCALE)
    for top in range(box.top, box.bottom, _STRIP_PX * SCALE):
        token.check()
        strip = Box(top, box.left, min(_STRIP_PX * SCALE, box.bottom - top), box.width)
        rows = slice(strip.top - box.top, strip.bottom - box.top)
        sr[rows] += resize_bicubic_box(source, strip, height=height, width=width)


def _fit(task: _Task, sr: FloatArray, token: CancelToken) -> tuple[StoredImage, FluxError]:
    """Return the result and its flux error, which is that of the worst colour; ``sr`` may become the result."""
    image, science = task.image, task.science
    values = enlarged_values(image.values, science, SCALE)
    numbers = sr if image.values.dtype == "float32" else np.empty(sr.shape, image.values.dtype)
    errors = [_fit_channel(task, channel, sr, numbers, token) for channel in range(image.channels)]
    stored = StoredImage(numbers, values, None, image.metadata, science.after_enlarging(SCALE))
    return stored, worst_of(errors)


def _fit_channel(task: _Task, channel: int, sr: FloatArray, numbers: Numbers, token: CancelToken) -> FluxError:
    """Write one colour of the result into ``numbers``."""
    science, box = task.science, task.box
    values = enlarged_values(task.image.values, science, SCALE)
    lr = task.numbers[:, :, channel]
    limits = detail_limits(lr, science, background_of(lr, science))
    result = np.empty((box.height, box.width))
    network = np.empty_like(result)
    for top in range(0, box.height, _STRIP_PX):
        token.check()
        rows = slice(top, min(top + _STRIP_PX, box.height))
        fine = slice(rows.start * SCALE, rows.stop * SCALE)
        place = (slice(box.top + rows.start, box.top + rows.stop), slice(box.left, box.right))
        strip = sr[fine, :, channel]
        network[rows] = block_totals(strip.astype(np.float64) * values.gain + values.offset, science, SCALE)
        made = fitted(
            strip,
            lr[place],
            science,
            task.image.values.gain,
            SCALE,
            limits[place],
        )
        numbers[fine, :, channel] = made
        result[rows] = block_totals(made, science, SCALE)
    whole = lr[box.top : box.bottom, box.left : box.right]
    return flux_error(whole, result, network, science)


def made_by(upscaler: AnyUpscaler) -> tuple[str, ...]:
    """Return how a result was made, a sentence each."""
    made = f"SR Desk {__version__}: enlarged {SCALE} times by {upscaler.name}"
    card = upscaler.card
    return (made,) if card is None else (made, f"weights sha256 {card.sha256}")

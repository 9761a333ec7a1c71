"""The pictures of a report: crops of where results differ most, and maps in colours, each as one string of text."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.enlarge import SCALE
from srdesk.engine.trust.honesty import Outcome
from srdesk.imaging.colour_map import COLOURS, coloured
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import UINT8

ByteArray = NDArray[np.uint8]

CROP_PX = (24, 48)
"""Least and most sides of an LR rectangle that is shown: half of the shorter side of the picture between them."""

CROPS = 3
"""Rectangles that are chosen."""

_LONGEST_PX = 768
"""Longest side of an embedded picture; larger ones are made smaller."""

_LEAST_MAP_PX = 256
"""Shortest length of the longer side of a map, whose pixels are repeated."""

_STRIP_PX = 64
_BEHIND = 128
"""Grey that shows through what is transparent."""


def differing_boxes(image: Image, outcomes: Sequence[Outcome], count: int = CROPS) -> tuple[Box, ...]:
    """Return the LR rectangles in which results differ most, the most different first; none overlaps another.

    Args:
        image: LR picture.
        outcomes: at least two of four times its size.
        count: how many, at most.
    """
    side_px = int(np.clip(min(image.height, image.width) // 2, *CROP_PX))
    height, width = min(side_px, image.height), min(side_px, image.width)
    apart = _differences(image, outcomes)
    above = np.zeros((image.height + 1, image.width + 1))
    np.cumsum(np.cumsum(apart, axis=0, dtype=np.float64), axis=1, out=above[1:, 1:])
    totals = above[height:, width:] - above[:-height, width:] - above[height:, :-width] + above[:-height, :-width]
    boxes: list[Box] = []
    while len(boxes) < count and totals.max() > 0:
        top, left = (int(place) for place in np.unravel_index(int(totals.argmax()), totals.shape))
        boxes.append(Box(top, left, height, width))
        totals[max(0, top - height + 1) : top + height, max(0, left - width + 1) : left + width] = 0
    return tuple(boxes) or (Box((image.height - height) // 2, (image.width - width) // 2, height, width),)


def stretch_of(image: Image) -> Stretch:
    """Return how a picture is best looked at: for measured ones as their values ask for, for others as they are."""
    return (image.science.stretch if image.science is not None else None) or Stretch()


def shown(picture: Image | StoredImage, box: Box, stretch: Stretch) -> ByteArray:
    """Return what is seen of a rectangle: values stretched, classes in their colours, grey behind transparency.

    Args:
        picture: LR picture, or a result.
        box: rectangle inside it.
        stretch: how values are shown.

    Returns:
        `(H, W, 1 or 3)` uint8.
    """
    if isinstance(picture, Image):
        if picture.numbers is None:
            colours = stretched(picture.pixels[box.place], stretch)
            return colours if picture.alpha is None else _on_grey(colours, picture.alpha[box.place])
        picture = StoredImage.of_numbers(picture)
    origin = picture.metadata.scene
    if origin is not None and origin.palette:
        classes = picture.numbers[box.place][:, :, 0].astype(np.intp)
        colours = np.asarray(origin.palette, np.uint8)[np.clip(classes, 0, len(origin.palette) - 1)]
    else:
        colours = stretched(picture.read(box), stretch)
    return _on_grey(colours, picture.read_alpha(box)) if picture.has_alpha else colours


def enlarged_by_repeating(pixels: ByteArray, times: int = SCALE) -> ByteArray:
    """Return pixels of which each is a square of ``times`` × ``times``."""
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def highest_of(maps: Sequence[FloatArray]) -> float:
    """Return the number that the last colour of some maps stands for: what one pixel in a thousand exceeds."""
    samples = [flat[:: max(1, flat.size // 1_000_000)] for flat in (values.reshape(-1) for values in maps)]
    return max((float(np.percentile(sample, 99.9)) for sample in samples), default=0.0)


def map_of(values: FloatArray, highest: float) -> str:
    """Return a map as a ``data:`` address, in the colours of `srdesk.imaging.colour_map`.

    Args:
        values: `(H, W)` numbers from 0 on.
        highest: number of the last colour.
    """
    from PIL import Image as PillowImage

    fewer = -(-max(values.shape) // _LONGEST_PX)
    if fewer > 1:
        values = np.asarray(PillowImage.fromarray(values).reduce(fewer))
    colours = coloured(values, highest)
    return address_of(enlarged_by_repeating(colours, max(1, -(-_LEAST_MAP_PX // max(values.shape)))))


def colour_bar() -> str:
    """Return the colours of maps, from nothing to the most, as a ``data:`` address."""
    return address_of(COLOURS[None])


def address_of(pixels: ByteArray, icc_profile: bytes | None = None) -> str:
    """Return pixels as a ``data:`` address of a PNG, made smaller if they are many.

    Args:
        pixels: `(H, W, 1 or 3)` uint8.
        icc_profile: what their numbers mean.
    """
    from PIL import Image as PillowImage

    picture = PillowImage.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((_LONGEST_PX, _LONGEST_PX), PillowImage.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, "PNG", icc_profile=icc_profile)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _on_grey(colours: ByteArray, alpha: FloatArray) -> ByteArray:
    opacity = alpha[:, :, None]
    mixed: ByteArray = np.rint(colours * opacity + _BEHIND * (1 - opacity)).astype(np.uint8)
    return mixed


def stretched(pixels: FloatArray, stretch: Stretch) -> ByteArray:
    """Return what is seen of pixels of `[0, 1]` and beyond, in 8 bit."""
    return UINT8.from_unit(stretch.shown(pixels)).astype(np.uint8, copy=False)


def _differences(image: Image, outcomes: Sequence[Outcome]) -> FloatArray:
    """Return how far results are apart, `(h, w)`: largest less smallest, mean over channels and blocks."""
    apart = np.empty((image.height, image.width), np.float32)
    for top in range(0, image.height, _STRIP_PX):
        strip = Box(top, 0, min(_STRIP_PX, image.height - top), image.width)
        results = [outcome.result.read(strip.scaled(SCALE)) for outcome in outcomes]
        span = np.maximum.reduce(results) - np.minimum.reduce(results)
        blocks = np.nan_to_num(span, copy=False, posinf=0.0).reshape(strip.height, SCALE, strip.width, SCALE, -1)
        apart[top : strip.bottom] = blocks.mean(axis=(1, 3, 4))
    return apart

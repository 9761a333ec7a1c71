"""Colours for numbers that people with any kind of colour vision can rank, and a legend that says what they mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ByteArray = NDArray[np.uint8]

_STOPS = (
    (0, 0, 4),
    (27, 12, 65),
    (74, 12, 107),
    (120, 28, 109),
    (165, 44, 96),
    (207, 68, 70),
    (237, 105, 37),
    (251, 155, 6),
    (247, 209, 61),
    (252, 255, 164),
)
"""Ten equidistant colours of matplotlib's “inferno” (CC0), whose lightness only ever rises."""

_LEGEND_PX = 40
_BAR_PX = 12
_MARGIN_PX = 8
_TEXT_PX = 13
_NARROWEST_PX = 320
"""A legend needs that many columns for its words."""


def _interpolated() -> ByteArray:
    places, wanted = np.linspace(0, 255, len(_STOPS)), np.arange(256)
    channels = [np.interp(wanted, places, [stop[channel] for stop in _STOPS]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)


COLOURS: ByteArray = _interpolated()
"""`(256, 3)` uint8 RGB: from nothing, nearly black, to the most, nearly white."""


def coloured(values: NDArray[np.float32], highest: float) -> ByteArray:
    """Return the colours of a map.

    Args:
        values: `(H, W)` numbers from 0 on.
        highest: number of the last colour; larger ones have it as well.

    Returns:
        `(H, W, 3)` uint8 RGB.
    """
    places = np.clip(values / np.float32(highest or 1.0), 0.0, 1.0) * np.float32(255)
    colours: ByteArray = COLOURS.take(np.rint(places).astype(np.uint8), axis=0)
    return colours


def with_legend(picture: ByteArray, title: str, highest: str, lowest: str = "0") -> ByteArray:
    """Return coloured pixels with a strip below them: the colours, what they mean, and the numbers at both ends.

    Args:
        picture: `(H, W, 3)` uint8; not modified.
        title: what the numbers are.
        highest: number of the last colour, with its unit.
        lowest: number of the first colour.

    Returns:
        `(H + strip, at least W, 3)` uint8; a narrow map gets a black margin at its right, since words need room.
    """
    from PIL import Image, ImageDraw, ImageFont

    height, width = picture.shape[:2]
    whole = np.zeros((height + _LEGEND_PX, max(width, _NARROWEST_PX), 3), np.uint8)
    whole[:height, :width] = picture
    right = min(whole.shape[1], 640) - _MARGIN_PX
    bar = COLOURS.take(np.linspace(0, 255, right - _MARGIN_PX).astype(np.uint8), axis=0)
    top = height + _MARGIN_PX // 2
    whole[top : top + _BAR_PX, _MARGIN_PX:right] = bar
    canvas = Image.fromarray(whole)
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(_TEXT_PX)
    below = top + _BAR_PX + 2
    for place, anchor, text in (
        (_MARGIN_PX, "la", lowest),
        ((_MARGIN_PX + right) // 2, "ma", title),
        (right, "ra", highest),
    ):
        draw.text((place, below), text, (255, 255, 255), font, anchor=anchor)
    return np.asarray(canvas)

"""From the numbers of a map to its colours, whose brightest one stands for a round number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.imaging.colour_map import coloured
from srdesk.imaging.image import FloatArray

if TYPE_CHECKING:
    from srdesk.engine.trust.honesty import Spread
    from srdesk.gui.compare.file_values import FileValues

_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A map in colours."""

    display: DisplayImage
    highest: float
    """Number of the brightest colour."""
    spread: Spread
    """The map in three numbers."""


def draw(values: FloatArray, scale: int, factor: float, highest: float | None = None) -> Drawn:
    """Colour a map; takes a moment, so never on the GUI thread.

    Args:
        values: `(H, W)` numbers from 0 on; read when people point at the map.
        scale: pixels of the map per LR pixel.
        factor: units that people read, per unit of ``values``.
        highest: number of the brightest colour; by default about what one pixel in a hundred exceeds.
    """
    from srdesk.engine.trust.honesty import Spread

    spread = Spread.of(values)
    top = highest or round_up((spread.high or spread.worst) * factor) / factor
    values.flags.writeable = False

    def read(row: int, column: int) -> FileValues:
        return (float(values[row, column]) * factor,)

    display = DisplayImage.of_pixels(coloured(values, top), scale, read_values=read)
    return Drawn(display, top, spread)


def round_up(number: float) -> float:
    """Return the next number of 1, 2 or 5 times a power of ten.

    >>> round_up(0.013)
    0.02
    """
    if number <= 0:
        return 1.0
    power = math.floor(math.log10(number))
    step = next(step for step in _ROUND if number <= step * 10.0**power * (1 + 1e-9))
    return float(f"{step * 10.0**power:.0e}")

"""From the range [0, 1] of a picture to what the screen shows of it: a stretch, gamma, inversion. Numbers stay alone.

One shading serves all panes of a document, so that what looks different is different.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import UINT8

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

_LEAST_SPAN = 1e-6
"""Black and white are at least so far apart, as a share of their range before."""


@dataclass(frozen=True, slots=True)
class Shading:
    """How values of `[0, 1]` are shown; the default shows them as they are."""

    stretches: tuple[Stretch, ...] = (Stretch(),)
    """One for all channels, or one for each."""
    gamma: float = 1.0
    """Above 1 lifts what is between black and white."""
    is_inverted: bool = False
    """Whether black and white change places."""
    marks_saturated: bool = True
    """Whether saturated pixels are shown in a colour of their own."""

    def shown(self, values: FloatArray) -> ByteArray:
        """Return `(H, W, C)` values as 8-bit ones; 0 where there is no number."""
        if len(self.stretches) == 1:
            shown = self.stretches[0].shown(values)
        else:
            channels = [stretch.shown(values[..., number]) for number, stretch in enumerate(self.stretches)]
            shown = np.stack(channels, axis=-1)
        if self.gamma != 1.0:
            np.power(shown, np.float32(1 / self.gamma), out=shown)
        if self.is_inverted:
            np.subtract(np.float32(1), shown, out=shown)
        return UINT8.from_unit(shown).astype(np.uint8, copy=False)

    def between(self, black: float, white: float) -> Shading:
        """Return the same with other ends: shares of the range from black (0) to white (1) of every stretch."""
        white = max(white, black + _LEAST_SPAN)
        return replace(self, stretches=tuple(_between(stretch, black, white) for stretch in self.stretches))


def _between(stretch: Stretch, black: float, white: float) -> Stretch:
    span = stretch.white - stretch.black
    # The part that stays about linear is one of values, not of the range that is chosen by hand.
    softening = min(stretch.softening / (white - black), 1e3)
    return Stretch(stretch.black + black * span, stretch.black + white * span, stretch.curve, softening)

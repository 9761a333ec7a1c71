"""How a person wants to see measured pictures, and the shading that comes of it. Numbers only, no widgets.

A look is a range, from black to white, with a curve between them; the ends can be moved by hand. Ends are places on the
axis of the histogram, 0 for the black and 1 for the white of the range, which the curve has spread: what is faint gets
as much room there as on the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srdesk.gui.compare.shading import Shading
from srdesk.gui.compare.tones import FloatArray
from srdesk.imaging.stretch import (
    Stretch,
    asinh_stretch,
    linear_stretch,
    percentile_stretch,
    zscale_stretch,
)

RangeName = Literal["auto", "linear", "percentile", "asinh", "zscale"]

AXIS = (-0.2, 1.2)
"""Ends of the axis of the histogram."""

LEAST_APART = 0.005
"""Black and white are at least so far apart on the axis."""

_BINS = 140

_MAKERS = {
    "linear": linear_stretch,
    "percentile": percentile_stretch,
    "asinh": asinh_stretch,
    "zscale": zscale_stretch,
}


@dataclass(frozen=True, slots=True)
class Look:
    """What was chosen; the default is what the desk thinks best."""

    range: RangeName = "auto"
    """Where black and white are at first, and which curve lies between them."""
    black: float = 0.0
    """Place on the axis that is shown black."""
    white: float = 1.0
    """Place on the axis that is shown white."""
    gamma: float = 1.0
    """Above 1 lifts what is between black and white."""
    is_inverted: bool = False
    """Whether black and white change places."""
    marks_saturated: bool = True
    """Whether saturated pixels are shown in a colour of their own."""


@dataclass(frozen=True, slots=True, eq=False)
class ToneScale:
    """The tones of one document, from which ranges and histograms are made."""

    sample: FloatArray
    """`(n, C)`: usable values from all over the picture, in the range of its numbers."""
    opened: Shading
    """What the desk thinks best."""
    takes_bands_alone: bool = False
    """Whether ranges are chosen for each channel by itself, as it is usual for the bands of scenes."""
    _known: dict[str, Shading] = field(default_factory=dict)

    def range_of(self, name: RangeName) -> Shading:
        """Return the shading of a range whose ends were not moved."""
        if name == "auto":
            return self.opened
        if name not in self._known:
            make, sample = _MAKERS[name], self.sample
            channels = sample.shape[1] if self.takes_bands_alone else 1
            parts = [sample[:, channel] for channel in range(channels)] if channels > 1 else [sample]
            self._known[name] = Shading(tuple(make(part) for part in parts))
        return self._known[name]

    def shading(self, look: Look) -> Shading:
        """Return how panes show a look."""
        whole = self.range_of(look.range)
        shading = replace(whole, gamma=look.gamma, is_inverted=look.is_inverted, marks_saturated=look.marks_saturated)
        if (look.black, look.white) == (0.0, 1.0):
            return shading
        return shading.between(_share(look.black, whole.stretches[0]), _share(look.white, whole.stretches[0]))

    def ends(self, look: Look) -> tuple[float, float] | None:
        """Return the values of `[0, 1]` that are shown black and white; None if each channel has its own."""
        stretches = self.shading(look).stretches
        return (stretches[0].black, stretches[0].white) if len(stretches) == 1 else None

    def histogram(self, name: RangeName) -> NDArray[np.float64]:
        """Return how many values lie along the axis, `(C, bins)`, as shares of the fullest bin."""
        stretches = self.range_of(name).stretches
        counts = np.zeros((self.sample.shape[1], _BINS))
        for channel in range(self.sample.shape[1]):
            stretch = stretches[min(channel, len(stretches) - 1)]
            places = _place(self.sample[:, channel], stretch)
            counts[channel] = np.histogram(places, _BINS, AXIS)[0]
        return counts / max(1.0, float(counts.max()))


def _place(values: FloatArray, stretch: Stretch) -> NDArray[np.float64]:
    """Return where values lie on the axis."""
    shares = (values.astype(np.float64) - stretch.black) / (stretch.white - stretch.black)
    if stretch.curve == "linear":
        return shares
    return np.asarray(np.arcsinh(shares / stretch.softening) / np.arcsinh(1 / stretch.softening))


def _share(place: float, stretch: Stretch) -> float:
    """Return the share of the range, from black to white, that lies at a place of the axis."""
    if stretch.curve == "linear":
        return place
    return float(stretch.softening * np.sinh(place * np.arcsinh(1 / stretch.softening)))

"""What is known of a scene once it was opened, and what its numbers look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.gui.compare.shading import Shading
from srdesk.gui.scene.patch import Patch
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.scene.geotiff import Band
from srdesk.imaging.science import SceneOrigin
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import UINT8, ValueMap

ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class OpenedScene:
    """What is known of a scene once it was opened; its file is closed again."""

    path: Path
    origin: SceneOrigin
    """The bands that are shown, and which of their numbers are data."""
    all_bands: tuple[Band, ...]
    """All bands of the file."""
    own_colours: tuple[int, int, int] | None
    """Numbers of the red, the green and the blue band, if the file says that it has one of each."""
    geolocation: Geolocation
    """Where on Earth its pixels are."""
    height: int
    width: int
    values: ValueMap
    """From numbers to the range that shadings are about."""
    palette: ByteArray | None
    """`(n, 3)` colours of class numbers, None where numbers are no classes."""
    overview: Patch
    """All of it in few pixels."""
    sample: Numbers
    """`(n, C)` numbers of pixels that are data, from all over it."""
    closed: CancelToken = field(default_factory=CancelToken)
    """Raised when nobody looks at it any more."""

    @property
    def bands(self) -> tuple[int, ...]:
        """Numbers of the bands that are shown, from 1: one, or red, green and blue."""
        return self.origin.bands

    @property
    def chosen_colours(self) -> tuple[int, int, int] | None:
        """The bands that are shown as red, green and blue, if a person chose them and not the file."""
        bands = self.bands
        return None if len(bands) != 3 or bands == self.own_colours else (bands[0], bands[1], bands[2])

    @property
    def has_holes(self) -> bool:
        """Whether there may be pixels without data."""
        return self.overview.is_data is not None

    def pixels(self, patch: Patch, shading: Shading) -> ByteArray:
        """Return a patch as `(H, W, C)` uint8, with straight alpha last where the scene has holes."""
        colours = self._colours(patch.numbers, shading)
        if patch.is_data is None:
            return colours
        return np.dstack((colours, np.where(patch.is_data, np.uint8(255), np.uint8(0))))

    def _colours(self, numbers: Numbers, shading: Shading) -> ByteArray:
        if self.palette is not None:
            return self.palette[np.minimum(numbers[..., 0], len(self.palette) - 1)]
        if shading == Shading() and self.values == UINT8:
            return numbers.astype(np.uint8, copy=False)
        return shading.shown(self.values.to_unit(numbers))


def values_of(sample: Numbers) -> ValueMap:
    """Return the map of bytes as they are, and of other numbers by the range of a sample of them."""
    if sample.dtype == np.uint8:
        return UINT8
    if not sample.size:
        return ValueMap(sample.dtype.name, 1.0)
    lowest, highest = float(sample.min()), float(sample.max())
    return ValueMap(sample.dtype.name, (highest - lowest) or 1.0, lowest)

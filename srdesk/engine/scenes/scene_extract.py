"""What a step needs of a scene, to be sent to a machine that does not see the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.scenes.scene_step import SceneStep
from srdesk.imaging.image import Box
from srdesk.imaging.scene.bands import SLAB_PX
from srdesk.imaging.scene.holes import CELL_PX, REACH_PX
from srdesk.imaging.stored import Numbers

if TYPE_CHECKING:
    from srdesk.imaging.scene.geotiff import GeoTiff

_AROUND_PX = 2 * SLAB_PX + REACH_PX + CELL_PX
"""Pixels around a window: the halo in whole slabs, and what holes in it are filled from."""


@dataclass(frozen=True, slots=True)
class SceneExtract:
    """Some bands of a scene in and around a window, in the place of the whole (`BandReader`)."""

    height: int
    """Rows of the scene."""
    width: int
    """Columns of the scene."""
    dtype: str
    """Numpy name of the type of all numbers."""
    nodata: tuple[float | None, ...]
    """The number of each band of the scene that means "no data"."""
    bands: tuple[int, ...]
    """Which bands are here."""
    box: Box
    """Which part of the scene is here."""
    numbers: Numbers
    """``(height, width, bands)`` of that part."""
    is_data: NDArray[np.bool_]
    """Which of them are data."""

    @classmethod
    def of(cls, scene: GeoTiff, step: SceneStep) -> SceneExtract:
        """Take from a scene what a step needs.

        Raises:
            ImageReadError: the file is damaged there.
        """
        bands = step.one.bands
        box = step.window.grown(_AROUND_PX).clipped(scene.height, scene.width)
        numbers = scene.read(bands, box)
        is_data = scene.data_mask(bands, box, numbers)
        return cls(scene.height, scene.width, scene.dtype, scene.nodata, bands, box, numbers, is_data)

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        """Return the numbers of ``box``, ``(height, width, bands)``."""
        return self._part(self.numbers, bands, box)

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> NDArray[np.bool_]:
        """Tell which numbers of ``box`` are data, ``(height, width, bands)``."""
        del numbers
        return self._part(self.is_data, bands, box)

    def _part(self, array: NDArray[Any], bands: tuple[int, ...], box: Box) -> NDArray[Any]:
        assert bands == self.bands, "other bands than were sent"
        top, left = box.top - self.box.top, box.left - self.box.left
        assert top >= 0, "other pixels than were sent"
        assert left >= 0, "other pixels than were sent"
        part = array[top : top + box.height, left : left + box.width]
        assert part.shape[:2] == (box.height, box.width), "other pixels than were sent"
        return part

"""A scene on the disk as levels of a pyramid: what it must offer, and how a GeoTIFF does.

Level 0 is the scene itself; one pixel of level `n` spans ``2**n`` pixels of it. Coarse levels come from the overviews
of the file where it has some, otherwise from all the pixels that they span.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from srdesk.errors import ImageReadError
from srdesk.gui.scene.patch import Patch, reduced
from srdesk.imaging.image import Box
from srdesk.imaging.scene.gdal_session import gdal_failures, gdal_session, local_file
from srdesk.imaging.scene.geotiff import BandKind, GeoTiff, open_geotiff
from srdesk.imaging.scene.held import chosen_bands, origin_of
from srdesk.imaging.stored import Numbers

_REDUCED_HERE = 2**25
"""Numbers, at most, that are read to be made fewer; GDAL does with fewer at a time."""


class SceneSource(Protocol):
    """Anything that hands out levels of a scene. For one thread at a time; to be closed by it."""

    height: int
    """Rows of level 0."""
    width: int
    """Columns of level 0."""
    channels: int
    """Bands that are shown: 1 or 3."""
    dtype: np.dtype[Any]
    """Type of the numbers."""
    has_holes: bool
    """Whether there may be pixels without data."""
    block: tuple[int, int]
    """Rows and columns of level 0 that are read together."""
    own_level: int
    """Coarsest level that is read without reading everything below it."""
    palette: NDArray[np.uint8] | None
    """`(n, 3)` colours of class numbers; None where numbers are no classes."""

    def read(self, level: int, box: Box) -> Patch:
        """Return ``box`` of ``level``, inside its size.

        Raises:
            ImageReadError: the file is damaged there, or is gone.
        """

    def close(self) -> None:
        """Let go of the file."""


def level_size(height: int, width: int, level: int) -> tuple[int, int]:
    """Return ``(height, width)`` of a level."""
    return -(-height >> level), -(-width >> level)


class GeoTiffSource:
    """The shown bands of a GeoTIFF as a `SceneSource`. Whoever reads does so within a `gdal_session`.

    Args:
        path: the file.
        bands: numbers of the bands that are shown, from 1: one, or red, green and blue; those that the file names, or
            its first, if empty.

    Raises:
        ImageError: it cannot be opened.
    """

    def __init__(self, path: Path, bands: tuple[int, ...] = ()) -> None:
        with open_geotiff(path) as scene:
            self._describe(scene, bands)
        with gdal_session() as rasterio:
            self._dataset = rasterio.open(local_file(path), driver="GTiff")
        self._path = path

    def _describe(self, scene: GeoTiff, bands: tuple[int, ...]) -> None:
        self.bands = chosen_bands(scene, bands)
        self.own_colours = scene.colours
        """Numbers of the red, the green and the blue band, if the file says that it has one of each."""
        self.height, self.width, self.channels = scene.height, scene.width, len(self.bands)
        self.dtype = np.dtype(scene.dtype)
        self.block: tuple[int, int] = scene.dataset.block_shapes[0]
        self.own_level = int(math.log2(max(scene.dataset.overviews(1), default=1)))
        self._is_float = self.dtype.kind == "f"
        shown = [scene.bands[number - 1] for number in self.bands]
        has_opacity = any(band.kind is BandKind.OPACITY for band in scene.bands)
        has_nodata = any(band.nodata is not None for band in shown)
        self._is_masked = scene.has_mask or has_opacity or has_nodata
        self.has_holes = self._is_masked or self._is_float
        self.origin = origin_of(scene.path, scene, self.bands)
        """Which of its numbers are data."""
        self.palette = np.array(self.origin.palette, np.uint8) if self.origin.palette else None
        self.all_bands = scene.bands
        """All bands of the file."""
        self.geolocation = scene.geolocation
        """Where on Earth its pixels are."""

    def read(self, level: int, box: Box) -> Patch:
        """Return ``box`` of ``level``: averages of data, or single classes (`SceneSource`).

        Raises:
            ImageReadError: the file is damaged there, or is gone.
        """
        from rasterio.enums import Resampling
        from rasterio.windows import Window

        whole = box.scaled(2**level).clipped(self.height, self.width)
        if level > 0 and self.own_level == 0 and whole.height * whole.width * self.channels <= _REDUCED_HERE:
            return reduced(self.read(0, whole), 2**level, is_of_classes=self.palette is not None)
        window = Window(whole.left, whole.top, whole.width, whole.height)
        shape = (self.channels, box.height, box.width)
        how = Resampling.nearest if self.palette is not None or level == 0 else Resampling.average
        try:
            planes = self._dataset.read(list(self.bands), window=window, out_shape=shape, resampling=how)
            is_data = self._mask(window, shape, planes) if self.has_holes else None
        except gdal_failures(OSError, ValueError, MemoryError) as error:
            raise ImageReadError(self._path, "it is damaged or cut off") from error
        numbers = np.ascontiguousarray(np.moveaxis(planes, 0, -1))
        numbers.flags.writeable = False
        return Patch(numbers, is_data)

    def close(self) -> None:
        """Let go of the file."""
        self._dataset.close()

    def _mask(self, window: Any, shape: tuple[int, ...], planes: Numbers) -> NDArray[np.bool_]:
        is_data = np.ones(shape, np.bool_)
        if self._is_masked:
            np.logical_and(is_data, self._dataset.read_masks(list(self.bands), window=window, out_shape=shape), is_data)
        if self._is_float:
            np.logical_and(is_data, np.isfinite(planes), is_data)
        everywhere: NDArray[np.bool_] = np.logical_and.reduce(is_data, axis=0)
        return everywhere

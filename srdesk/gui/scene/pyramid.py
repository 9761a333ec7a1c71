"""A scene on the disk as panes show it: tiles that are there are handed out, others are asked for and come later."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srdesk.errors import SrDeskError
from srdesk.gui.compare.file_values import FileValues
from srdesk.gui.compare.shading import Shading
from srdesk.gui.scene.glance import glance, level_count
from srdesk.gui.scene.opened import OpenedScene, values_of
from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.reader import SceneReader
from srdesk.gui.scene.source import GeoTiffSource, level_size
from srdesk.gui.scene.store import TILE_PX, StoreFolder, plan_store
from srdesk.gui.scene.tile_cache import TileCache
from srdesk.gui.scene.tile_thread import TileKey, TileThread
from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.stretch import percentile_stretch
from srdesk.imaging.values import UINT8

ByteArray = NDArray[np.uint8]

_PERCENT = 98.0
"""Share of the pixels of a first look that lies between black and white."""


@dataclass(frozen=True, slots=True)
class SceneNews:
    """What a scene tells whoever shows it."""

    built: float | None = None
    """Share of the levels that its file lacks that is built by now; None if this is about something else."""
    error: SrDeskError | None = None
    """Why a part of it cannot be read."""


class SceneTiles:
    """The tiles of one scene: those that were read, and a way to have others read. Never waits.

    Args:
        scene: where they come from.
        thread: reads them.
        folder: keeps the levels that the file lacks; None to keep none.
    """

    def __init__(self, scene: OpenedScene, thread: TileThread, folder: StoreFolder | None) -> None:
        self.scene = scene
        self.level_count = level_count(scene.height, scene.width)
        self._thread, self._folder = thread, folder
        self._listener: Callable[[SceneNews], None] | None = None

    def level_size(self, level: int) -> tuple[int, int]:
        """Return ``(height, width)`` of ``level``."""
        return level_size(self.scene.height, self.scene.width, level)

    def get(self, key: TileKey) -> Patch | None:
        """Return a tile, or have it read."""
        tile = self._thread.cache.get((self, key))
        if tile is None:
            self._thread.ask(self, key)
        return tile

    def get_aside(self, key: TileKey) -> Patch | None:
        """Return a tile, or have it read when there is time, unless another one is wanted by then."""
        tile = self._thread.cache.get((self, key))
        if tile is None:
            self._thread.ask_aside(self, key)
        return tile

    def forget_requests(self) -> None:
        """Drop the tiles that were asked for."""
        self._thread.drop(self)

    def listen(self, listener: Callable[[SceneNews], None]) -> None:
        """Have ``listener`` called with news, on the thread that reads."""
        self._listener = listener

    def close(self) -> None:
        """Let go of the files; returns at once."""
        self.scene.closed.cancel()
        self._listener = None
        self._thread.leave(self)

    def open_reader(self) -> SceneReader:
        """Open the file and the levels that are kept of it (`TileOwner`).

        Raises:
            ImageError: it cannot be opened any more.
        """
        source = GeoTiffSource(self.scene.path, self.scene.bands)
        if self._folder is None:
            return SceneReader(source, None)
        plan = plan_store(source, self.level_count, self._folder.room_bytes())
        store = None if plan is None else self._folder.open(self.scene.path, self.scene.bands, plan, source)
        return SceneReader(source, store)

    def void_tile(self, key: TileKey) -> Patch:
        """Return what is shown of a tile that cannot be read (`TileOwner`)."""
        level, row, column = key
        box = Box(row * TILE_PX, column * TILE_PX, TILE_PX, TILE_PX).clipped(*self.level_size(level))
        numbers = np.zeros((box.height, box.width, len(self.scene.bands)), self.scene.overview.numbers.dtype)
        return Patch(numbers, np.zeros(numbers.shape[:2], np.bool_) if self.scene.has_holes else None)

    def tell(self, *, built: float | None = None, error: SrDeskError | None = None) -> None:
        """Pass on news (`TileOwner`)."""
        listener = self._listener
        if listener is not None:
            listener(SceneNews(built, error))


class ScenePyramid:
    """A scene as a `srdesk.gui.compare.pyramid.Picture` whose tiles come when they are read.

    Args:
        tiles: what is shown.
        shading: how it is seen.
        scale: pixels of the scene per LR pixel, the same along both sides.
    """

    def __init__(self, tiles: SceneTiles, shading: Shading, scale: float = 1.0) -> None:
        self.tiles, self.scene, self.shading = tiles, tiles.scene, shading
        self.height, self.width = tiles.scene.height, tiles.scene.width
        self.scale = (scale, scale)
        self.has_alpha = tiles.scene.has_holes
        self.level_count = tiles.level_count
        self._glimpse: ByteArray | None = None

    def shaded(self, shading: Shading) -> ScenePyramid:
        """Return the same scene seen in another way; the same tiles are used."""
        return self if shading == self.shading else ScenePyramid(self.tiles, shading, self.scale[0])

    @property
    def sample(self) -> FloatArray | None:
        """`(n, C)` values from all over the scene that shadings are about; None where there is nothing to shade."""
        scene = self.scene
        return None if scene.palette is not None else scene.values.to_unit(scene.sample)

    def level_size(self, level: int) -> tuple[int, int]:
        """Return ``(height, width)`` of ``level``; one pixel of it spans ``2**level`` pixels of level 0."""
        return self.tiles.level_size(level)

    def tile(self, level: int, box: Box) -> ByteArray | None:
        """Return ``box`` of ``level`` as `(box.height, box.width, C)` uint8; None if it has to be read first."""
        rows = range(box.top // TILE_PX, -(-box.bottom // TILE_PX))
        columns = range(box.left // TILE_PX, -(-box.right // TILE_PX))
        found = [[self.tiles.get((level, row, column)) for column in columns] for row in rows]
        lines = [[self.scene.pixels(tile, self.shading) for tile in line if tile is not None] for line in found]
        if any(len(line) < len(columns) for line in lines):
            return None
        whole = np.concatenate([np.concatenate(line, axis=1) for line in lines])
        top, left = box.top - rows.start * TILE_PX, box.left - columns.start * TILE_PX
        return whole[top : top + box.height, left : left + box.width]

    def glimpse(self) -> ByteArray:
        """Return all of it in few pixels, at once."""
        if self._glimpse is None:
            self._glimpse = self.scene.pixels(self.scene.overview, self.shading)
        return self._glimpse

    def forget_requests(self) -> None:
        """Drop the tiles that were asked for, because something else is looked at now."""
        self.tiles.forget_requests()

    def values_at(self, x_lr: float, y_lr: float) -> FileValues | None:
        """Return the file values of the pixel under an LR point; None outside, and until they are read."""
        row, column = int(y_lr * self.scale[0] // 1), int(x_lr * self.scale[1] // 1)
        if not (0 <= row < self.height and 0 <= column < self.width):
            return None
        tile = self.tiles.get_aside((0, row // TILE_PX, column // TILE_PX))
        if tile is None:
            return None
        place = (row % TILE_PX, column % TILE_PX)
        if tile.is_data is not None and not tile.is_data[place]:
            return (math.nan,) * len(self.scene.bands)
        return tuple(tile.numbers[place].tolist())

    def close(self) -> None:
        """Let go of the files; returns at once."""
        self.tiles.close()


class SceneShelf:
    """Opens scenes; owns the thread and the cache that all of them share. To be closed.

    Args:
        folder: where levels are kept that files lack; None to keep none.
        cache: where tiles are kept in memory.
    """

    def __init__(self, folder: Path | None = None, cache: TileCache | None = None) -> None:
        self.store = None if folder is None else StoreFolder(folder)
        self._thread = TileThread(cache or TileCache())

    def open(
        self, path: Path, bands: tuple[int, ...], check: Callable[[], None], *, like: ScenePyramid | None = None
    ) -> ScenePyramid:
        """Open a scene: a second at most, whatever its size.

        Args:
            path: the file.
            bands: numbers of the bands that are shown, from 1; empty for those that the file names.
            check: called now and then; raises to stop.
            like: the LR scene that this one is the result of, seen in the same way.

        Raises:
            ImageError: it cannot be opened, is damaged, or has no such bands.
        """
        with gdal_session():
            source = GeoTiffSource(path, bands)
            try:
                first_look = glance(source, check)
            finally:
                source.close()
        values = like.scene.values if like is not None else values_of(first_look.sample)
        about = (source.origin, source.all_bands, source.own_colours, source.geolocation, source.height, source.width)
        scene = OpenedScene(path, *about, values, source.palette, first_look.overview, first_look.sample)
        tiles = SceneTiles(scene, self._thread, self.store)
        if like is not None:
            return ScenePyramid(tiles, like.shading, like.scale[0] * scene.width / like.width)
        pyramid = ScenePyramid(tiles, Shading())
        sample = pyramid.sample
        if values == UINT8 or sample is None or not sample.size:
            return pyramid
        return pyramid.shaded(Shading((percentile_stretch(sample, _PERCENT),)))

    def close(self, patience_s: float) -> bool:
        """End the thread; tell whether it has ended in time."""
        return self._thread.close(patience_s)

"""One scene on the side of the disk: hands out tiles, and builds the levels that the file lacks."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator

import numpy as np

from srdesk.gui.scene.patch import Patch, reduced
from srdesk.gui.scene.source import SceneSource, level_size
from srdesk.gui.scene.store import TILE_PX, Store
from srdesk.imaging.image import Box

_STEP_BYTES = 24 * 2**20
"""What is read of a file in one go while levels are built: about a tenth of a second."""


_READ_OUT_OF_TURN_PX = 2**23
"""What is decoded for a tile that is looked at before its turn to be built: about a fifth of a second."""


class SceneReader:
    """Tiles of a scene, from its file or from the store. For the thread that made it.

    Args:
        source: the file.
        store: levels that are kept; None where the file itself is quick enough.
    """

    def __init__(self, source: SceneSource, store: Store | None) -> None:
        self._source, self._store = source, store
        self._steps = iter(()) if store is None or not store.missing else self._build(store)

    def read(self, level: int, row: int, column: int) -> Patch | None:
        """Return a tile, None if it is still to be built and that would take long.

        Raises:
            ImageReadError: the file is damaged there, or is gone.
            OSError: the store cannot be read.
        """
        store = self._store
        if store is None or level < store.plan.first_level:
            size = level_size(self._source.height, self._source.width, level)
            return self._source.read(level, Box(row * TILE_PX, column * TILE_PX, TILE_PX, TILE_PX).clipped(*size))
        if not store.has(level, row, column):
            if self._pixels_below(level) > _READ_OUT_OF_TURN_PX:
                return None
            tile = self._source.read(level, store.box(level, row, column))
            with contextlib.suppress(OSError):  # where the disk is full it can be seen nevertheless
                store.write(level, row, column, tile)
            return tile
        return store.read(level, row, column)

    def build_on(self) -> float | None:
        """Build a little more; return the share that is done, None when there is nothing left to do.

        Raises:
            ImageReadError: the file is damaged, or is gone.
            OSError: the store cannot be written.
        """
        if next(self._steps, None) is None or self._store is None:
            return None
        return 1.0 - self._store.missing / self._store.plan.tiles

    def close(self) -> None:
        """Let go of the files."""
        self._source.close()
        if self._store is not None:
            self._store.close()

    def _pixels_below(self, level: int) -> int:
        """Return how many pixels of the file are decoded for one tile of a level."""
        rows, columns = (max(TILE_PX << level, side) for side in self._source.block)
        return rows * columns

    def _build(self, store: Store) -> Iterator[bool]:
        """Fill the store from top to bottom, every level as far as the one below it is there; pause between steps."""
        plan = store.plan
        last_level = plan.first_level + len(plan.grids) - 1
        for row in range(plan.grids[0][0]):
            for _ in self._build_finest(store, row):
                yield True
            level, above = plan.first_level, row
            while level < last_level and (above % 2 == 1 or above == plan.grids[level - plan.first_level][0] - 1):
                level, above = level + 1, above // 2
                for column in range(plan.grids[level - plan.first_level][1]):
                    if not store.has(level, above, column):
                        store.write(level, above, column, self._coarser(store, level, above, column))
                yield True

    def _build_finest(self, store: Store, row: int) -> Iterator[bool]:
        """Read one row of tiles in pieces that suit the layout of the file."""
        level = store.plan.first_level
        columns = [c for c in range(store.plan.grids[0][1]) if not store.has(level, row, c)]
        if not columns:
            return
        if self._is_striped:
            strip = yield from self._strip(store, row)
            for column in columns:
                box = store.box(level, row, column)
                part = slice(box.left, box.right)
                is_data = None if strip.is_data is None else strip.is_data[:, part]
                store.write(level, row, column, Patch(strip.numbers[:, part], is_data))
            return
        for column in columns:
            store.write(level, row, column, self._source.read(level, store.box(level, row, column)))
            yield True

    @property
    def _is_striped(self) -> bool:
        return self._source.block[1] >= self._source.width

    def _strip(self, store: Store, row: int) -> Generator[bool, None, Patch]:
        """Read a row of tiles over the full width, in pieces of few rows, since every strip is decoded as a whole."""
        source, level = self._source, store.plan.first_level
        first = store.box(level, row, 0)
        width = level_size(source.height, source.width, level)[1]
        row_bytes = source.width * source.channels * source.dtype.itemsize << level
        step = max(1, min(first.height, _STEP_BYTES // row_bytes))
        pieces = []
        for top in range(first.top, first.bottom, step):
            pieces.append(source.read(level, Box(top, 0, min(step, first.bottom - top), width)))
            yield True
        holes = [piece.is_data for piece in pieces if piece.is_data is not None]
        return Patch(np.concatenate([piece.numbers for piece in pieces]), np.concatenate(holes) if holes else None)

    def _coarser(self, store: Store, level: int, row: int, column: int) -> Patch:
        """Return a tile made of the four below it, as many as there are."""
        rows, columns = store.plan.grids[level - 1 - store.plan.first_level]
        quarters = [
            [store.read(level - 1, r, c) for c in range(2 * column, min(2 * column + 2, columns))]
            for r in range(2 * row, min(2 * row + 2, rows))
        ]
        numbers = np.concatenate([np.concatenate([tile.numbers for tile in line], axis=1) for line in quarters])
        holes = [[tile.is_data for tile in line if tile.is_data is not None] for line in quarters]
        is_data = np.concatenate([np.concatenate(line, axis=1) for line in holes]) if holes[0] else None
        return reduced(Patch(numbers, is_data), 2, is_of_classes=self._source.palette is not None)

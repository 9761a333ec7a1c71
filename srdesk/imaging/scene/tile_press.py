"""Windows of numbers put together to tiles, which several threads compress.

The order of the compressed tiles depends on the order of the windows only: it is that in which tiles were complete. So
windows may be pressed in different places, and the files that they are appended to are equal.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from srdesk.imaging.image import Box
from srdesk.imaging.scene.tile_codec import TileCodec
from srdesk.imaging.stored import Numbers

TILE_PX = 256
"""Rows and columns of a tile of the result."""

_THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Where the tiles of a result are, and how they are compressed."""

    height: int
    """Rows of the result."""
    width: int
    """Columns of the result."""
    is_interleaved: bool
    """Whether all bands stand together in a tile."""
    codec: TileCodec
    """How tiles are compressed."""

    @property
    def tiles_across(self) -> int:
        """Tiles in a row."""
        return -(-self.width // TILE_PX)

    @property
    def tiles_down(self) -> int:
        """Tiles in a column."""
        return -(-self.height // TILE_PX)

    def number(self, plane: int, row: int, column: int) -> int:
        """Return the number of a tile in the order of TIFF."""
        return (plane * self.tiles_down + row) * self.tiles_across + column


class TilePress:
    """Takes windows of numbers, band by band or together, and gives compressed tiles. A context manager.

    Args:
        layout: where the tiles are.
        append: takes the number of a tile and its bytes, in the order in which tiles were complete.
        threads: how many of them compress; 0 to compress on the thread that writes.
    """

    def __init__(self, layout: TileLayout, append: Callable[[int, bytes], None], *, threads: int = _THREADS) -> None:
        self._layout = layout
        self._give = append
        self._open: dict[tuple[int, int, int], _Tile] = {}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="srdesk-tiles") if threads else None
        self._most_waiting = 4 * threads
        """Tiles that wait for their turn to be compressed, or to be appended."""
        self._compressed: deque[tuple[int, Future[bytes]]] = deque()

    def __enter__(self) -> TilePress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; what was not flushed is lost."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def write(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> None:
        """Take ``(height, width, C)`` numbers of the bands, counted from 1, at a box of the result.

        Raises:
            OSError: a tile cannot be appended.
        """
        if self._layout.is_interleaved:
            self._write_plane(0, box, numbers[:, :, np.argsort(bands)])
        else:
            for channel, number in enumerate(bands):
                self._write_plane(number - 1, box, numbers[:, :, channel : channel + 1])

    def flush(self) -> None:
        """Append what was written, which is whole tiles.

        Raises:
            OSError: a tile cannot be appended.
        """
        assert not self._open, "a step ends with whole tiles"
        self._append(but=0)

    def _write_plane(self, plane: int, box: Box, numbers: Numbers) -> None:
        layout = self._layout
        for row in range(box.top // TILE_PX, -(-box.bottom // TILE_PX)):
            for column in range(box.left // TILE_PX, -(-box.right // TILE_PX)):
                tile = self._open.get((plane, row, column))
                if tile is None:
                    place = Box(row * TILE_PX, column * TILE_PX, TILE_PX, TILE_PX)
                    tile = _Tile(place.clipped(layout.height, layout.width), numbers.shape[2], numbers.dtype)
                    self._open[plane, row, column] = tile
                if tile.take(box, numbers):
                    del self._open[plane, row, column]
                    self._compressed.append((layout.number(plane, row, column), self._encoded(tile.padded())))
                    self._append(but=self._most_waiting)

    def _encoded(self, numbers: Numbers) -> Future[bytes]:
        if self._pool is not None:
            return self._pool.submit(self._layout.codec.encode, numbers)
        encoded: Future[bytes] = Future()
        encoded.set_result(self._layout.codec.encode(numbers))
        return encoded

    def _append(self, *, but: int) -> None:
        """Append the compressed tiles, in order, ``but`` so many that may still be on their way."""
        while len(self._compressed) > but:
            number, tile = self._compressed.popleft()
            self._give(number, tile.result())


class _Tile:
    """A tile that is being put together."""

    def __init__(self, place: Box, samples: int, dtype: np.dtype[np.generic]) -> None:
        self._place = place
        self._missing_px = place.height * place.width
        self._numbers: Numbers = np.empty((TILE_PX, TILE_PX, samples), dtype)

    def take(self, box: Box, numbers: Numbers) -> bool:
        """Copy what lies in this tile; tell whether it is complete."""
        place = self._place
        top, bottom = max(box.top, place.top), min(box.bottom, place.bottom)
        left, right = max(box.left, place.left), min(box.right, place.right)
        part = numbers[top - box.top : bottom - box.top, left - box.left : right - box.left]
        self._numbers[top - place.top : bottom - place.top, left - place.left : right - place.left] = part
        self._missing_px -= (bottom - top) * (right - left)
        return self._missing_px == 0

    def padded(self) -> Numbers:
        """Return the tile, the last row and column repeated where it reaches beyond the picture."""
        height, width = self._place.height, self._place.width
        self._numbers[height:, :width] = self._numbers[height - 1 : height, :width]
        self._numbers[:, width:] = self._numbers[:, width - 1 : width]
        return self._numbers

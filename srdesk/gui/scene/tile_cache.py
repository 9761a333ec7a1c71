"""Tiles that were read, within a budget of bytes; those that were not looked at for longest go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

from srdesk.gui.scene.patch import Patch

BUDGET_BYTES = 96 * 2**20
"""Some twenty screens full of pixels in three bytes each."""


class TileCache:
    """Keeps tiles of any number of scenes. Safe from any thread.

    Args:
        budget_bytes: what all tiles together may take.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self.budget_bytes = budget_bytes
        self._lock = threading.Lock()
        self._tiles: OrderedDict[Hashable, Patch] = OrderedDict()
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        """What all tiles together take."""
        return self._size_bytes

    def get(self, key: Hashable) -> Patch | None:
        """Return a tile, which thereby stays longest, or None."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
            return tile

    def put(self, key: Hashable, tile: Patch) -> None:
        """Keep a tile, and let others go if there are too many."""
        with self._lock:
            before = self._tiles.pop(key, None)
            self._size_bytes += tile.size_bytes - (0 if before is None else before.size_bytes)
            self._tiles[key] = tile
            while self._size_bytes > self.budget_bytes:
                _, oldest = self._tiles.popitem(last=False)
                self._size_bytes -= oldest.size_bytes

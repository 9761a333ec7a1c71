"""Tiles stay within a budget, and those that are looked at stay longest."""

from __future__ import annotations

import numpy as np

from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.tile_cache import TileCache


def tile(size_bytes: int) -> Patch:
    return Patch(np.zeros((size_bytes, 1, 1), np.uint8), None)


def test_what_was_not_looked_at_for_longest_goes_first() -> None:
    cache = TileCache(budget_bytes=30)
    for name in ("a", "b", "c"):
        cache.put(name, tile(10))
    assert cache.get("a") is not None
    cache.put("d", tile(10))
    assert cache.get("b") is None
    assert all(cache.get(name) is not None for name in ("a", "c", "d"))
    assert cache.size_bytes == 30


def test_a_tile_that_comes_again_counts_once() -> None:
    cache = TileCache(budget_bytes=30)
    cache.put("a", tile(10))
    newer = tile(12)
    cache.put("a", newer)
    assert cache.size_bytes == 12
    assert cache.get("a") is newer


def test_a_tile_larger_than_everything_does_not_stay() -> None:
    cache = TileCache(budget_bytes=5)
    cache.put("a", tile(10))
    assert cache.get("a") is None
    assert cache.size_bytes == 0

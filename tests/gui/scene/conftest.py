"""Scenes in memory that log what is read of them, and scenes on the disk with a shelf that opens them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from srdesk.errors import ImageReadError
from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.pyramid import SceneNews, ScenePyramid, SceneShelf
from srdesk.gui.scene.source import level_size
from srdesk.imaging.image import Box
from srdesk.imaging.stored import Numbers

PATIENCE_S = 10.0


def averaged(numbers: Numbers, level: int) -> NDArray[np.float64]:
    """Return averages of squares of ``2**level`` pixels, fewer at the edges."""
    height, width = level_size(numbers.shape[0], numbers.shape[1], level)
    side = 1 << level
    tops, lefts = np.arange(height) * side, np.arange(width) * side
    sums = np.add.reduceat(np.add.reduceat(numbers.astype(np.float64), tops, axis=0), lefts, axis=1)
    rows = np.minimum(tops + side, numbers.shape[0]) - tops
    columns = np.minimum(lefts + side, numbers.shape[1]) - lefts
    result: NDArray[np.float64] = sums / (rows[:, None] * columns[None, :])[:, :, None]
    return result


class ArraySource:
    """A scene in memory as a `SceneSource`."""

    def __init__(
        self,
        numbers: Numbers,
        *,
        own_level: int = 0,
        block: tuple[int, int] = (64, 64),
        is_data: NDArray[np.bool_] | None = None,
    ) -> None:
        self.numbers, self.is_data, self.palette = numbers, is_data, None
        self._levels: dict[int, Numbers] = {}
        self.height, self.width, self.channels = numbers.shape
        self.dtype = numbers.dtype
        self.has_holes = is_data is not None
        self.block, self.own_level = block, own_level
        self.reads: list[tuple[int, Box]] = []
        self.is_closed = False
        self.is_damaged = False

    def read(self, level: int, box: Box) -> Patch:
        if self.is_damaged:
            raise ImageReadError(Path("scene.tif"), "it is damaged or cut off")
        self.reads.append((level, box))
        here = np.s_[box.top : box.bottom, box.left : box.right]
        if level not in self._levels:
            self._levels[level] = np.rint(averaged(self.numbers, level)).astype(self.dtype)
        known = None if self.is_data is None else self.is_data[:: 1 << level, :: 1 << level][here]
        return Patch(self._levels[level][here], known)

    def close(self) -> None:
        self.is_closed = True


class Listener:
    """Waits for what a scene says on the thread that reads it."""

    def __init__(self, pyramid: ScenePyramid) -> None:
        self.news: list[SceneNews] = []
        self._came = threading.Condition()
        pyramid.tiles.listen(self._take)

    def _take(self, news: SceneNews) -> None:
        with self._came:
            self.news.append(news)
            self._came.notify_all()

    def wait_for(self, found: Callable[[], bool]) -> None:
        """Wait until ``found``, which is asked again at every news."""
        with self._came:
            assert self._came.wait_for(found, PATIENCE_S), self.news

    def tile(self, pyramid: ScenePyramid, level: int, box: Box) -> NDArray[np.uint8]:
        """Return a tile as soon as it was read."""
        pixels = pyramid.tile(level, box)
        if pixels is None:
            self.wait_for(lambda: pyramid.tile(level, box) is not None)
            pixels = pyramid.tile(level, box)
        assert pixels is not None
        return pixels


@pytest.fixture
def array_source() -> type[ArraySource]:
    """Maker of scenes in memory."""
    return ArraySource


@pytest.fixture
def averages() -> Callable[[Numbers, int], NDArray[np.float64]]:
    """What a level of a scene should be."""
    return averaged


@pytest.fixture
def listen() -> type[Listener]:
    """Maker of listeners."""
    return Listener


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[SceneShelf]:
    """Opens scenes; keeps levels in a folder of its own."""
    shelf = SceneShelf(tmp_path / "pyramids")
    yield shelf
    assert shelf.close(PATIENCE_S), "the thread that reads tiles did not end"


@pytest.fixture
def numbers() -> Numbers:
    """A colourful 8-bit scene of some hundred pixels, smooth enough for averages to mean something."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 250, (3, 45, 40))
    fine: Numbers = (coarse.repeat(20, axis=1).repeat(20, axis=2) + rng.integers(0, 6, (3, 900, 800))).astype(np.uint8)
    return fine

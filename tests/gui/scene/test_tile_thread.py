"""One thread reads tiles: what is seen now first, what is asked for no longer never; it always ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srdesk.errors import ImageReadError, SrDeskError
from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.tile_cache import TileCache
from srdesk.gui.scene.tile_thread import TileKey, TileThread

PATIENCE_S = 10.0
TILE = Patch(np.zeros((1, 1, 1), np.uint8), None)
VOID = Patch(np.ones((1, 1, 1), np.uint8), None)


class Reader:
    """Hands out tiles; waits at a gate while it is shut."""

    def __init__(self, steps: int = 0) -> None:
        self.gate, self.is_reading = threading.Event(), threading.Event()
        self.gate.set()
        self.keys: list[TileKey] = []
        self.error: Exception | None = None
        self.missing: set[TileKey] = set()
        self.is_closed = False
        self._steps = iter(range(steps))
        self._count = steps

    def read(self, *key: int) -> Patch | None:
        self.keys.append((key[0], key[1], key[2]))
        self.is_reading.set()
        assert self.gate.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return None if key in self.missing else TILE

    def build_on(self) -> float | None:
        step = next(self._steps, None)
        return None if step is None else (step + 1) / self._count

    def close(self) -> None:
        self.is_closed = True


class Owner:
    """A scene that listens."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.opened = reader, 0
        self.error: SrDeskError | None = None
        self.news: list[tuple[float | None, SrDeskError | None]] = []
        self._came = threading.Condition()

    def open_reader(self) -> Any:
        self.opened += 1
        if self.error is not None:
            raise self.error
        return self.reader

    def void_tile(self, key: TileKey) -> Patch:
        return VOID

    def tell(self, *, built: float | None = None, error: SrDeskError | None = None) -> None:
        with self._came:
            self.news.append((built, error))
            self._came.notify_all()

    def wait_for(self, thread: TileThread, *keys: TileKey) -> None:
        with self._came:
            assert self._came.wait_for(lambda: all(thread.cache.get((self, key)) for key in keys), PATIENCE_S)

    def wait_until_built(self) -> None:
        with self._came:
            assert self._came.wait_for(lambda: (1.0, None) in self.news, PATIENCE_S)


@pytest.fixture
def thread() -> Iterator[TileThread]:
    thread = TileThread(TileCache())
    yield thread
    assert thread.close(PATIENCE_S)


def test_tiles_are_read_in_the_order_in_which_they_were_asked_for(thread: TileThread) -> None:
    owner = Owner(Reader())
    owner.reader.gate.clear()
    for column in range(4):
        thread.ask(owner, (0, 0, column))
    thread.ask(owner, (0, 0, 1))
    owner.reader.gate.set()
    owner.wait_for(thread, *((0, 0, column) for column in range(4)))
    assert owner.reader.keys == [(0, 0, column) for column in range(4)]
    assert owner.opened == 1


def test_what_is_asked_for_no_longer_is_not_read(thread: TileThread) -> None:
    owner = Owner(Reader())
    owner.reader.gate.clear()
    thread.ask(owner, (0, 0, 0))
    assert owner.reader.is_reading.wait(PATIENCE_S)
    thread.ask(owner, (0, 0, 1))
    thread.drop(owner)
    thread.ask(owner, (0, 0, 2))
    owner.reader.gate.set()
    owner.wait_for(thread, (0, 0, 0), (0, 0, 2))
    assert owner.reader.keys == [(0, 0, 0), (0, 0, 2)]


def test_of_tiles_aside_only_the_latest_is_read_after_all_others(thread: TileThread) -> None:
    owner = Owner(Reader())
    owner.reader.gate.clear()
    thread.ask(owner, (0, 0, 0))
    assert owner.reader.is_reading.wait(PATIENCE_S)
    for column in (5, 6, 7):
        thread.ask_aside(owner, (0, 0, column))
    thread.ask(owner, (0, 0, 1))
    owner.reader.gate.set()
    owner.wait_for(thread, (0, 0, 7))
    assert owner.reader.keys == [(0, 0, 0), (0, 0, 1), (0, 0, 7)]


def test_levels_are_built_while_nothing_is_asked_for(thread: TileThread) -> None:
    owner = Owner(Reader(steps=5))
    thread.ask(owner, (0, 0, 0))
    owner.wait_until_built()
    assert owner.reader.build_on() is None


def test_a_tile_that_is_still_to_be_built_comes_when_it_is_asked_for_again(thread: TileThread) -> None:
    owner = Owner(Reader())
    owner.reader.missing = {(3, 0, 0)}
    thread.ask(owner, (3, 0, 0))
    thread.ask(owner, (0, 0, 0))
    owner.wait_for(thread, (0, 0, 0))
    assert thread.cache.get((owner, (3, 0, 0))) is None
    owner.reader.missing.clear()
    thread.ask(owner, (3, 0, 0))
    owner.wait_for(thread, (3, 0, 0))


@pytest.mark.expects_warning_log("cannot be read")
def test_a_damaged_tile_is_void_and_said(thread: TileThread) -> None:
    owner = Owner(Reader())
    error = ImageReadError(Path("scene.tif"), "it is damaged or cut off")
    owner.reader.error = error
    thread.ask(owner, (0, 0, 0))
    owner.wait_for(thread, (0, 0, 0))
    assert thread.cache.get((owner, (0, 0, 0))) is VOID
    assert (None, error) in owner.news


@pytest.mark.expects_warning_log("cannot be read")
def test_a_scene_that_is_gone_is_said_once(thread: TileThread) -> None:
    owner = Owner(Reader())
    owner.error = ImageReadError(Path("scene.tif"), "it is gone")
    thread.ask(owner, (0, 0, 0))
    thread.ask(owner, (0, 0, 1))
    owner.wait_for(thread, (0, 0, 0), (0, 0, 1))
    assert [error for _, error in owner.news if error is not None] == [owner.error]


def test_files_of_a_scene_are_closed_when_it_is_left(thread: TileThread) -> None:
    first, second = Owner(Reader()), Owner(Reader())
    thread.ask(first, (0, 0, 0))
    first.wait_for(thread, (0, 0, 0))
    thread.leave(first)
    thread.ask(second, (0, 0, 0))
    second.wait_for(thread, (0, 0, 0))
    assert first.reader.is_closed
    assert not second.reader.is_closed


def test_the_thread_ends_in_the_middle_of_its_work_and_closes_what_it_has_open() -> None:
    thread, owner = TileThread(TileCache()), Owner(Reader(steps=10**9))
    for column in range(10_000):
        thread.ask(owner, (0, 0, column))
    owner.wait_for(thread, (0, 0, 0))
    assert thread.close(PATIENCE_S)
    assert owner.reader.is_closed
    assert len(owner.reader.keys) < 10_000


def test_a_thread_that_was_never_needed_ends_at_once() -> None:
    thread = TileThread(TileCache())
    assert thread.close(0.0)
    thread.ask(Owner(Reader()), (0, 0, 0))
    assert thread.close(PATIENCE_S), "nothing is started after the end"


def test_a_scene_that_is_left_is_not_opened_again_for_what_the_pointer_was_over(thread: TileThread) -> None:
    gone, busy = Owner(Reader(steps=3)), Owner(Reader())
    thread.ask(gone, (0, 0, 0))
    gone.wait_for(thread, (0, 0, 0))
    busy.reader.gate.clear()
    thread.ask(busy, (0, 0, 0))
    assert busy.reader.is_reading.wait(PATIENCE_S)
    thread.ask_aside(gone, (0, 7, 7))
    thread.leave(gone)
    busy.reader.gate.set()
    thread.ask(busy, (0, 1, 1))  # after what is read aside
    busy.wait_for(thread, (0, 0, 0), (0, 1, 1))
    assert thread.close(PATIENCE_S)
    assert gone.opened == 1
    assert gone.reader.is_closed
    assert (0, 7, 7) not in gone.reader.keys

"""Levels are kept in a folder that never grows beyond its bounds, and what is damaged is built anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.gui.scene.patch import Patch
from srdesk.gui.scene.store import SUFFIX, TILE_PX, Plan, Store, StoreFolder, plan_store

RNG = np.random.default_rng(3)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.tif"
    path.write_bytes(b"scene")
    return path


@pytest.fixture
def source(array_source: Any) -> Any:
    return array_source(np.zeros((1500, 1100, 3), np.uint16))


def planned(source: Any) -> Plan:
    plan = plan_store(source, 4)
    assert plan is not None
    return plan


def random_tile(store: Store, level: int, row: int, column: int, *, has_holes: bool = False) -> Patch:
    box = store.box(level, row, column)
    numbers = RNG.integers(0, 65535, (box.height, box.width, 3), np.uint16)
    return Patch(numbers, RNG.random((box.height, box.width)) > 0.5 if has_holes else None)


def test_a_scene_without_overviews_keeps_everything_from_level_2_on(source: Any) -> None:
    plan = planned(source)
    assert plan.first_level == 2
    assert plan.grids == ((3, 3), (2, 2))
    assert plan.tiles == 13
    assert sorted(
        plan.number(2 + level, row, column)
        for level, (rows, columns) in enumerate(plan.grids)
        for row in range(rows)
        for column in range(columns)
    ) == list(range(13))


def test_overviews_of_the_file_need_not_be_kept_again(array_source: Any) -> None:
    numbers = np.zeros((1500, 1100, 3), np.uint16)
    assert plan_store(array_source(numbers, own_level=1), 4) is None
    plan = plan_store(array_source(numbers, own_level=1), 6)
    assert plan is not None
    assert plan.first_level == 4


def test_levels_that_would_take_too_much_are_left_out(source: Any) -> None:
    plan = plan_store(source, 4, largest_bytes=planned(source).tile_bytes * 5)
    assert plan is not None
    assert plan.first_level == 3
    assert plan_store(source, 4, largest_bytes=100) is None


@pytest.mark.parametrize("has_holes", [False, True])
def test_tiles_come_back_as_they_were_also_from_a_file_that_was_closed(
    tmp_path: Path, array_source: Any, has_holes: bool
) -> None:
    is_data = np.ones((1500, 1100), np.bool_) if has_holes else None
    source = array_source(np.zeros((1500, 1100, 3), np.uint16), is_data=is_data)
    plan = planned(source)
    file = tmp_path / f"one{SUFFIX}"
    store = Store(file, plan, source)
    assert store.missing == plan.tiles
    places = [(2, 0, 0), (2, 2, 2), (3, 1, 1)]
    tiles = [random_tile(store, *place, has_holes=has_holes) for place in places]
    for place, tile in zip(places, tiles, strict=True):
        store.write(*place, tile)
    store.close()

    again = Store(file, plan, source)
    assert again.missing == plan.tiles - 3
    assert not again.has(2, 1, 1)
    for place, tile in zip(places, tiles, strict=True):
        assert again.has(*place)
        kept = again.read(*place)
        assert_array_equal(kept.numbers, tile.numbers)
        assert (kept.is_data is None) is not has_holes
        if tile.is_data is not None and kept.is_data is not None:
            assert_array_equal(kept.is_data, tile.is_data)
    again.close()


def test_a_file_that_was_cut_off_is_an_error_and_not_a_wrong_tile(tmp_path: Path, source: Any) -> None:
    file = tmp_path / f"one{SUFFIX}"
    store = Store(file, planned(source), source)
    store.write(2, 0, 0, random_tile(store, 2, 0, 0))
    os.truncate(file, 5000)
    with pytest.raises(OSError, match="cut off"):
        store.read(2, 0, 0)
    store.close()


def test_another_scene_of_the_same_name_has_other_levels(tmp_path: Path, scene: Path, source: Any) -> None:
    folder = StoreFolder(tmp_path / "pyramids")
    folder.room_bytes()
    first = folder.open(scene, (1,), planned(source), source)
    assert first is not None
    first.write(2, 0, 0, random_tile(first, 2, 0, 0))
    first.close()
    scene.write_bytes(b"another scene")
    second = folder.open(scene, (1,), planned(source), source)
    assert second is not None
    assert not second.has(2, 0, 0)
    second.close()
    assert len(list(folder.folder.iterdir())) == 2


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path, source: Any) -> None:
    plan = planned(source)
    folder = StoreFolder(tmp_path / "pyramids", largest_bytes=int(plan.tiles * plan.tile_bytes * 1.5))
    folder.room_bytes()
    for number, name in enumerate(("a.tif", "b.tif", "c.tif")):
        (tmp_path / name).write_bytes(name.encode())
        store = folder.open(tmp_path / name, (1,), plan, source)
        assert store is not None
        store.write(3, 1, 1, random_tile(store, 3, 1, 1))  # the last tile: the file has its full length
        store.close()
        newest = max(folder.folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (number + 1, number + 1))
    assert len(list(folder.folder.iterdir())) == 1
    assert folder.size_bytes <= plan.tiles * plan.tile_bytes * 1.5


def test_no_more_than_a_tenth_of_a_free_disk_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    assert StoreFolder(tmp_path / "pyramids").room_bytes() == 100


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path, scene: Path, source: Any) -> None:
    (tmp_path / "pyramids").write_bytes(b"a file")
    folder = StoreFolder(tmp_path / "pyramids")
    assert folder.room_bytes() == 0
    assert folder.open(scene, (1,), planned(source), source) is None


def test_clearing_removes_every_file(tmp_path: Path, scene: Path, source: Any) -> None:
    folder = StoreFolder(tmp_path / "pyramids")
    folder.room_bytes()
    store = folder.open(scene, (1,), planned(source), source)
    assert store is not None
    store.write(2, 0, 0, random_tile(store, 2, 0, 0))
    assert folder.size_bytes > TILE_PX * TILE_PX
    folder.clear()
    assert folder.size_bytes == 0
    assert store.has(2, 0, 0), "a scene that is open keeps what it has"
    store.close()

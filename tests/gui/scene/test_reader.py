"""Levels that a file lacks are built once, little by little, to averages of everything below them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from srdesk.gui.scene import reader as module
from srdesk.gui.scene.reader import SceneReader
from srdesk.gui.scene.store import Store, plan_store
from srdesk.imaging.stored import Numbers

Averages = Callable[[Numbers, int], NDArray[np.float64]]
LEVELS = 4


def reader_of(source: Any, folder: Path) -> tuple[SceneReader, Store]:
    plan = plan_store(source, LEVELS)
    assert plan is not None
    store = Store(folder / "one.pyramid", plan, source)
    return SceneReader(source, store), store


def build(reader: SceneReader) -> list[float]:
    shares = []
    while (share := reader.build_on()) is not None:
        shares.append(share)
    return shares


@pytest.mark.parametrize("block", [(64, 64), (1, 800)], ids=["tiled", "striped"])
def test_levels_are_averages_of_the_scene(
    tmp_path: Path, array_source: Any, numbers: Numbers, averages: Averages, block: tuple[int, int]
) -> None:
    source = array_source(numbers.transpose(1, 2, 0), block=block)
    reader, store = reader_of(source, tmp_path)
    shares = build(reader)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert store.missing == 0
    for level, column in ((2, 1), (3, 0)):
        tile = reader.read(level, 0, column)
        assert tile is not None
        expected = averages(source.numbers, level)[:128, 128 * column : 128 * column + 128]
        assert tile.numbers.shape == expected.shape
        # Levels are made of each other and rounded each time.
        assert_allclose(tile.numbers, expected, atol=1.0)
    reader.close()
    assert source.is_closed


def test_fine_levels_come_from_the_file_and_coarse_ones_once_they_are_built(
    tmp_path: Path, array_source: Any, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READ_OUT_OF_TURN_PX", 512 * 512)
    source = array_source(numbers.transpose(1, 2, 0))
    reader, _ = reader_of(source, tmp_path)
    tile = reader.read(0, 2, 3)
    assert tile is not None
    assert_array_equal(tile.numbers, source.numbers[256:384, 384:512])
    assert reader.read(3, 0, 0) is None
    build(reader)
    source.reads.clear()
    assert reader.read(3, 0, 0) is not None
    assert not source.reads, "what was built is not read again"
    reader.close()


def test_what_is_looked_at_is_read_before_its_turn_and_kept(
    tmp_path: Path, array_source: Any, numbers: Numbers, averages: Averages
) -> None:
    source = array_source(numbers.transpose(1, 2, 0))
    reader, store = reader_of(source, tmp_path)
    tile = reader.read(2, 1, 1)
    assert tile is not None
    assert_allclose(tile.numbers, averages(source.numbers, 2)[128:256, 128:256], atol=1.0)
    assert store.has(2, 1, 1)
    assert store.missing == store.plan.tiles - 1
    build(reader)
    assert [box.top for level, box in source.reads if level == 2].count(128) == 2, "once for each of two tiles"
    reader.close()


def test_where_nothing_can_be_kept_it_can_be_seen_nevertheless(
    tmp_path: Path, array_source: Any, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    reader, store = reader_of(array_source(numbers.transpose(1, 2, 0)), tmp_path)
    monkeypatch.setattr(store, "write", refuse)
    assert reader.read(2, 1, 1) is not None
    assert not store.has(2, 1, 1)
    reader.close()


def test_a_striped_file_is_not_read_before_its_turn_if_that_decodes_too_much(
    tmp_path: Path, array_source: Any, numbers: Numbers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READ_OUT_OF_TURN_PX", 512 * 600)
    tiled, _ = reader_of(array_source(numbers.transpose(1, 2, 0)), tmp_path)
    assert tiled.read(2, 0, 0) is not None
    tiled.close()
    (tmp_path / "striped").mkdir()
    striped, _ = reader_of(array_source(numbers.transpose(1, 2, 0), block=(1, 800)), tmp_path / "striped")
    assert striped.read(2, 0, 0) is None
    striped.close()


def test_building_goes_on_where_it_was_broken_off(tmp_path: Path, array_source: Any, numbers: Numbers) -> None:
    source = array_source(numbers.transpose(1, 2, 0))
    reader, store = reader_of(source, tmp_path)
    for _ in range(3):
        reader.build_on()
    missing = store.missing
    reader.close()
    again, store = reader_of(source, tmp_path)
    assert store.missing == missing
    source.reads.clear()
    build(again)
    finest = [box for level, box in source.reads if level == 2]
    assert len(finest) == store.plan.grids[0][0] * store.plan.grids[0][1] - 3, "three of them are there"
    again.close()


def test_without_a_store_everything_comes_from_the_file(array_source: Any, numbers: Numbers) -> None:
    source = array_source(numbers.transpose(1, 2, 0), own_level=2)
    reader = SceneReader(source, None)
    assert reader.build_on() is None
    assert reader.read(3, 0, 0) is not None
    reader.close()

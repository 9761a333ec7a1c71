"""All of a scene in few pixels, at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srdesk.errors import ImageReadError
from srdesk.gui.scene import glance as module
from srdesk.gui.scene.glance import glance, level_count

RNG = np.random.default_rng(4)


def nothing() -> None:
    pass


@pytest.mark.parametrize(("side", "count"), [(1, 1), (512, 1), (513, 2), (20_000, 7), (43_920, 8)])
def test_the_last_level_is_the_first_one_that_fits(side: int, count: int) -> None:
    assert level_count(side, 7) == count
    assert level_count(7, side) == count


def test_a_small_coarsest_level_is_simply_read(array_source: Any) -> None:
    source = array_source(RNG.integers(0, 255, (1500, 1100, 3), np.uint8))
    first_look = glance(source, nothing)
    assert first_look.overview.numbers.shape == (375, 275, 3)
    assert sum(level > 0 for level, _ in source.reads) == 1


def test_of_a_large_scene_only_as_much_is_read_as_there_is_time_for(
    array_source: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_READ_AT_ONCE_PX", 1000)
    grey = np.full((1500, 1100, 1), 40, np.uint16)
    source = array_source(grey)
    overview = glance(source, nothing, budget_s=-1.0).overview
    assert sum(level > 0 for level, _ in source.reads) == 1, "one read at least"
    assert (overview.numbers == 40).all(), "the rest is filled from what is known"


def test_with_enough_time_everything_is_read(array_source: Any, averages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_AT_ONCE_PX", 1000)
    source = array_source(RNG.integers(0, 4000, (1500, 1100, 1), np.uint16))
    overview = glance(source, nothing, budget_s=60.0).overview
    np.testing.assert_array_equal(overview.numbers, np.rint(averages(source.numbers, 2)))


def test_places_that_were_not_read_count_as_data(array_source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_AT_ONCE_PX", 1000)
    is_data = np.ones((1500, 1100), np.bool_)
    is_data[:700] = False
    source = array_source(np.full((1500, 1100, 1), 9, np.uint16), is_data=is_data)
    overview = glance(source, nothing, budget_s=60.0).overview
    assert overview.is_data is not None
    assert not overview.is_data[:170].any()
    assert overview.is_data[180:].all()


def test_it_can_be_stopped_between_two_reads(array_source: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_AT_ONCE_PX", 1000)
    source = array_source(np.zeros((1500, 1100, 1), np.uint16))

    def stop() -> None:
        if len(source.reads) == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        glance(source, stop, budget_s=60.0)
    assert len(source.reads) == 4, "two places, each of them coarse and fine"


def test_a_damaged_file_is_an_error(array_source: Any) -> None:
    source = array_source(np.zeros((150, 110, 1), np.uint16))
    source.is_damaged = True
    with pytest.raises(ImageReadError):
        glance(source, nothing)


@pytest.mark.parametrize("at_once_px", [1000, 4_000_000])
def test_the_sample_knows_extremes_that_averages_do_not(
    array_source: Any, monkeypatch: pytest.MonkeyPatch, at_once_px: int
) -> None:
    monkeypatch.setattr(module, "_READ_AT_ONCE_PX", at_once_px)
    numbers = np.full((1500, 1100, 1), 100, np.uint16)
    numbers[::2, ::2] = 900
    is_data = np.ones((1500, 1100), np.bool_)
    numbers[:, 500:520], is_data[:, 500:520] = 0, False
    first_look = glance(array_source(numbers, is_data=is_data), nothing, budget_s=60.0)
    assert set(np.unique(first_look.sample)) == {100, 900}, "and nothing of what is no data"
    assert first_look.sample.shape[1] == 1

"""Where items of a queue go when some of them are moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srdesk.engine.batch.queue_order import moved, placed


@pytest.mark.parametrize(
    ("chosen", "place", "expected"),
    [
        ([4], 0, [4, 1, 2, 3, 5]),
        ([1], 5, [2, 3, 4, 5, 1]),
        ([1, 5], 2, [2, 1, 5, 3, 4]),
        ([2, 3], 2, [1, 2, 3, 4, 5]),
        ([5, 2], 1, [1, 2, 5, 3, 4]),
        ([7], 0, [1, 2, 3, 4, 5]),
    ],
)
def test_what_is_dropped_stands_together_before_what_it_was_dropped_on(
    chosen: list[int], place: int, expected: list[int]
) -> None:
    assert placed([1, 2, 3, 4, 5], chosen, place) == expected


@given(st.lists(st.integers(0, 30), unique=True), st.sets(st.integers(0, 30)), st.integers(-35, 35))
def test_nothing_is_lost_and_both_parts_keep_their_order(order: list[int], chosen: set[int], offset: int) -> None:
    for result in (moved(order, chosen, offset), placed(order, chosen, abs(offset))):
        assert sorted(result) == sorted(order)
        for part in (chosen, set(order) - chosen):
            assert [number for number in result if number in part] == [number for number in order if number in part]

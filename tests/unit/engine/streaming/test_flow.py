"""Rows that flow through stations."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srdesk.engine.streaming import flow as flow_module
from srdesk.engine.streaming.flow import ALONE, Crew, Station, flow
from srdesk.errors import Cancelled

CREWS = [ALONE, Crew(2, 1), Crew(4, 1)]


class Regroup:
    """A station that gives its rows, plus one, in groups of another size; it may keep some for later."""

    def __init__(self, group: int, total: int) -> None:
        self.group, self.left, self.kept = group, total, torch.zeros(0)

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        assert torch.is_inference_mode_enabled()
        self.kept = torch.cat([self.kept, rows + 1])
        self.left -= len(rows)
        while len(self.kept) >= self.group or (self.left == 0 and len(self.kept) > 0):
            piece, self.kept = self.kept[: self.group], self.kept[self.group :]
            yield piece


class Meet:
    """A station that gives nothing before its neighbour is at work as well."""

    def __init__(self, arrive: threading.Event, other: threading.Event) -> None:
        self.arrive, self.other = arrive, other

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        yield rows
        self.arrive.set()
        assert self.other.wait(timeout=20)


class Fail:
    """A station that fails at its third piece."""

    def __init__(self, error: Exception) -> None:
        self.error, self.pushed = error, 0

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self.pushed += 1
        if self.pushed == 3:
            raise self.error
        yield rows


class Count:
    """A station that counts what it has been given."""

    def __init__(self) -> None:
        self.pieces = 0

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self.pieces += 1
        yield rows


def numbers(count: int) -> Iterator[Tensor]:
    return (torch.tensor([float(number)]) for number in range(count))


@given(
    groups=st.lists(st.integers(1, 7), min_size=1, max_size=6), count=st.integers(0, 40), crew=st.sampled_from(CREWS)
)
@torch.inference_mode()
def test_everything_arrives_in_order_whoever_computes(groups: list[int], count: int, crew: Crew) -> None:
    stations: list[Station] = [Regroup(group, count) for group in groups]
    rows = torch.cat([torch.zeros(0), *flow(stations, numbers(count), crew)])
    assert rows.tolist() == [number + len(groups) for number in range(count)]


def test_several_stations_are_at_work_at_a_time() -> None:
    first, second = threading.Event(), threading.Event()
    stations = [Meet(first, second), Meet(second, first)]
    assert len(list(flow(stations, numbers(5), Crew(2, 1)))) == 5


@pytest.mark.parametrize("crew", CREWS)
def test_what_a_station_raises_leaves_the_flow(crew: Crew) -> None:
    error = Cancelled()
    stations: list[Station] = [Count(), Fail(error), Count()]
    with pytest.raises(Cancelled) as caught:
        list(flow(stations, numbers(100), crew))
    assert caught.value is error


@pytest.mark.parametrize("crew", CREWS)
def test_what_the_inputs_raise_leaves_the_flow(crew: Crew) -> None:
    def inputs() -> Iterator[Tensor]:
        yield torch.zeros(1)
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        list(flow([Count()], inputs(), crew))


@pytest.mark.parametrize("crew", CREWS)
def test_a_flow_can_be_left_early(crew: Crew) -> None:
    last = Count()
    rows = flow([Count(), last], numbers(10_000), crew)
    assert next(rows).item() == 0
    rows.close()
    assert last.pieces < 100


@pytest.mark.parametrize("crew", CREWS)
def test_inputs_are_taken_only_a_few_ahead(crew: Crew) -> None:
    taken = 0

    def inputs() -> Iterator[Tensor]:
        nonlocal taken
        for rows in numbers(1000):
            taken += 1
            yield rows

    rows = flow([Count() for _ in range(3)], inputs(), crew)
    next(rows)
    time.sleep(0.05)
    assert taken < 100
    rows.close()


def test_each_thread_of_a_crew_computes_with_its_own_share_of_threads() -> None:
    seen = set()

    class Look:
        def push(self, rows: Tensor) -> Iterator[Tensor]:
            seen.add(torch.get_num_threads())
            yield rows

    list(flow([Look()], numbers(20), Crew(2, 3)))
    assert seen == {3}


@pytest.mark.parametrize(
    ("threads", "pieces", "crew"),
    [
        (1, 100, Crew(1, 1)),
        (2, 100, Crew(2, 1)),
        (3, 100, Crew(3, 1)),
        (4, 100, Crew(4, 1)),
        (6, 100, Crew(3, 2)),
        (16, 100, Crew(4, 4)),
        (4, 1, Crew(1, 4)),
    ],
)
def test_a_crew_uses_its_threads(threads: int, pieces: int, crew: Crew) -> None:
    assert Crew.of(threads, pieces) == crew


def test_whether_all_is_over_is_asked_only_while_nobody_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    class Watched(flow_module._Hall):
        def _is_over(self) -> bool:
            nonlocal asked
            asked += 1
            assert self._changed._is_owned()  # type: ignore[attr-defined]
            return super()._is_over()

    monkeypatch.setattr(flow_module, "_Hall", Watched)
    assert len(list(flow([Count(), Count()], numbers(20), Crew(2, 1)))) == 20
    assert asked

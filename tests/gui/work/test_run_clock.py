"""The time that is left is told from what a run itself has done."""

from __future__ import annotations

import pytest

from srdesk.engine.control import Progress
from srdesk.gui.work.run_clock import RunClock


class Time:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def clock(time: Time) -> RunClock:
    return RunClock(time)


def left(clock: RunClock, done: int) -> float | None:
    timed = clock.timed(Progress(done, 100, 12345.0))
    return None if timed is None else timed.remaining_s


def test_nothing_is_known_before_the_run_has_done_something(clock: RunClock, time: Time) -> None:
    assert left(clock, 40) is None
    time.now_s += 5
    assert left(clock, 40) is None


def test_what_an_earlier_run_had_finished_does_not_make_this_one_faster(clock: RunClock, time: Time) -> None:
    left(clock, 40)
    time.now_s += 30
    assert left(clock, 50) == pytest.approx(150)
    timed = clock.timed(Progress(50, 100, 0.0))
    assert timed is not None
    assert timed.fraction == 0.5


def test_what_is_done_before_the_first_window_does_not_count(clock: RunClock, time: Time) -> None:
    clock.start()
    time.now_s += 500  # the scene is measured
    left(clock, 0)
    time.now_s += 10
    assert left(clock, 10) == pytest.approx(90)


def test_pauses_do_not_count(clock: RunClock, time: Time) -> None:
    left(clock, 0)
    time.now_s += 10
    clock.pause()
    clock.pause()
    time.now_s += 1000
    clock.go_on()
    clock.go_on()
    assert left(clock, 10) == pytest.approx(90)


def test_the_next_run_is_timed_anew(clock: RunClock, time: Time) -> None:
    left(clock, 0)
    time.now_s += 10
    left(clock, 50)
    clock.start()
    assert left(clock, 20) is None
    time.now_s += 10
    assert left(clock, 30) == pytest.approx(70)

"""How fast this machine has trained before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from srdesk.gui.training.speed import measured_speed
from srdesk.gui.training.training import Training
from srdesk.training import events
from srdesk.training.config import TrainConfig

MakeRun = Callable[..., Path]
MakeStep = Callable[..., events.Step]


def test_nothing_is_known_without_an_earlier_run(training: Training) -> None:
    assert measured_speed(training.runs(), TrainConfig()) is None


def test_the_middle_of_the_last_speeds_counts(training: Training, make_run: MakeRun, make_step: MakeStep) -> None:
    make_run(*(make_step(10, steps_per_second=speed) for speed in (2.0, 90.0, 2.2)))
    assert measured_speed(training.runs(), TrainConfig()) == 2.2


def test_a_run_that_computed_something_else_does_not_count(
    training: Training, make_run: MakeRun, make_step: MakeStep
) -> None:
    make_run(make_step(10), batch_size=4)
    assert measured_speed(training.runs(), TrainConfig()) is None
    assert measured_speed(training.runs(), TrainConfig(batch_size=4)) == 2.0


def test_damaged_runs_are_passed_over(training: Training, make_run: MakeRun, make_step: MakeStep) -> None:
    make_run(make_step(10), name="a good one")
    (make_run(name="no configuration") / "config.json").write_text("{")
    (make_run(name="no events") / "events.jsonl").unlink()
    (make_run(name="half a line") / "events.jsonl").write_bytes(b'{"event": "step", "st')
    assert measured_speed(training.runs(), TrainConfig()) == 2.0


def test_of_a_long_run_only_the_end_is_read(training: Training, make_run: MakeRun, make_step: MakeStep) -> None:
    make_run(*(make_step(step, steps_per_second=1.0 if step < 9000 else 5.0) for step in range(1, 10_000)))
    assert measured_speed(training.runs(), TrainConfig()) == 5.0

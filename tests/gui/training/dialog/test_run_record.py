"""Events become curves; what a run went back over is void."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from srdesk.gui.training.run_record import Curve, RunRecord, smoothed, thinned
from srdesk.training import events


def step(number: int, loss: float = 0.1, **fields: float) -> events.Step:
    return events.Step(
        step=number, loss=loss, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=2.0, data_wait_share=0.0,
        remaining_s=60.0, memory_bytes=1, **fields,
    )  # fmt: skip


def validated(number: int, psnr_y_db: float = 27.0) -> events.Validated:
    return events.Validated(step=number, psnr_y_db=psnr_y_db, ssim_y=0.8, is_best=True)


@pytest.fixture
def record(make_started: Callable[..., events.Started]) -> RunRecord:
    record = RunRecord()
    record.take(make_started())
    return record


def test_curves_grow_with_the_events(record: RunRecord) -> None:
    for event in (validated(0, 26.0), step(10, 0.2), step(20, 0.1), validated(20, 27.0)):
        record.take(event)
    assert record.loss.steps.tolist() == [10, 20]
    assert record.loss.values.tolist() == [0.2, 0.1]
    assert record.psnr_y_db.values.tolist() == [26.0, 27.0]
    assert record.start_value(record.psnr_y_db) == 26.0
    assert record.step == 20


def test_a_resumed_run_forgets_what_an_earlier_session_made_of_later_steps(
    record: RunRecord, make_started: Callable[..., events.Started]
) -> None:
    for event in (step(10), step(20), validated(20), events.Pictured(step=20, folder="p"), step(30)):
        record.take(event)
    record.take(make_started(first_step=20))
    assert record.loss.steps.tolist() == [10, 20]
    assert record.step == 20
    assert [(mark.step, mark.kind) for mark in record.marks] == [(20, "session")]
    record.take(step(30, 0.7))
    assert record.loss.values.tolist() == [0.1, 0.1, 0.7]


def test_a_run_that_went_back_forgets_what_came_after(record: RunRecord) -> None:
    for event in (step(10), step(20), step(30)):
        record.take(event)
    back = events.RolledBack(step=30, to_step=10, reason="The loss rose.", rate_factor=0.5)
    record.take(back)
    assert record.loss.steps.tolist() == [10]
    assert [(mark.step, mark.kind, mark.text) for mark in record.marks] == [(10, "rollback", "The loss rose.")]
    assert record.remark == back


def test_a_loss_that_is_no_number_is_not_drawn() -> None:
    curve = Curve()
    for number, value in enumerate((1.0, float("nan"), None, float("inf"), 2.0)):
        curve.add(number, value)
    assert curve.values.tolist() == [1.0, 2.0]


def test_a_pause_ends_with_the_next_step(record: RunRecord) -> None:
    record.take(events.Paused(step=10, reason="The disk is full."))
    assert record.paused is not None
    record.take(step(20))
    assert record.paused is None


def test_a_new_session_makes_the_old_ending_and_comparison_void(
    record: RunRecord, make_started: Callable[..., events.Started]
) -> None:
    record.take(
        events.Compared(pictures=(), difference_db=0.1, better_pictures=0, bicubic_db=25.0, is_better=True)
    )  # fmt: skip
    record.take(events.Finished(reason="stopped", step=20, best_psnr_y_db=None, elapsed_s=1.0))
    assert record.ending is not None
    record.take(make_started(first_step=20))
    assert record.ending is None
    assert record.compared is None


def test_only_a_gan_has_a_discriminator(record: RunRecord) -> None:
    record.take(step(10))
    assert not record.has_discriminator
    record.take(step(20, real_probability=0.7, fake_probability=0.3))
    assert record.has_discriminator


@pytest.mark.parametrize("count", [0, 1, 2, 999, 1000, 1001, 40_000])
def test_thinned_curves_keep_both_ends_and_stay_short(count: int) -> None:
    at = thinned(count, 1000)
    assert len(at) <= 1000
    assert (np.diff(at) > 0).all()
    if count:
        assert at[0] == 0
        assert at[-1] == count - 1


def test_a_smoothed_line_keeps_to_a_straight_one() -> None:
    values = np.linspace(3.0, 5.0, 500)
    at = thinned(500, 50)
    np.testing.assert_allclose(smoothed(values, at), values[at])


def test_a_smoothed_line_is_calmer_than_its_values() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    at = thinned(5000, 500)
    assert smoothed(values, at)[5:-5].std() < 0.25 * values.std()

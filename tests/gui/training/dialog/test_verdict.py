"""What is said about a run that has ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from srdesk.errors import TrainingError
from srdesk.gui.training.outcome import Crashed, Failed, Finished, Stopped
from srdesk.gui.training.run_record import RunRecord
from srdesk.gui.training.verdict import Verdict
from srdesk.training import events

DONE = Finished(events.Finished(reason="done", step=100, best_psnr_y_db=30.0, elapsed_s=1.0))


def compared(*differences_db: float, is_better: bool, **fields: float) -> events.Compared:
    pictures = tuple(
        events.PictureScore(name=f"{number}.png", bicubic_db=25.0, start_db=27.0, best_db=27.0 + difference_db)
        for number, difference_db in enumerate(differences_db)
    )
    return events.Compared(
        pictures=pictures,
        difference_db=sum(differences_db) / len(differences_db),
        better_pictures=sum(difference_db > 0 for difference_db in differences_db),
        bicubic_db=25.0,
        is_better=is_better,
        **fields,
    )


@pytest.fixture
def record(make_started: Callable[..., events.Started]) -> RunRecord:
    record = RunRecord()
    record.take(make_started())
    return record


def test_better_weights_are_called_better_with_their_figures(record: RunRecord) -> None:
    record.take(compared(0.3, 0.2, -0.1, 0.4, is_better=True))
    verdict = Verdict(record, DONE)
    assert verdict.is_better
    assert verdict.headline == "The new weights are better."
    assert "+0.20 dB on average" in verdict.details
    assert "4 held-out pictures" in verdict.details
    assert "3 got better" in verdict.details
    assert "+2.20 dB against bicubic" in verdict.details


def test_what_nobody_can_see_is_called_slight(record: RunRecord) -> None:
    record.take(compared(0.01, is_better=True))
    assert "slightly" in Verdict(record, DONE).headline


def test_weights_that_are_not_better_are_called_so(record: RunRecord) -> None:
    record.take(compared(-0.1, 0.05, is_better=False))
    verdict = Verdict(record, DONE)
    assert not verdict.is_better
    assert "not better" in verdict.headline


def test_a_gan_is_judged_by_features_and_what_it_costs_is_said(record: RunRecord) -> None:
    record.take(compared(-1.2, is_better=True, start_feature_distance=0.5, best_feature_distance=0.4))
    verdict = Verdict(record, DONE)
    assert verdict.is_better
    assert "better by VGG features, but worse in PSNR" in verdict.headline
    assert "-20 %" in verdict.details
    assert "-1.20 dB" in verdict.details


def test_a_stopped_run_says_where(record: RunRecord) -> None:
    outcome = Stopped(events.Finished(reason="stopped", step=40, best_psnr_y_db=None, elapsed_s=1.0))
    assert outcome.event is not None
    record.take(outcome.event)
    verdict = Verdict(record, outcome)
    assert verdict.headline == "The run was stopped at step 40 of 100."
    assert verdict.details == "It has made no weights yet."


def test_a_run_that_was_stopped_while_it_prepared_has_no_step_to_name() -> None:
    verdict = Verdict(
        RunRecord(), Stopped(events.Finished(reason="stopped", step=0, best_psnr_y_db=None, elapsed_s=1.0))
    )
    assert verdict.headline == "The run was stopped before its first step."


def test_a_failed_run_says_why_and_what_to_do(record: RunRecord) -> None:
    verdict = Verdict(record, Failed(TrainingError("The disk is full.", hint="Free some space.")))
    assert verdict.headline == "The disk is full."
    assert verdict.details.endswith("Free some space.")


def test_a_crashed_run_can_be_resumed(record: RunRecord) -> None:
    verdict = Verdict(record, Crashed(-9, ""))
    assert "SIGKILL" in verdict.headline
    assert "Resume" in verdict.details

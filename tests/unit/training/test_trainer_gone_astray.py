"""A run goes back to the state before the first sign of trouble, not to one that it saved in the middle of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import CheckpointError
from srdesk.training import events, trainer
from srdesk.training.config import TrainConfig
from srdesk.training.learning.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from srdesk.training.learning.guard import GuardState
from srdesk.training.learning.learner import StepFigures
from srdesk.training.run.runs import GOOD_CHECKPOINT_NAME, RUN_PARTS
from srdesk.training.run.strip import kept_steps

MakeConfig = Callable[..., TrainConfig]


def session(config: TrainConfig, folder: Path, *, stop_at_step: int | None = None) -> list[events.AnyEvent]:
    folder.mkdir(exist_ok=True)
    token, told = CancelToken(), []
    for event in trainer.train(config, folder, token):
        told.append(event)
        if isinstance(event, events.Step) and event.step == stop_at_step:
            token.cancel()
    return told


def be_worried_after(monkeypatch: pytest.MonkeyPatch, good_steps: int, worried_steps: int, patience: int) -> None:
    """Let the guard see signs for some steps, once, and speak when its patience is at an end."""
    left = [worried_steps]

    def watch(state: GuardState, _figures: StepFigures) -> tuple[GuardState, str]:
        is_worried = state.steps >= good_steps and left[0] > 0
        left[0] -= is_worried
        new = GuardState(steps=state.steps + 1, risen_steps=state.risen_steps + 1 if is_worried else 0)
        return new, "The loss has risen." if new.risen_steps >= patience else ""

    monkeypatch.setattr(trainer, "watch", watch)


@pytest.mark.parametrize("stop_at_step", [None, 6])
def test_a_run_goes_back_to_before_the_signs(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at_step: int | None
) -> None:
    config = tiny_config(steps=10, validate_every_steps=10)
    be_worried_after(monkeypatch, good_steps=4, worried_steps=5, patience=5)
    if stop_at_step is not None:
        session(config, tmp_path / "run", stop_at_step=stop_at_step)
    told = session(config, tmp_path / "run")
    (back,) = [event for event in told if isinstance(event, events.RolledBack)]
    assert (back.step, back.to_step) == (9, 4)
    assert not (tmp_path / "run" / GOOD_CHECKPOINT_NAME).exists()
    last = load_checkpoint(tmp_path / "run")
    assert last is not None
    assert (last.state.step, last.state.rollbacks) == (10, 1)


def test_a_good_state_is_kept_as_long_as_there_are_signs(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_worried_after(monkeypatch, good_steps=4, worried_steps=3, patience=5)
    folder = tmp_path / "run"
    folder.mkdir()
    kept = [
        (event.step, (folder / GOOD_CHECKPOINT_NAME).exists())
        for event in trainer.train(tiny_config(steps=10, validate_every_steps=10), folder, CancelToken())
        if isinstance(event, events.Saved)
    ]
    assert kept == [(2, False), (4, False), (6, True), (8, False), (10, False)]
    assert GOOD_CHECKPOINT_NAME in RUN_PARTS


def test_enlargements_of_steps_that_are_void_are_removed(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_worried_after(monkeypatch, 7, 3, 3)
    config = tiny_config(steps=12, validate_every_steps=2, checkpoint_every_steps=4, report_every_steps=1)
    steps: list[int] = []
    folder = tmp_path / "run"
    folder.mkdir()
    for event in trainer.train(config, folder, CancelToken()):
        if isinstance(event, events.RolledBack):
            assert event.to_step < 8
            steps = kept_steps(folder)
            assert max(steps) <= event.to_step
    assert steps
    assert kept_steps(folder)[-1] == 12


def test_of_two_checkpoints_the_one_that_does_not_fit_is_named(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_worried_after(monkeypatch, good_steps=4, worried_steps=5, patience=5)
    folder, other = tmp_path / "run", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    told = trainer.train(tiny_config(steps=10, validate_every_steps=10), folder, CancelToken())
    while not (folder / GOOD_CHECKPOINT_NAME).exists():
        next(told)
    good = load_checkpoint(folder, GOOD_CHECKPOINT_NAME)
    assert good is not None
    save_checkpoint(other, Checkpoint(good.state, {})).replace(folder / GOOD_CHECKPOINT_NAME)
    with pytest.raises(CheckpointError, match=rf"{GOOD_CHECKPOINT_NAME}.* do not fit"):
        list(told)

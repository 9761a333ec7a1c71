"""Notices a run that is about to diverge, or a discriminator that has collapsed, before time is lost on it."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from srdesk.training.learning.learner import StepFigures

LOSS_RISE = 10.0
"""A smoothed loss so many times its lowest value means that the run diverges."""

CERTAINTY = 0.99
"""A discriminator that is on average surer than this of every crop gives the generator nothing to learn from."""

PATIENCE_STEPS = 200
"""For so many steps in a row a sign must be seen, except for numbers that are not finite."""

MORE_ROLLBACKS = 5
"""So many more are suggested to a run that has given up: the learning rate then falls to a thirty-second."""

_SMOOTHING = 0.98


class GuardState(msgspec.Struct, frozen=True):
    """What the guard remembers; part of the checkpoint, so that a resumed run is judged in the same way."""

    steps: int = 0
    """Steps seen since the start or the last roll-back."""
    smoothed_loss: float = 0.0
    """Exponential mean of the loss."""
    lowest_loss: float | None = None
    """Lowest value of that mean; None while it is the mean of too few crops to compare others with."""
    risen_steps: int = 0
    """Steps in a row with a loss far above the lowest."""
    certain_steps: int = 0
    """Steps in a row with a discriminator that is sure of everything."""

    @property
    def is_worried(self) -> bool:
        """Whether the latest step bore a sign, which may pass or end in a roll-back."""
        return self.risen_steps > 0 or self.certain_steps > 0


def watch(state: GuardState, figures: StepFigures) -> tuple[GuardState, str]:
    """Take the figures of one step into account.

    Returns:
        The new state, and what is wrong in one sentence, empty if nothing is.
    """
    steps = state.steps + 1
    smoothed = figures.loss if steps == 1 else _SMOOTHING * state.smoothed_loss + (1 - _SMOOTHING) * figures.loss
    lowest = state.lowest_loss
    if steps > PATIENCE_STEPS:
        lowest = smoothed if lowest is None else min(lowest, smoothed)
    has_risen = lowest is not None and smoothed > LOSS_RISE * lowest
    judgement = figures.judgement
    is_certain = (
        judgement is not None
        and judgement.real_probability > CERTAINTY
        and judgement.fake_probability < 1.0 - CERTAINTY
    )
    new = GuardState(
        steps=steps,
        smoothed_loss=smoothed,
        lowest_loss=lowest,
        risen_steps=state.risen_steps + 1 if has_risen else 0,
        certain_steps=state.certain_steps + 1 if is_certain else 0,
    )
    if new.risen_steps >= PATIENCE_STEPS:
        return new, f"The loss has risen to more than {LOSS_RISE:g} times its lowest value."
    if new.certain_steps >= PATIENCE_STEPS:
        return new, "The discriminator tells every picture apart, so that the generator learns nothing from it."
    return new, ""


def advice(run_folder: Path, best_weights: Path | None, *, rollbacks: int) -> str:
    """Return what helps a run that has given up: its own learning rate cannot be changed any more, but a new one's can.

    Args:
        run_folder: where the run can be resumed.
        best_weights: its best weights, which are from before it diverged; None where there are none.
        rollbacks: how many it was allowed.
    """
    start = "" if best_weights is None else f" from its best weights, “{best_weights}”,"
    command = f"srdesk train --run {shlex.quote(str(run_folder))} --set rollbacks={rollbacks + MORE_ROLLBACKS}"
    return f"Begin a new run{start} with a lower learning rate, or resume this one with more roll-backs: `{command}`."

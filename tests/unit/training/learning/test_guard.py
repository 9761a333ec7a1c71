"""The guard notices what goes wrong, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from srdesk.training.learning.adversary import Judgement
from srdesk.training.learning.guard import PATIENCE_STEPS, GuardState, watch
from srdesk.training.learning.learner import StepFigures


def problems(figures: Iterable[StepFigures]) -> list[str]:
    state, said = GuardState(), []
    for each in figures:
        state, problem = watch(state, each)
        said.append(problem)
    return said


def losses(values: Iterable[float]) -> list[StepFigures]:
    return [StepFigures(float(value), 0.1) for value in values]


def judged(real: float, fake: float) -> StepFigures:
    return StepFigures(0.01, 0.1, {}, Judgement(0.5, real, fake))


def test_a_noisy_loss_that_falls_is_left_alone() -> None:
    random = np.random.default_rng(0)
    falling = 0.01 * np.exp(-np.arange(3000) / 1000) * random.lognormal(0, 1, 3000)
    assert not any(problems(losses(falling)))


def test_a_loss_that_rises_and_stays_up_is_noticed_in_time() -> None:
    said = problems(losses([0.01] * 500 + [1.0] * 500))
    assert not any(said[:500])
    assert "risen" in said[500 + PATIENCE_STEPS + 100]


def test_a_single_bad_batch_is_forgiven() -> None:
    assert not any(problems(losses([0.01] * 500 + [2.0] + [0.01] * 500)))


def test_a_discriminator_that_is_sure_of_everything_is_noticed() -> None:
    said = problems([judged(0.999, 0.001)] * (PATIENCE_STEPS + 1))
    assert not any(said[: PATIENCE_STEPS - 1])
    assert "discriminator" in said[-1]


def test_a_discriminator_that_is_unsure_now_and_then_is_left_alone() -> None:
    assert not any(problems(([judged(0.999, 0.001)] * (PATIENCE_STEPS - 1) + [judged(0.9, 0.1)]) * 3))


def test_what_the_guard_remembers_can_be_stored() -> None:
    import msgspec

    state, _ = watch(GuardState(), judged(0.9, 0.2))
    assert msgspec.json.decode(msgspec.json.encode(state), type=GuardState) == state

"""Gathers what a step event tells: means over the steps since the last one, speed, memory and the time that is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from math import isfinite

import psutil

from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.learning.learner import StepFigures

ESTIMATE_AFTER_STEPS = 20
"""Steps of a session after which its length can be told."""


class StepReport:
    """The figures of the steps since the last event."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._seconds_a_step: float | None = None
        self._process = psutil.Process()
        self._session_steps = 0
        self._session_s = 0.0
        self.restart()

    def restart(self) -> None:
        """Forget what was gathered, so that time spent elsewhere does not count."""
        self._figures: list[StepFigures] = []
        self._waited_s = 0.0
        self._since_s = time.monotonic()

    def add(self, figures: StepFigures, *, waited_s: float, step_s: float) -> None:
        """Count one step that took ``step_s``, of which ``waited_s`` were spent waiting for pictures."""
        self._figures.append(figures)
        self._waited_s += waited_s
        self._session_steps += 1
        self._session_s += step_s

    def event(self, step: int, rate_factor: float) -> events.Step:
        """Return the event of the steps since the last one."""
        figures = self._figures
        elapsed_s = max(time.monotonic() - self._since_s, 1e-9)
        latest = elapsed_s / len(figures)
        smooth = latest if self._seconds_a_step is None else 0.9 * self._seconds_a_step + 0.1 * latest
        self._seconds_a_step = smooth
        judgements = [each.judgement for each in figures if each.judgement is not None]
        event = events.Step(
            step=step,
            loss=_mean(each.loss for each in figures),
            learning_rate=self._config.learning_rate_at(step - 1) * rate_factor,
            # A step that overflowed in float16 is left out by the scaler; JSON has no infinity either.
            gradient_norm=next((each.gradient_norm for each in reversed(figures) if isfinite(each.gradient_norm)), 0.0),
            steps_per_second=len(figures) / elapsed_s,
            data_wait_share=self._waited_s / elapsed_s,
            remaining_s=smooth * (self._config.steps - step),
            memory_bytes=self._process.memory_info().rss,
            terms={name: _mean(each.terms[name] for each in figures) for name in figures[-1].terms},
            discriminator_loss=_mean(each.loss for each in judgements) if judgements else None,
            real_probability=_mean(each.real_probability for each in judgements) if judgements else None,
            fake_probability=_mean(each.fake_probability for each in judgements) if judgements else None,
        )
        self.restart()
        return event

    def is_time_to_estimate(self) -> bool:
        """Whether enough steps of this session were made to tell its length, for the first time."""
        return self._session_steps == ESTIMATE_AFTER_STEPS

    def estimate(self, step: int, *, validation_s: float) -> events.Estimated:
        """Return how long the rest will take, with one validation of ``validation_s`` every so many steps."""
        remaining_steps = self._config.steps - step
        steps_s = remaining_steps * self._session_s / self._session_steps
        validations_s = remaining_steps / self._config.validate_every_steps * validation_s
        return events.Estimated(remaining_s=steps_s + validations_s, peak_memory_bytes=self._peak_memory_bytes())

    def _peak_memory_bytes(self) -> int:
        if sys.platform == "win32":
            return int(self._process.memory_info().peak_wset)
        import resource  # which Windows does not have

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024  # bytes there, KiB elsewhere


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)

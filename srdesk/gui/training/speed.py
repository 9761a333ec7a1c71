"""How fast this machine has trained before, to tell beforehand how long a run will take. No widgets."""

from __future__ import annotations

import contextlib
import os
import statistics
from collections.abc import Iterable

from srdesk.errors import ConfigError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run

MOST_RUNS = 20
"""Runs that are looked into, the latest first."""

_TAIL_BYTES = 1 << 15
_DECISIVE = (
    *("model", "model_options", "batch_size", "crop_px", "loss_weights"),
    *("device", "precision", "threads", "compile"),
)
"""What the time of a step depends on, besides the machine."""


def measured_speed(runs: Iterable[Run], config: TrainConfig) -> float | None:
    """Return the steps per second of the latest run that computed what ``config`` would compute, None without one."""
    for run, _ in zip(runs, range(MOST_RUNS), strict=False):
        with contextlib.suppress(ConfigError, OSError):
            before = run.config()
            if all(getattr(before, field) == getattr(config, field) for field in _DECISIVE):
                speeds = _last_speeds(run)
                if speeds:
                    return statistics.median(speeds)
    return None


def _last_speeds(run: Run) -> list[float]:
    with run.events_path.open("rb") as file:
        size_bytes = file.seek(0, os.SEEK_END)
        file.seek(max(0, size_bytes - _TAIL_BYTES))
        lines = file.read().splitlines()
    speeds = []
    for line in lines:
        with contextlib.suppress(ValueError):  # the first line may be half a one
            event = events.decode(line)
            if isinstance(event, events.Step) and event.steps_per_second > 0:
                speeds.append(event.steps_per_second)
    return speeds

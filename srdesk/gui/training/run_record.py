"""What is known of a run: its events gathered into curves, marks and the latest figures. No widgets."""

from __future__ import annotations

import bisect
import math
from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from srdesk.training import events

FloatArray = NDArray[np.float64]


class Curve:
    """A quantity over steps; grows at its end, and is cut there when a run goes back."""

    def __init__(self) -> None:
        self._steps = array("d")
        self._values = array("d")

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def last(self) -> tuple[float, float] | None:
        """The latest step and its value, None while there is none."""
        return (self._steps[-1], self._values[-1]) if self._steps else None

    @property
    def steps(self) -> FloatArray:
        """`(N,)` steps, rising."""
        return np.array(self._steps)

    @property
    def values(self) -> FloatArray:
        """`(N,)` values at these steps."""
        return np.array(self._values)

    def add(self, step: int, value: float | None) -> None:
        """Take a value; what is not a finite number is left out."""
        if value is not None and math.isfinite(value):
            self.cut(step - 1)
            self._steps.append(step)
            self._values.append(value)

    def cut(self, last_step: int) -> None:
        """Forget everything after ``last_step``."""
        if self._steps and self._steps[-1] > last_step:
            kept = bisect.bisect_right(self._steps, last_step)
            del self._steps[kept:], self._values[kept:]


@dataclass(frozen=True, slots=True)
class Mark:
    """A step at which something happened to the run."""

    step: int
    kind: str
    """``session``: the run was resumed; ``rollback``: it went back to this step."""
    text: str
    """One sentence, or nothing."""


@dataclass(slots=True)
class RunRecord:
    """Everything that the events of one run have told so far."""

    started: events.Started | None = None
    latest: events.Step | None = None
    estimated: events.Estimated | None = None
    compared: events.Compared | None = None
    paused: events.Paused | None = None
    weights: events.Weights | None = None
    ending: events.Finished | events.Failed | None = None
    """How the latest session ended; None while it has not."""
    pictured_steps: list[int] = field(default_factory=list)
    """Steps of which there are enlargements, rising."""
    remark: events.Notice | events.RolledBack | events.Estimated | None = None
    """The latest thing that the person should know."""
    marks: list[Mark] = field(default_factory=list)
    loss: Curve = field(default_factory=Curve)
    psnr_y_db: Curve = field(default_factory=Curve)
    ssim_y: Curve = field(default_factory=Curve)
    real_probability: Curve = field(default_factory=Curve)
    fake_probability: Curve = field(default_factory=Curve)

    @property
    def step(self) -> int:
        """Steps done."""
        known = (
            self.latest.step if self.latest else 0,
            self.started.first_step if self.started else 0,
            self.ending.step if isinstance(self.ending, events.Finished) else 0,
        )
        return max(known)

    @property
    def has_discriminator(self) -> bool:
        """Whether the run has told what its discriminator thinks."""
        return len(self.real_probability) > 0

    def start_value(self, curve: Curve) -> float | None:
        """Return the value that the start weights had, None while it is not known."""
        return float(curve.values[0]) if len(curve) and curve.steps[0] == 0 else None

    def take(self, event: events.AnyEvent) -> None:
        """Add what ``event`` tells."""
        match event:
            case events.Started():
                self._begin_session(event)
            case events.Step():
                self.latest = event
                self.paused = None
                self.loss.add(event.step, event.loss)
                self.real_probability.add(event.step, event.real_probability)
                self.fake_probability.add(event.step, event.fake_probability)
            case events.Validated():
                self.psnr_y_db.add(event.step, event.psnr_y_db)
                self.ssim_y.add(event.step, event.ssim_y)
            case events.Pictured():
                self._forget_pictures(event.step - 1)
                self.pictured_steps.append(event.step)
            case events.RolledBack():
                self._cut(event.to_step)
                self.marks.append(Mark(event.to_step, "rollback", event.reason))
                self.remark = event
            case events.Estimated():
                self.estimated = self.remark = event
            case events.Compared():
                self.compared = event
            case events.Weights():
                self.weights = event
            case events.Paused():
                self.paused = event
            case events.Resumed():
                self.paused = None
            case events.Notice():
                self.remark = event
            case events.Finished() | events.Failed():
                self.ending = event
                self.paused = None
            case _:
                pass

    def _begin_session(self, event: events.Started) -> None:
        if self.started is not None:
            self._cut(event.first_step)
            self.marks.append(Mark(event.first_step, "session", ""))
        self.started = event
        self.estimated = self.compared = self.paused = self.ending = None

    def _cut(self, last_step: int) -> None:
        for curve in (self.loss, self.psnr_y_db, self.ssim_y, self.real_probability, self.fake_probability):
            curve.cut(last_step)
        self._forget_pictures(last_step)
        self.marks = [mark for mark in self.marks if mark.step <= last_step]
        if self.latest is not None and self.latest.step > last_step:
            self.latest = None

    def _forget_pictures(self, last_step: int) -> None:
        while self.pictured_steps and self.pictured_steps[-1] > last_step:
            self.pictured_steps.pop()


def thinned(count: int, most: int) -> NDArray[np.intp]:
    """Return at most ``most`` indices, evenly spread over ``count`` and with both ends, in rising order."""
    if count <= most:
        return np.arange(count)
    return np.unique(np.linspace(0, count - 1, most).round().astype(np.intp))


def smoothed(values: FloatArray, at: NDArray[np.intp]) -> FloatArray:
    """Return the mean around some places of a curve, over a fiftieth of it (at least 5 values, fewer at its ends).

    Args:
        values: `(N,)`.
        at: `(M,)` indices.

    Returns:
        `(M,)` means; each window is symmetric, so that the line lags behind nowhere.
    """
    half = np.full(len(at), max(2, len(values) // 100))
    half = np.minimum(half, np.minimum(at, len(values) - 1 - at))
    sums = np.concatenate(([0.0], np.cumsum(values)))
    return np.asarray((sums[at + half + 1] - sums[at - half]) / (2 * half + 1))

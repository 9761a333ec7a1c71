"""What a list of runs shows of one, told by the events of its trainer. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from srdesk.training import events

RunStatus = Literal["running", "paused", "stopped", "done", "failed", "interrupted"]
"""``stopped``: by a person, with a checkpoint; ``interrupted``: its process is gone and never said why."""


@dataclass(frozen=True, slots=True)
class RunOverview:
    """What a list of runs shows of one."""

    state: RunStatus
    """What it is doing, or how it ended."""
    step: int
    """Steps that it has told of."""
    steps: int
    """Steps of the whole run."""
    best_psnr_y_db: float | None
    """Validation PSNR of the best weights so far, None before the first validation."""


def overview_of(told: list[events.AnyEvent], steps: int, *, is_running: bool) -> RunOverview:
    """Return what a list of runs shows of one that has ``told`` these events; of step events only the last counts.

    Args:
        told: the events, the oldest first.
        steps: steps of the whole run.
        is_running: whether a trainer is at work.
    """
    state: RunStatus = "running" if is_running else "interrupted"
    step, bests = 0, list[tuple[int, float]]()
    for event in told:
        match event:
            case events.Finished(reason=reason):
                state = "running" if is_running else reason
            case events.Failed() if state not in ("done", "stopped"):  # else a session was refused that never began
                state = "running" if is_running else "failed"
            case events.Paused():
                state = "paused" if is_running else "interrupted"
            case events.Started() | events.Step() | events.Resumed():
                state = "running" if is_running else "interrupted"
            case _:
                pass
        match event:
            case events.Started(first_step=step, best_psnr_y_db=float(best)):
                bests = [(step, best)]  # on the pictures that are held out now
            case events.Started(first_step=step):
                # What was told of later steps is void: they are made again.
                bests = [best for best in bests if best[0] <= step]
            case events.RolledBack(to_step=step):
                bests = [(min(made, step), best) for made, best in bests]  # the best weights stay on the disk
            case events.Validated(is_best=True):
                step = event.step
                bests.append((event.step, event.psnr_y_db))
            case events.Finished(step=step, best_psnr_y_db=best) if bests and best is not None:
                bests[-1] = (bests[-1][0], best)  # on the pictures that were held out last
            case events.Step() | events.Saved() | events.Finished():
                step = event.step
            case _:
                pass
    return RunOverview(state, step, steps, bests[-1][1] if bests else None)

"""Whether the queue is being worked through, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RunState(Enum):
    """Whether the queue is being worked through."""

    IDLE = "idle"
    RUNNING = "running"
    WAITING = "waiting"
    """It lets the panes of the open picture go first."""
    PAUSED = "paused"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What became of the files of one run."""

    done: int
    skipped: int
    failed: int

    @property
    def count(self) -> int:
        """How many files there were."""
        return self.done + self.skipped + self.failed

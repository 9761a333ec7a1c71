"""The events of a run in portions that a window does not notice, however many there are."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from srdesk.training import events
from srdesk.training.run.runs import EventFollower

PORTION_BYTES = 1 << 18
"""Read at once: some thousand events, decoded in a few milliseconds."""

PORTION_S = 0.006
"""How long one portion may keep the window waiting."""


class RunFollower:
    """Follows a file of events, also one that does not exist yet."""

    def __init__(self, path: Path) -> None:
        self._source = EventFollower(path)
        self._waiting: deque[events.AnyEvent] = deque()
        self.has_more = False
        """Whether the last portion ended before everything was handed out."""

    def portion(self) -> Iterator[events.AnyEvent]:
        """Hand out the next events, until there are none or time is up; what is done with them counts."""
        give_up_at = time.perf_counter() + PORTION_S
        self.has_more = True
        while self._refill():
            yield self._waiting.popleft()
            if time.perf_counter() > give_up_at:
                return
        self.has_more = False

    def _refill(self) -> bool:
        """Read on where everything was handed out; tell whether there is anything to hand out."""
        if not self._waiting:
            self._waiting.extend(self._source.read(PORTION_BYTES))
        return bool(self._waiting)

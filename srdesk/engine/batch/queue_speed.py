"""How long files will take, learnt from those that were enlarged."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srdesk.engine.control import Progress

if TYPE_CHECKING:
    from srdesk.engine.batch.queue_item import QueueItem

_MEMORY = 0.95
"""What a file counts beside the one after it: a machine that became busy is noticed after some twenty files."""

_LEAST_SPREAD = 1e-3
"""Relative variance of sizes below which what a file and what a pixel costs cannot be told apart."""


@dataclass(slots=True)
class _Sums:
    files: float = 0.0
    megapixels: float = 0.0
    seconds: float = 0.0
    squares: float = 0.0
    products: float = 0.0

    def add(self, megapixels: float, seconds: float) -> None:
        added = (1.0, megapixels, seconds, megapixels**2, megapixels * seconds)
        before = (self.files, self.megapixels, self.seconds, self.squares, self.products)
        now = (old * _MEMORY + new for old, new in zip(before, added, strict=True))
        self.files, self.megapixels, self.seconds, self.squares, self.products = now

    def costs(self) -> tuple[float, float]:
        """Return the seconds of a file and of a megapixel: the line of least squares, if both are positive."""
        spread = self.files * self.squares - self.megapixels**2
        if spread > _LEAST_SPREAD * self.megapixels**2:
            per_megapixel = (self.files * self.products - self.megapixels * self.seconds) / spread
            per_file = (self.seconds - per_megapixel * self.megapixels) / self.files
            if per_megapixel > 0 and per_file > 0:
                return per_file, per_megapixel
        if self.megapixels > 0:
            return 0.0, self.seconds / self.megapixels
        return self.seconds / self.files, 0.0


class SpeedBook:
    """The speed of every kind of work."""

    def __init__(self) -> None:
        self._sums: dict[Hashable, _Sums] = {}

    def learn(self, item: QueueItem) -> None:
        """Remember how long an item took, if it is done."""
        if item.state == "done" and item.megapixels is not None and item.seconds > 0:
            self._sums.setdefault(item.kind_of_work, _Sums()).add(item.megapixels, item.seconds)

    def remaining_s(self, items: Sequence[QueueItem], progress: Mapping[int, Progress]) -> float | None:
        """Return how long what is not finished will take, one after the other; None if nobody can know.

        Args:
            items: all items; those of unknown size count like the others.
            progress: how far running ones are, by their ids.
        """
        arrivals_s = self.arrivals_s(items, progress)
        is_known = len(arrivals_s) == sum(not item.is_finished for item in items)
        return max(arrivals_s.values(), default=0.0) if is_known else None

    def arrivals_s(self, items: Sequence[QueueItem], progress: Mapping[int, Progress]) -> dict[int, float]:
        """Return in how many seconds each item that is not finished will be, by ids; those that can be told.

        What is running comes first, then the others in their order, up to the first that nobody can know of.
        """
        sizes = [item.megapixels for item in items if item.megapixels is not None]
        usual = sum(sizes) / len(sizes) if sizes else 0.0
        rates = _rates(items, progress)
        arrivals: dict[int, float] = {}
        total = 0.0
        for item in sorted((item for item in items if not item.is_finished), key=lambda item: item.state != "running"):
            size = usual if item.megapixels is None else item.megapixels
            seconds = self._seconds(item.kind_of_work, size, rates)
            if seconds is None:
                break
            total += seconds * (1 - progress[item.id].fraction if item.id in progress else 1)
            arrivals[item.id] = total
        return arrivals

    def _seconds(self, kind: Hashable, megapixels: float, rates: Mapping[Hashable, float]) -> float | None:
        if kind in self._sums:
            per_file, per_megapixel = self._sums[kind].costs()
            return per_file + per_megapixel * megapixels
        return rates[kind] * megapixels if kind in rates else None  # nothing is done yet: as fast as what is running


def _rates(items: Sequence[QueueItem], progress: Mapping[int, Progress]) -> dict[Hashable, float]:
    """Return the seconds that running items take for a megapixel, by kind of work."""
    running = ((item, progress[item.id]) for item in items if item.id in progress)
    return {
        item.kind_of_work: so_far.elapsed_s / (so_far.fraction * item.megapixels)
        for item, so_far in running
        if item.megapixels and so_far.done
    }

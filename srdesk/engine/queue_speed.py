"""How long files will take, learnt from those that were enlarged."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

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
    """The speed of every kind of work, by any key."""

    def __init__(self) -> None:
        self._sums: dict[Hashable, _Sums] = {}

    def learn(self, key: Hashable, megapixels: float, seconds: float) -> None:
        """Remember how long a file took."""
        self._sums.setdefault(key, _Sums()).add(megapixels, seconds)

    def seconds(self, key: Hashable, megapixels: float) -> float | None:
        """Return how long a file will take, None before the first one of its kind."""
        sums = self._sums.get(key)
        if sums is None:
            return None
        per_file, per_megapixel = sums.costs()
        return per_file + per_megapixel * megapixels

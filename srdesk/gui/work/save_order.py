"""A wish to have a pane in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from srdesk.gui.work.requests import Rendered, SaveJob


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOrder:
    """A wish to have a pane in a file; the pane is computed first if need be."""

    pane: str
    path: Path
    quality: int
    size: str
    background: tuple[int, int, int] | None = None

    def job(self, rendered: Rendered) -> SaveJob:
        """Return the order together with the result that it needs."""
        return SaveJob(
            pane=self.pane,
            stored=rendered.stored,
            path=self.path,
            quality=self.quality,
            size=self.size,
            background=self.background,
        )

"""Which weights file belongs to which pane."""

from __future__ import annotations

from pathlib import Path

from srdesk.engine.library import WeightsLibrary
from srdesk.gui.requests import PANE_KEYS


class PaneWeights:
    """The weights of each pane, as the folders were when they were last looked at."""

    def __init__(self, folders: list[Path]) -> None:
        self._library = WeightsLibrary(folders)
        self._paths: dict[str, Path] = {}
        self.refresh()

    def refresh(self) -> None:
        """Look into the folders again; reads headers only."""
        entries = {pane: self._library.find_for(pane) for pane in PANE_KEYS}
        self._paths = {pane: entry.path for pane, entry in entries.items() if entry is not None}

    def __call__(self, pane: str) -> Path | None:
        """Return the weights file of ``pane``, None if there is none."""
        return self._paths.get(pane)

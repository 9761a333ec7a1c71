"""Which weights file belongs to which pane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from srdesk.engine.library import WeightsEntry, WeightsLibrary
from srdesk.gui.work.requests import PANE_KEYS
from srdesk.settings import NetworkName


class PaneWeights:
    """The weights of each pane, as the folders were when they were last looked at."""

    def __init__(self, folders: Sequence[Path], chosen: Mapping[NetworkName, str] | None = None) -> None:
        """Look into the folders.

        Args:
            folders: the first that knows a name wins.
            chosen: pane → name of the weights that the person chose for it; other panes use those of their network.
        """
        self._library = WeightsLibrary(folders)
        self._chosen = dict(chosen or {})
        self._paths: dict[str, Path] = {}
        self.missing: dict[NetworkName, str] = {}
        """Chosen weights that are not there: pane → name. The pane uses those of its network meanwhile."""
        self.refresh()

    def choose(self, chosen: Mapping[NetworkName, str]) -> None:
        """Use what the person chose from now on."""
        self._chosen = dict(chosen)
        self.refresh()

    def refresh(self) -> None:
        """Look into the folders again; reads headers only."""
        found: dict[str, WeightsEntry | None] = {pane: self._library.find(name) for pane, name in self._chosen.items()}
        self.missing = {pane: name for pane, name in self._chosen.items() if found[pane] is None}
        entries = {pane: found.get(pane) or self._library.find_for(pane) for pane in PANE_KEYS}
        self._paths = {pane: entry.path for pane, entry in entries.items() if entry is not None}

    def __call__(self, pane: str) -> Path | None:
        """Return the weights file of ``pane``, None if there is none."""
        return self._paths.get(pane)

"""Which models the queue can enlarge files with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from srdesk.engine.library import WeightsLibrary
from srdesk.settings import NetworkName


def offered_models(folders: Sequence[Path]) -> dict[str, Path | None]:
    """Return the usual networks and then all other weights that can be used: name → weights file.

    Args:
        folders: as `srdesk.paths.weights_folders`.

    Returns:
        None for the file of the bicubic, which needs none and comes first.
    """
    library = WeightsLibrary(folders)
    usual = {network: library.find_for(network) for network in get_args(NetworkName)}
    entries = {name: entry for name, entry in usual.items() if entry is not None}
    named = {entry.path for entry in entries.values()}
    entries |= {entry.name: entry for entry in library.entries() if entry.path not in named}
    return {"bicubic": None} | {name: entry.path for name, entry in entries.items() if entry.error is None}

"""New weights for the panes: copied into the person's own folder, under a name that no other weights have."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from srdesk.engine.library import SCALE_SUFFIX, SUFFIX, WeightsEntry, WeightsLibrary, read_header
from srdesk.engine.weights_copy import copy_weights
from srdesk.errors import TrainingError, WeightsError, WeightsMismatchError
from srdesk.settings import NetworkName
from srdesk.training.config import CONFIG_NAME
from srdesk.training.run.runs import Run

NETWORKS: tuple[NetworkName, ...] = get_args(NetworkName)
"""Panes that use weights; each takes those of its own architecture."""

_MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """Weights in the person's folder."""

    name: str
    """What the menu and the command line call them."""
    path: Path
    pane: NetworkName
    """The pane that can use them."""


def refuse_deleted(run: Run) -> None:
    """Make sure that a run is still there.

    Raises:
        TrainingError: it was deleted, with its weights.
    """
    if not (run.folder / CONFIG_NAME).exists():
        raise TrainingError(
            f"The run “{run.name}” was deleted, with its weights.", hint="Open another under Train ▸ Runs."
        )


def add_best(run: Run, folders: Sequence[Path]) -> OwnWeights:
    """Copy the best weights of a run to the person's own.

    Args:
        run: an ended run, or one that goes on.
        folders: of all weights; the last is the person's own, the others are never written to.

    Raises:
        TrainingError: the run has no weights yet.
        WeightsError: they cannot be read or written.
    """
    best = run.best_weights()
    if best is None:
        raise TrainingError(
            f"The run “{run.name}” has no weights yet.", hint="They are written at the first validation; train longer."
        )
    return add_file(best, folders)


def add_file(source: Path, folders: Sequence[Path]) -> OwnWeights:
    """Copy a weights file to the person's own.

    Args:
        source: the file; stays as it is.
        folders: of all weights; the last is the person's own, the others are never written to.

    Raises:
        WeightsError: it cannot be used or the copy not be written.
    """
    card = read_header(source).card
    pane = next((network for network in NETWORKS if network == card.architecture), None)
    if pane is None:
        raise WeightsMismatchError(source, f"no pane shows the architecture “{card.architecture}”")
    name = free_name(card.name, folders)
    target = folders[-1] / f"{name}{SUFFIX}"
    copy_weights(source, target, name=name)
    return OwnWeights(name, target, pane)


def remove(weights: OwnWeights) -> None:
    """Delete weights of the person.

    Raises:
        WeightsError: the file cannot be deleted.
    """
    try:
        weights.path.unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(
            weights.path, f"they cannot be deleted ({error.strerror})", hint="Delete the file by hand."
        ) from error


def usable_weights(pane: NetworkName, folders: Sequence[Path]) -> list[WeightsEntry]:
    """Return the weights that a pane can use, those that came with the program first."""
    entries = WeightsLibrary(folders).entries()
    return [entry for entry in entries if entry.card is not None and entry.card.architecture == pane]


def own_weights(folders: Sequence[Path]) -> list[OwnWeights]:
    """Return the weights in the person's own folder that a pane can use."""
    return [
        OwnWeights(entry.name, entry.path, pane)
        for pane in NETWORKS
        for entry in usable_weights(pane, folders)
        if entry.path.parent == folders[-1]
    ]


def free_name(wish: str, folders: Sequence[Path]) -> str:
    """Return ``wish``, or with the first number that makes it a name that nothing else has, on any file system."""
    wish = re.sub(r"[^\w-]+", "_", wish).strip("_")[:_MAX_NAME_LENGTH] or "weights"
    taken = {*NETWORKS, *(f"{network}{SCALE_SUFFIX}" for network in NETWORKS), "bicubic", "lr"}
    for entry in WeightsLibrary(folders).entries():
        taken |= {entry.name.casefold(), entry.path.stem.casefold()}
    names = itertools.chain([wish], (f"{wish}-{number}" for number in itertools.count(2)))
    return next(name for name in names if name.casefold() not in taken)

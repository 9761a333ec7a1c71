"""Whether a run folder still is the one that its trainer holds.

The lock is of a file, not of a name: who deletes the folder and makes a new one of the same name can hold that too.
"""

from __future__ import annotations

import os
from pathlib import Path

from srdesk.errors import TrainingError
from srdesk.training.run.runs import LOCK_NAME


class Hold:
    """The lock that a trainer holds, known again by what the file system calls its file."""

    def __init__(self, folder: Path) -> None:
        """Remember the lock that this process holds; where there is none, nothing is ever wrong with it.

        Args:
            folder: the run folder.
        """
        self._folder = folder
        self._lock = self._current()

    def require(self) -> None:
        """See that nobody else can hold the folder; whether it is there shows when something is saved in it.

        Raises:
            TrainingError: another folder, or another lock, has taken its place.
        """
        if self._lock is None or not self._folder.exists():
            return
        try:
            current = self._current()
        except OSError:  # the disk does not answer, and will not take what is to be saved either
            return
        if current is None or not os.path.samestat(current, self._lock):
            raise TrainingError(
                f"The run folder “{self._folder}” is no longer the one that this training works in: its file "
                f"“{LOCK_NAME}” was deleted or replaced, perhaps by another training.",
                hint="If no other training is at work there, go on from its last checkpoint with --run.",
            )

    def _current(self) -> os.stat_result | None:
        try:
            return (self._folder / LOCK_NAME).stat()
        except FileNotFoundError:
            return None

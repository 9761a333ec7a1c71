"""Making sure that no two programs, or threads, write the same output, and that the remains of killed ones go."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from srdesk.errors import ImageWriteError, OutputTakenError
from srdesk.imaging.atomic import part_name, remove_dead_parts

_LOCK_SUFFIX = ".part.lock"
"""Appended to the name of an output while someone makes it."""

_PATIENCE_S, _POLL_S = 0.1, 0.02
"""A lock whose owner is just removing it can be had a moment later."""


@contextlib.contextmanager
def claimed(output: Path, *, may_replace: bool) -> Iterator[None]:
    """Have an output for oneself, from before it is computed until it is written; its folder is made.

    The claim is a locked file beside the output. The system frees the lock however a program ends; whoever comes next
    then removes what that one left half written.

    Args:
        output: the file that will be written.
        may_replace: whether it may exist.

    Raises:
        OutputTakenError: someone else is making it, or has made it although it must not be replaced.
        ImageWriteError: nothing can be written there.
    """
    target = Path(os.path.realpath(output))
    prepare_folder(output)
    path = target.with_name(part_name(target.name, _LOCK_SUFFIX))
    was_left = path.exists()
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=_PATIENCE_S, poll_interval=_POLL_S)
    except filelock.Timeout as error:
        raise OutputTakenError(output, "another program is writing it") from error
    except OSError as error:
        raise ImageWriteError(output, (error.strerror or "writing failed").lower()) from error
    try:
        if not may_replace and os.path.lexists(output):
            raise OutputTakenError(output, "another program has just written it")
        if was_left:
            remove_dead_parts(target)
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps locked files, and its locks remove them themselves
            path.unlink()
        lock.release()


def prepare_folder(output: Path) -> None:
    """Create the folder of ``output`` and make sure that it can be written to.

    Raises:
        ImageWriteError: it cannot.
    """
    folder = Path(os.path.realpath(output)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageWriteError(output, f"its folder cannot be made ({error.strerror or error})") from error
    if not os.access(folder, os.W_OK):
        raise ImageWriteError(output, "its folder is not writable")

"""Whether a file is still what it was."""

from __future__ import annotations

from pathlib import Path

FileStamp = tuple[int, int]
"""Length of a file and its time of change in nanoseconds."""


def file_stamp(path: Path) -> FileStamp | None:
    """Return what changes when a file does; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns

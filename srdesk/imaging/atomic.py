"""Writing a file so that, whatever happens, either the old one or the whole new one is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PART_SUFFIX = ".part"
"""Appended to the name of a file while it is being written, in the folder where it will be."""

_MAX_NAME_BYTES = 255


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[BinaryIO]:
    """Give a binary stream whose content becomes the file ``path`` when the block ends without an exception.

    The stream can be read and seeked, as TIFF writers need. It belongs to a new file beside the target, which is
    flushed to the disk and renamed over the target, whose permissions it takes over; then the folder is flushed. If
    the block raises, or anything fails up to the renaming, the new file is removed and the old one is as it was.
    A target that is a symbolic link is replaced where the link points to, so that the link stays.

    Raises:
        OSError: the file cannot be created, written, flushed or renamed. Callers translate.
    """
    target = Path(os.path.realpath(path))
    stream, part = _create_part(target)
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(FileNotFoundError):
            part.chmod(target.stat().st_mode & 0o777)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    flush_folder(target.parent)


def _create_part(target: Path) -> tuple[BinaryIO, Path]:
    """Create ``target``.part for exclusive use, or a numbered one where another writer has, or left, that name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    number = 0
    while True:
        suffix = PART_SUFFIX if number == 0 else f".{number}{PART_SUFFIX}"
        part = target.with_name(_shortened(target.name, _MAX_NAME_BYTES - len(suffix)) + suffix)
        try:
            return open(part, "w+b", opener=lambda name, _flags: os.open(name, flags, 0o666)), part
        except FileExistsError:
            number += 1
            if number > 99:
                raise


def _shortened(name: str, max_bytes: int) -> str:
    """Return ``name``, cut at its end to at most ``max_bytes`` in the file system's encoding."""
    while len(os.fsencode(name)) > max_bytes:
        name = name[:-1]
    return name


def flush_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where folders can be flushed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # on Windows always, elsewhere of folders that can be written to but not listed
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Writing a file so that, whatever happens, either the old one or the whole new one is there."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import ImageWriteError

PART_SUFFIX = ".part"
"""Appended to the name of a file while it is being written, in the folder where it will be."""

JOURNAL_SUFFIX = ".journal"
"""Appended to the name of a part that can be gone on with."""

_MAX_NAME_BYTES = 255
_MAX_PARTS = 99
_NO_FLUSHING = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What file systems say that flush files but no folders: vboxsf, 9p, some of FUSE and SMB."""


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


@contextlib.contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn what the system says while a file is written into the sentence that a person reads.

    Raises:
        ImageWriteError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        words = error.strerror or "writing failed"
        raise ImageWriteError(path, words[:1].lower() + words[1:]) from error


def _create_part(target: Path) -> tuple[BinaryIO, Path]:
    """Create ``target``.part for exclusive use, or a numbered one where another writer has, or left, that name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    number = 0
    while True:
        suffix = PART_SUFFIX if number == 0 else f".{number}{PART_SUFFIX}"
        part = target.with_name(part_name(target.name, suffix))
        try:
            # Not by `os.fdopen`: tifffile wants a stream that knows its name.
            stream = open(part, "w+b", opener=lambda name, _flags: os.open(name, flags, 0o666))  # noqa: SIM115
        except FileExistsError:
            number += 1
            if number > _MAX_PARTS:
                raise
        else:
            _is_locked_now(stream)
            return stream, part


def part_name(name: str, suffix: str) -> str:
    """Return ``name`` with a suffix, cut at its end so that the whole is no longer than a file name may be."""
    while len(os.fsencode(name + suffix)) > _MAX_NAME_BYTES:
        name = name[:-1]
    return name + suffix


def refuse_part_of_another(target: Path, part: Path, journal: Path) -> None:
    """Make sure that an unfinished file is ours: its journal is made before it is.

    Args:
        target: what it would become.
        part: the unfinished file, which need not be there.
        journal: its journal, not yet made by this run.

    Raises:
        ImageWriteError: another program left it.
    """
    if os.path.lexists(part) and not journal.exists():
        hint = "Remove that file if no other program needs it, or choose another name for the output."
        raise ImageWriteError(target, f"another program left “{part.name}” beside it", hint=hint)


def remove_dead_parts(target: Path) -> None:
    """Remove what programs that were killed while they wrote ``target`` have left of it.

    A part that is still being written is locked, and stays. So does a part that has a journal, from which it can be
    gone on with.
    """
    suffixes = (PART_SUFFIX, *(f".{number}{PART_SUFFIX}" for number in range(1, _MAX_PARTS + 1)))
    for suffix in suffixes:
        part = target.with_name(part_name(target.name, suffix))
        if not part.is_file() or part.is_symlink() or part.with_name(part.name + JOURNAL_SUFFIX).exists():
            continue
        with contextlib.suppress(OSError), part.open("rb") as stream:
            if _is_locked_now(stream):
                part.unlink()


def _is_locked_now(stream: BinaryIO) -> bool:
    """Try to lock an open file, until it is closed in whatever way; tell whether it is locked by this call."""
    try:
        import fcntl
    except ImportError:  # Windows, where an open file cannot be removed
        return True
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def flush_folder(folder: Path) -> None:
    """Make the renaming itself survive a power cut, where folders can be flushed.

    Raises:
        OSError: the disk failed.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # on Windows always, elsewhere of folders that can be written to but not listed
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FLUSHING:
            raise
    finally:
        os.close(descriptor)

"""A tiled TIFF that is only ever appended to, with a journal, so that a killed program can go on where it was.

While it is being written the file is called ``name.part`` and the journal ``name.part.journal``. The first line of the
journal says whose work this is; every further line is a finished step: where the file ended then, and where its tiles
are. A step counts once its tiles and then its line have reached the disk. Whoever opens the file again cuts off what
came after the last finished step, so that the bytes are those of a run that was never interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np

from srdesk.errors import ImageWriteError
from srdesk.imaging import ifd
from srdesk.imaging.atomic import (
    JOURNAL_SUFFIX,
    PART_SUFFIX,
    flush_folder,
    part_name,
    refuse_part_of_another,
    write_errors,
)

_FORMAT = 1
_TILE_OFFSETS, _TILE_BYTE_COUNTS = 324, 325
_LONG, _LONG8 = 4, 16
_CLASSIC_BYTES = 2**32 - 2**26
"""What may become larger is a BigTIFF."""


class _Head(msgspec.Struct, frozen=True):
    """The first line of a journal."""

    format: int
    key: str
    """What the work depends on: input, model, settings."""


class _Step(msgspec.Struct, frozen=True):
    """One finished step."""

    end: int
    """Size of the file after it, in bytes."""
    tiles: list[tuple[int, int, int]]
    """Number, offset and size of every tile."""


class TileFile:
    """The unfinished file. To be had from `TileFile.opened`."""

    def __init__(self, target: Path, stream: BinaryIO, journal: BinaryIO, layout: ifd.Layout, tiles: int) -> None:
        self.target = target
        """What it will be called."""
        self.layout = layout
        """Whether it is a BigTIFF; always little-endian."""
        self.finished_steps = 0
        """Steps that need not be done again."""
        self._stream, self._journal = stream, journal
        self._offsets, self._counts = np.zeros(tiles, np.uint64), np.zeros(tiles, np.uint32)
        self._new: list[tuple[int, int, int]] = []

    @classmethod
    @contextlib.contextmanager
    def opened(cls, target: Path | str, *, key: str, tiles: int, largest_bytes: int) -> Iterator[TileFile]:
        """Begin a file, or go on with one that has the same key.

        It is closed at the end of the block and stays as it is, unfinished unless `finish` was called; `discard` then
        removes it.

        Args:
            target: the file that it will become; the place that a link points to.
            key: text that is equal for equal work only; an unfinished file with another key is begun anew.
            tiles: how many tiles it will have.
            largest_bytes: what it cannot exceed; beyond 4 GB it is a BigTIFF.

        Raises:
            ImageWriteError: it cannot be written, or another program is writing it.
        """
        target = Path(os.path.realpath(target))
        layout = ifd.Layout("<", is_big=largest_bytes > _CLASSIC_BYTES)
        refuse_part_of_another(target, _part_of(target), _journal_of(target))
        with contextlib.ExitStack() as stack:
            with write_errors(target):
                journal = stack.enter_context(_opened(_journal_of(target)))
                _lock(target, journal)
                steps = _read_journal(journal, key)
                stream = stack.enter_context(_opened(_part_of(target)))
                file = cls(target, stream, journal, layout, tiles)
                if not steps or not file._take_up(steps):
                    file._begin(key)
            stack.callback(file._close)
            yield file

    @property
    def size_bytes(self) -> int:
        """How large it is by now."""
        return self._stream.tell()

    def append(self, number: int, data: bytes) -> None:
        """Write the tile ``number``, counted in the order of TIFF; tiles may come in any order.

        Raises:
            ImageWriteError: it cannot be written.
        """
        with write_errors(self.target):
            offset = self._stream.tell()
            if not self.layout.is_big and offset + len(data) > _CLASSIC_BYTES:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            if offset % 2:
                self._stream.write(b"\0")
                offset += 1
            self._stream.write(data)
        self._new.append((number, offset, len(data)))

    def finish_step(self) -> None:
        """Make sure that what was appended is on the disk, and note in the journal that it is.

        Raises:
            ImageWriteError: it cannot be written.
        """
        with write_errors(self.target):
            _flush(self._stream)
            self._journal.write(msgspec.json.encode(_Step(self._stream.tell(), self._new)) + b"\n")
            _flush(self._journal)
        self._remember(self._new)
        self._new = []
        self.finished_steps += 1

    def finish(self, directory: ifd.Directory, complete: Callable[[Path], None]) -> None:
        """Write the directory, let the rest be added, and give the file its name.

        Args:
            directory: all tags but those that say where the tiles are, little-endian.
            complete: adds masks and overviews to the file of the given name.

        Raises:
            ImageWriteError: it cannot be written.
        """
        code, kind = ("<u8", _LONG8) if self.layout.is_big else ("<u4", _LONG)
        tiles = len(self._offsets)
        whole = {
            **directory,
            _TILE_OFFSETS: ifd.Field(kind, tiles, self._offsets.astype(code).tobytes()),
            _TILE_BYTE_COUNTS: ifd.Field(_LONG, tiles, self._counts.astype("<u4").tobytes()),
        }
        with write_errors(self.target):
            self._stream.write(bytes(-self._stream.tell() % 8))
            at = self._stream.tell()
            self._stream.write(ifd.pack_directory(whole, self.layout, at))
            self._stream.seek(0)
            self._stream.write(self._header(at))
            _flush(self._stream)
            self._stream.close()
        part = _part_of(self.target)
        complete(part)
        with write_errors(self.target):
            with part.open("rb+") as stream:  # what was added came through another descriptor
                os.fsync(stream.fileno())
            with contextlib.suppress(FileNotFoundError):
                part.chmod(self.target.stat().st_mode & 0o777)
            part.replace(self.target)
            flush_folder(self.target.parent)
            self._journal.close()
            _journal_of(self.target).unlink(missing_ok=True)

    def discard(self) -> None:
        """Close the file and leave nothing over."""
        with contextlib.suppress(OSError):  # what was not written yet need not be
            self._stream.close()
        with write_errors(self.target):
            self._journal.close()
            _part_of(self.target).unlink(missing_ok=True)
            _journal_of(self.target).unlink(missing_ok=True)

    def _close(self) -> None:
        with write_errors(self.target):  # what was not written yet is now
            self._stream.close()
            self._journal.close()

    def _header(self, directory_at: int) -> bytes:
        if self.layout.is_big:
            return struct.pack("<2sHHHQ", b"II", 43, 8, 0, directory_at)
        return struct.pack("<2sHI", b"II", 42, directory_at)

    def _begin(self, key: str) -> None:
        for stream in (self._journal, self._stream):
            stream.seek(0)
            stream.truncate()
        self._stream.write(self._header(0))
        self._journal.write(msgspec.json.encode(_Head(_FORMAT, key)) + b"\n")
        _flush(self._journal)

    def _take_up(self, steps: list[_Step]) -> bool:
        """Go on after ``steps``; tell whether the file still has them."""
        if _size(self._stream) < steps[-1].end:
            return False
        self._stream.seek(0)
        self._stream.write(self._header(0))
        self._stream.truncate(steps[-1].end)
        self._stream.seek(steps[-1].end)
        for step in steps:
            self._remember(step.tiles)
        self.finished_steps = len(steps)
        return True

    def _remember(self, tiles: list[tuple[int, int, int]]) -> None:
        for number, offset, size in tiles:
            self._offsets[number], self._counts[number] = offset, size


def unfinished_bytes(target: Path | str) -> int:
    """Return the size of the unfinished file that could become ``target``, 0 if there is none."""
    target = Path(os.path.realpath(target))
    try:
        return _part_of(target).stat().st_size if _journal_of(target).exists() else 0
    except OSError:
        return 0


def unfinished_steps(target: Path | str) -> int:
    """Return how many steps are finished of the file that could become ``target``, 0 if there is none."""
    try:
        with _journal_of(Path(os.path.realpath(target))).open("rb") as journal:
            return max(0, sum(line.endswith(b"\n") for line in journal) - 1)
    except OSError:
        return 0


def has_unfinished(target: Path | str) -> bool:
    """Tell whether there is an unfinished file, of whatever format, that could become ``target``."""
    return _journal_of(Path(os.path.realpath(target))).exists()


def remove_unfinished(target: Path | str) -> None:
    """Remove the unfinished file that could become ``target``, if there is one that nobody is writing."""
    target = Path(os.path.realpath(target))
    with contextlib.suppress(OSError, ImageWriteError), _journal_of(target).open("rb") as journal:
        _lock(target, journal)
        _part_of(target).unlink(missing_ok=True)
        _journal_of(target).unlink()


def _part_of(target: Path) -> Path:
    return target.with_name(part_name(target.name, PART_SUFFIX))


def _journal_of(target: Path) -> Path:
    return target.with_name(part_name(target.name, PART_SUFFIX + JOURNAL_SUFFIX))


def _opened(path: Path) -> BinaryIO:
    """Open for reading and writing, without following links.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    return open(path, "r+b", opener=lambda name, _flags: os.open(name, flags, 0o666))


def _lock(target: Path, journal: BinaryIO) -> None:
    """Make sure that no other program writes this file; the system frees the lock however this one ends.

    Raises:
        ImageWriteError: another one does.
    """
    try:
        import fcntl
    except ImportError:  # Windows, where an open file can neither be replaced nor removed
        return
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        hint = "Wait until it is done, or choose another name for the output."
        raise ImageWriteError(target, "another program is writing it", hint=hint) from error


def _read_journal(journal: BinaryIO, key: str) -> list[_Step] | None:
    """Return the finished steps, and cut off a last line without an end; None if this is not the journal of ``key``."""
    journal.seek(0)
    head, *lines = journal.read().split(b"\n")
    try:
        if msgspec.json.decode(head, type=_Head) != _Head(_FORMAT, key):
            return None
    except msgspec.MsgspecError:
        return None
    steps = []
    end = len(head) + 1
    for line in lines[:-1]:  # behind the last end of a line there is nothing, or half a line
        try:
            steps.append(msgspec.json.decode(line, type=_Step))
        except msgspec.MsgspecError:
            break
        end += len(line) + 1
    journal.seek(end)
    journal.truncate()
    return steps


def _size(stream: BinaryIO) -> int:
    return os.fstat(stream.fileno()).st_size


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())

"""What a queue remembers of itself on the disk, so that it goes on after a crash: JSON, one change a line.

A line is on the disk before the change that it tells of has any consequence. Half a line, which a crash may leave at
the end, is ignored. When most of the lines are history the file is written anew, so that it does not grow without end.
"""

from __future__ import annotations

import contextlib
import os
import urllib.parse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import filelock
import msgspec

from srdesk.engine.batch.queue_item import QueueItem
from srdesk.errors import QueueError, QueueTakenError
from srdesk.imaging.atomic import atomic_write

_FORMAT = 1
_LOCK_SUFFIX = ".lock"
_SPARE_LINES = 1000
_LINES_PER_ITEM = 4
"""A journal with more lines than these is written anew; an ordinary item makes three."""


class _Head(msgspec.Struct, frozen=True, tag="queue"):
    """The first line of a journal."""

    format: int


class Removed(msgspec.Struct, frozen=True, tag="removed"):
    """Items that are gone."""

    ids: tuple[int, ...]


class Ordered(msgspec.Struct, frozen=True, tag="ordered"):
    """All items in their new order."""

    ids: tuple[int, ...]


Record = QueueItem | Removed | Ordered


def _encoded_path(value: Any) -> str:
    if not isinstance(value, Path):
        raise NotImplementedError(type(value))
    return urllib.parse.quote(os.fsencode(value), safe="/\\: ()[]{},;+&=!@~'")  # names need not be valid text


def _decoded_path(kind: type, value: Any) -> Path:
    del kind
    return Path(os.fsdecode(urllib.parse.unquote_to_bytes(value)))


_encoder = msgspec.json.Encoder(enc_hook=_encoded_path)
_decoder = msgspec.json.Decoder(_Head | QueueItem | Removed | Ordered, dec_hook=_decoded_path)


class QueueJournal:
    """The journal of one queue, for this program alone. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Lock and read a journal, or begin one.

        Raises:
            QueueError: another program has it, or it cannot be read or written.
        """
        self.path = path
        # Not of one thread: whoever closes a journal need not be who opened it.
        self._lock = filelock.FileLock(path.with_name(path.name + _LOCK_SUFFIX), thread_local=False)
        self._descriptor: int | None = None
        self._lines = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except filelock.Timeout as error:
            raise QueueTakenError(path) from error
        except OSError as error:
            raise _failure(path, error) from error
        try:
            self.items = self._read()
        except OSError as error:
            self._lock.release()
            raise _failure(path, error) from error
        except QueueError:
            self._lock.release()
            raise

    def write(self, records: Iterable[Record], items: Sequence[QueueItem]) -> None:
        """Note changes, on the disk when this returns.

        Args:
            records: the changes.
            items: all items as they are after them, in order; for when the journal is written anew.

        Raises:
            QueueError: the disk cannot take them; they will be written with the next ones that it can.
        """
        lines = [_encoder.encode(record) + b"\n" for record in records]
        try:
            if self._descriptor is None or self._lines + len(lines) > _SPARE_LINES + _LINES_PER_ITEM * len(items):
                self._write_anew(items)
            else:
                self._append(lines)
        except OSError as error:
            self._close_file()  # so that the next change writes everything anew
            raise _failure(self.path, error) from error

    def close(self, *, remove: bool = False) -> None:
        """Let go of the journal, and remove it if that is wished; may be called again."""
        self._close_file()
        if remove and self._lock.is_locked:
            self.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # Windows keeps locked files
                Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _read(self) -> list[QueueItem]:
        """Return the items that the journal tells of, in order."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        items: dict[int, QueueItem] = {}
        for line in content.split(b"\n")[:-1]:  # behind the last end of a line there is nothing, or half a line
            try:
                record = _decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # one damaged line costs what it told, not the rest
            match record:
                case QueueItem():
                    items[record.id] = record
                case Removed():
                    for number in record.ids:
                        items.pop(number, None)
                case Ordered():
                    ranks = {number: rank for rank, number in enumerate(record.ids)}
                    items = dict(sorted(items.items(), key=lambda entry: ranks.get(entry[0], len(ranks))))
                case _Head():
                    if record.format != _FORMAT:
                        raise QueueError(self.path, "a later version of the program wrote it")
        return list(items.values())

    def _write_anew(self, items: Sequence[QueueItem]) -> None:
        self._close_file()
        with atomic_write(self.path) as stream:
            stream.write(_encoder.encode(_Head(_FORMAT)) + b"\n")
            stream.writelines(_encoder.encode(item) + b"\n" for item in items)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        self._lines = 1 + len(items)

    def _append(self, lines: list[bytes]) -> None:
        assert self._descriptor is not None
        data = memoryview(b"".join(lines))
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)
        self._lines += len(lines)

    def _close_file(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _failure(path: Path, error: OSError) -> QueueError:
    return QueueError(path, (error.strerror or "reading or writing failed").lower())

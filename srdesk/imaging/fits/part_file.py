"""A FITS file that is written window by window, with a journal, so that a killed program can go on where it was.

All places are known from the beginning: the other HDUs are copied first, and the image between them is filled. While
that goes on the file is called ``name.part``; the first line of ``name.part.journal`` says whose work it is, and every
further line is a finished step and what was measured up to it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np

from srdesk.imaging.atomic import (
    JOURNAL_SUFFIX,
    PART_SUFFIX,
    flush_folder,
    part_name,
    refuse_part_of_another,
    write_errors,
)
from srdesk.imaging.fits.structure import BLOCK_BYTES
from srdesk.imaging.fits.windows import FitsWindows
from srdesk.imaging.fits.writer import added, copy_hdu, has_check_sums, header_bytes, renew_extremes
from srdesk.imaging.image import Box
from srdesk.imaging.science import Numbers, Science

if TYPE_CHECKING:
    from astropy.io.fits import Header

_FORMAT = 2
_CHUNK_BYTES = 2**22


class Tally(msgspec.Struct, frozen=True):
    """What was measured so far, in measured units."""

    before: float = 0.0
    """Sum over all usable pixels of the input, as `srdesk.imaging.flux.total_of` gives it."""
    after: float = 0.0
    """The same of the result's blocks."""
    network: float = 0.0
    """The same before the result was fitted to the input."""
    lowest: float | None = None
    """Least number of the result that has a value; None if there is none yet."""
    highest: float | None = None
    """Largest one."""


class _Head(msgspec.Struct, frozen=True):
    format: int
    key: str


@dataclass(frozen=True, slots=True)
class FitsLayout:
    """Where the image of a result lies in its file."""

    height: int
    """Rows."""
    width: int
    """Columns."""
    channels: int
    """Planes."""
    dtype: str
    """Numpy name of the type of its numbers."""
    data_offset: int
    """Where its data begin."""

    @property
    def data_bytes(self) -> int:
        """Length of its data, the last block filled."""
        length = self.height * self.width * self.channels * np.dtype(self.dtype).itemsize
        return length + -length % BLOCK_BYTES


class FitsPart:
    """The unfinished file. To be had from `FitsPart.opened`."""

    def __init__(
        self, target: Path, stream: BinaryIO, journal: BinaryIO, layout: FitsLayout, header: Header, header_at: int
    ) -> None:
        self.target = target
        """What it will be called."""
        self.finished_steps = 0
        """Steps that need not be done again."""
        self.tally = Tally()
        """What was measured in them."""
        self._stream, self._journal, self._layout = stream, journal, layout
        self._header, self._header_at = header, header_at

    @classmethod
    @contextlib.contextmanager
    def opened(cls, target: Path, source: FitsWindows, header: Header, scale: int, *, key: str) -> Iterator[FitsPart]:
        """Begin a file, or go on with one that has the same key. The caller has claimed the target.

        Args:
            target: the file that it will become.
            source: the image that it is made from.
            header: header of the result, as `srdesk.imaging.fits.writer.result_header` gives it.
            scale: how many times as long its sides are.
            key: text that is equal for equal work only.

        Raises:
            ImageWriteError: it cannot be written, or another program left a file of its name.
        """
        target = Path(os.path.realpath(target))
        part, journal_path = _names(target)
        index = source.part.hdu.index
        header_at = sum(hdu.end - hdu.offset for hdu in source.hdus[:index])
        data_at = header_at + len(header_bytes(header, 0))
        size = (source.height * scale, source.width * scale)
        layout = FitsLayout(*size, source.part.channels, source.dtype, data_at)
        refuse_part_of_another(target, part, journal_path)
        with contextlib.ExitStack() as stack:
            with write_errors(target):
                journal = stack.enter_context(_opened(journal_path))
                stream = stack.enter_context(_opened(part))
                file = cls(target, stream, journal, layout, header, header_at)
                if not file._take_up(key, data_at + layout.data_bytes):
                    file._begin(key, source)
            stack.callback(file._close)
            yield file

    def write(self, box: Box, numbers: Numbers) -> None:
        """Write ``(height, width, C)`` numbers of the result, the first row the uppermost, to their place.

        Raises:
            ImageWriteError: they cannot be written.
        """
        with write_errors(self.target):
            self._write(box, numbers.astype(np.dtype(self._layout.dtype).newbyteorder(">")))

    def finish_step(self, tally: Tally) -> None:
        """Make sure that what was written is on the disk, and note in the journal that it is.

        Raises:
            ImageWriteError: it cannot be written.
        """
        with write_errors(self.target):
            _flush(self._stream)
            self._journal.write(msgspec.json.encode(tally) + b"\n")
            _flush(self._journal)
        self.finished_steps += 1
        self.tally = tally

    def finish(self, science: Science, check: Callable[[], None]) -> None:
        """Seal the header, and give the file its name.

        Args:
            science: what the numbers of the result mean.
            check: called now and then; raises to stop.

        Raises:
            ImageWriteError: it cannot be written.
        """
        lowest, highest = self.tally.lowest, self.tally.highest
        if lowest is not None and highest is not None:
            renew_extremes(self._header, science, lowest, highest)
        with write_errors(self.target):
            total = self._data_sum(check) if has_check_sums(self._header) else 0
            self._stream.seek(self._header_at)
            self._stream.write(header_bytes(self._header, total))
            _flush(self._stream)
            self._stream.close()
            part, journal = _names(self.target)
            with contextlib.suppress(FileNotFoundError):
                part.chmod(self.target.stat().st_mode & 0o777)
            part.replace(self.target)
            flush_folder(self.target.parent)
            self._journal.close()
            journal.unlink(missing_ok=True)

    def discard(self) -> None:
        """Close the file and leave nothing over."""
        for stream in (self._stream, self._journal):
            with contextlib.suppress(OSError):  # what was not written yet need not be
                stream.close()
        with write_errors(self.target):
            for path in _names(self.target):
                path.unlink(missing_ok=True)

    def _close(self) -> None:
        with write_errors(self.target):  # what was not written yet is now
            self._stream.close()
            self._journal.close()

    def _write(self, box: Box, stored: Numbers) -> None:
        layout = self._layout
        row_bytes = layout.width * stored.itemsize
        for channel in range(layout.channels):
            plane_at = layout.data_offset + channel * layout.height * row_bytes
            lowest_at = plane_at + (layout.height - box.bottom) * row_bytes + box.left * stored.itemsize
            plane = stored[::-1, :, channel]
            if box.width == layout.width:
                self._stream.seek(lowest_at)
                self._stream.write(plane.tobytes())
                continue
            for row, data in enumerate(plane):
                self._stream.seek(lowest_at + row * row_bytes)
                self._stream.write(data.tobytes())

    def _begin(self, key: str, source: FitsWindows) -> None:
        for stream in (self._journal, self._stream):
            stream.seek(0)
            stream.truncate()
        index = source.part.hdu.index
        for hdu in source.hdus[:index]:
            copy_hdu(source.stream, self._stream, hdu)
        self._stream.write(header_bytes(self._header, 0))
        self._stream.seek(self._layout.data_offset + self._layout.data_bytes)
        for hdu in source.hdus[index + 1 :]:
            copy_hdu(source.stream, self._stream, hdu)
        self._stream.truncate(self._stream.tell())
        self._journal.write(msgspec.json.encode(_Head(_FORMAT, key)) + b"\n")
        _flush(self._journal)

    def _take_up(self, key: str, least_bytes: int) -> bool:
        """Go on after the finished steps of a journal; tell whether there is one for this work."""
        self._journal.seek(0)
        lines = self._journal.read().split(b"\n")[:-1]  # behind the last end of a line there is nothing, or half a line
        try:
            if not lines or msgspec.json.decode(lines[0], type=_Head) != _Head(_FORMAT, key):
                return False
            tallies = [msgspec.json.decode(line, type=Tally) for line in lines[1:]]
        except msgspec.MsgspecError:
            return False
        if not tallies or os.fstat(self._stream.fileno()).st_size < least_bytes:
            return False
        self._journal.seek(sum(len(line) + 1 for line in lines))
        self._journal.truncate()
        self.finished_steps, self.tally = len(tallies), tallies[-1]
        return True

    def _data_sum(self, check: Callable[[], None]) -> int:
        self._stream.seek(self._layout.data_offset)
        left, total = self._layout.data_bytes, 0
        while left:
            check()
            data = self._stream.read(min(left, _CHUNK_BYTES))
            total = added(total, data)
            left -= len(data)
        return total


def unfinished_fits_bytes(target: Path) -> int:
    """Return the room that the unfinished file has on the disk that could become ``target``, 0 if there is none."""
    part, journal = _names(Path(os.path.realpath(target)))
    try:
        return part.stat().st_blocks * 512 if journal.exists() else 0
    except OSError:
        return 0


def _names(target: Path) -> tuple[Path, Path]:
    part = target.with_name(part_name(target.name, PART_SUFFIX))
    return part, part.with_name(part.name + JOURNAL_SUFFIX)


def _opened(path: Path) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0)
    return open(path, "r+b", opener=lambda name, _flags: os.open(name, flags, 0o666))


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())

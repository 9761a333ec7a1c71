"""Zip files of pictures, such as COCO's: checked before use, then read member by member, never extracted.

The directory is read here and not by `zipfile`, which takes memory for it before anything can be judged, accepts
members that overlap (Python 3.11.7), and reads one member at a time. Layout: PKWARE APPNOTE.TXT 6.3.10, section 4.3.
Every trap of an archive refuses the whole of it, since no honest archive of pictures holds one; a member that is
merely damaged is a damaged picture.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import ArchiveError, ImageReadError
from srdesk.imaging.formats import SUFFIXES

MAX_MEMBERS = 500_000
"""Most entries of an archive: COCO's largest has 123,287."""

MAX_DIRECTORY_BYTES = 128 * 2**20
"""Most bytes of a directory, which is held in memory."""

MAX_MEMBER_BYTES = 400 * 2**20
"""Most bytes of an unpacked picture file: one of the largest that can be decoded, stored raw."""

MAX_RATIO = 100
"""Most unpacked bytes per packed byte of members above a megabyte: picture files are packed already."""

_SMALL_MEMBER_BYTES = 2**20
_MAX_COMMENT_BYTES = 65_535

_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\5\6"
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_LOCATOR_SIGNATURE = b"PK\6\7"
_ZIP64_END = struct.Struct("<4sQ2H2L4Q")
_ZIP64_END_SIGNATURE = b"PK\6\6"
_ENTRY = struct.Struct("<4s6H3L5H2L")
_ENTRY_SIGNATURE = b"PK\1\2"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\3\4"

_ZIP64_EXTRA = 1
_IN_ZIP64 = 0xFFFFFFFF
_IS_ENCRYPTED = 0x0001 | 0x0040 | 0x2000
_IS_UTF8 = 0x0800
_STORED, _DEFLATED = 0, 8
_MADE_ON_UNIX = 3


_HIDDEN = re.compile(r"(^|/)(\.|__MACOSX/)")
_ELSEWHERE = re.compile(r"^/|^[^/]*:|(^|/)\.\.(/|$)|[\\\x00-\x1f\x7f]")
"""From the root, on a drive, upwards, or with signs that some system or terminal takes for something else."""


@dataclass(frozen=True, slots=True)
class Member:
    """One picture file in an archive."""

    archive: Archive
    """What it lies in."""
    name: str
    """Its path in the archive, with forward slashes."""
    crc: int
    """CRC-32 of the unpacked bytes."""
    size_bytes: int
    """Length of the unpacked file."""
    packed_bytes: int
    """Length in the archive."""
    is_deflated: bool
    """Whether it is packed, and not just stored."""
    header_at: int
    """Position of its header in the archive."""
    ends_before: int
    """Position of what comes next in the archive."""

    @property
    def path(self) -> Path:
        """The archive's path with the member's name after it, to be shown."""
        return self.archive.path / self.name

    @property
    def digest(self) -> str:
        """Identity of the content; see `content_digest`."""
        return content_digest(self.crc, self.size_bytes)

    def read(self) -> bytes:
        """Return the unpacked file; safe from any thread.

        Raises:
            ImageReadError: the member is damaged, or the archive has changed or is gone.
        """
        try:
            with self.archive.path.open("rb") as stream:
                self.archive.check_unchanged(os.fstat(stream.fileno()))
                return self._unpacked(self._packed(stream))
        except (zlib.error, struct.error, ArchiveError) as error:
            raise ImageReadError(self.path, f"it is damaged in “{self.archive.path.name}”") from error
        except OSError as error:
            reason = f"“{self.archive.path.name}” cannot be read: {error.strerror or 'it has changed'}"
            raise ImageReadError(self.path, reason) from error

    def _packed(self, stream: BinaryIO) -> bytes:
        stream.seek(self.header_at)
        signature, *_, name_bytes, extra_bytes = _LOCAL.unpack(stream.read(_LOCAL.size))
        data_at = self.header_at + _LOCAL.size + name_bytes + extra_bytes
        if signature != _LOCAL_SIGNATURE or data_at + self.packed_bytes > self.ends_before:
            raise ArchiveError(self.archive.path, "its directory does not fit its content")
        stream.seek(data_at)
        return stream.read(self.packed_bytes)

    def _unpacked(self, packed: bytes) -> bytes:
        # One byte more than announced, so that a longer member is noticed and a bomb does not unfold.
        content = (
            zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, self.size_bytes + 1) if self.is_deflated else packed
        )
        if len(content) != self.size_bytes or zlib.crc32(content) != self.crc:
            raise zlib.error("wrong length or checksum")
        return content


def content_digest(crc: int, size_bytes: int) -> str:
    """Return the identity of a member's content, which the directory alone gives.

    Hashing the 13.5 GB of COCO's larger archive at each start would take minutes. Two of its 82,783 pictures have both
    numbers in common by chance once in some hundred thousand such archives, and then one of them is not used.
    """
    return hashlib.sha256(b"zip member %08x %d" % (crc, size_bytes)).hexdigest()


class Archive:
    """A zip file of pictures whose directory was read and found sound."""

    def __init__(self, path: Path | str) -> None:
        """Read the directory.

        Raises:
            ArchiveError: the file is missing, no zip file, damaged, or holds what no archive of pictures holds.
        """
        self.path = Path(path)
        try:
            status = self.path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise ArchiveError(self.path, "it is not a regular file")
            with self.path.open("rb") as stream:
                self._status = os.fstat(stream.fileno())
                directory, directory_at, count = _directory(stream, self.path)
            entries = list(_entries(directory, self.path))
        except OSError as error:
            raise ArchiveError(self.path, f"it cannot be read ({error.strerror})") from error
        except (struct.error, OverflowError) as error:
            raise ArchiveError(self.path, "it is damaged or cut off") from error
        if len(entries) != count:
            raise ArchiveError(self.path, "its directory is damaged")
        entries.sort(key=lambda entry: entry.header_at)
        ends = [entry.header_at for entry in entries[1:]] + [directory_at]
        for entry, ends_before in zip(entries, ends, strict=True):
            entry.check(self.path, ends_before)
        pictures = [
            entry.member(self, ends_before)
            for entry, ends_before in zip(entries, ends, strict=True)
            if entry.is_picture
        ]
        self.members: tuple[Member, ...] = tuple(sorted(pictures, key=lambda member: member.name))
        """The picture files, by name."""

    def check_unchanged(self, status: os.stat_result) -> None:
        """Make sure that the directory still is that of the file.

        Raises:
            OSError: another file has the name now, or it was written to.
        """
        if (status.st_size, status.st_mtime_ns) != (self._status.st_size, self._status.st_mtime_ns):
            raise OSError


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the directory says about one member."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    header_at: int
    name_bytes: int
    unix_mode: int

    @property
    def is_picture(self) -> bool:
        """Whether the name is that of a picture file; hidden ones are notes of a file system, not pictures."""
        suffix = self.name[self.name.rfind(".") :].lower()
        return suffix in SUFFIXES and not _HIDDEN.search(self.name)

    def check(self, archive: Path, ends_before: int) -> None:
        """Refuse what an archive of pictures does not hold.

        Raises:
            ArchiveError: names the member.
        """
        shown = "".join(sign if sign.isprintable() else "�" for sign in self.name[-80:])
        if _is_unsafe(self.name):
            raise ArchiveError(archive, f"“{shown}” in it is not a name for a file below a folder")
        if stat.S_IFMT(self.unix_mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ArchiveError(archive, f"“{shown}” in it is a link or a device, not a file")
        if self.flags & _IS_ENCRYPTED:
            raise ArchiveError(archive, f"“{shown}” in it is encrypted", hint="Unpack it and name the folder instead.")
        if self.header_at + _LOCAL.size + self.name_bytes + self.packed_bytes > ends_before:
            raise ArchiveError(archive, f"“{shown}” in it overlaps what comes after it")
        if not self.is_picture:
            return
        if self.method not in (_STORED, _DEFLATED):
            hint = "Unpack it and name the folder instead."
            raise ArchiveError(archive, f"“{shown}” in it is packed in a way that is not handled", hint=hint)
        if self.size_bytes > MAX_MEMBER_BYTES:
            raise ArchiveError(archive, f"“{shown}” in it unpacks to {self.size_bytes / 1e6:,.0f} MB")
        if self.size_bytes > max(_SMALL_MEMBER_BYTES, MAX_RATIO * self.packed_bytes):
            raise ArchiveError(archive, f"“{shown}” in it unpacks to more than {MAX_RATIO} times its size")

    def member(self, archive: Archive, ends_before: int) -> Member:
        """Return the entry as a picture file of ``archive``."""
        return Member(
            archive=archive,
            name=self.name,
            crc=self.crc,
            size_bytes=self.size_bytes,
            packed_bytes=self.packed_bytes,
            is_deflated=self.method == _DEFLATED,
            header_at=self.header_at,
            ends_before=ends_before,
        )


def _is_unsafe(name: str) -> bool:
    return not name or _ELSEWHERE.search(name) is not None


def _directory(stream: BinaryIO, path: Path) -> tuple[bytes, int, int]:
    """Return the central directory, where it begins, and how many entries it says it has."""
    end_at, end = _end_record(stream, path)
    _, disk, first_disk, _, count, size_bytes, starts_at, _ = end
    locator_at = end_at - _ZIP64_LOCATOR.size
    if locator_at >= 0:
        stream.seek(locator_at)
        locator = _ZIP64_LOCATOR.unpack(stream.read(_ZIP64_LOCATOR.size))
        if locator[0] == _ZIP64_LOCATOR_SIGNATURE:
            end_at = locator[2]
            stream.seek(end_at)
            signature, _, _, _, disk, first_disk, _, count, size_bytes, starts_at = _ZIP64_END.unpack(
                stream.read(_ZIP64_END.size)
            )
            if signature != _ZIP64_END_SIGNATURE:
                raise ArchiveError(path, "its directory is damaged")
    if disk or first_disk:
        raise ArchiveError(path, "it is one part of an archive of several")
    if count > MAX_MEMBERS or size_bytes > MAX_DIRECTORY_BYTES:
        raise ArchiveError(path, f"it says that it has {count:,} members; at most {MAX_MEMBERS:,} can be used")
    if starts_at + size_bytes != end_at:
        raise ArchiveError(path, "its directory is not where it says")
    stream.seek(starts_at)
    return stream.read(size_bytes), starts_at, count


def _end_record(stream: BinaryIO, path: Path) -> tuple[int, tuple[int, ...]]:
    file_bytes = stream.seek(0, os.SEEK_END)
    tail_at = max(0, file_bytes - _END.size - _MAX_COMMENT_BYTES)
    stream.seek(tail_at)
    tail = stream.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0:
        raise ArchiveError(path, "it is no zip file, or it is cut off")
    return tail_at + at, _END.unpack_from(tail, at)


def _entries(directory: bytes, path: Path) -> Iterator[_Entry]:
    at = 0
    while at < len(directory):
        (
            signature,
            made_by,
            _,
            flags,
            method,
            _,
            _,
            crc,
            packed,
            size,
            name_bytes,
            extra_bytes,
            comment_bytes,
            _,
            _,
            (attributes),
            header_at,
        ) = _ENTRY.unpack_from(directory, at)
        name_at = at + _ENTRY.size
        extra_at = name_at + name_bytes
        at = extra_at + extra_bytes + comment_bytes
        if signature != _ENTRY_SIGNATURE or at > len(directory):
            raise ArchiveError(path, "its directory is damaged")
        if _IN_ZIP64 in (size, packed, header_at):
            extra = directory[extra_at : extra_at + extra_bytes]
            size, packed, header_at = _zip64_numbers(extra, [size, packed, header_at])
        yield _Entry(
            name=directory[name_at:extra_at].decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace"),
            flags=flags,
            method=method,
            crc=crc,
            packed_bytes=packed,
            size_bytes=size,
            header_at=header_at,
            name_bytes=name_bytes,
            unix_mode=attributes >> 16 if made_by >> 8 == _MADE_ON_UNIX else 0,
        )


def _zip64_numbers(extra: bytes, numbers: list[int]) -> list[int]:
    """Replace those of ``numbers`` that need more than 32 bits by what the extra field says (section 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64_EXTRA:
            wide = struct.iter_unpack("<Q", extra[at + 4 : at + 4 + length // 8 * 8])
            try:
                return [next(wide)[0] if number == _IN_ZIP64 else number for number in numbers]
            except StopIteration as error:
                raise struct.error("too few numbers") from error
        at += 4 + length
    raise struct.error("no zip64 field")

"""TIFF directories as plain data, read and packed without interpreting the values.

TIFF 6.0 (Adobe 1992), section 2, and BigTIFF, whose counts and offsets have 64 bits. EXIF blocks are classic TIFF
structures, so that a directory of a TIFF file can become an EXIF block, and the other way round, in the same byte
order.
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

import numpy as np

EXIF_IFD = 34665
GPS_IFD = 34853
INTEROPERABILITY_IFD = 40965
SUB_DIRECTORIES = frozenset({EXIF_IFD, GPS_IFD, INTEROPERABILITY_IFD})

LONG = 4
IFD8 = 18

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WORD_BYTES = {5: 4, 10: 4}
"""Rationals are two words each."""

_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Types of whole numbers without a sign, and of places in the file, as `struct` names them."""

_MAX_ENTRIES = 4096
_MAX_DEPTH = 3


@dataclass(frozen=True, slots=True)
class Field:
    """The value of one tag."""

    type: int
    """TIFF type: 2 is ASCII, 3 SHORT, 4 LONG, 5 RATIONAL, and so on."""
    count: int
    """How many values of that type."""
    data: bytes
    """The values in the byte order of the file."""


Directory = dict[int, "Field | Directory"]
"""Tag to value; the EXIF, GPS and interoperability tags lead to directories."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a TIFF structure is written."""

    order: Literal["<", ">"]
    """Byte order as `struct` names it."""
    is_big: bool = False
    """Whether it is a BigTIFF."""

    @property
    def word_bytes(self) -> int:
        """Size of counts and offsets, and of the values that stand in the entry itself."""
        return 8 if self.is_big else 4

    def unpack(self, classic: str, big: str, data: bytes) -> tuple[int, ...]:
        """Unpack ``data`` by the format for classic or big TIFF."""
        return struct.unpack(self.order + (big if self.is_big else classic), data)

    def pack(self, classic: str, big: str, *values: int | bytes) -> bytes:
        """Pack ``values`` by the format for classic or big TIFF."""
        return struct.pack(self.order + (big if self.is_big else classic), *values)


def read_layout(stream: BinaryIO) -> tuple[Layout, int]:
    """Return the layout of a TIFF structure that begins at the start of ``stream``, and where its first directory is.

    Raises:
        ValueError: it is none.
    """
    stream.seek(0)
    head = stream.read(16)
    orders: dict[bytes, Literal["<", ">"]] = {b"II": "<", b"MM": ">"}
    order = orders.get(head[:2])
    if order is None or len(head) < 8:
        raise ValueError("not a TIFF structure")
    version = struct.unpack_from(order + "H", head, 2)[0]
    if version == 42:
        return Layout(order), int(struct.unpack_from(order + "I", head, 4)[0])
    if version == 43 and len(head) == 16:
        return Layout(order, is_big=True), int(struct.unpack_from(order + "Q", head, 8)[0])
    raise ValueError("not a TIFF structure")


def read_directory(
    stream: BinaryIO, offset: int, layout: Layout, wanted: frozenset[int] | None = None, *, max_bytes: int = 2**24
) -> Directory:
    """Read a directory and the EXIF, GPS and interoperability directories below it.

    Args:
        stream: the file, seekable.
        offset: where the directory begins.
        layout: how the file is written.
        wanted: tags to keep in the first directory; by default all.
        max_bytes: values that take more than this together are passed over, as are damaged entries.
    """
    return _read_directory(stream, offset, layout, wanted, [max_bytes], 1)


def next_directory(stream: BinaryIO, offset: int, layout: Layout) -> int:
    """Return where the directory behind the one at ``offset`` begins; 0 if that is the last, or damaged."""
    prefix_bytes, word = (8 if layout.is_big else 2), layout.word_bytes
    stream.seek(offset)
    prefix = stream.read(prefix_bytes)
    count = layout.unpack("H", "Q", prefix)[0] if len(prefix) == prefix_bytes else 0
    if not 0 < count < 2**16:
        return 0
    stream.seek(offset + prefix_bytes + count * (4 + 2 * word))
    pointer = stream.read(word)
    return layout.unpack("I", "Q", pointer)[0] if len(pointer) == word else 0


def whole_numbers(value: Field | Directory | None, layout: Layout) -> tuple[int, ...]:
    """Return the numbers of a tag of whole numbers, in order; none if it is missing or of another type."""
    code = _CODES.get(value.type) if isinstance(value, Field) else None
    if code is None or not isinstance(value, Field):
        return ()
    return struct.unpack(f"{layout.order}{value.count}{code}", value.data)


def pack_directory(directory: Directory, layout: Layout, at: int) -> bytes:
    """Return ``directory`` as the bytes that are to stand at position ``at``, what is below it included."""
    word = layout.word_bytes
    table_bytes = layout.pack("H", "Q", len(directory))
    entry_bytes = 4 + 2 * word
    values_at = at + len(table_bytes) + entry_bytes * len(directory) + word
    entries, values = b"", b""
    for tag, value in sorted(directory.items()):
        # A directory below takes a pointer, whatever its size; so does a value that is too long for the entry.
        if isinstance(value, Field) and len(value.data) <= word:
            kind, count, slot = value.type, value.count, value.data.ljust(word, b"\0")
        else:
            values += bytes(-(values_at + len(values)) % word)
            position = values_at + len(values)
            slot = layout.pack("I", "Q", position)
            if isinstance(value, Field):
                kind, count = value.type, value.count
                values += value.data
            else:
                kind, count = (IFD8 if layout.is_big else LONG), 1
                values += pack_directory(value, layout, position)
        entries += struct.pack(layout.order + "HH", tag, kind) + layout.pack("I", "Q", count) + slot
    return table_bytes + entries + bytes(word) + values


def exif_block(directory: Directory, layout: Layout) -> bytes:
    """Return an EXIF block with ``directory`` as its first, in the byte order of ``layout``."""
    classic = Layout(layout.order)
    head = (b"II" if layout.order == "<" else b"MM") + struct.pack(layout.order + "HI", 42, 8)
    return head + pack_directory(directory, classic, len(head))


def exif_directory(block: bytes) -> tuple[Layout, Directory]:
    """Return the first directory of an EXIF block and its layout.

    Raises:
        ValueError: it is no EXIF block.
    """
    stream = io.BytesIO(block)
    layout, offset = read_layout(stream)
    return layout, read_directory(stream, offset, layout)


def swapped(field: Field) -> Field:
    """Return the same value in the other byte order."""
    kind = np.dtype(f"u{_WORD_BYTES.get(field.type, _TYPE_BYTES.get(field.type, 1))}")
    return Field(field.type, field.count, np.frombuffer(field.data, kind).byteswap().tobytes())


def swapped_directory(directory: Directory) -> Directory:
    """Return the same directory, and what is below it, in the other byte order."""
    return {
        tag: swapped(value) if isinstance(value, Field) else swapped_directory(value)
        for tag, value in directory.items()
    }


def add_to_first_directory(stream: BinaryIO, extra: Directory) -> None:
    """Add tags to a finished TIFF file with one directory, by writing that directory anew at its end.

    Args:
        stream: the file, readable and writable.
        extra: tags in the byte order of the file; those that it has already are not replaced.

    Raises:
        OSError: the stream cannot be written.
    """
    layout, offset = read_layout(stream)
    directory = {**extra, **read_directory(stream, offset, layout, max_bytes=2**40)}
    end = stream.seek(0, os.SEEK_END)
    stream.write(bytes(-end % 8))
    at = stream.tell()
    stream.write(pack_directory(directory, layout, at))
    stream.seek(8 if layout.is_big else 4)
    stream.write(layout.pack("I", "Q", at))


def _read_directory(
    stream: BinaryIO, offset: int, layout: Layout, wanted: frozenset[int] | None, room_bytes: list[int], depth: int
) -> Directory:
    directory: Directory = {}
    entry_bytes = 4 + 2 * layout.word_bytes
    stream.seek(offset)
    prefix = stream.read(8 if layout.is_big else 2)
    if len(prefix) < (8 if layout.is_big else 2):
        return directory
    count = min(layout.unpack("H", "Q", prefix)[0], _MAX_ENTRIES)
    table = stream.read(count * entry_bytes)
    for at in range(0, len(table) - entry_bytes + 1, entry_bytes):
        entry = table[at : at + entry_bytes]
        tag = struct.unpack_from(layout.order + "H", entry)[0]
        if wanted is not None and tag not in wanted:
            continue
        if tag in SUB_DIRECTORIES:
            below = _pointer(entry, layout)
            if below is not None and depth < _MAX_DEPTH:
                directory[tag] = _read_directory(stream, below, layout, None, room_bytes, depth + 1)
        elif (field := _read_field(stream, entry, layout, room_bytes)) is not None:
            directory[tag] = field
    return directory


def _pointer(entry: bytes, layout: Layout) -> int | None:
    kind = struct.unpack_from(layout.order + "H", entry, 2)[0]
    size = _TYPE_BYTES.get(kind)
    if size not in (4, 8) or kind == 5:
        return None
    start = 4 + layout.word_bytes
    return int(struct.unpack(layout.order + ("I" if size == 4 else "Q"), entry[start : start + size])[0])


def _read_field(stream: BinaryIO, entry: bytes, layout: Layout, room_bytes: list[int]) -> Field | None:
    word = layout.word_bytes
    kind = struct.unpack_from(layout.order + "H", entry, 2)[0]
    count = layout.unpack("I", "Q", entry[4 : 4 + word])[0]
    size = _TYPE_BYTES.get(kind, 0) * count
    if size == 0 or size > room_bytes[0]:
        return None
    data = entry[4 + word : 4 + word + size]
    if size > word:
        stream.seek(layout.unpack("I", "Q", entry[4 + word :])[0])
        data = stream.read(size)
    if len(data) < size:
        return None
    room_bytes[0] -= size
    return Field(kind, count, data)

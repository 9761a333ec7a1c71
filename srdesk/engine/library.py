"""The weights folders as a list. Reads headers only, and never imports torch."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from srdesk.errors import WeightsError, WeightsFormatError

SUFFIX = ".safetensors"
"""File name suffix of weights."""

SCALE_SUFFIX = "_x4"
"""Ends the names of the weights that ship with the program, after the name of the network."""

CARD_KEY = "srdesk"
"""Key of the card in the ``__metadata__`` of a safetensors header."""

MAX_HEADER_BYTES = 1 << 20
"""Longest header that is read (ours are about 15 KB)."""

MAX_TENSORS = 5000
"""Most tensors that a file may hold."""

_LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, 64-bit little-endian."""

_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
"""First bytes of pickles and of the zip archives that torch.save and TorchScript write."""


class WeightsCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a weights file says about itself."""

    name: str
    """Name that people see and type, such as ``srresnet``."""
    architecture: str
    """Key of `srdesk.models.CATALOGUE`."""
    config: dict[str, Any]
    """Configuration of the architecture."""
    scale: int = 4
    """Enlargement along each side."""
    training_data: str = ""
    """What the weights learnt from."""
    steps: int = 0
    """Optimiser steps behind the weights."""
    seed: int | None = None
    """Seed of the training run."""
    metrics: dict[str, float] = {}
    """Measured quality, such as ``{"set5_psnr_y_db": 31.2}``."""
    licence: str = ""
    """Licence of the weights."""
    created: str = ""
    """Date of the file, ISO 8601."""
    sha256: str = ""
    """SHA-256 over all bytes after the header, hexadecimal; filled in on saving."""
    notes: str = ""
    """Anything else a person should know."""


class TensorSlot(msgspec.Struct, frozen=True):
    """One tensor of a safetensors header."""

    dtype: str
    """Type name of the format, such as ``F32``."""
    shape: tuple[int, ...]
    """Lengths along each axis."""
    data_offsets: tuple[int, int]
    """First byte and end within the tensor bytes."""


@dataclass(frozen=True, slots=True)
class WeightsHeader:
    """The header of a weights file, checked against the size of the file."""

    card: WeightsCard
    """What the file says about itself."""
    tensors: Mapping[str, TensorSlot]
    """Where each tensor lies."""


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One file of a weights folder: usable with a card, or broken with the reason."""

    name: str
    """Unique within the library."""
    path: Path
    """Where the file lies."""
    card: WeightsCard | None
    """What the file says about itself; None if it is broken."""
    error: WeightsError | None
    """Why the file cannot be used; None if it can."""


class WeightsLibrary:
    """The usable and the broken weights of some folders; folders that do not exist are empty."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(folders)

    def entries(self) -> list[WeightsEntry]:
        """Return every weights file, folder by folder, sorted by file name.

        An entry has the name that its card gives. If an earlier entry has that name already, it is called by its file
        name without suffix, then with a number: weights that ship with the program are never hidden by others.
        """
        taken: set[str] = set()
        return [_entry(path, taken) for folder in self.folders for path in _weights_files(folder)]

    def find(self, name: str) -> WeightsEntry | None:
        """Return the entry called ``name``, usable or broken, or None."""
        return next((entry for entry in self.entries() if entry.name == name), None)

    def find_for(self, network: str) -> WeightsEntry | None:
        """Return the weights that stand for a network when only ``srresnet``, ``srcnn`` or ``srgan`` is said, or None.

        Those are the ones called so, or else called so with the scale, as the shipped ones are.
        """
        return self.find(network) or self.find(f"{network}{SCALE_SUFFIX}")


def read_header(path: Path) -> WeightsHeader:
    """Read and check the header of a weights file without reading its tensors.

    Raises:
        WeightsFormatError: not a regular file, not safetensors, over the limits, damaged, or without a card.
    """
    with open_weights(path) as file:
        return read_open_header(path, file)


@contextlib.contextmanager
def open_weights(path: Path) -> Iterator[BinaryIO]:
    """Open a weights file for reading, and turn whatever the system says meanwhile into one sentence.

    Raises:
        WeightsFormatError: not a regular file, or it cannot be read.
    """
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise WeightsFormatError(path, "it is not a regular file")
            yield file
    except OSError as error:
        raise WeightsFormatError(path, f"it cannot be read ({error.strerror})") from error


def read_open_header(path: Path, file: BinaryIO) -> WeightsHeader:
    """Read and check the header of an open weights file, and stop at its first tensor byte.

    Raises:
        WeightsFormatError: not safetensors, over the limits, damaged, or without a card.
    """
    size_bytes = os.fstat(file.fileno()).st_size
    length = _header_length(path, file.read(_LENGTH_BYTES), size_bytes)
    return _parse_header(path, file.read(length), size_bytes)


def _weights_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX)
    except OSError:
        return []


def _entry(path: Path, taken: set[str]) -> WeightsEntry:
    card, error = None, None
    try:
        card = read_header(path).card
    except WeightsError as reason:
        error = reason
    wished = [card.name] if card else []
    name = next(name for name in _names(wished, path.stem) if name not in taken)
    taken.add(name)
    return WeightsEntry(name, path, card, error)


def _names(wished: list[str], stem: str) -> Iterator[str]:
    yield from wished
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _header_length(path: Path, start: bytes, size_bytes: int) -> int:
    if start.startswith(_PICKLE_STARTS):
        raise WeightsFormatError(path, "it contains code; not loaded", hint="Only safetensors files are opened.")
    if len(start) < _LENGTH_BYTES:
        raise WeightsFormatError(path, "it is not a safetensors file")
    length = int.from_bytes(start, "little")
    if length > MAX_HEADER_BYTES:
        raise WeightsFormatError(path, "it is not a safetensors file, or its header is longer than 1 MB")
    if _LENGTH_BYTES + length > size_bytes:
        raise WeightsFormatError(path, "it is cut short")
    return length


def _parse_header(path: Path, text: bytes, size_bytes: int) -> WeightsHeader:
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        metadata = msgspec.convert(fields.pop("__metadata__", {}), dict[str, str])
        tensors = msgspec.convert(fields, dict[str, TensorSlot])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WeightsFormatError(path, "its header is damaged") from error
    if len(tensors) > MAX_TENSORS:
        raise WeightsFormatError(path, f"it holds more than {MAX_TENSORS} tensors")
    if not _fill_exactly(tensors, size_bytes - _LENGTH_BYTES - len(text)):
        raise WeightsFormatError(path, "its tensors do not fill the file exactly")
    if CARD_KEY not in metadata:
        raise WeightsFormatError(path, "it was not made by SR Desk (its header has no card)")
    try:
        card = msgspec.json.decode(metadata[CARD_KEY], type=WeightsCard)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WeightsFormatError(path, "its card is damaged") from error
    return WeightsHeader(card, tensors)


def _fill_exactly(tensors: Mapping[str, TensorSlot], data_bytes: int) -> bool:
    end = 0
    for slot in sorted(tensors.values(), key=lambda slot: slot.data_offsets):
        if slot.data_offsets[0] != end or slot.data_offsets[1] < end or min(slot.shape, default=0) < 0:
            return False
        end = slot.data_offsets[1]
    return end == data_bytes

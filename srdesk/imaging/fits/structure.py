"""The skeleton of a FITS file: where its HDUs lie and what their headers promise, checked before a pixel is read.

FITS standard 4.0 (2018), sections 3.3 (blocks), 4.4.1 (mandatory keywords), 6 (random groups), 7.3 (binary tables) and
10.1 (tiled image compression). Only mandatory keywords are understood here, by hand, because general readers believe
them: a negative length or a billion rows would be allocated first and found wrong later.
"""

from __future__ import annotations

import bz2
import gzip
import math
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from srdesk.errors import ImageReadError, UnsupportedImageError

BLOCK_BYTES = 2880
"""Headers and data fill whole blocks."""
CARD_BYTES = 80
"""Length of one line of a header."""

SIGNATURE = b"SIMPLE  ="
"""First bytes of every FITS file."""
GZIP_MAGIC, BZIP2_MAGIC = b"\x1f\x8b", b"BZh"
"""First bytes of the two kinds of packing that are undone."""

MAX_UNPACKED_BYTES = 2**30
"""Most bytes that a packed file may unpack to."""

_BITPIX = (8, 16, 32, 64, -32, -64)
_MAX_AXES = 16
_MAX_HEADER_BYTES = 16 * 2**20
_MAX_HDUS = 4096
_CHUNK_BYTES = 2**20

_VALUE = re.compile(rb"= *(?:'(?P<text>(?:[^']|'')*)'|(?P<bare>[^/ ]+))")

Value = bool | int | str


@dataclass(frozen=True, slots=True)
class Hdu:
    """One header and its data, as they lie in the file."""

    index: int
    """Number in the file; 0 is the primary one."""
    header: bytes
    """All blocks of the header."""
    offset: int
    """Where the header begins."""
    data_bytes: int
    """Length of the data, without what fills the last block."""
    values: dict[str, Value]
    """Mandatory keywords, and EXTNAME, EXTVER and BUNIT where given."""

    @property
    def data_offset(self) -> int:
        """Where the data begins."""
        return self.offset + len(self.header)

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.data_offset + _whole_blocks(self.data_bytes)

    @property
    def name(self) -> str:
        """EXTNAME in capitals; PRIMARY for a nameless primary HDU, otherwise empty."""
        name = str(self.values.get("EXTNAME", "")).upper()
        return name or ("PRIMARY" if self.index == 0 else "")

    @property
    def version(self) -> int:
        """EXTVER, 1 where it is not given."""
        version = self.values.get("EXTVER", 1)
        return version if isinstance(version, int) else 1

    @property
    def is_tile_compressed(self) -> bool:
        """Whether it is a table that stands for an image, as fpack makes them."""
        return self.values.get("ZIMAGE") is True and self.values.get("XTENSION") == "BINTABLE"

    @property
    def bitpix(self) -> int:
        """Type of the numbers of its image."""
        return int(self.values["ZBITPIX" if self.is_tile_compressed else "BITPIX"])

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along the axes of its image, the fastest one last; empty if it holds no image."""
        is_image = self.index == 0 or self.values.get("XTENSION") in ("IMAGE", "IUEIMAGE") or self.is_tile_compressed
        prefix = "Z" if self.is_tile_compressed else ""
        lengths = [
            int(self.values[f"{prefix}NAXIS{axis}"]) for axis in range(1, int(self.values[f"{prefix}NAXIS"]) + 1)
        ]
        return tuple(reversed(lengths)) if is_image else ()


@contextmanager
def unpacked(stream: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Give a seekable stream of a FITS file that may be packed by gzip or bzip2.

    What unpacks is looked at HDU by HDU: none is unpacked whose header is nonsense or promises more than the budget.

    Raises:
        ImageReadError: it is damaged or cut off.
        UnsupportedImageError: it unpacks to too much.
    """
    stream.seek(0)
    magic = stream.read(3)
    stream.seek(0)
    if not (magic.startswith(GZIP_MAGIC) or magic == BZIP2_MAGIC):
        yield stream
        return
    with _unpacking(stream, magic) as packed, tempfile.TemporaryFile() as plain:
        try:
            _unpack(packed, plain, path)
        except (OSError, EOFError, zlib.error) as error:
            raise ImageReadError(path, "it cannot be unpacked") from error
        plain.seek(0)
        yield plain


def is_fits(stream: BinaryIO) -> bool:
    """Tell whether a stream holds a FITS file, packed or not; its position is undefined afterwards."""
    stream.seek(0)
    start = stream.read(len(SIGNATURE))
    if not start.startswith((GZIP_MAGIC, BZIP2_MAGIC)):
        return start == SIGNATURE
    stream.seek(0)
    with _unpacking(stream, start) as packed:
        try:
            return packed.read(len(SIGNATURE)) == SIGNATURE
        except (OSError, EOFError, zlib.error):
            return False


def read_structure(stream: BinaryIO, path: Path) -> list[Hdu]:
    """List the HDUs of a plain FITS file; whatever follows the last one is left aside.

    Raises:
        ImageReadError: a header is damaged, or promises more than the file holds.
    """
    length = stream.seek(0, 2)
    hdus: list[Hdu] = []
    offset = 0
    while len(hdus) < _MAX_HDUS:
        stream.seek(offset)
        hdu = _read_hdu(stream, path, len(hdus), offset)
        if hdu is None:
            return hdus
        if hdu.data_offset + hdu.data_bytes > length:
            raise ImageReadError(
                path,
                f"it is cut off: the header of HDU {hdu.index} promises {hdu.data_bytes:,} bytes, "
                f"and {max(length - hdu.data_offset, 0):,} follow",
            )
        hdus.append(hdu)
        offset = hdu.end
    raise ImageReadError(path, f"it has more than {_MAX_HDUS} parts")


def _unpacking(stream: BinaryIO, magic: bytes) -> gzip.GzipFile | bz2.BZ2File:
    return gzip.GzipFile(fileobj=stream) if magic.startswith(GZIP_MAGIC) else bz2.BZ2File(stream)


def _unpack(packed: gzip.GzipFile | bz2.BZ2File, plain: IO[bytes], path: Path) -> None:
    index = 0
    while index < _MAX_HDUS:
        hdu = _read_hdu(packed, path, index, plain.tell())
        if hdu is None:
            return
        plain.write(hdu.header)
        if hdu.end > MAX_UNPACKED_BYTES:
            raise UnsupportedImageError(
                path,
                f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes",
                hint="Unpack it, and open what comes out.",
            )
        left = hdu.end - hdu.data_offset
        while left and (chunk := packed.read(min(left, _CHUNK_BYTES))):
            plain.write(chunk)
            left -= len(chunk)
        if left:
            return  # the listing of what was unpacked says what is missing
        index += 1


def _read_hdu(stream: IO[bytes] | gzip.GzipFile | bz2.BZ2File, path: Path, index: int, offset: int) -> Hdu | None:
    """Read a header; None where no further HDU begins."""
    first = stream.read(BLOCK_BYTES)
    if not first.startswith(SIGNATURE if index == 0 else b"XTENSION="):
        if index == 0:
            raise ImageReadError(path, "its header is damaged")
        return None
    blocks = [first]
    while not _has_end(blocks[-1]):
        if len(blocks) * BLOCK_BYTES >= _MAX_HEADER_BYTES or len(blocks[-1]) < BLOCK_BYTES:
            raise ImageReadError(path, f"the header of HDU {index} has no end")
        blocks.append(stream.read(BLOCK_BYTES))
    if len(blocks[-1]) < BLOCK_BYTES:
        raise ImageReadError(path, f"it is cut off in the header of HDU {index}")
    header = b"".join(blocks)
    values = _values(header)
    data_bytes = _data_bytes(values, path, index)
    if values.get("ZIMAGE") is True:
        _check_axes(values, path, index, prefix="Z")
    return Hdu(index, header, offset, data_bytes, values)


def _has_end(block: bytes) -> bool:
    return any(block[at : at + CARD_BYTES].rstrip() == b"END" for at in range(0, len(block), CARD_BYTES))


_WANTED = re.compile(
    rb"(SIMPLE|XTENSION|Z?BITPIX|Z?NAXIS\d*|PCOUNT|GCOUNT|GROUPS|ZIMAGE|EXTNAME|EXTVER|BUNIT|CTYPE3|CRVAL3|COLORSPC) *"
)


def _values(header: bytes) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for at in range(0, len(header), CARD_BYTES):
        card = header[at : at + CARD_BYTES]
        if card.rstrip() == b"END":
            break
        matched = _VALUE.match(card, 8) if _WANTED.fullmatch(card[:8]) else None
        if matched is not None:
            values.setdefault(card[:8].decode().strip(), _value(matched))
    return values


def _value(matched: re.Match[bytes]) -> Value:
    if matched["text"] is not None:
        return matched["text"].decode("latin-1").replace("''", "'").rstrip()
    bare = matched["bare"].decode("latin-1")
    if bare in ("T", "F"):
        return bare == "T"
    return int(bare) if re.fullmatch(r"[+-]?\d{1,18}", bare, re.ASCII) else bare


def _data_bytes(values: dict[str, Value], path: Path, index: int) -> int:
    """Return the length of the data that a header promises.

    Raises:
        ImageReadError: the header is nonsense.
    """
    lengths = _check_axes(values, path, index)
    parameters = _count(values, "PCOUNT", path, index, default=0)
    groups = _count(values, "GCOUNT", path, index, default=1)
    if not lengths:
        return 0
    if index == 0 and values.get("GROUPS") is True and lengths[0] == 0:
        lengths = lengths[1:]  # random groups
    elif index == 0:
        parameters, groups = 0, 1  # have no meaning here
    return abs(int(values["BITPIX"])) // 8 * groups * (parameters + math.prod(lengths))


def _check_axes(values: dict[str, Value], path: Path, index: int, prefix: str = "") -> list[int]:
    bitpix = values.get(f"{prefix}BITPIX")
    if bitpix not in _BITPIX or isinstance(bitpix, bool):
        raise _nonsense(path, index, f"{prefix}BITPIX", bitpix)
    axes = _count(values, f"{prefix}NAXIS", path, index)
    if axes > _MAX_AXES:
        raise _nonsense(path, index, f"{prefix}NAXIS", axes)
    return [_count(values, f"{prefix}NAXIS{axis}", path, index) for axis in range(1, axes + 1)]


def _count(values: dict[str, Value], keyword: str, path: Path, index: int, default: int | None = None) -> int:
    count = values.get(keyword, default)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise _nonsense(path, index, keyword, count)
    return count


def _nonsense(path: Path, index: int, keyword: str, value: Value | None) -> ImageReadError:
    said = "is missing" if value is None else f"is {str(value)[:40]!s}"
    said = "".join(sign if sign.isprintable() else "�" for sign in said)
    return ImageReadError(path, f"the header of HDU {index} is damaged: {keyword} {said}")


def _whole_blocks(length: int) -> int:
    return -(-length // BLOCK_BYTES) * BLOCK_BYTES

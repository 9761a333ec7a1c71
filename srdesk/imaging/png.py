"""PNG with 8 and 16 bits per channel, and all that travels with it.

W3C PNG Specification (Third Edition), 2025. libpng (through imagecodecs) decodes the pixels, and gets to see nothing
but the chunks that it needs for that; everything else is read here, within limits. Files are written here too, in
strips that are compressed side by side: libraries that hold 16-bit RGB need the whole compressed file in memory.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging import exif
from srdesk.imaging.image import Box, Metadata
from srdesk.imaging.probe import ImageProbe, check_budget, decoder_errors
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.values import UINT8, UINT16

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_CHUNKS = 1_000_000
_MAX_METADATA_BYTES = 8 * 2**20
"""Most bytes of one metadata chunk, packed or unpacked; larger ones are passed over."""
_MAX_TEXTS = 1000
_INCHES_PER_METRE = 1 / 0.0254
_XMP_KEYWORD = "XML:com.adobe.xmp"
_ICC_NAME = b"ICC profile"

_COLOUR_SPACE_BYTES = {b"cHRM": 32, b"gAMA": 4, b"sRGB": 1, b"cICP": 4}
"""Chunks that say what colours mean where no ICC profile does (section 11.3.2), and their sizes."""

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_STRIP_BYTES = 2**21
_ZLIB_LEVEL = 4
"""Level 6 takes three times as long and saves a twentieth."""
_PAETH = 4


@dataclass(slots=True)
class _Chunks:
    """What the walk through a file found."""

    pixels: list[tuple[int, int]] = field(default_factory=list)
    """Position and length of the chunks that libpng gets, headers and checksums included."""
    metadata: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Type and content of the others that are known here and sound."""
    header: bytes = b""
    palette: bytes = b""
    has_transparency: bool = False


def probe(stream: BinaryIO, path: Path) -> ImageProbe:
    """Return what the header of a PNG says.

    Raises:
        ImageReadError: the file is damaged.
    """
    with decoder_errors(path):
        return _probe(_walk(stream))


def read(stream: BinaryIO, path: Path) -> StoredImage:
    """Decode a PNG: 1 to 8 bits become 8, a palette becomes RGB, or grey where all its colours are.

    Raises:
        ImageReadError: the file is damaged.
        UnsupportedImageError: it is too large.
    """
    with decoder_errors(path):
        chunks = _walk(stream)
        check_budget(path, _probe(chunks))
        decoded = np.atleast_3d(_decoded(stream, chunks))
        metadata, orientation = _metadata(chunks.metadata)
    numbers, alpha = (decoded, None) if decoded.shape[2] in (1, 3) else (decoded[:, :, :-1], decoded[:, :, -1])
    if _is_grey(chunks):
        numbers = numbers[:, :, :1]
    return StoredImage(
        np.ascontiguousarray(exif.turned_upright(numbers, orientation)),
        UINT16 if decoded.dtype == np.uint16 else UINT8,
        None if alpha is None else np.ascontiguousarray(exif.turned_upright(alpha, orientation)),
        metadata,
    )


def write(stream: BinaryIO, stored: StoredImage) -> None:
    """Encode an 8-bit or 16-bit picture with its metadata.

    Raises:
        OSError: the stream cannot be written.
    """
    bit_depth = stored.numbers.dtype.itemsize * 8
    colour = {(1, False): _GREY, (3, False): _RGB, (1, True): _GREY_ALPHA, (3, True): _RGB_ALPHA}
    colour_type = colour[stored.channels, stored.has_alpha]
    stream.write(SIGNATURE)
    _write_chunk(stream, b"IHDR", struct.pack(">IIBBBBB", stored.width, stored.height, bit_depth, colour_type, 0, 0, 0))
    _write_metadata(stream, stored)
    for data in _compressed(stored):
        _write_chunk(stream, b"IDAT", data)
    _write_chunk(stream, b"IEND", b"")


# --- reading --------------------------------------------------------------------------------------------------------


def _walk(stream: BinaryIO) -> _Chunks:
    """Find the chunks of a file without reading its pixels.

    Raises:
        ValueError: the structure is damaged.
    """
    chunks = _Chunks()
    stream.seek(0, os.SEEK_END)
    file_bytes = stream.tell()
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        stream.seek(at)
        prefix = stream.read(8)
        if len(prefix) < 8:
            break
        length, kind = struct.unpack(">I4s", prefix)
        end = at + 12 + length
        if at == len(SIGNATURE) and (kind != b"IHDR" or length != 13):
            raise ValueError("the first chunk is not IHDR")
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            chunks.pixels.append((at, min(end, file_bytes) - at))
            chunks.has_transparency |= kind == b"tRNS"
        if kind in (b"IHDR", b"PLTE") and length <= 768:
            setattr(chunks, "header" if kind == b"IHDR" else "palette", stream.read(length))
        elif length <= _largest_bytes(kind) and len(chunks.metadata) < _MAX_TEXTS:
            content, checksum = stream.read(length), stream.read(4)
            if checksum == struct.pack(">I", zlib.crc32(content, zlib.crc32(kind))):
                chunks.metadata.append((kind, content))
        if kind == b"IEND":
            return chunks
        at = end
    # A file without its end still goes to libpng, which knows whether pixels are missing.
    return chunks


def _largest_bytes(kind: bytes) -> int:
    """Return how large a chunk of metadata may be; below 0 for chunks that are not looked at."""
    return _MAX_METADATA_BYTES if kind in _METADATA_READERS else _COLOUR_SPACE_BYTES.get(kind, -1)


def _probe(chunks: _Chunks) -> ImageProbe:
    width, height, depth, colour_type = struct.unpack_from(">IIBB", chunks.header)
    # Unpacking the other kinds is put off until the picture is known to fit.
    orientation = _metadata([chunk for chunk in chunks.metadata if chunk[0] == b"eXIf"])[1]
    if orientation >= 5:
        height, width = width, height
    return ImageProbe(
        format="PNG",
        height=height,
        width=width,
        channels=1 if _is_grey(chunks) else 3,
        has_alpha=colour_type in (_GREY_ALPHA, _RGB_ALPHA) or chunks.has_transparency,
        dtype="uint16" if depth == 16 else "uint8",
    )


def _decoded(stream: BinaryIO, chunks: _Chunks) -> NDArray[np.generic]:
    import imagecodecs

    # What libpng remarks on would be a second voice beside the one sentence that a person gets.
    logging.getLogger("imagecodecs").setLevel(logging.CRITICAL)
    parts = [SIGNATURE]
    for at, length in chunks.pixels:
        stream.seek(at)
        parts.append(stream.read(length))
    decoded: NDArray[np.generic] = imagecodecs.png_decode(b"".join(parts))
    return decoded


def _is_grey(chunks: _Chunks) -> bool:
    """Tell whether all colours are grey, and no profile makes them others: one of RGB does not go with grey.

    The palette of a file that is not made of its colours only suggests some (PNG 3rd edition, section 11.2.2).
    """
    colour_type = chunks.header[9]
    if colour_type != _PALETTE:
        return colour_type in (_GREY, _GREY_ALPHA)
    palette = chunks.palette
    has_profile = any(kind == b"iCCP" for kind, _ in chunks.metadata)
    return palette[0::3] == palette[1::3] == palette[2::3] and not has_profile


def _metadata(chunks: list[tuple[bytes, bytes]]) -> tuple[Metadata, int]:
    """Return the metadata with the orientation reset, and the orientation that the file asked for."""
    found: dict[str, object] = {}
    texts: list[tuple[str, str]] = []
    colour_space: dict[str, bytes] = {}
    for kind, content in chunks:
        if kind in _COLOUR_SPACE_BYTES:
            colour_space[kind.decode()] = content
            continue
        try:
            found.update(_METADATA_READERS[kind](content, texts))
        except (ValueError, zlib.error, struct.error):
            continue  # damaged metadata never keeps a picture from being opened
    block = found.get("exif")
    orientation = exif.orientation_of(block) if isinstance(block, bytes) else 1
    metadata = Metadata(format="PNG", text=tuple(texts), colour_space=tuple(colour_space.items()), **found)  # type: ignore[arg-type]
    return exif.upright(metadata, orientation), orientation


def _read_icc(content: bytes, _texts: list[tuple[str, str]]) -> dict[str, object]:
    _name, packed = content.split(b"\0", 1)
    return {"icc_profile": _unpacked(packed[1:])}


def _read_exif(content: bytes, _texts: list[tuple[str, str]]) -> dict[str, object]:
    block = content.removeprefix(b"Exif\0\0")
    return {"exif": block} if exif.is_exif(block) else {}


def _read_resolution(content: bytes, _texts: list[tuple[str, str]]) -> dict[str, object]:
    across, down, unit = struct.unpack(">IIB", content)
    return {"dpi": (across / _INCHES_PER_METRE, down / _INCHES_PER_METRE)} if unit == 1 else {}


def _read_text(content: bytes, texts: list[tuple[str, str]]) -> dict[str, object]:
    keyword, text = content.split(b"\0", 1)
    texts.append((keyword.decode("latin-1"), text.decode("latin-1")))
    return {}


def _read_packed_text(content: bytes, texts: list[tuple[str, str]]) -> dict[str, object]:
    keyword, packed = content.split(b"\0", 1)
    texts.append((keyword.decode("latin-1"), _unpacked(packed[1:]).decode("latin-1")))
    return {}


def _read_international_text(content: bytes, texts: list[tuple[str, str]]) -> dict[str, object]:
    keyword, rest = content.split(b"\0", 1)
    is_packed = rest[0:1] == b"\1"
    _language, _translated, text = rest[2:].split(b"\0", 2)
    text = _unpacked(text) if is_packed else text
    if keyword.decode("latin-1") == _XMP_KEYWORD:
        return {"xmp": text}
    texts.append((keyword.decode("latin-1"), text.decode("utf-8")))
    return {}


_METADATA_READERS = {
    b"iCCP": _read_icc,
    b"eXIf": _read_exif,
    b"pHYs": _read_resolution,
    b"tEXt": _read_text,
    b"zTXt": _read_packed_text,
    b"iTXt": _read_international_text,
}


def _unpacked(packed: bytes) -> bytes:
    """Inflate metadata within its limit.

    Raises:
        ValueError: it is cut off, or a bomb.
    """
    inflater = zlib.decompressobj()
    content = inflater.decompress(packed, _MAX_METADATA_BYTES)
    if not inflater.eof:
        raise ValueError("the packed chunk is cut off or too large")
    return content


# --- writing --------------------------------------------------------------------------------------------------------


def _write_chunk(stream: BinaryIO, kind: bytes, content: bytes) -> None:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    stream.write(struct.pack(">I4s", len(content), kind))
    stream.write(content)
    stream.write(struct.pack(">I", checksum))


def _write_metadata(stream: BinaryIO, stored: StoredImage) -> None:
    metadata = stored.metadata
    for kind, content in metadata.colour_space:
        _write_chunk(stream, kind.encode(), content)
    if metadata.icc_profile:
        _write_chunk(stream, b"iCCP", _ICC_NAME + b"\0\0" + zlib.compress(metadata.icc_profile))
    if metadata.dpi:
        across, down = (round(dpi * _INCHES_PER_METRE) for dpi in metadata.dpi)
        if 0 < across < 2**31 and 0 < down < 2**31:
            _write_chunk(stream, b"pHYs", struct.pack(">IIB", across, down, 1))
    if metadata.exif:
        _write_chunk(stream, b"eXIf", metadata.exif)
    if metadata.xmp:
        _write_chunk(stream, b"iTXt", _XMP_KEYWORD.encode() + b"\0\0\0\0\0" + metadata.xmp)
    for keyword, text in metadata.text:
        name = keyword.encode("latin-1", "ignore")[:79] or b"Comment"
        _write_chunk(stream, b"iTXt", name + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))


def _compressed(stored: StoredImage) -> Iterator[bytes]:
    """Yield the zlib stream (RFC 1950) of the filtered rows, strip by strip.

    Every strip is deflated on its own to a byte boundary, so that strips can be computed side by side and simply
    follow each other.
    """
    row_bytes = stored.width * (stored.channels + stored.has_alpha) * stored.numbers.dtype.itemsize
    rows = max(1, _STRIP_BYTES // row_bytes)
    workers = min(8, os.cpu_count() or 1)
    adler = zlib.adler32(b"")
    yield b"\x78\x5e"
    with ThreadPoolExecutor(workers, "png") as pool:
        waiting: deque[Future[tuple[bytes, bytes]]] = deque()
        for top in range(0, stored.height, rows):
            waiting.append(pool.submit(_deflated_strip, stored, top, min(top + rows, stored.height)))
            if len(waiting) > 2 * workers:
                filtered, deflated = waiting.popleft().result()
                adler = zlib.adler32(filtered, adler)
                yield deflated
        for future in waiting:
            filtered, deflated = future.result()
            adler = zlib.adler32(filtered, adler)
            yield deflated
    yield struct.pack(">I", adler)


def _deflated_strip(stored: StoredImage, top: int, bottom: int) -> tuple[bytes, bytes]:
    """Return rows ``top`` to ``bottom``, filtered, plain and as a piece of a raw deflate stream."""
    first = max(top - 1, 0)
    rows = _rows_as_bytes(stored, Box(first, 0, bottom - first, stored.width))
    above = np.zeros_like(rows[:1]) if top == 0 else rows[:1]
    filtered = _paeth_filtered(above, rows[top - first :], _pixel_bytes(stored)).tobytes()
    deflater = zlib.compressobj(_ZLIB_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    is_last = bottom == stored.height
    return filtered, deflater.compress(filtered) + deflater.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def _pixel_bytes(stored: StoredImage) -> int:
    return (stored.channels + stored.has_alpha) * stored.numbers.dtype.itemsize


def _rows_as_bytes(stored: StoredImage, box: Box) -> NDArray[np.uint8]:
    """Return full rows as the big-endian bytes of a PNG, ``(rows, bytes)``."""
    numbers: Numbers = stored.numbers[box.top : box.bottom]
    if stored.alpha_numbers is not None:
        numbers = np.concatenate([numbers, stored.alpha_numbers[box.top : box.bottom, :, None]], axis=2)
    big_endian = np.ascontiguousarray(numbers.astype(numbers.dtype.newbyteorder(">"), copy=False))
    return big_endian.reshape(box.height, -1).view(np.uint8)


def _paeth_filtered(above: NDArray[np.uint8], rows: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Return ``rows`` with filter type 4 (section 9.4), each row led by the number of its filter."""
    padded = np.zeros((len(rows) + 1, rows.shape[1] + pixel_bytes), np.int16)
    padded[:1, pixel_bytes:] = above
    padded[1:, pixel_bytes:] = rows
    left, up, corner = padded[1:, :-pixel_bytes], padded[:-1, pixel_bytes:], padded[:-1, :-pixel_bytes]
    to_left, to_up = up - corner, left - corner  # |p − a| and |p − b| of the specification, p = a + b − c
    to_corner = np.abs(to_left + to_up)
    np.abs(to_left, out=to_left)
    np.abs(to_up, out=to_up)
    is_left = (to_left <= to_up) & (to_left <= to_corner)
    predicted = np.where(is_left, left, np.where(to_up <= to_corner, up, corner))
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _PAETH
    np.subtract(rows, predicted.astype(np.uint8), out=filtered[:, 1:])
    return filtered

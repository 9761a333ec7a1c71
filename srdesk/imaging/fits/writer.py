"""Writing an enlarged image back into a copy of the FITS file that it came from.

Every other HDU is copied byte for byte; the image keeps its type, its BSCALE, BZERO and BLANK, and every card that
does not depend on the size of its pixels.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from srdesk.errors import ImageWriteError
from srdesk.imaging.fits.reader import CORRECT_CARDS, header_errors, parsed_header, quiet_astropy
from srdesk.imaging.fits.structure import BLOCK_BYTES, Hdu, read_structure, unpacked
from srdesk.imaging.fits.wcs import scale_header, shift_origin
from srdesk.imaging.science import FitsOrigin, Numbers, Science
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from astropy.io.fits import Header

_CHUNK_BYTES = 2**20
_STRIP_PX = 2**21
_MOST_NAMED = 12
_NO_CHECKSUM = "0" * 16
_PUNCTUATION = frozenset(b":;<=>?@[\\]^_`")


def write(stream: BinaryIO, stored: StoredImage) -> tuple[str, ...]:
    """Write a FITS file in which ``stored`` takes the place of the image that it was made from.

    Args:
        stream: seekable, empty.
        stored: an image with its science and its origin, a whole number of times as large as that.

    Returns:
        A sentence for each thing that could not be kept.

    Raises:
        ImageWriteError: the original file is gone or has changed, so that its other parts cannot be copied.
        ImageReadError: its header cannot be understood.
        OSError: the stream cannot be written.
    """
    origin, science = stored.metadata.fits, stored.science
    if origin is None or science is None:
        raise ValueError("not an image of a FITS file")
    path = Path(os.fsdecode(origin.path))
    try:
        with card_errors(path), path.open("rb") as packed, unpacked(packed, path) as original:
            _check_unchanged(path, packed, origin)
            hdus = read_structure(original, path)
            header, remarks = result_header(hdus, origin, science, stored.metadata.history, stored.height, stored.width)
            if "DATAMIN" in header or "DATAMAX" in header:
                usable = stored.numbers[~science.is_blank(stored.numbers)]
                renew_extremes(header, science, usable.min(), usable.max())
            for hdu in hdus:
                if hdu.index == origin.hdu:
                    _write_image(stream, header, stored.numbers)
                else:
                    copy_hdu(original, stream, hdu)
    except FileNotFoundError as error:
        raise _gone(path) from error
    return remarks


@contextlib.contextmanager
def card_errors(path: Path) -> Iterator[None]:
    """Turn what astropy says while the header of a result is made into the sentence that a person reads.

    Args:
        path: the file that the header came from.

    Raises:
        ImageWriteError: the header has cards that cannot be written again.
        ImageReadError: it has some that cannot be read.
    """
    try:
        with header_errors(path):
            yield
    except (ValueError, KeyError) as error:
        reason = "the header of the input has cards that cannot be understood"
        raise ImageWriteError(path, reason, hint=CORRECT_CARDS) from error


def _check_unchanged(path: Path, opened: BinaryIO, origin: FitsOrigin) -> None:
    status = os.fstat(opened.fileno())
    if (status.st_size, status.st_mtime_ns) != (origin.size_bytes, origin.modified_ns):
        raise _gone(path)


def _gone(path: Path) -> ImageWriteError:
    return ImageWriteError(
        path,
        "the file that the picture was read from has changed, and its other parts go into the result",
        hint="Open the picture again, and enlarge it again.",
    )


def copy_hdu(original: BinaryIO, stream: BinaryIO, hdu: Hdu) -> None:
    """Copy an HDU byte for byte."""
    original.seek(hdu.offset)
    left = hdu.end - hdu.offset
    while left:
        chunk = original.read(min(left, _CHUNK_BYTES))
        if not chunk:
            stream.write(bytes(left))  # the last block of some files is not filled up
            return
        stream.write(chunk)
        left -= len(chunk)


# --- the header -----------------------------------------------------------------------------------------------------


def result_header(
    hdus: list[Hdu], origin: FitsOrigin, science: Science, history: tuple[str, ...], height: int, width: int
) -> tuple[Header, tuple[str, ...]]:
    """Return the header of a result, but for its extremes and check sums.

    Args:
        hdus: all HDUs of the file that it was made from.
        origin: which image it was.
        science: what its numbers mean.
        history: how it was made, a sentence each.
        height: rows of the result.
        width: its columns.

    Returns:
        The header, and a sentence for each thing that could not be kept.
    """
    header = parsed_header(origin.header)
    with quiet_astropy():
        scale = height // int(header["NAXIS2"])
        header["NAXIS1"], header["NAXIS2"] = width, height
        planes = tuple(_tell_of_planes(header, origin))
        _leave_one_plane(header, origin)
        remarks = planes + scale_header(header, scale)
        if science.saturation is not None and science.quantity == "sum":
            for keyword in ("SATURATE", "SATLEVEL", "SATURATA"):
                if isinstance(header.get(keyword), int | float):
                    header[keyword] = header[keyword] / scale**2
        for sentence in history:
            header.add_history(sentence)
        companions = tuple(_tell_of_companions(header, hdus, origin.hdu))
    return header, remarks + companions


def _tell_of_companions(header: Header, hdus: list[Hdu], index: int) -> Iterator[str]:
    """Note, and yield a sentence, that other images of the same pixels stay as they were, errors and flags for one."""
    size = hdus[index].shape[-2:]
    companions = [hdu for hdu in hdus if hdu.index != index and hdu.shape[-2:] == size and 0 not in hdu.shape]
    if companions:
        names = ", ".join(_spoken(hdu, hdus) for hdu in companions[:_MOST_NAMED])
        more = len(companions) - _MOST_NAMED
        names += f" and {more:,} more" if more > 0 else ""
        header.add_history(f"{names}: not enlarged, as of the original pixels")
        yield f"The other images of its pixels were not enlarged and stay as they were: {names}."
    if any(hdu.name == "ASDF" for hdu in hdus):
        header.add_history("ASDF: not changed; its coordinates (gwcs) count the original pixels")
        yield "The coordinates in its ASDF extension count the original pixels; those in the header were scaled."


def _spoken(hdu: Hdu, hdus: list[Hdu]) -> str:
    if not hdu.name:
        return f"HDU {hdu.index}"
    return f"{hdu.name}:{hdu.version}" if sum(other.name == hdu.name for other in hdus) > 1 else hdu.name


def _tell_of_planes(header: Header, origin: FitsOrigin) -> Iterator[str]:
    """Yield a sentence if the image is one plane of several."""
    shape = tuple(int(header[f"NAXIS{axis}"]) for axis in range(len(origin.plane) + 2, 2, -1))
    if math.prod(shape) > 1:
        number = int(np.ravel_multi_index(origin.plane, shape)) + 1
        yield f"Plane {number:,} of {math.prod(shape):,} was enlarged; the others are not in the result."


def _leave_one_plane(header: Header, origin: FitsOrigin) -> None:
    """Make a cube's header that of its one plane, which stays where it was along the other axes."""
    for back, place in enumerate(reversed(origin.plane)):
        axis = back + 3
        header[f"NAXIS{axis}"] = 1
        shift_origin(header, axis, place)


def renew_extremes(header: Header, science: Science, lowest: float, highest: float) -> None:
    """Write what the least and the largest number of a result measure, where the header has a place for them."""
    extremes = sorted(science.measured(np.array([lowest, highest])).tolist())
    for keyword, value in zip(("DATAMIN", "DATAMAX"), extremes, strict=True):
        if keyword in header:
            header[keyword] = value


# --- the data -------------------------------------------------------------------------------------------------------


def _write_image(stream: BinaryIO, header: Header, numbers: Numbers) -> None:
    at = stream.tell()
    stream.write(header_bytes(header, 0))
    total = _write_data(stream, numbers)
    end = stream.tell()
    stream.seek(at)
    stream.write(header_bytes(header, total))
    stream.seek(end)


def has_check_sums(header: Header) -> bool:
    """Tell whether a header has check sums, which are renewed in a result."""
    return "DATASUM" in header or "CHECKSUM" in header


def header_bytes(header: Header, data_sum: int) -> bytes:
    """Return the blocks of a header, sealed by check sums if it has any; their length does not depend on the sum.

    Args:
        header: the header; its check sums are renewed.
        data_sum: `added` of all data.
    """
    with quiet_astropy():
        if has_check_sums(header):
            header["CHECKSUM"], header["DATASUM"] = _NO_CHECKSUM, str(data_sum)
            whole = added(data_sum, header.tostring().encode("ascii", "replace"))
            header["CHECKSUM"] = _encoded_checksum(0xFFFFFFFF - whole)
        blocks: bytes = header.tostring().encode("ascii", "replace")
    return blocks


def _write_data(stream: BinaryIO, numbers: Numbers) -> int:
    """Write the planes, their rows from the bottom up, fill the last block, and return the sum of the data."""
    height, width, channels = numbers.shape
    total = 0
    rows = max(1, _STRIP_PX // width) if width % 4 == 0 else height  # sums go over four bytes at a time
    for channel in range(channels):
        for bottom in range(height, 0, -rows):
            strip = numbers[max(bottom - rows, 0) : bottom, :, channel][::-1]
            data = strip.astype(strip.dtype.newbyteorder(">")).tobytes()
            stream.write(data)
            total = added(total, data)
    stream.write(bytes(-numbers.nbytes % BLOCK_BYTES))
    return total


def added(total: int, data: bytes) -> int:
    """Add to a sum of 32-bit words in ones' complement (FITS standard 4.0, appendix J.1)."""
    words = np.frombuffer(data + bytes(-len(data) % 4), ">u4")
    total += int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _encoded_checksum(value: int) -> str:
    """Write 32 bits as 16 letters and digits whose own sum is ``value`` (FITS standard 4.0, appendix J.2)."""
    signs = bytearray(16)
    for byte in range(4):
        part = value >> (24 - 8 * byte) & 0xFF
        quarters = [part // 4 + ord("0")] * 4
        quarters[0] += part % 4
        while _PUNCTUATION.intersection(quarters):
            for first in (0, 2):
                if _PUNCTUATION.intersection(quarters[first : first + 2]):
                    quarters[first] += 1
                    quarters[first + 1] -= 1
        for quarter, sign in enumerate(quarters):
            signs[4 * quarter + byte] = sign
    return (signs[-1:] + signs[:-1]).decode("ascii")

"""What the desk and its decode child say to each other: JSON lines, and raw pixels after the line that announces them.

Pixels go through the pipe and not through shared memory: 24 megapixels take less than a tenth of a second either way,
and a pipe works the same on every system, leaves nothing to clean up wherever either side ends, and gives the reader
memory that the child cannot touch any more. Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
import numpy as np

from srdesk.imaging.image import Metadata
from srdesk.imaging.science import FitsOrigin, SceneOrigin, Science
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.values import ValueMap

MAX_LINE_BYTES = 64 * 2**20
"""Longest line: text entries of a PNG are in it."""

_CHUNK_BYTES = 2**22


class Open(msgspec.Struct, frozen=True):
    """Asks the child to open a file."""

    path: bytes
    """Absolute path as the file system has it."""
    content_bytes: int | None = None
    """How many raw bytes follow that are the file, as of a member of an archive; None: read the file at the path."""
    part: str = ""
    """Which picture of a file with several, as `srdesk.imaging.fits.reader.probe` has it."""
    bands: tuple[int, ...] | None = None
    """For a scene: which band, or which three as red, green and blue; none for those that it names. None: no scene."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The child has started."""


class Began(msgspec.Struct, frozen=True, tag="began"):
    """The header is sound, and decoding begins."""

    decoded_bytes: int
    """Memory that the numbers will take: what the time limit depends on."""


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The picture is decoded; numbers, alpha, ICC profile, EXIF, XMP and IPTC follow as raw bytes in this order."""

    height: int
    width: int
    channels: Literal[1, 3]
    has_alpha: bool
    dtype: Literal["uint8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]
    gain: float
    offset: float
    format: str
    icc_profile_bytes: int | None
    exif_bytes: int | None
    xmp_bytes: int | None
    iptc_bytes: int | None
    comment: bytes | None
    dpi: tuple[float, float] | None
    text: tuple[tuple[str, str], ...]
    colour_space: tuple[tuple[str, bytes], ...]
    is_lossless: bool
    is_opacity_unsaid: bool
    science: Science | None = None
    fits: FitsOrigin | None = None
    scene: SceneOrigin | None = None

    @property
    def numbers_bytes(self) -> int:
        """How many bytes of numbers follow."""
        return self.height * self.width * self.channels * np.dtype(self.dtype).itemsize


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The picture cannot be opened."""

    kind: Literal["read", "unsupported"]
    reason: str
    hint: str


Answer = Ready | Began | Opened | Failed


def announcement(stored: StoredImage) -> Opened:
    """Return the line that announces a picture."""
    metadata = stored.metadata
    return Opened(
        height=stored.height,
        width=stored.width,
        channels=1 if stored.channels == 1 else 3,
        has_alpha=stored.has_alpha,
        dtype=stored.values.dtype,  # type: ignore[arg-type] # one of them, and checked on the other side
        gain=stored.values.gain,
        offset=stored.values.offset,
        format=metadata.format,
        icc_profile_bytes=None if metadata.icc_profile is None else len(metadata.icc_profile),
        exif_bytes=None if metadata.exif is None else len(metadata.exif),
        xmp_bytes=None if metadata.xmp is None else len(metadata.xmp),
        iptc_bytes=None if metadata.iptc is None else len(metadata.iptc),
        comment=metadata.comment,
        dpi=metadata.dpi,
        text=metadata.text,
        colour_space=metadata.colour_space,
        is_lossless=metadata.is_lossless,
        is_opacity_unsaid=metadata.is_opacity_unsaid,
        science=stored.science,
        fits=metadata.fits,
        scene=metadata.scene,
    )


def payload(stored: StoredImage) -> Iterator[memoryview | bytes]:
    """Yield the raw bytes that follow the announcement."""
    yield from _chunks(stored.numbers)
    if stored.alpha_numbers is not None:
        yield from _chunks(stored.alpha_numbers)
    metadata = stored.metadata
    for block in (metadata.icc_profile, metadata.exif, metadata.xmp, metadata.iptc):
        if block:
            yield block


def assembled(opened: Opened, numbers: Numbers, alpha: Numbers | None, blocks: Iterable[bytes | None]) -> StoredImage:
    """Return the picture that was announced and received."""
    icc_profile, exif, xmp, iptc = blocks
    metadata = Metadata(
        format=opened.format,
        icc_profile=icc_profile,
        exif=exif,
        xmp=xmp,
        iptc=iptc,
        comment=opened.comment,
        dpi=opened.dpi,
        text=opened.text,
        colour_space=opened.colour_space,
        is_lossless=opened.is_lossless,
        is_opacity_unsaid=opened.is_opacity_unsaid,
        fits=opened.fits,
        scene=opened.scene,
    )
    values = ValueMap(opened.dtype, opened.gain, opened.offset)
    return StoredImage(numbers, values, alpha, metadata, opened.science)


def _chunks(array: Numbers) -> Iterator[memoryview]:
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    for at in range(0, flat.size, _CHUNK_BYTES):
        yield flat[at : at + _CHUNK_BYTES].data

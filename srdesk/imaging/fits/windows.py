"""An image of a FITS file too large to be held, read window by window from the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.fits.parts import DTYPES, Part, chosen_part
from srdesk.imaging.fits.reader import header_errors, origin_of, parsed_header, science_of
from srdesk.imaging.fits.structure import SIGNATURE, read_structure
from srdesk.imaging.flux import Background, background_of
from srdesk.imaging.image import Box
from srdesk.imaging.probe import MAX_SIDE_PX, decoder_errors
from srdesk.imaging.science import Mask, Numbers, Science, robust_values
from srdesk.imaging.values import ValueMap

MAX_HELD_BYTES = 64 * 2**20
"""An image of more bytes is enlarged from disk to disk: its result would take a gigabyte, and twice that on the way."""

_SAMPLES = 2**20
"""Pixels, at most, that the range and the background are taken from."""


class FitsWindows:
    """An open image that hands out windows of numbers (`srdesk.imaging.scene.bands.BandReader`). For one thread.

    To be had from `open_windows`.
    """

    def __init__(self, path: Path, stream: BinaryIO, part: str) -> None:
        self.path = path
        self.stream = stream
        """The file."""
        self.hdus = read_structure(stream, path)
        """All its HDUs."""
        self.part: Part = chosen_part(self.hdus, part, path)
        """Which image it is."""
        hdu = self.part.hdu
        if hdu.is_tile_compressed:
            raise UnsupportedImageError(
                path, "it is compressed in tiles, and too large to be unpacked at once", hint="Unpack it with funpack."
            )
        self.height, self.width = hdu.shape[-2:]
        if max(self.height, self.width) > MAX_SIDE_PX:
            size = f"{self.width:,} × {self.height:,} pixels"
            raise UnsupportedImageError(path, f"its {size} are more than can be opened", hint="Cut it into parts.")
        self.dtype = DTYPES[hdu.bitpix]
        self.bands = tuple(range(1, self.part.channels + 1))
        """Numbers of all its planes that go together, from 1."""
        self.nodata: tuple[float | None, ...] = (None,) * len(self.bands)
        """For `BandReader`; `data_mask` knows better."""
        self.origin = origin_of(path, self.part, hdu.header)
        """Where it came from."""
        number = int(np.ravel_multi_index(self.part.plane, hdu.shape[:-2])) if self.part.plane else 0
        self._stored_type = np.dtype(self.dtype).newbyteorder(">")
        self._plane_bytes = self.height * self.width * self._stored_type.itemsize
        self._begin = hdu.data_offset + number * self._plane_bytes

    @cached_property
    def science(self) -> Science:
        """What the numbers mean.

        Raises:
            ImageReadError: the header does not say, or no pixel has a value.
        """
        with header_errors(self.path):
            science = science_of(parsed_header(self.part.hdu.header), self._sample, self.path)
        if science.is_blank(self._sample).all():
            raise ImageReadError(self.path, "none of its pixels has a value", hint="Choose another image of the file.")
        return science

    @cached_property
    def values(self) -> ValueMap:
        """The range that nearly all numbers lie in."""
        return robust_values(self._sample, self.science)

    @cached_property
    def sky(self) -> tuple[Background, ...]:
        """Background of every plane."""
        return tuple(background_of(self._sample[:, :, band - 1], self.science) for band in self.bands)

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        """Return the numbers of ``box``, which lies inside the image, `(height, width, bands)`, north up.

        Raises:
            ImageReadError: the file has become shorter, or cannot be read.
        """
        numbers = np.empty((box.height, box.width, len(bands)), self.dtype)
        row_bytes = self.width * self._stored_type.itemsize
        with decoder_errors(self.path):
            for channel, band in enumerate(bands):
                begin = self._begin + (band - 1) * self._plane_bytes + box.left * self._stored_type.itemsize
                for row in range(box.height):
                    self.stream.seek(begin + (self.height - 1 - box.top - row) * row_bytes)
                    data = self.stream.read(box.width * self._stored_type.itemsize)
                    numbers[row, :, channel] = np.frombuffer(data, self._stored_type, box.width)
        return numbers

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> Mask:
        """Tell which numbers of ``box`` the network may see, `(height, width, bands)`: they have a value."""
        del bands, box
        return ~self.science.is_unusable(numbers)

    @cached_property
    def _sample(self) -> Numbers:
        step = max(1, round((self.height * self.width * len(self.bands) / _SAMPLES) ** 0.5))
        rows = [self.read(self.bands, Box(top, 0, 1, self.width))[:, ::step] for top in range(0, self.height, step)]
        return np.concatenate(rows)


def is_large(path: Path, part: str = "") -> bool:
    """Tell whether an image is one that is enlarged from disk to disk. Whatever cannot be opened is none.

    Args:
        path: the file; a regular one.
        part: as `srdesk.imaging.fits.reader.probe` has it.
    """
    try:
        with path.open("rb") as stream:
            if stream.read(len(SIGNATURE)) != SIGNATURE:
                return False
            chosen = chosen_part(read_structure(stream, path), part, path)
    except (OSError, ImageReadError, UnsupportedImageError):
        return False
    height, width = chosen.hdu.shape[-2:]
    held_bytes = height * width * chosen.channels * np.dtype(DTYPES[chosen.hdu.bitpix]).itemsize
    return held_bytes > MAX_HELD_BYTES and not chosen.hdu.is_tile_compressed


@contextmanager
def open_windows(path: Path, part: str = "") -> Iterator[FitsWindows]:
    """Open an image of a plain FITS file; it is closed at the end of the block.

    Raises:
        ImageReadError: the file is missing or damaged.
        UnsupportedImageError: it has no such image, or one that is compressed.
    """
    with decoder_errors(path), header_errors(path):
        stream = path.open("rb")
    with stream:
        with decoder_errors(path), header_errors(path):
            windows = FitsWindows(path, stream, part)
        yield windows

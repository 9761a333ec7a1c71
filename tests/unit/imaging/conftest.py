"""Pictures and EXIF blocks that other programs made, and one decoder for all tests of a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image as PillowImage

from srdesk.imaging.decoder import Decoder

ExifMaker = Callable[..., bytes]


@pytest.fixture
def make_exif() -> ExifMaker:
    """Return a maker of EXIF blocks as Pillow writes them, without the prefix that JPEG has."""

    def make(orientation: int | None = 1, width_px: int = 100) -> bytes:
        exif = PillowImage.Exif()
        exif[271] = "Maker"
        if orientation is not None:
            exif[274] = orientation
        details = exif.get_ifd(0x8769)
        details[33434] = (1, 50)
        details[37500] = b"maker note, byte for byte"
        details[40962] = width_px
        details[40963] = 80
        exif.get_ifd(0x8825)[1] = "N"
        return exif.tobytes().removeprefix(b"Exif\0\0")

    return make


@pytest.fixture
def make_jpeg() -> Callable[..., bytes]:
    """Return a maker of JPEG files as Pillow writes them."""

    def make(picture: PillowImage.Image, **options: object) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", **options)
        return stream.getvalue()

    return make


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """Return a running decoder that lives as long as the tests of one file."""
    with Decoder() as running:
        running.start()
        yield running

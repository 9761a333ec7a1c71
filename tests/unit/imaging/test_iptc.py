"""Captions and copyright of the press go from picture to picture."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import IptcImagePlugin

from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import open_stored, save_image
from srdesk.imaging.image import Metadata
from srdesk.imaging.iptc import MAX_JPEG_BYTES, jpeg_marker
from srdesk.imaging.stored import StoredImage

PIXELS = np.random.default_rng(3).integers(0, 256, (12, 16, 3), np.uint8)


def record(number: int, text: bytes) -> bytes:
    return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text


RECORDS = record(120, b"A caption") + record(116, "© a photographer".encode())


def jpeg(path: Path, records: bytes = RECORDS) -> Path:
    stream = io.BytesIO()
    PillowImage.fromarray(PIXELS).save(stream, "JPEG", quality=95)
    content = stream.getvalue()
    path.write_bytes(content[:2] + jpeg_marker(records) + content[2:])
    return path


def tiff(path: Path, *, of_longs: bool = False, order: str = "<") -> Path:
    padded = RECORDS + bytes(-len(RECORDS) % 4)
    numbers = np.frombuffer(padded, f"{order}u4")
    tag = (33723, 4, len(numbers), tuple(numbers), True) if of_longs else (33723, 7, len(RECORDS), RECORDS, True)
    tifffile.imwrite(path, PIXELS, photometric="rgb", metadata=None, extratags=[tag], byteorder=order)
    return path


def told(path: Path) -> dict[tuple[int, int], bytes]:
    with PillowImage.open(path) as picture:
        return IptcImagePlugin.getiptcinfo(picture) or {}


@pytest.mark.parametrize("source", ["a.jpg", "a.tif", "longs.tif", "big endian.tif"])
@pytest.mark.parametrize("result", ["b.jpg", "b.tif"])
def test_records_go_from_file_to_file(tmp_path: Path, source: str, result: str) -> None:
    path = tmp_path / source
    if path.suffix == ".jpg":
        jpeg(path)
    else:
        tiff(path, of_longs=path.stem != "a", order=">" if "endian" in source else "<")
    with Decoder() as decoder:
        stored = StoredImage.from_image(decoder.open(path))
    assert save_image(tmp_path / result, stored, quality=95) == ()
    assert told(tmp_path / result)[2, 120] == b"A caption"
    assert told(tmp_path / result)[2, 116] == "© a photographer".encode()


@pytest.mark.parametrize(("result", "format_name"), [("b.png", "PNG"), ("b.webp", "WebP")])
def test_other_formats_say_that_they_do_without(tmp_path: Path, result: str, format_name: str) -> None:
    (said,) = save_image(tmp_path / result, open_stored(jpeg(tmp_path / "a.jpg")), quality=95)
    assert said == f"The IPTC records have no place in a {format_name} and were left out."


@pytest.mark.parametrize("too_many", [0, 1])
def test_records_that_jpeg_has_no_room_for_are_left_out_and_that_is_said(tmp_path: Path, too_many: int) -> None:
    records = record(120, b"a") + bytes(MAX_JPEG_BYTES - 6 + too_many)
    losses = save_image(tmp_path / "a.jpg", StoredImage(PIXELS, metadata=Metadata("TIFF", iptc=records)), quality=95)
    assert len(losses) == too_many
    assert (open_stored(tmp_path / "a.jpg").metadata.iptc == records) == (not too_many)

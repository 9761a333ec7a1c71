"""EXIF blocks are changed where they must be, and nowhere else."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage
from PIL import ImageOps

from srdesk.imaging import exif, ifd
from srdesk.imaging.image import Metadata

ExifMaker = Callable[..., bytes]


def detail(block: bytes, tag: int) -> int:
    layout, directory = ifd.exif_directory(block)
    below = directory[ifd.EXIF_IFD]
    assert isinstance(below, dict)
    field = below[tag]
    assert isinstance(field, ifd.Field)
    return int(struct.unpack(layout.order + {3: "H", 4: "I"}[field.type], field.data)[0])


def block_of(order: str, *entries: tuple[int, int, int, int], after: bytes = b"") -> bytes:
    """Build a block with one directory of (tag, type, count, value) entries."""
    table = b"".join(
        struct.pack(f"{order}HHI", tag, kind, count) + struct.pack(order + ("HH" if kind == 3 else "I"), *values)
        for tag, kind, count, value in entries
        for values in [(value, 0) if kind == 3 else (value,)]
    )
    next_directory = 8 + 2 + len(table) + 4 if after else 0
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return head + struct.pack(f"{order}H", len(entries)) + table + struct.pack(f"{order}I", next_directory) + after


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read_in_both_byte_orders(order: str, orientation: int) -> None:
    assert exif.orientation_of(block_of(order, (274, 3, 1, orientation))) == orientation


@pytest.mark.parametrize("entry", [(274, 3, 1, 99), (274, 3, 1, 0), (274, 3, 2, 6), (274, 2, 1, 6), (271, 3, 1, 6)])
def test_a_nonsensical_or_missing_orientation_is_upright(entry: tuple[int, int, int, int]) -> None:
    assert exif.orientation_of(block_of("<", entry)) == 1


def test_making_upright_changes_nothing_but_the_orientation(make_exif: ExifMaker) -> None:
    before = make_exif(orientation=6)
    after = exif.with_upright(before)
    changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert len(changed) == 1
    assert exif.orientation_of(after) == 1
    assert b"maker note, byte for byte" in after


@pytest.mark.parametrize("order", ["<", ">"])
def test_making_upright_drops_the_thumbnail_and_its_pixels(order: str) -> None:
    thumbnail = b"\xff\xd8 the old pixels \xff\xd9"
    first_bytes = 8 + 2 + 12 + 4
    at = first_bytes + 2 + 24 + 4
    second = block_of(order, (513, 4, 1, at), (514, 4, 1, len(thumbnail)))[8:]
    block = block_of(order, (274, 3, 1, 8), after=second + thumbnail)
    assert thumbnail in block
    upright = exif.with_upright(block)
    assert b"old pixels" not in upright
    assert struct.unpack_from(order + "I", upright, first_bytes - 4)[0] == 0
    assert len(upright) == len(block)


def test_the_new_size_replaces_the_old_one_where_there_was_one(make_exif: ExifMaker) -> None:
    block = exif.with_size(make_exif(), height=320, width=400)
    assert detail(block, 40962) == 400
    assert detail(block, 40963) == 320
    bare = block_of("<", (271, 2, 4, 0))
    assert exif.with_size(bare, height=320, width=400) == bare


def test_the_size_beside_the_camera_s_name_follows_too() -> None:
    before = block_of("<", (256, 4, 1, 4000), (257, 3, 1, 3000))
    assert exif.with_size(before, height=320, width=400) == block_of("<", (256, 4, 1, 400), (257, 3, 1, 320))


def test_a_size_that_16_bits_cannot_count_is_stored_in_32(make_exif: ExifMaker) -> None:
    assert detail(exif.with_size(make_exif(), height=2, width=100_000), 40962) == 100_000


@pytest.mark.hostile
@given(st.binary(max_size=200), st.sampled_from([b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b""]))
def test_no_block_is_so_damaged_that_it_raises(rest: bytes, head: bytes) -> None:
    block = head + rest
    assert 1 <= exif.orientation_of(block) <= 8
    assert len(exif.with_upright(block)) == len(block)
    assert len(exif.with_size(block, height=3, width=70_000)) == len(block)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_pillow_turns_them(orientation: int) -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    marks = PillowImage.Exif()
    marks[274] = orientation
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "PNG", exif=marks)
    with PillowImage.open(stream) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))
    assert_array_equal(exif.turned_upright(pixels, orientation), expected)
    assert exif.turned_upright(np.zeros((3, 4, 3)), orientation).shape == (*expected.shape, 3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'<a tiff:ImageWidth="48" tiff:ImageLength="40"/>', b'<a tiff:ImageWidth="192" tiff:ImageLength="160"/>'),
        (b"<exif:PixelXDimension>48</exif:PixelXDimension>", b"<exif:PixelXDimension>192</exif:PixelXDimension>"),
        (b"<a exif:PixelYDimension = '40'/>", b"<a exif:PixelYDimension = '160'/>"),
        (b'<a tiff:XResolution="7" exif:PixelXDimension=""/>', b'<a tiff:XResolution="7" exif:PixelXDimension=""/>'),
    ],
)
def test_xmp_says_the_size_of_the_result(before: bytes, after: bytes) -> None:
    assert exif.sized(Metadata(xmp=before), height=160, width=192).xmp == after

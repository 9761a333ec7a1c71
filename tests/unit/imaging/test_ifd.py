"""TIFF directories survive being packed and read, in every layout."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from srdesk.imaging import ifd

LAYOUTS = [ifd.Layout(order, is_big) for order in ("<", ">") for is_big in (False, True)]


def sample(order: Literal["<", ">"]) -> ifd.Directory:
    return {
        271: ifd.Field(2, 6, b"Maker\0"),
        274: ifd.Field(3, 1, struct.pack(f"{order}H", 1)),
        282: ifd.Field(5, 1, struct.pack(f"{order}II", 300, 1)),
        ifd.EXIF_IFD: {
            33434: ifd.Field(5, 1, struct.pack(f"{order}II", 1, 50)),
            37500: ifd.Field(7, 11, b"maker\0 note"),
            ifd.INTEROPERABILITY_IFD: {1: ifd.Field(2, 4, b"R98\0")},
        },
        ifd.GPS_IFD: {1: ifd.Field(2, 2, b"N\0")},
    }


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
@pytest.mark.parametrize("at", [0, 8, 1000])
def test_a_directory_survives_being_packed(layout: ifd.Layout, at: int) -> None:
    packed = bytes(at) + ifd.pack_directory(sample(layout.order), layout, at)
    assert ifd.read_directory(io.BytesIO(packed), at, layout) == sample(layout.order)


def test_only_wanted_tags_are_read() -> None:
    layout = ifd.Layout("<")
    packed = ifd.pack_directory(sample("<"), layout, 0)
    assert set(ifd.read_directory(io.BytesIO(packed), 0, layout, frozenset({271, ifd.GPS_IFD}))) == {271, ifd.GPS_IFD}


def test_values_beyond_the_limit_are_passed_over() -> None:
    layout = ifd.Layout("<")
    packed = ifd.pack_directory({1: ifd.Field(7, 100, bytes(100)), 2: ifd.Field(3, 1, b"\1\0")}, layout, 0)
    assert set(ifd.read_directory(io.BytesIO(packed), 0, layout, max_bytes=99)) == {2}


@pytest.mark.parametrize("order", ["<", ">"])
def test_pillow_understands_a_packed_exif_block(order: Literal["<", ">"]) -> None:
    exif = PillowImage.Exif()
    exif.load(ifd.exif_block(sample(order), ifd.Layout(order)))
    assert exif[271] == "Maker"
    assert exif.get_ifd(ifd.EXIF_IFD)[37500] == b"maker\0 note"
    assert exif.get_ifd(ifd.GPS_IFD)[1] == "N"


def test_an_exif_block_of_pillow_is_understood(make_exif: Callable[..., bytes]) -> None:
    _layout, directory = ifd.exif_directory(make_exif())
    assert directory[271] == ifd.Field(2, 6, b"Maker\0")
    below = directory[ifd.EXIF_IFD]
    assert isinstance(below, dict)
    assert below[37500] == ifd.Field(1, 25, b"maker note, byte for byte")


@pytest.mark.hostile
@given(st.binary(max_size=300), st.sampled_from(LAYOUTS))
def test_no_directory_is_so_damaged_that_it_raises(content: bytes, layout: ifd.Layout) -> None:
    ifd.read_directory(io.BytesIO(content), 0, layout)


@pytest.mark.hostile
def test_directories_that_contain_themselves_end() -> None:
    layout = ifd.Layout("<")
    loop = struct.pack("<HHHII", 1, ifd.EXIF_IFD, 4, 1, 0) + bytes(4)
    directory = ifd.read_directory(io.BytesIO(loop), 0, layout)
    assert directory == {ifd.EXIF_IFD: {ifd.EXIF_IFD: {}}}


@pytest.mark.parametrize("block", [b"", b"II*\0", b"XX*\0\x08\0\0\0", b"II\x2c\0\x08\0\0\0"])
def test_what_is_no_tiff_structure_is_refused(block: bytes) -> None:
    with pytest.raises(ValueError, match="not a TIFF structure"):
        ifd.exif_directory(block)


@pytest.mark.parametrize(("kind", "code"), [(3, "HH"), (4, "II"), (5, "IIII"), (12, "dd"), (2, "4s"), (16, "QQ")])
def test_a_value_can_change_its_byte_order(kind: int, code: str) -> None:
    values: tuple[object, ...] = (b"text",) if kind == 2 else tuple(range(1, len(code) + 1))
    little, big = (ifd.Field(kind, 2, struct.pack(order + code, *values)) for order in "<>")
    assert ifd.swapped(big) == little

"""What files beside a scene say of classes is read whatever else they say, and counts a result's pixels."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from xml.etree import ElementTree

import pytest

from srdesk.imaging.scene.class_tables import ClassTables, read_class_tables

NAMES = "<CategoryNames><Category>water</Category><Category>wood &amp; scrub</Category></CategoryNames>"


def table(count: str, *, kind: str = "0", thematic: str = "thematic") -> str:
    return (
        f'<GDALRasterAttributeTable tableType="{thematic}">'
        '<FieldDefn index="0"><Name>Value</Name><Type typeAsString="Integer">0</Type><Usage>5</Usage></FieldDefn>'
        f'<FieldDefn index="1"><Name>n</Name><Type typeAsString="T">{kind}</Type><Usage>1</Usage></FieldDefn>'
        f'<Row index="0"><F>3</F><F>{count}</F></Row><Row index="1"><F>4</F></Row></GDALRasterAttributeTable>'
    )


def of(folder: Path, said: str, bands: int = 1) -> ClassTables:
    (folder / "a.tif.aux.xml").write_text(said, encoding="utf-8")
    return read_class_tables(folder / "a.tif", bands)


def of_band(said: str, number: int | str = 1) -> str:
    return f'<PAMDataset><PAMRasterBand band="{number}">{said}</PAMRasterBand></PAMDataset>'


def texts(tables: ClassTables, number: int = 1) -> list[str]:
    return [ElementTree.tostring(element, "unicode") for element in tables.of_bands[number]]


def dbf(*fields: tuple[str, str, int, int], records: list[str]) -> bytes:
    """Return a dBASE III file of columns ``(name, type, width, decimals)``."""
    header = 32 + 32 * len(fields) + 1
    length = 1 + sum(width for _, _, width, _ in fields)
    columns = b"".join(struct.pack("<11sc4xBB14x", n.encode(), t.encode(), w, d) for n, t, w, d in fields)
    start = b"\x03\x7a\x01\x01" + struct.pack("<IHH20x", len(records), header, length)
    return start + columns + b"\r" + "".join(f" {record}" for record in records).encode() + b"\x1a"


def test_tables_are_those_of_the_bands_that_they_stand_in(tmp_path: Path) -> None:
    said = "".join(
        f'<PAMRasterBand band="{number}">{text}</PAMRasterBand>'
        for number, text in (
            (2, NAMES),
            (3, table("5")),
            (4, table("5", thematic="athematic")),
            (5, "<CategoryNames/>"),
        )
    )
    tables = of(tmp_path, f"<PAMDataset>{said}</PAMDataset>", bands=5)
    assert [number for number in range(1, 6) if tables.speak_of(number)] == [2, 3]
    assert texts(tables, 2) == [NAMES]
    chosen = tables.of_chosen((3, 1))
    assert [number for number in (1, 2) if chosen.speak_of(number)] == [1]
    assert texts(chosen) == texts(tables, 3)


@pytest.mark.parametrize(
    ("count", "kind", "expected", "kind_then"),
    [
        ("5", "0", "80", "0"),
        ("5.0", "1", "80.0", "1"),
        ("many", "2", "many", "2"),
        ("", "0", "", "0"),
        ("200000000", "0", "3200000000", "1"),
    ],
)
def test_columns_of_numbers_of_pixels_count_those_of_the_result(
    tmp_path: Path, count: str, kind: str, expected: str, kind_then: str
) -> None:
    element = of(tmp_path, of_band(table(count, kind=kind))).enlarged(4).of_bands[1][0]
    assert [[cell.text or "" for cell in row] for row in element.findall("Row")] == [["3", expected], ["4"]]
    assert [column.findtext("Type") for column in element.findall("FieldDefn")] == ["0", kind_then]


def test_a_column_of_a_dbase_file_counts_the_pixels_of_the_result(tmp_path: Path) -> None:
    fields = (("VALUE", "N", 4, 0), ("Count", "N", 4, 0), ("REAL", "F", 6, 2), ("NAME", "C", 5, 0))
    content = dbf(*fields, records=["   1  12  7.50water", "   2 999  1.00wood ", "   3      2.00     "])
    (tmp_path / "a.tif.vat.dbf").write_bytes(content)
    (tmp_path / "a.tif.vat.cpg").write_text("UTF-8")
    tables = read_class_tables(tmp_path / "a.tif", 1)
    assert tables.speak_of(1)
    after = dict(tables.enlarged(4).beside)
    expected = dbf(*fields, records=["   1 192  7.50water", "   2****  1.00wood ", "   3      2.00     "])
    assert after == {".vat.dbf": expected, ".vat.cpg": b"UTF-8"}
    assert not read_class_tables(tmp_path / "a.tif", 2).speak_of(1)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x03",
        b"\x03\0\0\0" + struct.pack("<IHH20x", 2**32 - 1, 65, 0) + struct.pack("<11sc4xBB14x", b"COUNT", b"N", 9, 0),
        b"\x03\0\0\0" + struct.pack("<IHH20x", 2**32 - 1, 65, 1) + struct.pack("<11sc4xBB14x", b"COUNT", b"N", 9, 0),
        dbf(("COUNT", "N", 4, 0), records=["\xff12 "]),
        dbf(("COUNT", "N", 4, 0), records=[" inf"]),
        dbf(("COUNT", "N", 200, 0), records=["  12"]),
    ],
)
def test_a_damaged_dbase_file_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif.vat.dbf").write_bytes(content)
    assert dict(read_class_tables(tmp_path / "a.tif", 1).enlarged(4).beside)[".vat.dbf"] == content


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("said", "is_of_classes"),
    [
        ("<PAMDataset><CategoryNames><Category>water</PAMDataset>", True),
        ('<?xml version="1.0" encoding="none"?><PAMDataset><CategoryNames></PAMDataset>', True),
        ("not XML", False),
        ("", False),
        (of_band(NAMES, "first"), False),
        (of_band(NAMES, "²"), False),
        (of_band(table("5") + "<CategoryNames>" + "<a>" * 99_999 + "</a>" * 99_999 + "</CategoryNames>"), True),
    ],
)
def test_whatever_the_auxiliary_file_says_is_read(tmp_path: Path, said: str, *, is_of_classes: bool) -> None:
    tables = of(tmp_path, said)
    assert tables.speak_of(1) == is_of_classes
    for element in tables.enlarged(4).of_bands.get(1, ()):
        ElementTree.tostring(element)
    assert not of(tmp_path, said.replace('band="1"', 'band="9"'), bands=2).speak_of(1)


@pytest.mark.hostile
@pytest.mark.parametrize("suffix", [".aux.xml", ".vat.dbf"])
def test_a_pipe_is_no_table_of_classes(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"a.tif{suffix}")
    assert not read_class_tables(tmp_path / "a.tif", 1).speak_of(1)


@pytest.mark.parametrize("suffix", [".aux.xml", ".vat.dbf"])
def test_a_table_that_is_too_large_still_says_that_there_are_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("srdesk.imaging.scene.class_tables._MOST_READ_BYTES", 100)
    (tmp_path / f"a.tif{suffix}").write_text(of_band(NAMES) + " " * 100)
    tables = read_class_tables(tmp_path / "a.tif", 1)
    assert tables.speak_of(1)
    assert not tables.of_bands
    assert not tables.beside

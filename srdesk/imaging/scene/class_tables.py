"""Tables beside a scene that say what its numbers stand for: read, and told again of a result of repeated pixels.

GDAL keeps names of classes and attribute tables in its auxiliary file (PAM, ``.aux.xml``), Esri in a dBASE file
(``.vat.dbf``). Where a table counts the pixels of a class, a result has ``scale²`` times as many.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from srdesk.imaging.scene.probe import AUXILIARY_SUFFIX

_DBF_SUFFIX = ".vat.dbf"
ESRI_SUFFIXES = (_DBF_SUFFIX, ".vat.cpg")
"""Behind the whole name of a scene: Esri's table, and the code page that its texts are in."""

_MOST_READ_BYTES = 16 * 2**20

_NAMES, _TABLE = "CategoryNames", "GDALRasterAttributeTable"
_SIGNS = (b"<CategoryNames>", b'tableType="thematic"')
"""What says that numbers are those of classes, in an auxiliary file that is no valid XML: GDAL reads more than that."""

_PIXEL_COUNT = "1"
"""GDAL's number of the usage of a column that counts pixels (``GFU_PixelCount``)."""
_INTEGER, _REAL = "0", "1"
_MOST_INTEGER = 2**31 - 1

_DBF_HEADER = struct.Struct("<4xIHH20x")
"""dBASE III: number of records, bytes of the header, bytes of a record."""
_DBF_FIELD = struct.Struct("<11sc4xBB14x")
"""Name, type, width and decimals of a column."""


@dataclass(frozen=True, slots=True)
class ClassTables:
    """What files beside a scene say of the classes in its bands."""

    of_bands: dict[int, tuple[Element, ...]]
    """Place of the band in the file, from 1 → elements of GDAL's auxiliary file."""
    is_said_otherwise: bool = False
    """Whether Esri's table, or an auxiliary file that is too large or no valid XML, speaks of the only band."""
    beside: tuple[tuple[str, bytes], ...] = ()
    """Of each of Esri's files, which speak of the only band, its suffix and its content."""

    def speak_of(self, number: int) -> bool:
        """Tell whether the band at a place holds classes."""
        return number in self.of_bands or self.is_said_otherwise

    def of_chosen(self, bands: tuple[int, ...]) -> ClassTables:
        """Return the tables of some bands of several, which are numbered anew in this order."""
        kept = {place: self.of_bands[number] for place, number in enumerate(bands, start=1) if number in self.of_bands}
        return ClassTables(kept)

    def enlarged(self, scale: int) -> ClassTables:
        """Return the tables of a scene in which every pixel stands ``scale`` × ``scale`` times."""
        tables = {
            number: tuple(_with_counts(element, scale**2) for element in elements)
            for number, elements in self.of_bands.items()
        }
        beside = tuple(
            (end, _dbf_with_counts(content, scale**2) if end == _DBF_SUFFIX else content)
            for end, content in self.beside
        )
        return ClassTables(tables, beside=beside)


def read_class_tables(path: Path, bands: int) -> ClassTables:
    """Read what lies beside a scene of so many bands; what cannot be read says nothing."""
    beside = []
    is_said_otherwise = bands == 1 and path.with_name(f"{path.name}{_DBF_SUFFIX}").is_file()
    for end in ESRI_SUFFIXES if bands == 1 else ():
        content = _beginning(path.with_name(f"{path.name}{end}"))
        if content is not None and len(content) <= _MOST_READ_BYTES:
            beside.append((end, content))
    said = _beginning(path.with_name(f"{path.name}{AUXILIARY_SUFFIX}")) or b"<PAMDataset/>"
    try:
        return ClassTables(_of_bands(ElementTree.fromstring(said)), is_said_otherwise, tuple(beside))
    except (ElementTree.ParseError, ValueError, LookupError):  # the last: of an encoding that there is not
        is_said = bands == 1 and any(sign in said for sign in _SIGNS)
        return ClassTables({}, is_said or is_said_otherwise, tuple(beside))


def _beginning(file: Path) -> bytes | None:
    """Return a byte more than is taken along of a file, or all of it; None if there is none: pipes keep us waiting."""
    with contextlib.suppress(OSError):
        if file.is_file():
            with file.open("rb") as stream:
                return stream.read(_MOST_READ_BYTES + 1)
    return None


def _of_bands(auxiliary: Element) -> dict[int, tuple[Element, ...]]:
    found: dict[int, tuple[Element, ...]] = {}
    for band in auxiliary.findall("PAMRasterBand"):
        number = band.get("band", "")
        tables = tuple(_flat(element) for element in band if _is_of_classes(element))
        if tables and number.isdecimal():
            found[int(number)] = tables
    return found


def _is_of_classes(element: Element) -> bool:
    if element.tag == _NAMES:
        return len(element) > 0
    return element.tag == _TABLE and element.get("tableType", "").lower() == "thematic"


def _flat(element: Element) -> Element:
    """Return a table without whatever is deeper in it than a table is: elements in elements can be without end."""
    flat = Element(element.tag, element.attrib)
    for part in element:
        kept = ElementTree.SubElement(flat, part.tag, part.attrib)
        kept.text = part.text if len(part) == 0 else None
        for item in part:
            ElementTree.SubElement(kept, item.tag, item.attrib).text = item.text
    return flat


def _with_counts(table: Element, factor: int) -> Element:
    """Return a table whose columns of numbers of pixels say ``factor`` times as many."""
    table = _flat(table)
    for column, definition in enumerate(table.findall("FieldDefn")):
        if definition.findtext("Usage", "").strip() != _PIXEL_COUNT:
            continue
        cells = [row[column] for row in table.findall("Row") if column < len(row)]
        for cell in cells:
            cell.text = _times(cell.text or "", factor)
        kind = definition.find("Type")
        if kind is not None and kind.text == _INTEGER and any(_is_beyond_integer(cell.text or "") for cell in cells):
            kind.text = _REAL
            kind.attrib.clear()  # its name in words
    return table


def _times(number: str, factor: int) -> str:
    """Return the text of ``factor`` times a number; what is none stays."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return str(kind(number) * factor)
    return number


def _is_beyond_integer(number: str) -> bool:
    with contextlib.suppress(ValueError):
        return int(number) > _MOST_INTEGER
    return False


def _dbf_with_counts(content: bytes, factor: int) -> bytes:
    """Return a dBASE file whose column COUNT says ``factor`` times as much; one that is damaged as it is.

    A number too wide for its column is written as asterisks, as dBASE does.
    """
    try:
        records, header_bytes, record_bytes = _DBF_HEADER.unpack_from(content)
        start = 1  # behind the mark of records that are deleted
        table = bytearray(content)
        records = min(records, (len(content) - header_bytes) // record_bytes)
        for place in range(_DBF_HEADER.size, header_bytes - _DBF_FIELD.size + 1, _DBF_FIELD.size):
            name, kind, width, decimals = _DBF_FIELD.unpack_from(content, place)
            if name.partition(b"\0")[0].upper() == b"COUNT" and kind in b"NF":
                for record in range(records):
                    first = header_bytes + record * record_bytes + start
                    table[first : first + width] = _cell_times(content[first : first + width], factor, decimals)
            start += width
    except (struct.error, ZeroDivisionError):
        return content
    return bytes(table)


def _cell_times(cell: bytes, factor: int, decimals: int) -> bytes:
    """Return a cell of the same width that says ``factor`` times as much; what is no number stays."""
    try:
        number = cell.decode("ascii")
        text = f"{float(number) * factor:.{decimals}f}" if decimals else str(int(float(number)) * factor)
    except (ValueError, OverflowError):
        return cell
    return text.rjust(len(cell)).encode("ascii") if len(text) <= len(cell) else b"*" * len(cell)

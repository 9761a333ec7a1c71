"""Which TIFF is a scene: one that says where on Earth it is or what it measures, or that is no photo's kind of file."""

from __future__ import annotations

import stat
import struct
from pathlib import Path
from typing import BinaryIO

from srdesk.imaging import ifd
from srdesk.imaging.probe import MAX_DECODED_BYTES

_WIDTH, _LENGTH, _BITS, _SAMPLES, _FORMAT = 256, 257, 258, 277, 339
_GEO_TAGS = frozenset({33550, 33922, 34264, 34735, 42112, 42113, 50844})
"""Pixel scale, tie points, transformation, GeoKeys, GDAL's metadata and nodata, RPCs."""

_AFFINE_TAGS = frozenset({33550, 34264})

_MOST_PHOTO_SAMPLES = 4
_SIGNED = 2
_MAX_BYTES = 2**20

_WORLD_SUFFIXES = (".tfw", ".tifw", ".tiffw", ".wld")

AUXILIARY_SUFFIX = ".aux.xml"
"""Behind the whole name of a scene: GDAL's auxiliary file, which says what the format of the scene cannot."""

_BESIDE_STEM = (".rpb", "_rpc.txt")
"""Behind the stem of a scene, in any case of letters: rational polynomials, as satellite images are delivered."""

_BESIDE_NAME = (".msk", ".vat.dbf")
"""Behind the whole name of a scene: GDAL's mask of where there are data, Esri's table of classes."""

_SCENE_ELEMENTS = (
    *(b"<SRS", b"<GeoTransform", b"<GCPList", b'domain="RPC"', b'domain="GEOLOCATION"'),
    *(b"<NoDataValue", b"<Scale>", b"<Offset>", b"<UnitType>", b"<CategoryNames>", b'tableType="thematic"'),
)
"""What of GDAL's auxiliary file says where on Earth a scene is, or what its numbers measure or stand for."""


def is_scene(path: Path | str) -> bool:
    """Tell whether a file is to be opened by `srdesk.imaging.scene.geotiff` and not as a photo.

    It is if it is a TIFF with the tags of GeoTIFF or of GDAL, or beside which a file says where it is, where there are
    data or what they stand for; with more bands, or other numbers, than photos have; or too large to be held in memory.
    Whatever cannot be read is none: opening it as a photo will say why.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as stream:
            return _is_scene(stream) or _is_described(path)
    except (OSError, ValueError, struct.error):
        return False


def _is_scene(stream: BinaryIO) -> bool:
    layout, offset = ifd.read_layout(stream)
    numeric = frozenset({_WIDTH, _LENGTH, _BITS, _SAMPLES, _FORMAT})
    directory = ifd.read_directory(stream, offset, layout, numeric | _GEO_TAGS, max_bytes=_MAX_BYTES)
    if not _GEO_TAGS.isdisjoint(directory):
        return True
    number = {tag: _first(directory.get(tag), layout) for tag in numeric}
    samples, bits = number[_SAMPLES] or 1, number[_BITS] or 1
    size_bytes = (number[_WIDTH] or 0) * (number[_LENGTH] or 0) * samples * max(bits, 8) // 8
    is_unusual = bits > 16 and not (bits == 32 and number[_FORMAT] == 3)
    is_signed_byte = bits == 8 and number[_FORMAT] == _SIGNED
    return samples > _MOST_PHOTO_SAMPLES or size_bytes > MAX_DECODED_BYTES or is_unusual or is_signed_byte


def _is_described(path: Path) -> bool:
    """Tell whether a file beside a picture, which GDAL or we read with it, says what only scenes have."""
    if _is_beside(path.with_suffix(""), _WORLD_SUFFIXES + _BESIDE_STEM) or _is_beside(path, _BESIDE_NAME):
        return True
    auxiliary = _auxiliary(path)
    return any(element in auxiliary for element in _SCENE_ELEMENTS)


def states_affine(path: Path) -> bool:
    """Tell whether a TIFF, or a file beside it, gives an affine map, be it the one that changes nothing.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    with path.open("rb") as stream:
        layout, offset = ifd.read_layout(stream)
        directory = ifd.read_directory(stream, offset, layout, _AFFINE_TAGS, max_bytes=_MAX_BYTES)
    return bool(directory) or _is_beside(path.with_suffix(""), _WORLD_SUFFIXES) or b"<GeoTransform" in _auxiliary(path)


def _is_beside(path: Path, suffixes: tuple[str, ...]) -> bool:
    """Tell whether there is a file of this name with one of the suffixes behind it, in lower or upper case."""
    cases = (case for suffix in suffixes for case in (suffix, suffix.upper()))
    return any(path.with_name(path.name + case).is_file() for case in cases)


def _auxiliary(path: Path) -> bytes:
    """Return the start of GDAL's auxiliary file beside a picture; nothing if there is none."""
    beside = path.with_name(path.name + AUXILIARY_SUFFIX)
    if not beside.is_file():
        return b""
    with beside.open("rb") as stream:
        return stream.read(_MAX_BYTES)


def _first(value: ifd.Field | ifd.Directory | None, layout: ifd.Layout) -> int | None:
    """Return the first number of a tag of whole numbers."""
    code = {1: "B", 3: "H", 4: "I", 16: "Q"}.get(value.type) if isinstance(value, ifd.Field) else None
    if code is None or not isinstance(value, ifd.Field):
        return None
    return int(struct.unpack_from(layout.order + code, value.data)[0])

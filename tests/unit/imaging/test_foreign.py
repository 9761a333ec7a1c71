"""Formats that are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from srdesk.errors import UnsupportedImageError
from srdesk.imaging.foreign import foreign_format
from srdesk.imaging.formats import open_stored


@pytest.mark.parametrize(
    ("start", "name", "remedy"),
    [
        (b"XISF0100\0\0\0\0", "XISF", "FITS"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0", "JPEG 2000", "gdal_translate"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000", "gdal_translate"),
        (b"\x89HDF\r\n\x1a\n", "HDF5", "GeoTIFF"),
        (b"CDF\x01", "NetCDF", "GeoTIFF"),
        (b"\x1f\x9d\x90", "compress", "gunzip"),
        (b"#ASDF 1.0.0", "ASDF", "FITS"),
    ],
)
def test_a_format_that_is_not_read_is_named_with_a_way_out(
    tmp_path: Path, start: bytes, name: str, remedy: str
) -> None:
    path = tmp_path / "picture"
    path.write_bytes(start + bytes(100))
    with pytest.raises(UnsupportedImageError) as caught:
        open_stored(path)
    assert name in str(caught.value)
    assert remedy in caught.value.hint


def test_what_is_not_known_has_no_name() -> None:
    assert foreign_format(b"<!doctype html>") is None

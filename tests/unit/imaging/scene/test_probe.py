"""Which TIFFs are scenes, and which stay photos."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from srdesk.imaging.scene.probe import is_scene

MakeGeoTiff = Callable[..., Path]


def test_a_geotiff_is_a_scene_however_it_is_laid_out(make_geotiff: MakeGeoTiff) -> None:
    pixels = np.zeros((3, 20, 30), np.uint8)
    assert is_scene(make_geotiff("a.tif", pixels))
    assert is_scene(make_geotiff("b.tif", pixels, bigtiff="YES", endianness="BIG"))
    assert is_scene(make_geotiff("c.tif", pixels, crs=None, transform=None, nodata=0))
    assert is_scene(make_geotiff("d.tif", pixels, crs=None, transform=(1, 0.5, 9, 0.5, -1, 9)))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tiff_without_a_place_is_a_photo(tmp_path: Path, dtype: str, channels: int) -> None:
    pixels = np.zeros((20, 30, channels), dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack" if channels == 1 else "rgb")
    assert not is_scene(tmp_path / "a.tif")


@pytest.mark.parametrize(("dtype", "channels"), [("uint32", 1), ("float64", 1), ("int32", 3), ("uint8", 5)])
def test_what_no_photo_holds_is_a_scene(tmp_path: Path, dtype: str, channels: int) -> None:
    pixels = np.zeros((20, 30, channels), dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, photometric="minisblack", planarconfig="contig" if channels > 1 else None
    )
    assert is_scene(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "content", "is_one"),
    [
        ("a.tfw", "30\n0\n0\n-30\n15\n-15\n", True),
        ("a.TFW", "30\n0\n0\n-30\n15\n-15\n", True),
        ("a.tif.aux.xml", "<PAMDataset><GeoTransform>1,1,0,9,0,-1</GeoTransform></PAMDataset>", True),
        ("a.tif.aux.xml", "<PAMDataset><Metadata/></PAMDataset>", False),
        ("b.tfw", "", False),
        ("a.RPB", 'satId = "WV02";', True),
        ("a.rpb", 'satId = "WV02";', True),
        ("a_RPC.TXT", "LINE_OFF: +1 pixels", True),
        ("a_rpc.txt", "LINE_OFF: +1 pixels", True),
        ("a.tif.msk", "II*", True),
        ("a.tif.vat.dbf", "", True),
        ("a.tif.aux.xml", "<PAMRasterBand band='1'><NoDataValue>65535</NoDataValue></PAMRasterBand>", True),
        ("a.tif.aux.xml", "<PAMRasterBand band='1'><Scale>0.0001</Scale></PAMRasterBand>", True),
        ("a.tif.aux.xml", '<PAMDataset><Metadata domain="GEOLOCATION"></Metadata></PAMDataset>', True),
        ("a.tif.aux.xml", "<PAMRasterBand band='1'><CategoryNames><Category/></CategoryNames></PAMRasterBand>", True),
    ],
)
def test_a_file_beside_a_picture_can_say_that_it_is_a_scene(
    tmp_path: Path, name: str, content: str, is_one: bool
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((20, 30), np.uint16), photometric="minisblack")
    (tmp_path / name).write_text(content)
    assert is_scene(tmp_path / "a.tif") == is_one


def test_what_does_not_fit_into_memory_is_a_scene(tmp_path: Path) -> None:
    tifffile.memmap(tmp_path / "a.tif", shape=(20_000, 30_000), dtype=np.uint8).flush()  # sparse on the disk
    assert is_scene(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "content", [b"", b"II", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"\x89PNG\r\n\x1a\n", b"<VRTDataset/>"]
)
def test_what_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert not is_scene(tmp_path / "a.tif")


def test_what_is_no_file_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    assert not is_scene(tmp_path / "pipe.tif")
    assert not is_scene(tmp_path)
    assert not is_scene(tmp_path / "missing.tif")

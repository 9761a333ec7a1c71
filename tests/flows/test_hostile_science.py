"""FITS and GeoTIFF files that lie, are damaged or are something else: one sentence each, and nothing left over."""

from __future__ import annotations

import gzip
import io
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits as astropy_fits

from srdesk.imaging.scene.gdal_session import gdal_session

pytestmark = pytest.mark.hostile

RNG = np.random.default_rng(31)
MakeGeoTiff = Callable[..., Path]


def cards(*changes: tuple[str, str], end: bool = True) -> bytes:
    """Return the blocks of a header of 4 × 5 pixels of 16 bits, some of its values changed."""
    values = {"SIMPLE": "T", "BITPIX": "16", "NAXIS": "2", "NAXIS1": "5", "NAXIS2": "4"} | dict(changes)
    lines = [f"{keyword:8}= {value:>20}".ljust(80) for keyword, value in values.items()]
    text = "".join([*lines, "END".ljust(80)] if end else lines).encode("ascii")
    return text + b" " * (-len(text) % 2880)


def fits_of(*changes: tuple[str, str], end: bool = True, pixels: bytes = bytes(range(40))) -> bytes:
    return cards(*changes, end=end) + pixels + bytes(-len(pixels) % 2880)


def compressed(old: bytes, new: bytes = b"") -> bytes:
    """Return a file compressed in tiles, some bytes of its headers replaced."""
    stream = io.BytesIO()
    image = astropy_fits.CompImageHDU(np.arange(900, dtype=np.int32).reshape(30, 30), compression_type="RICE_1")
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), image]).writeto(stream)
    assert old in stream.getvalue()
    return stream.getvalue().replace(old, new) if old else stream.getvalue()


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))  # names of sockets are short


def random_groups(path: Path) -> None:
    visibilities = np.ones((5, 1, 2, 3), np.float32)
    groups = astropy_fits.GroupData(visibilities, bitpix=-32, pardata=[np.arange(5.0)], parnames=["U"])
    astropy_fits.HDUList([astropy_fits.GroupsHDU(groups)]).writeto(path)


def sparse(path: Path) -> None:
    """Write a sound file of 400,000² pixels that takes no room."""
    header = cards(("NAXIS1", "400000"), ("NAXIS2", "400000"))
    path.write_bytes(header)
    os.truncate(path, len(header) + 2 * 400_000**2)


FITS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "one byte": lambda path: path.write_bytes(b"S"),
    "a page": lambda path: path.write_text("<!doctype html>"),
    "no end": lambda path: path.write_bytes(fits_of(end=False)),
    "negative width": lambda path: path.write_bytes(fits_of(("NAXIS1", "-5"))),
    "a billion squared": lambda path: path.write_bytes(fits_of(("NAXIS1", "1000000000"), ("NAXIS2", "1000000000"))),
    "no such type": lambda path: path.write_bytes(fits_of(("BITPIX", "17"))),
    "no columns": lambda path: path.write_bytes(fits_of(("NAXIS1", "0"))),
    "scale 0": lambda path: path.write_bytes(fits_of(("BSCALE", "0.0"))),
    "all NaN": lambda path: path.write_bytes(fits_of(("BITPIX", "-32"), pixels=b"\x7f\xc0\0\0" * 20)),
    "all blank": lambda path: path.write_bytes(fits_of(("BLANK", "0"), pixels=bytes(40))),
    "cut off": lambda path: path.write_bytes(fits_of()[:2900]),
    "random groups": random_groups,
    "a bomb": lambda path: path.write_bytes(
        gzip.compress(cards(("NAXIS1", "60000"), ("NAXIS2", "60000")) + bytes(2**22))
    ),
    "a sound file for which no disk has room": sparse,
    "a pipe": os.mkfifo,
    "a folder's link": lambda path: path.symlink_to(path.parent),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing.fits"),
    "a socket": listening,
    "a negative number of axes": lambda path: path.write_bytes(fits_of(("NAXIS", "-1"))),
    "a width of 30 digits": lambda path: path.write_bytes(fits_of(("NAXIS1", "9" * 20))),
    "a scale that is no number": lambda path: path.write_bytes(fits_of(("BSCALE", "NaN"))),
    "a zero without end": lambda path: path.write_bytes(fits_of(("BZERO", "1E400"))),
    "half a packed file": lambda path: path.write_bytes(gzip.compress(fits_of())[:40]),
    "compressed pixels that are none": lambda path: path.write_bytes(compressed(b"")[:5760] + bytes(range(256)) * 90),
    "compressed pixels of no such kind": lambda path: path.write_bytes(compressed(b"'RICE_1  '", b"'XXXX_1  '")),
    "compressed tiles of no rows": lambda path: path.write_bytes(
        compressed(b"ZTILE2  =                    1", b"ZTILE2  =                    0")
    ),
    "a compressed image of a billion columns": lambda path: path.write_bytes(
        compressed(b"ZNAXIS1 =                   30", b"ZNAXIS1 =           1000000000")
    ),
    "XISF": lambda path: path.write_bytes(b"XISF0100" + bytes(100)),
}


def tiff(entries: dict[int, tuple[int, int, int]]) -> bytes:
    """Return a TIFF of one directory: tag to (type, count, value)."""
    body = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(entries.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + body + bytes(4)


def geo(**changes: tuple[int, int, int]) -> bytes:
    """Return a grey TIFF of 100 × 100 pixels with a tag of GeoTIFF, and tags of these numbers changed."""
    strip = {256: (4, 1, 100), 257: (4, 1, 100), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    rest = {277: (3, 1, 1), 278: (4, 1, 100), 279: (4, 1, 10_000), 34735: (3, 1, 1)}
    return tiff(strip | rest | {int(tag.lstrip("_")): entry for tag, entry in changes.items()})


def sparse_geotiff(path: Path) -> None:
    """Write a sound scene of 500,000² pixels that takes no room."""
    with gdal_session() as rasterio:
        shape = {"width": 500_000, "height": 500_000, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
        tiles = {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384, "SPARSE_OK": True}
        place = rasterio.Affine(1e-4, 0, 5, 0, -1e-4, 5)
        with rasterio.open(path, "w", driver="GTiff", **shape, **tiles, transform=place):
            pass


def of_complex(path: Path) -> None:
    with gdal_session() as rasterio:
        shape = {"width": 9, "height": 9, "count": 1, "dtype": "complex64", "crs": "EPSG:4326"}
        with rasterio.open(path, "w", driver="GTiff", **shape, transform=rasterio.Affine(1, 0, 5, 0, -1, 5)):
            pass


GEOTIFF: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.touch(),
    "only magic": lambda path: path.write_bytes(b"II*\0"),
    "a VRT": lambda path: path.write_text('<VRTDataset rasterXSize="9" rasterYSize="9"><SourceFilename>/etc/passwd'),
    "no width": lambda path: path.write_bytes(geo(_256=(4, 1, 0))),
    "2³¹ − 1 squared": lambda path: path.write_bytes(geo(_256=(4, 1, 2**31 - 1), _257=(4, 1, 2**31 - 1))),
    "a billion strips": lambda path: path.write_bytes(geo(_273=(4, 2**30, 8), _279=(4, 2**30, 8))),
    "strips beyond the end": lambda path: path.write_bytes(geo(_273=(4, 1, 2**31))),
    "a directory that is its own end": lambda path: path.write_bytes(geo()[:-4] + struct.pack("<I", 8)),
    "17 bits": lambda path: path.write_bytes(geo(_258=(3, 1, 17))),
    "no such compression": lambda path: path.write_bytes(geo(_259=(3, 1, 60_000))),
    "complex numbers": of_complex,
    "one byte": lambda path: path.write_bytes(b"I"),
    "a page": lambda path: path.write_text("<!doctype html>"),
    "a negative width": lambda path: path.write_bytes(geo(_256=(9, 1, 2**32 - 5))),
    "strips of no rows": lambda path: path.write_bytes(geo(_278=(4, 1, 0))),
    "a billion coordinates": lambda path: path.write_bytes(geo(_34735=(3, 2**30, 8))),
    "a text of two billion letters": lambda path: path.write_bytes(geo(_42112=(2, 2**31, 8))),
    "65,535 bands": lambda path: path.write_bytes(geo(_277=(3, 1, 65_535), _284=(3, 1, 2))),
    "half a million squared": sparse_geotiff,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("nothing.tif"),
    "a folder's link": lambda path: path.symlink_to(path.parent),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": listening,
    "a pipe": os.mkfifo,
    "JPEG 2000": lambda path: path.write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100)),
    "HDF5": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
}


def check(srdesk: Any, folder: Path, name: str, make: Callable[[Path], object], good: Path) -> None:
    bad = folder / "in" / name
    bad.parent.mkdir()
    make(bad)
    started_s = time.process_time()
    ended = srdesk("upscale", bad, good, "--model", "bicubic", "-o", f"{folder}/out/")
    # Of the processor, which a busy machine does not make more of; what hangs is ended by the timeout of all tests.
    assert time.process_time() - started_s < 20
    assert ended.status == 1
    problem, remedy = ended.err.splitlines()[:2]
    assert problem.startswith(f"srdesk: “{bad.stem}")  # it, or the result that would have been made of it
    assert problem.endswith(".")
    assert remedy.startswith("        ")
    assert "unexpected" not in ended.err
    assert [path.name for path in (folder / "in").iterdir()] == [name]
    assert [path.name for path in (folder / "out").iterdir()] == [f"{good.stem}_bicubic_x4{good.suffix}"]


@pytest.mark.parametrize("kind", FITS)
def test_a_fits_file_that_lies_is_one_sentence_and_the_rest_goes_on(srdesk: Any, tmp_path: Path, kind: str) -> None:
    (tmp_path / "good").mkdir()
    good = tmp_path / "good" / "good.fits"
    astropy_fits.PrimaryHDU(RNG.integers(0, 99, (6, 7)).astype(np.int16)).writeto(good)
    check(srdesk, tmp_path, "bad.fits", FITS[kind], good)


@pytest.mark.parametrize("kind", GEOTIFF)
def test_a_geotiff_that_lies_is_one_sentence_and_the_rest_goes_on(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, kind: str
) -> None:
    good = make_geotiff("good.tif", RNG.integers(0, 256, (1, 9, 9), np.uint8))
    check(srdesk, tmp_path, "bad.tif", GEOTIFF[kind], good)


@pytest.mark.parametrize("suffix", [".tif.aux.xml", ".tif.msk", ".tif.ovr", ".aux", ".IMD", "_rpc.txt"])
def test_a_pipe_beside_a_scene_that_gdal_would_wait_for_is_one_sentence(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path, suffix: str
) -> None:
    scene = make_geotiff("scene.tif", RNG.integers(0, 256, (1, 9, 9), np.uint8))
    os.mkfifo(tmp_path / f"scene{suffix}")
    ended = srdesk("upscale", scene, "--model", "bicubic", "-o", f"{tmp_path}/out/")
    assert ended.status == 1
    assert f"“scene{suffix}”, which lies beside it, is no file" in ended.err
    assert not (tmp_path / "out").exists()


def test_other_pipes_in_the_folder_of_a_scene_do_not_matter(
    srdesk: Any, make_geotiff: MakeGeoTiff, tmp_path: Path
) -> None:
    scene = make_geotiff("scene.tif", RNG.integers(0, 256, (1, 9, 9), np.uint8))
    for name in ("scene2.tif.aux.xml", "scene_2.tif", "other.msk"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "scene.ovr").mkdir()
    (tmp_path / "scene.tfw").symlink_to("nothing")
    assert srdesk("upscale", scene, "--model", "bicubic").status == 0

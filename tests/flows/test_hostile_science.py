"""FITS and GeoTIFF files that lie, are damaged or are something else: one sentence each, and nothing left over."""

from __future__ import annotations

import gzip
import os
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
    "a pipe": os.mkfifo,
    "JPEG 2000": lambda path: path.write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100)),
    "HDF5": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
}


def check(srdesk: Any, folder: Path, name: str, make: Callable[[Path], object], good: Path) -> None:
    bad = folder / "in" / name
    bad.parent.mkdir()
    make(bad)
    started_s = time.monotonic()
    ended = srdesk("upscale", bad, good, "--model", "bicubic", "-o", f"{folder}/out/")
    # Not a measurement but a bound on a hang: the target of 2 s with room for a busy machine.
    assert time.monotonic() - started_s < 20
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

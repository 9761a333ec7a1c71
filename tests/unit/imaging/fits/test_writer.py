"""Writing FITS: the image is enlarged, and all the rest of the file stays as it was."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from numpy.testing import assert_array_equal

from srdesk.errors import ImageWriteError
from srdesk.imaging.fits.structure import read_structure
from srdesk.imaging.formats import open_stored, save_image
from srdesk.imaging.stored import StoredImage

RNG = np.random.default_rng(13)
SCALE = 4


def pixels(dtype: str = "int16", shape: tuple[int, ...] = (7, 9)) -> Any:
    if dtype.startswith("float"):
        return (RNG.normal(size=shape) * 1e4).astype(dtype)
    return RNG.integers(0, 200, shape).astype(dtype)


def write(path: Path, *hdus: Any, checksum: bool = False) -> Path:
    astropy_fits.HDUList(list(hdus)).writeto(path, checksum=checksum)
    return path


def repeated(stored: StoredImage, *history: str) -> StoredImage:
    """Return what a model gives that repeats every pixel."""
    numbers = np.repeat(np.repeat(stored.numbers, SCALE, 0), SCALE, 1)
    metadata = replace(stored.metadata, history=history)
    return StoredImage(numbers, stored.values, None, metadata, stored.science)


def enlarged(path: Path, part: str = "", *history: str) -> tuple[Path, tuple[str, ...]]:
    output = path.with_name("out.fits")
    remarks = save_image(output, repeated(open_stored(path, part), *history))
    return output, remarks


def checked(path: Path) -> Any:
    """Open a file with astropy, which must find it flawless, check sums included."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = astropy_fits.open(path, checksum=True, memmap=False)
        opened.verify("exception")
    return opened


def big(numbers: Any) -> Any:
    return np.repeat(np.repeat(numbers, SCALE, 0), SCALE, 1)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64", "float32", "float64", "uint16"])
def test_every_type_is_written_as_it_was_read(tmp_path: Path, dtype: str) -> None:
    numbers = pixels(dtype)
    output, remarks = enlarged(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(numbers)))
    with checked(output) as opened:
        assert opened[0].data.dtype.newbyteorder("=") == numbers.dtype
        assert_array_equal(opened[0].data, big(numbers))
    assert remarks == ()


def test_scale_offset_and_blank_stay_as_they_were(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels())
    hdu.data[0, 0] = -9
    path = write(tmp_path / "a.fits", hdu)
    with astropy_fits.open(path, mode="update", do_not_scale_image_data=True) as opened:
        opened[0].header.update(BSCALE=0.0457, BZERO=1500.0, BLANK=-9)
    output, _ = enlarged(path)
    with checked(output) as opened:
        header = opened[0].header
        assert (header["BITPIX"], header["BSCALE"], header["BZERO"], header["BLANK"]) == (16, 0.0457, 1500.0, -9)
        assert np.isnan(opened[0].data).sum() == SCALE**2


def test_the_other_parts_are_the_same_to_the_last_byte(tmp_path: Path) -> None:
    table = astropy_fits.BinTableHDU.from_columns(
        [astropy_fits.Column("x", "PE()", array=np.array([np.arange(3.0), np.arange(5.0)], object))]
    )
    path = write(
        tmp_path / "a.fits",
        astropy_fits.PrimaryHDU(),
        astropy_fits.ImageHDU(pixels("float32"), name="SCI"),
        astropy_fits.ImageHDU(pixels("float32"), name="ERR"),
        astropy_fits.CompImageHDU(pixels("int16", (32, 32)), name="DQ"),
        table,
        checksum=True,
    )
    output, _ = enlarged(path, "SCI")
    with path.open("rb") as before, output.open("rb") as after:
        old, new = read_structure(before, path), read_structure(after, output)
        assert [hdu.name for hdu in old] == [hdu.name for hdu in new]
        for one, other in zip(old, new, strict=True):
            before.seek(one.offset)
            after.seek(other.offset)
            is_same = before.read(one.end - one.offset) == after.read(other.end - other.offset)
            assert is_same == (one.name != "SCI")
    with checked(output) as opened:
        assert opened["SCI"].shape == (28, 36)
        assert len(opened) == 5


@pytest.mark.parametrize("width", [1, 2, 3, 9])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float64"])
def test_check_sums_are_renewed_where_there_were_any(tmp_path: Path, dtype: str, width: int) -> None:
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels(dtype, (50, width))), checksum=True)
    output, _ = enlarged(path)
    with checked(output) as opened:
        assert "CHECKSUM" in opened[0].header
        assert "DATASUM" in opened[0].header


def test_no_check_sums_are_added(tmp_path: Path) -> None:
    output, _ = enlarged(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels())))
    with checked(output) as opened:
        assert "CHECKSUM" not in opened[0].header


def test_cards_that_do_not_depend_on_pixels_stay_and_the_making_is_told(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels())
    hdu.header["OBJECT"] = ("M 13", "a cluster")
    hdu.header["HIERARCH ESO INS NAME"] = "SINFONI"
    hdu.header["LONGSTR"] = "x" * 150
    hdu.header.add_comment("as it was")
    path = write(tmp_path / "a.fits", hdu)
    old = astropy_fits.getheader(path)
    output, _ = enlarged(path, "", "enlarged 4 times by a test", f"weights sha256 {'0' * 64}")
    new = astropy_fits.getheader(output)
    assert "".join(new["HISTORY"]).count("0" * 64) == 1
    assert "enlarged 4 times by a test" in new["HISTORY"]
    for keyword in old:
        if keyword not in ("NAXIS1", "NAXIS2"):
            assert (new[keyword], new.comments[keyword]) == (old[keyword], old.comments[keyword])
    assert (new["NAXIS1"], new["NAXIS2"]) == (36, 28)


def test_extremes_are_those_of_the_result_and_counts_take_their_level_along(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels("float32"))
    hdu.header.update(DATAMIN=-1.0, DATAMAX=1.0, SATURATE=1e9, BUNIT="adu")
    path = write(tmp_path / "a.fits", hdu)
    output, _ = enlarged(path)
    header, data = astropy_fits.getheader(output), astropy_fits.getdata(output)
    assert (header["DATAMIN"], header["DATAMAX"]) == (data.min(), data.max())
    assert header["SATURATE"] == 1e9 / 16


def test_a_plane_keeps_its_place_along_the_other_axes_of_its_cube(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels(shape=(2, 3, 4, 5)))
    hdu.header.update(CTYPE3="FREQ", CRPIX3=1.0, CDELT3=1e6, CRVAL3=1e9, CTYPE4="STOKES", CRPIX4=1.0, CRVAL4=1.0)
    hdu.header.update(CTYPE3A="VRAD", CRPIX3A=1.0, CDELT3A=-2e5, CRVAL3A=5e5, LTV3=-2.0, LTM3_3=1.0)
    path = write(tmp_path / "a.fits", hdu)
    output, told = enlarged(path, "0,6")
    assert "Plane 6 of 6 was enlarged; the others are not in the result." in told
    header = astropy_fits.getheader(output)
    assert [header[f"NAXIS{axis}"] for axis in (1, 2, 3, 4)] == [20, 16, 1, 1]
    assert (header["CRPIX3"], header["CRPIX4"]) == (-1.0, 0.0)
    assert (header["CRPIX3A"], header["CRPIX4A"], header["LTV3"], header["LTV4"]) == (-1.0, -1.0, -4.0, -1.0)
    assert_array_equal(astropy_fits.getdata(output)[0, 0], big(hdu.data[1, 2]))


def test_the_three_planes_of_a_colour_picture_stay_planes(tmp_path: Path) -> None:
    cube = pixels("float32", (3, 5, 7))
    hdu = astropy_fits.PrimaryHDU(cube)
    hdu.header["CTYPE3"] = "RGB"
    output, told = enlarged(write(tmp_path / "a.fits", hdu, checksum=True))
    assert told == ()
    with checked(output) as opened:
        assert opened[0].header["CTYPE3"] == "RGB"
        assert_array_equal(opened[0].data, np.stack([big(plane) for plane in cube]))


def test_an_image_compressed_in_tiles_is_written_plain_in_its_place(tmp_path: Path) -> None:
    counts = RNG.integers(0, 65536, (16, 20)).astype(np.uint16)
    compressed = astropy_fits.CompImageHDU(counts, name="SCI")
    compressed.header["OBJECT"] = "M 13"
    output, _ = enlarged(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), compressed))
    with checked(output) as opened:
        assert isinstance(opened[1], astropy_fits.ImageHDU)
        assert (opened[1].name, opened[1].header["OBJECT"]) == ("SCI", "M 13")
        assert not [keyword for keyword in opened[1].header if keyword.startswith(("ZIM", "ZCM", "TFORM"))]
        assert_array_equal(opened[1].data, big(counts))


def test_a_primary_image_that_fpack_put_into_an_extension_stays_one(tmp_path: Path) -> None:
    counts = RNG.integers(0, 99, (16, 20)).astype(np.int16)
    compressed = astropy_fits.CompImageHDU(counts)
    compressed.header["MARK"] = True
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), compressed)
    # The keyword by which fpack says so (FITS standard 4.0, section 10.1.2).
    content = path.read_bytes().replace(b"MARK    =", b"ZSIMPLE =")
    assert b"ZSIMPLE =" in content
    path.write_bytes(content)
    output, _ = enlarged(path)
    with output.open("rb") as stream:
        assert [hdu.shape for hdu in read_structure(stream, output)] == [(), (64, 80)]
    with checked(output) as opened:
        assert_array_equal(opened[1].data, big(counts))


def test_a_packed_file_becomes_a_plain_one(tmp_path: Path) -> None:
    plain = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels()), astropy_fits.ImageHDU(pixels()))
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    output, _ = enlarged(packed)
    with checked(output) as opened:
        assert [hdu.shape for hdu in opened] == [(28, 36), (7, 9)]


def test_random_pixels_keep_the_way_up(tmp_path: Path) -> None:
    numbers = pixels("float32")
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(numbers))
    output, _ = enlarged(path)
    assert_array_equal(open_stored(output).numbers, big(open_stored(path).numbers))


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["gone", "other"])
def test_a_file_that_changed_since_it_was_read_is_not_mixed_with_the_result(tmp_path: Path, change: str) -> None:
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels()))
    stored = repeated(open_stored(path))
    path.unlink()
    if change == "other":
        write(path, astropy_fits.PrimaryHDU(pixels("float64")))
    with pytest.raises(ImageWriteError, match="has changed"):
        save_image(tmp_path / "out.fits", stored)
    assert not list(tmp_path.glob("out*"))


def test_other_formats_cannot_hold_what_was_measured(tmp_path: Path) -> None:
    stored = repeated(open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels("uint8")))))
    for suffix in ("png", "jpg", "tif", "webp"):
        with pytest.raises(ImageWriteError, match="FITS can"):
            save_image(tmp_path / f"out.{suffix}", stored)


def test_a_photo_cannot_become_a_fits_file(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="from FITS images only"):
        save_image(tmp_path / "out.fits", StoredImage(np.zeros((2, 2, 3), np.uint8)))


def test_errors_and_flags_of_the_original_pixels_are_told(tmp_path: Path) -> None:
    names = ("SCI", "ERR", "DQ")
    images = [astropy_fits.ImageHDU(pixels("float32"), name=name) for name in names]
    small = astropy_fits.ImageHDU(pixels("float32", (2, 3)), name="D2IMARR")
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), *images, small, astropy_fits.ImageHDU(name="ASDF"))
    output, remarks = enlarged(path, "SCI")
    assert [("ERR, DQ" in remark, "ASDF" in remark) for remark in remarks] == [(True, False), (False, True)]
    history = "".join(astropy_fits.getheader(output, "SCI")["HISTORY"])
    assert "ERR, DQ: not enlarged" in history
    assert "ASDF: not changed" in history


def test_distortion_tables_that_were_left_out_are_told(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels())
    hdu.header.update(CTYPE1="RA---TAN", CTYPE2="DEC--TAN", CPDIS1="LOOKUP")
    _, remarks = enlarged(write(tmp_path / "a.fits", hdu))
    assert "distortion" in remarks[0]


def test_the_origin_goes_through_json_unchanged(tmp_path: Path) -> None:
    origin = open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels()))).metadata.fits
    assert msgspec.json.decode(msgspec.json.encode(origin), type=type(origin)) == origin


def test_of_many_images_of_the_same_pixels_a_dozen_are_named_and_none_without_pixels(tmp_path: Path) -> None:
    images = [astropy_fits.ImageHDU(pixels(), name=f"A{number}") for number in range(40)]
    empty = astropy_fits.ImageHDU(np.zeros((0, 7, 9), np.int16), name="NONE")
    _, remarks = enlarged(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), *images, empty))
    assert [remark.rpartition(", ")[2] for remark in remarks] == ["A12 and 27 more."]

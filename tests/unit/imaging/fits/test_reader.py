"""Reading FITS: every type, every way of packing, any HDU and plane, and what has no value."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits
from numpy.testing import assert_array_equal

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.fits.reader import quantity_of
from srdesk.imaging.formats import list_planes, open_image, open_stored, probe_image

RNG = np.random.default_rng(11)

DTYPES = ("uint8", "int16", "int32", "int64", "float32", "float64")


def pixels(dtype: str = "int16", shape: tuple[int, ...] = (7, 9)) -> Any:
    if dtype.startswith("float"):
        return (RNG.normal(size=shape) * 1e4).astype(dtype)
    return RNG.integers(0, 200, shape).astype(dtype)


def write(path: Path, *hdus: Any) -> Path:
    astropy_fits.HDUList(list(hdus)).writeto(path)
    return path


def hubble(path: Path) -> Path:
    """Write a file with the parts that the Hubble Space Telescope's have: two chips with their errors and flags."""
    hdus: list[Any] = [astropy_fits.PrimaryHDU()]
    for version in (1, 2):
        hdus.append(astropy_fits.ImageHDU(pixels("float32"), name="SCI", ver=version))
        hdus.append(astropy_fits.ImageHDU(pixels("float32"), name="ERR", ver=version))
        hdus.append(astropy_fits.ImageHDU(pixels("int16"), name="DQ", ver=version))
    hdus.append(astropy_fits.BinTableHDU.from_columns([astropy_fits.Column("x", "E", array=np.arange(3))]))
    return write(path, *hdus)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_read_as_it_is_with_the_last_row_on_top(tmp_path: Path, dtype: str) -> None:
    numbers = pixels(dtype)
    stored = open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(numbers)))
    assert stored.values.dtype == dtype
    assert_array_equal(stored.numbers[:, :, 0], numbers[::-1])
    assert stored.metadata.format == "FITS"


def test_unsigned_16_bit_frames_keep_their_numbers_and_mean_what_they_measured(tmp_path: Path) -> None:
    counts = RNG.integers(0, 65536, (7, 9)).astype(np.uint16)
    stored = open_stored(write(tmp_path / "ccd.fits", astropy_fits.PrimaryHDU(counts)))
    assert stored.science is not None
    assert stored.numbers.dtype == np.int16
    assert_array_equal(stored.science.measured(stored.numbers)[:, :, 0], counts[::-1])
    assert stored.science.saturation == 65535.0


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress], ids=["gzip", "bzip2"])
def test_packed_files_are_unpacked(tmp_path: Path, pack: Any) -> None:
    plain = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels("float32")))
    packed = tmp_path / "a.fits.packed"
    packed.write_bytes(pack(plain.read_bytes()))
    assert_array_equal(open_stored(packed).numbers, open_stored(plain).numbers)


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_images_compressed_in_tiles_are_read_as_fpack_wrote_them(tmp_path: Path, kind: str) -> None:
    numbers = pixels("int16", (64, 80))
    compressed = astropy_fits.CompImageHDU(numbers, name="SCI", compression_type=kind, tile_shape=(16, 80))
    stored = open_stored(write(tmp_path / "a.fits.fz", astropy_fits.PrimaryHDU(), compressed))
    assert_array_equal(stored.numbers[:, :, 0], numbers[::-1])


def test_unsigned_numbers_compressed_in_tiles_keep_their_offset(tmp_path: Path) -> None:
    counts = RNG.integers(30000, 65536, (64, 80)).astype(np.uint16)
    stored = open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(counts)))
    assert stored.science is not None
    assert_array_equal(stored.science.measured(stored.numbers)[:, :, 0], counts[::-1])


def test_planes_of_a_compressed_cube_can_be_chosen(tmp_path: Path) -> None:
    cube = pixels("int16", (3, 16, 20))
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(cube))
    assert_array_equal(open_stored(path, "1,3").numbers[:, :, 0], cube[2, ::-1])


def test_the_first_image_is_taken_and_any_other_can_be_named(tmp_path: Path) -> None:
    path = hubble(tmp_path / "hst.fits")
    with astropy_fits.open(path) as opened:
        expected = {index: np.asarray(opened[index].data)[::-1] for index in range(1, 7)}
    for part, index in {"": 1, "SCI": 1, "sci:2": 4, "5": 5, "DQ": 3, "ERR:1,1": 2}.items():
        assert_array_equal(open_stored(path, part).numbers[:, :, 0], expected[index])
    assert probe_image(path, "DQ").dtype == "int16"


def test_planes_are_listed_with_their_names_and_sizes(tmp_path: Path) -> None:
    path = hubble(tmp_path / "hst.fits")
    assert [str(plane) for plane in list_planes(path)][:2] == ["1 SCI:1 (9 × 7)", "2 ERR:1 (9 × 7)"]
    cube = write(tmp_path / "cube.fits", astropy_fits.PrimaryHDU(pixels(shape=(2, 3, 4, 5))))
    assert [plane.part for plane in list_planes(cube)] == [f"0,{number}" for number in range(1, 7)]


def test_a_plane_of_a_cube_is_counted_from_one(tmp_path: Path) -> None:
    cube = pixels(shape=(2, 3, 4, 5))
    path = write(tmp_path / "cube.fits", astropy_fits.PrimaryHDU(cube))
    assert_array_equal(open_stored(path).numbers[:, :, 0], cube[0, 0, ::-1])
    assert_array_equal(open_stored(path, "PRIMARY,5").numbers[:, :, 0], cube[1, 1, ::-1])


@pytest.mark.parametrize(
    ("cards", "is_colour"),
    [
        ({"CTYPE3": "RGB"}, True),
        ({"COLORSPC": "RGB", "CTYPE3": "PLANE"}, True),
        ({}, True),
        ({"CTYPE3": "FREQ"}, False),
        ({"CRVAL3": 1.4e9}, False),
    ],
)
@pytest.mark.parametrize("is_packed", [False, True])
def test_three_planes_are_colours_if_the_header_says_so_or_nothing_else(
    tmp_path: Path, cards: dict[str, Any], is_colour: bool, is_packed: bool
) -> None:
    cube = pixels("int16", (3, 12, 14))
    image = astropy_fits.CompImageHDU(cube) if is_packed else astropy_fits.ImageHDU(cube)
    image.header.update(cards)
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), image)
    planes = np.moveaxis(cube, 0, -1)[::-1]
    assert_array_equal(open_stored(path).numbers, planes if is_colour else planes[:, :, :1])
    assert_array_equal(open_stored(path, "1,RGB").numbers, planes)
    assert_array_equal(open_stored(path, "1,2").numbers, planes[:, :, 1:2])
    assert [plane.part for plane in list_planes(path)] == ["1,1", "1,2", "1,3", "1,RGB"]
    assert probe_image(path).channels == (3 if is_colour else 1)


def test_other_cubes_have_no_colours(tmp_path: Path) -> None:
    for name, shape in {"four.fits": (4, 5, 6), "deep.fits": (2, 3, 5, 6)}.items():
        path = write(tmp_path / name, astropy_fits.PrimaryHDU(pixels(shape=shape)))
        assert probe_image(path).channels == 1
        with pytest.raises(UnsupportedImageError, match="no plane RGB"):
            open_stored(path, "0,RGB")


@pytest.mark.parametrize(
    ("part", "reason"),
    [("NOPE", "no image called"), ("99", "no image called"), ("SCI,2", "no plane 2"), ("0", "no image")],
)
def test_what_is_not_there_is_named_with_what_is(tmp_path: Path, part: str, reason: str) -> None:
    with pytest.raises(UnsupportedImageError, match=reason) as caught:
        open_stored(hubble(tmp_path / "hst.fits"), part)
    assert "Choose" in caught.value.hint


def test_pixels_without_a_value_are_black_and_never_reach_the_network(tmp_path: Path) -> None:
    numbers = pixels("float32")
    numbers[2, 3], numbers[4, 5] = np.nan, -np.inf
    image = open_image(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(numbers)))
    assert np.isfinite(image.pixels).all()
    assert (image.pixels >= 0).all()
    assert (image.pixels <= 1).all()
    assert image.science is not None
    assert image.science.is_unusable(image.numbers).sum() == 2


def test_blank_and_saturated_integers_are_known(tmp_path: Path) -> None:
    numbers = pixels("int32")
    numbers[0, 0], numbers[1, 1] = -999, 5000
    hdu = astropy_fits.PrimaryHDU(numbers)
    hdu.header["SATURATE"] = 5000
    hdu.header["BLANK"] = -999
    science = open_stored(write(tmp_path / "a.fits", hdu)).science
    assert science is not None
    assert (science.blank, science.saturation) == (-999, 5000.0)
    assert science.is_unusable(numbers).sum() == 2


def test_a_level_of_saturation_in_another_unit_is_not_believed(tmp_path: Path) -> None:
    hdu = astropy_fits.PrimaryHDU(pixels("float32") + 1e6)
    hdu.header["SATURATE"] = 65535.0
    science = open_stored(write(tmp_path / "a.fits", hdu)).science
    assert science is not None
    assert science.saturation is None


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        *((unit, "sum") for unit in ("counts", "COUNT", "electron", "ELECTRONS", "adu", "DN", "photon", "e-")),
        *((unit, "sum") for unit in ("electrons/s", "ELECTRONS/S", "DN / s", "count s-1", "Jy/pixel", "adu/pix")),
        *((unit, "sum") for unit in ("nanomaggy", "nanomaggies", "nJy")),
        *((unit, "mean") for unit in ("nJy/arcsec2", "nanomaggy/arcsec**2")),
        *((unit, "mean") for unit in ("MJy/sr", "mag/arcsec**2", "K", "Jy/beam", "mag arcsec-2", "MJy sr-1")),
        *((unit, None) for unit in ("", "Jy", "furlong", "dn?!")),
    ],
)
def test_the_unit_says_what_is_conserved(unit: str, quantity: str | None) -> None:
    assert quantity_of(unit) == quantity


def test_the_decode_child_hands_over_everything(tmp_path: Path) -> None:
    numbers = pixels("float64")
    numbers[0, 0] = np.nan
    hdu = astropy_fits.ImageHDU(numbers, name="SCI")
    hdu.header["BUNIT"] = "electron"
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), hdu)
    with Decoder() as decoder:
        image = decoder.open(path, part="SCI")
    here = open_image(path)
    assert_array_equal(image.numbers, here.numbers)
    assert (image.science, image.metadata, image.values) == (here.science, here.metadata, here.values)


# --- what cannot be opened ------------------------------------------------------------------------------------------


def test_a_file_of_tables_holds_no_image(tmp_path: Path) -> None:
    table = astropy_fits.BinTableHDU.from_columns([astropy_fits.Column("x", "E", array=np.arange(3))])
    with pytest.raises(UnsupportedImageError, match="no image of two dimensions"):
        open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(), table))


def test_random_groups_are_refused_by_name(tmp_path: Path) -> None:
    visibilities = pixels("float32", (5, 1, 2, 3))
    groups = astropy_fits.GroupData(visibilities, bitpix=-32, pardata=[np.arange(5.0)], parnames=["U"])
    path = write(tmp_path / "a.fits", astropy_fits.GroupsHDU(groups))
    with pytest.raises(UnsupportedImageError, match="random groups"):
        open_stored(path)


def test_a_spectrum_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImageError, match="no image"):
        open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(np.arange(9.0))))


def test_a_picture_without_any_value_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match="none of its pixels has a value"):
        open_stored(write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(np.full((3, 3), np.nan))))


@pytest.mark.parametrize(("keyword", "value", "reason"), [("BSCALE", 0.0, "BSCALE is 0"), ("BZERO", "x", "no number")])
def test_a_scale_that_makes_no_sense_is_refused(tmp_path: Path, keyword: str, value: object, reason: str) -> None:
    path = write(tmp_path / "a.fits", astropy_fits.PrimaryHDU(pixels()))
    content = path.read_bytes()
    card = astropy_fits.Card(keyword, value).image.encode()
    path.write_bytes(with_card(content, card))
    with pytest.raises(ImageReadError, match=reason):
        open_stored(path)


@pytest.mark.parametrize(
    ("keyword", "value", "is_refused"),
    [
        ("BAYERPAT", "RGGB", True),
        ("BAYERPAT", "gbrg    ", True),
        ("COLORTYP", "BGGR", True),
        ("BAYERPAT", "XTRANS", True),
        ("BAYERPAT", "", False),
        ("BAYERPAT", "NONE", False),
        ("COLORTYP", "RGB", False),
        ("COLORTYP", 3, False),
    ],
)
def test_raw_frames_of_colour_cameras_are_no_pictures(
    tmp_path: Path, keyword: str, value: object, *, is_refused: bool
) -> None:
    frame = astropy_fits.PrimaryHDU(pixels())
    frame.header[keyword] = value
    path = write(tmp_path / "a.fits", frame)
    refused = pytest.raises(UnsupportedImageError, match=f"raw frame of a colour camera.*{keyword}")
    with refused if is_refused else contextlib.nullcontext():
        open_stored(path)


def test_a_cube_of_colours_may_still_tell_of_the_filters(tmp_path: Path) -> None:
    cube = astropy_fits.PrimaryHDU(pixels(shape=(3, 7, 9)))
    cube.header["BAYERPAT"] = "RGGB"
    assert open_stored(write(tmp_path / "a.fits", cube)).channels in (1, 3)


def with_card(content: bytes, card: bytes) -> bytes:
    """Put a card in front of the END of the first header, which has room."""
    end = content.index(b"END" + b" " * 77)
    return content[:end] + card + content[end : 2880 - 80] + content[2880:]


def test_a_photo_has_no_parts(tmp_path: Path) -> None:
    PIL.Image.new("L", (3, 2)).save(tmp_path / "a.png")
    for opens in (open_stored, probe_image):
        with pytest.raises(UnsupportedImageError, match="no image called 'SCI'"):
            opens(tmp_path / "a.png", "SCI")


def test_an_archive_of_one_is_opened_from_memory() -> None:
    from srdesk.imaging.formats import open_stored_bytes

    stream = io.BytesIO()
    astropy_fits.PrimaryHDU(pixels()).writeto(stream)
    assert open_stored_bytes(stream.getvalue(), "member.fits").height == 7


def test_nothing_of_imaging_needs_the_large_libraries_before_a_file_does() -> None:
    program = (
        "import importlib, pkgutil, sys\n"
        "for name in ('astropy', 'rasterio', 'scipy'):\n"
        "    sys.modules[name] = None\n"  # makes any import of it an ImportError
        "import srdesk.imaging\n"
        "for module in pkgutil.iter_modules(srdesk.imaging.__path__):\n"
        "    importlib.import_module(f'srdesk.imaging.{module.name}')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[4])

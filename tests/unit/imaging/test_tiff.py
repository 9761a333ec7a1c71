"""TIFF in its many kinds: every one is read right, or refused by name."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as PillowImage

from srdesk.errors import UnsupportedImageError
from srdesk.imaging import exif, ifd, tiff
from srdesk.imaging.image import Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

NAME = Path("picture.tif")
UNIT_FLOAT = ValueMap("float32", 1.0)


def numbers(*shape: int, dtype: str = "uint8") -> np.ndarray:
    random = np.random.default_rng(0)
    if dtype.startswith("float"):
        return random.random(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return random.integers(limits.min, limits.max + 1, shape).astype(dtype)


def saved(pixels: Any, *, byteorder: Any = "<", bigtiff: bool = False, **options: Any) -> io.BytesIO:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream, byteorder=byteorder, bigtiff=bigtiff) as writer:
        writer.write(pixels, metadata=None, **options)
    return stream


def written(stored: StoredImage) -> io.BytesIO:
    stream = io.BytesIO()
    assert tiff.write(stream, stored) == ()
    stream.seek(0)
    return stream


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"tile": (16, 16)},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd"},
        {"rowsperstrip": 3},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
def test_every_common_layout_is_read_bit_for_bit(dtype: str, options: dict[str, Any]) -> None:
    pixels = numbers(20, 33, 3, dtype=dtype)
    given = np.moveaxis(pixels, -1, 0) if "planarconfig" in options else pixels
    stream = saved(given, photometric="rgb", **options)
    stored = tiff.read(stream, NAME)
    assert_array_equal(stored.numbers, pixels)
    assert stored.numbers.dtype == dtype
    assert stored.values == {"uint8": UINT8, "uint16": UINT16, "float32": UNIT_FLOAT}[dtype]
    probed = tiff.probe(stream, NAME)
    assert (probed.height, probed.width, probed.channels, probed.dtype) == (20, 33, 3, dtype)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
def test_pictures_of_one_row_or_column_keep_their_shape(size: tuple[int, int], photometric: str) -> None:
    channels = 3 if photometric == "rgb" else 1
    pixels = numbers(*size, channels)
    stored = tiff.read(saved(pixels if channels == 3 else pixels[:, :, 0], photometric=photometric), NAME)
    assert_array_equal(stored.numbers, pixels)


def test_white_may_be_zero() -> None:
    pixels = numbers(5, 6, dtype="uint16")
    assert_array_equal(tiff.read(saved(pixels, photometric="miniswhite"), NAME).numbers[:, :, 0], 65535 - pixels)


def test_white_that_is_the_lowest_number_is_white_in_measurements_too() -> None:
    def read(pixels: np.ndarray) -> np.ndarray:
        return tiff.read(saved(pixels, photometric="miniswhite"), NAME).numbers[:, :, 0]

    whole = numbers(5, 7, dtype="int16")
    assert_array_equal(read(whole), -1 - whole)
    share = numbers(5, 7, dtype="float32")
    assert_array_equal(read(share), 1 - share)
    counts = np.array([[2.0, 10.0], [3.0, 4.0]], np.float32)
    assert_array_equal(read(counts), [[10.0, 2.0], [9.0, 8.0]])


@pytest.mark.parametrize(
    "note", [b"ImageJ=1.11a\nimages=5\nslices=5\n", b'<?xml version="1.0"?><OME xmlns="x"><Image/></OME>']
)
def test_what_microscopes_note_of_pages_and_their_size_is_not_said_of_the_result(note: bytes) -> None:
    kept = tiff.read(saved(numbers(5, 7), description=note), NAME)
    assert note not in (kept.metadata.exif or b"")
    assert tifffile.imread(written(kept)).shape == (5, 7)


def test_one_bit_becomes_black_and_white() -> None:
    pixels = numbers(5, 19) > 100
    assert_array_equal(
        tiff.read(saved(pixels, photometric="minisblack"), NAME).numbers[:, :, 0], np.where(pixels, 255, 0)
    )


def test_twelve_bits_become_sixteen_with_the_largest_number_white() -> None:
    pixels = numbers(4, 6, dtype="uint16") // 16
    pixels[0, :2] = 0, 4095
    # 12-bit strips, packed: tifffile writes no odd widths but passes ready-made bytes on.
    stream = saved(
        iter([_packed12(pixels)]), shape=(4, 6), dtype="uint16", bitspersample=12, rowsperstrip=4, compression=None
    )
    stored = tiff.read(stream, NAME)
    assert_array_equal(stored.numbers[0, :2, 0], [0, 65535])
    assert_allclose(stored.to_image().pixels[:, :, 0], pixels / 4095, atol=1e-4)


def _packed12(pixels: np.ndarray) -> bytes:
    """Pack rows of an even number of 12-bit samples."""
    return b"".join(
        bytes([left >> 4, (left & 15) << 4 | right >> 8, right & 255])
        for row in pixels.astype(int)
        for left, right in zip(row[::2].tolist(), row[1::2].tolist(), strict=True)
    )


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_become_float32(dtype: str) -> None:
    pixels = numbers(5, 6, dtype=dtype)
    assert_array_equal(tiff.read(saved(pixels), NAME).numbers[:, :, 0], pixels.astype(np.float32))


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_numbers_without_a_white_of_their_own_are_mapped_by_their_range(dtype: str) -> None:
    pixels = np.array([[-100, 300], [0, 700]], dtype)
    stored = tiff.read(saved(pixels), NAME)
    assert stored.values == ValueMap(dtype, 800.0, -100.0)
    assert_allclose(stored.to_image().pixels[:, :, 0], [[0, 0.5], [0.125, 1]])
    assert_array_equal(StoredImage.from_image(stored.to_image()).numbers[:, :, 0], pixels)


def test_an_even_float_picture_can_be_opened() -> None:
    assert_array_equal(tiff.read(saved(np.full((3, 3), 7, np.float32)), NAME).to_image().pixels, np.zeros((3, 3, 1)))


def test_a_palette_becomes_rgb_and_a_grey_one_grey() -> None:
    index = numbers(6, 7) % 4
    colours = np.zeros((3, 256), np.uint16)
    colours[:, 1:4] = np.array([[255, 0, 128], [0, 255, 128], [0, 0, 128]]) * 257
    stored = tiff.read(saved(index, photometric="palette", colormap=colours), NAME)
    assert_array_equal(stored.numbers, (colours.T[index] >> 8).astype(np.uint8))
    grey = np.broadcast_to(np.arange(256, dtype=np.uint16) * 257, (3, 256))
    stored = tiff.read(saved(index, photometric="palette", colormap=grey), NAME)
    assert_array_equal(stored.numbers[:, :, 0], index)
    profiled = saved(index, photometric="palette", colormap=grey, iccprofile=b"profile")
    assert tiff.read(profiled, NAME).channels == tiff.probe(profiled, NAME).channels == 3


def test_resolutions_change_places_where_rows_become_columns() -> None:
    stream = saved(numbers(4, 6), resolution=(300, 150), resolutionunit="inch", extratags=[(274, 3, 1, 6, True)])
    assert tiff.read(stream, NAME).metadata.dpi == (150, 300)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_on_its_own_is_kept_bit_for_bit(dtype: str) -> None:
    pixels = numbers(5, 6, 4, dtype=dtype)
    stored = tiff.read(saved(pixels, photometric="rgb", extrasamples=["unassalpha"]), NAME)
    assert stored.alpha_numbers is not None
    assert_array_equal(stored.numbers, pixels[:, :, :3])
    assert_array_equal(stored.alpha_numbers, pixels[:, :, 3])


def test_colours_that_were_multiplied_by_their_alpha_are_divided_again() -> None:
    straight = np.array([[[200, 100, 0], [9, 9, 9]]], np.uint8)
    alpha = np.array([[128, 0]], np.uint8)
    multiplied = np.rint(straight * (alpha[:, :, None] / 255)).astype(np.uint8)
    stream = saved(np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"])
    stored = tiff.read(stream, NAME)
    assert_allclose(stored.numbers[0, 0].astype(int), straight[0, 0], atol=1)
    assert_array_equal(stored.numbers[0, 1], [0, 0, 0])
    assert stored.alpha_numbers is not None
    assert_array_equal(stored.alpha_numbers, alpha)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("pixels", "options", "reason"),
    [
        (numbers(5, 6, dtype="float32").astype(np.complex64), {}, "complex"),
        (numbers(5, 6, dtype="uint32"), {}, "32-bit"),
        (numbers(5, 6, 4), {"photometric": "separated"}, "SEPARATED"),
        (numbers(5, 6, 3), {"photometric": "cielab"}, "CIELAB"),
        (numbers(5, 6, 5), {"photometric": "rgb", "extrasamples": [0, 0]}, "5 channels"),
        (np.array([[0, np.nan]], np.float32), {}, "not finite"),
        (np.array([[0, np.inf]], np.float32), {}, "not finite"),
    ],
    ids=["complex", "32-bit integers", "CMYK", "CIELAB", "two more channels", "NaN", "infinity"],
)
def test_what_is_not_handled_is_refused_by_name(pixels: np.ndarray, options: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedImageError, match=reason):
        tiff.read(saved(pixels, **options), NAME)


@pytest.mark.parametrize("orientation", [1, 2, 6])
def test_the_orientation_is_applied_and_not_kept(orientation: int) -> None:
    pixels = numbers(4, 6)
    stream = saved(pixels, extratags=[(274, 3, 1, orientation, True)])
    stored = tiff.read(stream, NAME)
    assert_array_equal(stored.numbers[:, :, 0], {1: pixels, 2: pixels[:, ::-1], 6: np.rot90(pixels, 3)}[orientation])
    probed = tiff.probe(stream, NAME)
    assert (probed.height, probed.width) == stored.numbers.shape[:2]
    with tifffile.TiffFile(written(stored)) as again:
        assert 274 not in again.pages.first.tags


@pytest.mark.parametrize(("unit", "per_inch"), [("inch", 1), ("centimeter", 2.54)])
def test_the_resolution_is_read_in_either_unit(unit: str, per_inch: float) -> None:
    stream = saved(numbers(4, 6), resolution=(100, 50), resolutionunit=unit)
    assert tiff.read(stream, NAME).metadata.dpi == pytest.approx((100 * per_inch, 50 * per_inch))


@pytest.mark.parametrize("values", [UINT8, UINT16, UNIT_FLOAT, ValueMap("int16", 65535.0, -32768.0)], ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (900, 700)])
def test_what_is_written_is_read_bit_for_bit_by_tifffile(
    values: ValueMap, channels: int, with_alpha: bool, size: tuple[int, int]
) -> None:
    colours = numbers(*size, channels, dtype=values.dtype)
    alpha = numbers(*size, dtype=values.dtype) if with_alpha else None
    with tifffile.TiffFile(written(StoredImage(colours, values, alpha))) as again:
        page = again.pages.first
        decoded = page.asarray(squeeze=False)[0, 0]
        assert page.photometric == (2 if channels == 3 else 1)
        assert tuple(page.extrasamples) == ((2,) if with_alpha else ())
    assert_array_equal(decoded[:, :, :channels], colours)
    if alpha is not None:
        assert_array_equal(decoded[:, :, -1], alpha)


def test_a_picture_beyond_four_gigabytes_becomes_a_big_tiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff, "_CLASSIC_BYTES", 100)
    stream = written(StoredImage(numbers(20, 20, 3), metadata=Metadata(exif=None)))
    assert stream.getvalue()[:4] == b"II+\0"


@pytest.mark.parametrize("is_big", [False, True])
def test_metadata_is_written_and_read_back(
    make_exif: Callable[..., bytes], is_big: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff, "_CLASSIC_BYTES", 0 if is_big else 2**31)
    metadata = Metadata("TIFF", icc_profile=b"profile" * 9, exif=make_exif(), xmp=b"<x:xmpmeta/>", dpi=(300, 150))
    stream = written(StoredImage(numbers(20, 30, 3), metadata=metadata))
    assert stream.getvalue()[2:3] == (b"\0" if stream.getvalue()[:2] == b"MM" else (b"+" if is_big else b"*"))
    back = tiff.read(stream, NAME).metadata
    assert back.icc_profile == metadata.icc_profile
    assert back.xmp == metadata.xmp
    assert back.dpi == pytest.approx(metadata.dpi)
    assert back.exif is not None
    _layout, directory = ifd.exif_directory(back.exif)
    assert directory[271] == ifd.Field(2, 6, b"Maker\0")
    assert exif.orientation_of(back.exif) == 1
    below = directory[ifd.EXIF_IFD]
    assert isinstance(below, dict)
    assert isinstance(below[37500], ifd.Field)
    assert below[37500].data == b"maker note, byte for byte"
    assert isinstance(directory[ifd.GPS_IFD], dict)


def test_pillow_finds_the_written_exif(make_exif: Callable[..., bytes]) -> None:
    stream = written(StoredImage(numbers(20, 30, 3), metadata=Metadata(exif=make_exif())))
    with PillowImage.open(stream) as picture:
        marks = picture.getexif()
        assert marks[271] == "Maker"
        assert_array_equal(np.asarray(picture), numbers(20, 30, 3))


def test_a_damaged_exif_block_is_left_out_and_said_so() -> None:
    stream = io.BytesIO()
    left_out = tiff.write(stream, StoredImage(numbers(4, 4, 1), metadata=Metadata(exif=b"nonsense")))
    assert left_out == ("The EXIF block is damaged and was left out.",)
    assert_array_equal(tiff.read(stream, NAME).numbers, numbers(4, 4, 1))


def test_the_note_of_tifffile_about_the_old_size_is_not_kept() -> None:
    stream = io.BytesIO()
    tifffile.imwrite(stream, numbers(4, 6, 3), photometric="rgb")
    block = tiff.read(stream, NAME).metadata.exif
    assert block is None or b"shape" not in block


@pytest.mark.parametrize(("kind", "is_unsaid"), [(0, True), (2, False)])
def test_a_last_sample_of_which_nothing_is_said_stays_one(kind: int, *, is_unsaid: bool) -> None:
    pixels = numbers(5, 6, 4)
    pixels[2:, :, 3] = 0
    stored = tiff.read(saved(pixels, photometric="rgb", extrasamples=[kind]), NAME)
    assert stored.metadata.is_opacity_unsaid == is_unsaid
    stream = io.BytesIO()
    tiff.write(stream, stored)
    stream.seek(0)
    with tifffile.TiffFile(stream) as file:
        assert tuple(file.pages.first.extrasamples) == (kind,)
        assert_array_equal(file.pages.first.asarray(), pixels)

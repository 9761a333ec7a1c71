"""PNG in all its colour types, against other decoders and encoders."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage
from PIL import PngImagePlugin

from srdesk.errors import ImageReadError
from srdesk.imaging import png
from srdesk.imaging.image import Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16

NAME = Path("picture.png")


def numbers(*shape: int, dtype: str = "uint8", seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def saved(picture: PillowImage.Image, **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    picture.save(stream, "PNG", **options)
    return stream


def with_chunk(content: bytes, kind: bytes, data: bytes, *, checksum: int | None = None) -> io.BytesIO:
    """Put a chunk behind the header."""
    end = 8 + 25
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return io.BytesIO(
        content[:end] + struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", checksum) + content[end:]
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA"])
def test_8_bit_files_of_pillow_are_read_bit_for_bit(mode: str) -> None:
    bands = {"1": 1, "L": 1, "LA": 2, "RGB": 3, "RGBA": 4}[mode]
    pixels = numbers(9, 13, bands).squeeze()
    picture = PillowImage.fromarray(pixels).convert(mode)
    stored = png.read(saved(picture), NAME)
    expected = np.atleast_3d(np.asarray(picture).astype(np.uint8) * (255 if mode == "1" else 1))
    colours = 1 if bands < 3 else 3
    assert_array_equal(stored.numbers, expected[:, :, :colours])
    assert stored.has_alpha == (bands in (2, 4))
    if stored.alpha_numbers is not None:
        assert_array_equal(stored.alpha_numbers, expected[:, :, -1])
    assert stored.values == UINT8


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_16_bit_files_of_libpng_are_read_bit_for_bit(samples: int) -> None:
    pixels = numbers(9, 13, samples, dtype="uint16")
    stored = png.read(io.BytesIO(imagecodecs.png_encode(pixels.squeeze())), NAME)
    colours = 1 if samples < 3 else 3
    assert_array_equal(stored.numbers, pixels[:, :, :colours])
    assert stored.values == UINT16
    if stored.alpha_numbers is not None:
        assert_array_equal(stored.alpha_numbers, pixels[:, :, -1])


def test_a_palette_becomes_rgb() -> None:
    picture = PillowImage.fromarray(numbers(8, 8, 3)).quantize(16)
    stored = png.read(saved(picture), NAME)
    assert_array_equal(stored.numbers, np.asarray(picture.convert("RGB")))
    assert not stored.has_alpha


def test_a_palette_of_greys_becomes_grey() -> None:
    picture = PillowImage.new("P", (4, 2))
    picture.putpalette([level for step in range(4) for level in [step * 60] * 3])
    picture.putdata([0, 1, 2, 3, 3, 2, 1, 0])
    stored = png.read(saved(picture), NAME)
    assert_array_equal(stored.numbers[:, :, 0], [[0, 60, 120, 180], [180, 120, 60, 0]])
    assert png.probe(saved(picture), NAME).channels == 1


def test_a_palette_that_is_only_suggested_changes_no_colour() -> None:
    pixels = numbers(4, 6, 3)
    greys = bytes(level for step in range(4) for level in [step * 60] * 3)
    content = with_chunk(saved(PillowImage.fromarray(pixels)).getvalue(), b"PLTE", greys).getvalue()
    assert_array_equal(png.read(io.BytesIO(content), NAME).numbers, pixels)
    assert png.probe(io.BytesIO(content), NAME).channels == 3


def test_greys_of_a_palette_with_a_profile_stay_rgb_as_the_profile_is() -> None:
    stream = saved(PillowImage.new("L", (4, 2), 7).convert("P"), icc_profile=b"profile")
    assert png.read(stream, NAME).channels == png.probe(stream, NAME).channels == 3


def test_what_says_the_meaning_of_colours_is_kept() -> None:
    chunks = {b"cHRM": bytes(range(32)), b"gAMA": struct.pack(">I", 100_000), b"cICP": b"\x0c\x10\0\1"}
    stream = saved(PillowImage.new("RGB", (3, 2)))
    for kind, data in chunks.items():
        stream = with_chunk(stream.getvalue(), kind, data)
    stored = png.read(stream, NAME)
    assert {kind.encode(): data for kind, data in stored.metadata.colour_space} == chunks
    again = io.BytesIO()
    png.write(again, stored)
    assert png.read(again, NAME).metadata == stored.metadata
    with PillowImage.open(again) as picture:
        assert picture.info["gamma"] == 1.0


def test_a_transparent_colour_becomes_alpha() -> None:
    picture = PillowImage.new("RGB", (2, 1))
    picture.putpixel((0, 0), (1, 2, 3))
    stored = png.read(saved(picture, transparency=(1, 2, 3)), NAME)
    assert stored.alpha_numbers is not None
    assert_array_equal(stored.alpha_numbers, [[0, 255]])
    assert png.probe(saved(picture, transparency=(1, 2, 3)), NAME).has_alpha


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (1, 3000), (3000, 1), (1500, 700)])
def test_what_is_written_is_read_bit_for_bit_by_libpng(
    dtype: str, channels: int, with_alpha: bool, size: tuple[int, int]
) -> None:
    colours = numbers(*size, channels, dtype=dtype)
    alpha = numbers(*size, dtype=dtype, seed=1) if with_alpha else None
    stream = io.BytesIO()
    png.write(stream, StoredImage(colours, UINT8 if dtype == "uint8" else UINT16, alpha))
    decoded = imagecodecs.png_decode(stream.getvalue()).reshape(*size, -1)
    assert decoded.dtype == dtype
    assert_array_equal(decoded[:, :, :channels], colours)
    if alpha is not None:
        assert_array_equal(decoded[:, :, -1], alpha)


def test_pillow_reads_what_is_written_with_its_metadata(make_exif: Callable[..., bytes]) -> None:
    metadata = Metadata(
        icc_profile=b"profile" * 100,
        exif=make_exif(),
        xmp="<x>ö</x>".encode(),
        dpi=(300, 150),
        text=(("Title", "Ünder way"), ("Comment", "no\nend")),
    )
    stream = io.BytesIO()
    png.write(stream, StoredImage(numbers(20, 30, 3), metadata=metadata))
    with PillowImage.open(stream) as picture:
        assert isinstance(picture, PngImagePlugin.PngImageFile)
        picture.load()
        assert picture.info["icc_profile"] == metadata.icc_profile
        assert picture.info["xmp"] == metadata.xmp
        assert picture.info["dpi"] == pytest.approx((300, 150), abs=0.02)
        assert picture.text["Title"] == "Ünder way"
        assert picture.text["Comment"] == "no\nend"
        assert picture.getexif()[271] == "Maker"


def test_a_photo_is_not_much_larger_than_pillow_would_make_it() -> None:
    across, down = np.meshgrid(np.linspace(0, 9, 500), np.linspace(0, 7, 400))
    smooth = 120 + 80 * np.sin(across) * np.cos(down) + np.random.default_rng(0).normal(0, 2, (400, 500))
    pixels = np.repeat(smooth.astype(np.uint8)[:, :, None], 3, axis=2)
    stream = io.BytesIO()
    png.write(stream, StoredImage(pixels))
    assert len(stream.getvalue()) < 1.1 * len(saved(PillowImage.fromarray(pixels)).getvalue())


def test_every_kind_of_text_is_read() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Plain", "caf\xe9")
    info.add_text("Packed", "long " * 50, zip=True)
    info.add_itxt("World", "Ωμέγα", zip=True)
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    metadata = png.read(saved(PillowImage.new("L", (2, 2)), pnginfo=info), NAME).metadata
    assert metadata.text == (("Plain", "café"), ("Packed", "long " * 50), ("World", "Ωμέγα"))
    assert metadata.xmp == b"<x:xmpmeta/>"


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (13, 21)])
def test_an_interlaced_file_is_read(size: tuple[int, int]) -> None:
    pixels = numbers(*size)
    adam7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    passes = [pixels[top::down, left::across] for top, left, down, across in adam7]
    rows = b"".join(b"\0" + row.tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", size[1], size[0], 8, 0, 0, 0, 1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = png.SIGNATURE + b"".join(
        struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    assert_array_equal(png.read(io.BytesIO(content), NAME).numbers[:, :, 0], pixels)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_orientation_is_applied_and_reset(make_exif: Callable[..., bytes], orientation: int) -> None:
    pixels = numbers(4, 6)
    stream = saved(PillowImage.fromarray(pixels), exif=make_exif(orientation=orientation))
    stored = png.read(stream, NAME)
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    assert_array_equal(stored.numbers[:, :, 0], np.rot90(pixels, turns))
    assert stored.metadata.exif == make_exif(orientation=1)
    probed = png.probe(stream, NAME)
    assert (probed.height, probed.width) == stored.numbers.shape[:2]


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"iCCP", b"name\0\0" + zlib.compress(bytes(40 * 2**20))),
        (b"zTXt", b"key\0\0" + zlib.compress(bytes(40 * 2**20))),
        (b"iTXt", b"key\0\1\0\0\0" + zlib.compress(bytes(40 * 2**20))),
        (b"iCCP", b"name\0\0" + zlib.compress(b"profile")[:-3]),
        (b"iCCP", b"no end of name"),
        (b"iTXt", b"key\0\0\0\0\0\xff\xfe"),
        (b"pHYs", b"short"),
        (b"gAMA", bytes(1000)),
        (b"eXIf", b"no exif"),
    ],
)
def test_damaged_or_exploding_metadata_is_left_out(kind: bytes, data: bytes) -> None:
    content = saved(PillowImage.new("L", (3, 2), 7)).getvalue()
    stored = png.read(with_chunk(content, kind, data), NAME)
    assert_array_equal(stored.numbers, np.full((2, 3, 1), 7))
    assert stored.metadata == Metadata()


@pytest.mark.hostile
def test_metadata_with_a_wrong_checksum_is_left_out() -> None:
    content = saved(PillowImage.new("L", (3, 2), 7)).getvalue()
    assert png.read(with_chunk(content, b"tEXt", b"key\0value", checksum=1), NAME).metadata.text == ()


@pytest.mark.hostile
def test_pixels_with_a_wrong_checksum_are_refused() -> None:
    content = bytearray(saved(PillowImage.fromarray(numbers(20, 20))).getvalue())
    content[content.index(b"IDAT") + 30] ^= 1
    with pytest.raises(ImageReadError, match="damaged"):
        png.read(io.BytesIO(bytes(content)), NAME)


@pytest.mark.hostile
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_is_cut_off_is_refused(share: float) -> None:
    content = saved(PillowImage.fromarray(numbers(50, 50, 3))).getvalue()
    with pytest.raises(ImageReadError):
        png.read(io.BytesIO(content[: int(len(content) * share)]), NAME)

"""JPEG and WebP with their colours and their metadata."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as PillowImage
from PIL import ImageCms, JpegImagePlugin

from srdesk.imaging import photo
from srdesk.imaging.image import Metadata
from srdesk.imaging.stored import StoredImage

NAME = Path("picture.jpg")
Maker = Callable[..., bytes]


def smooth(height: int = 24, width: int = 40) -> np.ndarray:
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([down * 5, across * 4, (down + across) * 3], axis=2).astype(np.uint8)


def test_grey_stays_grey(make_jpeg: Maker) -> None:
    content = make_jpeg(PillowImage.fromarray(smooth()[:, :, 0]), quality=95)
    stored = photo.read(io.BytesIO(content), NAME, "JPEG")
    assert stored.numbers.shape == (24, 40, 1)
    assert photo.probe(io.BytesIO(content), NAME, "JPEG").channels == 1


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"quality": 30}])
def test_every_common_kind_of_jpeg_is_read_as_pillow_reads_it(make_jpeg: Maker, options: dict[str, object]) -> None:
    content = make_jpeg(PillowImage.fromarray(smooth()), **options)
    with PillowImage.open(io.BytesIO(content)) as picture:
        expected = np.asarray(picture)
    assert_array_equal(photo.read(io.BytesIO(content), NAME, "JPEG").numbers, expected)


def test_a_picture_of_many_strips_is_read_whole(make_jpeg: Maker) -> None:
    content = make_jpeg(PillowImage.effect_noise((1100, 2100), 60))
    with PillowImage.open(io.BytesIO(content)) as picture:
        expected = np.asarray(picture)
    assert_array_equal(photo.read(io.BytesIO(content), NAME, "JPEG").numbers[:, :, 0], expected)


def test_cmyk_colours_come_out_right(make_jpeg: Maker) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
    picture = PillowImage.new("RGB", (16 * len(colours), 16))
    for number, colour in enumerate(colours):
        picture.paste(colour, (16 * number, 0, 16 * number + 16, 16))
    content = make_jpeg(picture.convert("CMYK"), quality=100, icc_profile=b"not a profile")
    stored = photo.read(io.BytesIO(content), NAME, "JPEG")
    seen = stored.numbers[8, 8::16]
    assert_allclose(seen.astype(int), colours, atol=6)
    assert stored.metadata.icc_profile is None


def test_a_profile_that_is_not_for_cmyk_does_not_spoil_cmyk_colours(make_jpeg: Maker) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = make_jpeg(PillowImage.new("RGB", (16, 16), (255, 0, 0)).convert("CMYK"), quality=100, icc_profile=profile)
    stored = photo.read(io.BytesIO(content), NAME, "JPEG")
    assert_allclose(stored.numbers[8, 8].astype(int), (255, 0, 0), atol=6)


@pytest.mark.parametrize("orientation", [1, 2, 6, 99])
def test_the_orientation_is_applied_and_reset(make_jpeg: Maker, make_exif: Maker, orientation: int) -> None:
    content = make_jpeg(PillowImage.fromarray(smooth()), exif=b"Exif\0\0" + make_exif(orientation), quality=100)
    stored = photo.read(io.BytesIO(content), NAME, "JPEG")
    expected = {2: smooth()[:, ::-1], 6: np.rot90(smooth(), 3)}.get(orientation, smooth())
    assert_allclose(stored.numbers.astype(int), expected, atol=6)
    probed = photo.probe(io.BytesIO(content), NAME, "JPEG")
    assert (probed.height, probed.width) == stored.numbers.shape[:2]
    if orientation != 99:
        assert stored.metadata.exif == make_exif(1)


def test_a_written_jpeg_has_full_chroma_and_all_metadata(make_exif: Maker) -> None:
    metadata = Metadata("JPEG", icc_profile=b"p" * 70_000, exif=make_exif(), xmp=b"<x/>", dpi=(300, 300))
    stream = io.BytesIO()
    assert photo.write_jpeg(stream, StoredImage(smooth(), metadata=metadata), 95) == ()
    with PillowImage.open(stream) as picture:
        assert isinstance(picture, JpegImagePlugin.JpegImageFile)
        assert JpegImagePlugin.get_sampling(picture) == 0
    back = photo.read(stream, NAME, "JPEG")
    assert_allclose(back.numbers.astype(int), smooth(), atol=8)
    assert back.metadata.icc_profile == metadata.icc_profile
    assert back.metadata.xmp == metadata.xmp
    assert back.metadata.dpi == (300, 300)


def test_quality_matters() -> None:
    sizes = []
    for quality in (30, 95):
        stream = io.BytesIO()
        photo.write_jpeg(stream, StoredImage(np.asarray(PillowImage.effect_noise((64, 64), 50))[:, :, None]), quality)
        sizes.append(len(stream.getvalue()))
    assert sizes[0] < 0.7 * sizes[1]


def test_metadata_that_jpeg_has_no_room_for_is_left_out_and_said_so(make_exif: Maker) -> None:
    metadata = Metadata("TIFF", exif=make_exif() + bytes(70_000), xmp=b"x" * 70_000)
    stream = io.BytesIO()
    left_out = photo.write_jpeg(stream, StoredImage(smooth(), metadata=metadata), 95)
    assert [sentence.split(" is ")[0] for sentence in left_out] == ["The EXIF block", "The XMP packet"]
    back = photo.read(stream, NAME, "JPEG").metadata
    assert back.exif is None
    assert back.xmp is None


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_a_lossless_webp_keeps_every_bit_also_under_transparency(channels: int, with_alpha: bool) -> None:
    random = np.random.default_rng(0)
    colours = random.integers(0, 256, (20, 30, channels)).astype(np.uint8)
    alpha = random.choice(np.array([0, 128, 255], np.uint8), (20, 30)) if with_alpha else None
    stream = io.BytesIO()
    photo.write_webp(stream, StoredImage(colours, alpha_numbers=alpha, metadata=Metadata(is_lossless=True)), 50)
    back = photo.read(stream, NAME, "WEBP")
    assert_array_equal(back.numbers, np.broadcast_to(colours, (20, 30, 3)))
    assert back.has_alpha == with_alpha
    if alpha is not None and back.alpha_numbers is not None:
        assert_array_equal(back.alpha_numbers, alpha)
    assert back.metadata.is_lossless


def test_a_lossy_webp_is_known_as_one_and_keeps_its_metadata(make_exif: Maker) -> None:
    metadata = Metadata("WEBP", icc_profile=b"profile", exif=make_exif(), xmp=b"<x/>")
    stream = io.BytesIO()
    photo.write_webp(stream, StoredImage(smooth(), metadata=metadata), 95)
    back = photo.read(stream, NAME, "WEBP")
    assert_allclose(back.numbers.astype(int), smooth(), atol=16)
    assert not back.metadata.is_lossless
    assert back.metadata.icc_profile == b"profile"
    assert back.metadata.xmp == b"<x/>"
    assert back.metadata.exif is not None

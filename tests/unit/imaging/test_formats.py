"""Files are opened by what they contain, and saved completely or not at all."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage

from srdesk.errors import ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging import exif, photo
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import (
    SUFFIXES,
    can_hold,
    format_for,
    open_image,
    open_stored,
    probe_image,
    save_image,
)
from srdesk.imaging.image import Metadata
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

UNIT_FLOAT = ValueMap("float32", 1.0)


def picture(
    height: int = 12,
    width: int = 17,
    channels: int = 3,
    values: ValueMap = UINT8,
    metadata: Metadata | None = None,
    *,
    with_alpha: bool = False,
    seed: int = 0,
) -> StoredImage:
    random = np.random.default_rng(seed)
    shape = (height, width, channels + with_alpha)
    if values.dtype == "float32":
        numbers = random.random(shape, dtype=np.float32)
    else:
        numbers = random.integers(0, int(values.gain) + 1, shape).astype(values.dtype)
    alpha = np.ascontiguousarray(numbers[:, :, -1]) if with_alpha else None
    return StoredImage(numbers[:, :, :channels], values, alpha, metadata or Metadata(is_lossless=True))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@given(
    suffix=st.sampled_from([".png", ".tif", ".webp"]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    channels=st.sampled_from([1, 3]),
    values=st.sampled_from([UINT8, UINT16, UNIT_FLOAT]),
    with_alpha=st.booleans(),
)
@settings(max_examples=80)
def test_every_lossless_format_that_can_hold_a_picture_keeps_every_bit(
    tmp_path_factory: pytest.TempPathFactory,
    suffix: str,
    height: int,
    width: int,
    channels: int,
    values: ValueMap,
    with_alpha: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"kept{suffix}"
    before = picture(height, width, channels, values, with_alpha=with_alpha)
    if can_hold(SUFFIXES[suffix], before) is not None:
        assert suffix != ".tif"
        return
    assert save_image(path, before) == ()
    after = open_stored(path)
    expected = before.numbers if suffix != ".webp" else np.broadcast_to(before.numbers, (height, width, 3))
    assert_array_equal(after.numbers, expected)
    assert after.values == values
    assert after.has_alpha == with_alpha
    if before.alpha_numbers is not None and after.alpha_numbers is not None:
        assert_array_equal(after.alpha_numbers, before.alpha_numbers)
    probed = probe_image(path)
    assert (probed.height, probed.width, probed.channels) == after.numbers.shape
    assert (probed.has_alpha, probed.dtype) == (with_alpha, values.dtype)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_all_metadata_survives_in_every_format(tmp_path: Path, suffix: str, make_exif: Callable[..., bytes]) -> None:
    profile, packet = b"profile" * 50, b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
    metadata = Metadata(icc_profile=profile, exif=make_exif(width_px=17), xmp=packet, dpi=(300, 300))
    path = tmp_path / f"a{suffix}"
    assert save_image(path, picture(metadata=metadata)) == ()
    after = open_image(path).metadata
    assert after.icc_profile == profile
    assert after.xmp == packet
    assert after.format == SUFFIXES[suffix]
    assert after.exif is not None
    assert b"maker note, byte for byte" in after.exif
    if suffix != ".webp":  # the format has no resolution of its own
        assert after.dpi == pytest.approx((300, 300), abs=0.01)
    if suffix != ".tif":  # there the same tags stand in the file's own order
        marks = PillowImage.Exif()
        marks.load(after.exif)
        assert dict(marks) == {271: "Maker", 274: 1, 34665: marks[34665], 34853: marks[34853]}


@pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
def test_an_orientation_is_applied_to_all_that_speaks_of_it(
    tmp_path: Path, suffix: str, make_exif: Callable[..., bytes]
) -> None:
    packet = b'<rdf:Description tiff:Orientation="%d"/><tiff:Orientation>%d</tiff:Orientation>'
    path = tmp_path / f"a{suffix}"
    save_image(path, picture(metadata=Metadata(exif=make_exif(6), xmp=packet % (6, 6), dpi=(300, 150))))
    after = open_image(path).metadata
    assert after.exif is not None
    assert exif.orientation_of(after.exif) == 1
    assert after.xmp == packet % (1, 1)
    if suffix != ".webp":
        assert after.dpi == pytest.approx((150, 300), abs=0.02)


@pytest.mark.parametrize("suffix", [".tif", ".webp", ".jpg"])
def test_what_only_a_png_holds_is_left_out_and_said_so(tmp_path: Path, suffix: str) -> None:
    metadata = Metadata(text=(("Title", "x"),), colour_space=(("gAMA", bytes(4)),))
    text, colours = save_image(tmp_path / f"a{suffix}", picture(metadata=metadata))
    assert "text entries" in text
    assert "gAMA" in colours
    assert save_image(tmp_path / "a.png", picture(metadata=metadata)) == ()


def test_a_profile_of_grey_does_not_go_with_the_colours_of_a_webp(tmp_path: Path) -> None:
    profile = bytes(16) + b"GRAY" + bytes(200)
    (said,) = save_image(tmp_path / "a.webp", picture(channels=1, metadata=Metadata(icc_profile=profile)))
    assert "ICC profile" in said
    assert open_image(tmp_path / "a.webp").metadata.icc_profile is None


def test_a_16_bit_photo_can_change_between_png_and_tiff_without_losing_a_bit(tmp_path: Path) -> None:
    before = picture(values=UINT16, with_alpha=True)
    save_image(tmp_path / "a.png", before)
    save_image(tmp_path / "b.tif", open_stored(tmp_path / "a.png"))
    after = open_stored(tmp_path / "b.tif")
    assert_array_equal(after.numbers, before.numbers)
    assert after.alpha_numbers is not None
    assert before.alpha_numbers is not None
    assert_array_equal(after.alpha_numbers, before.alpha_numbers)


@pytest.mark.parametrize(("content", "name"), [(".png", "a.tif"), (".tif", "a.png"), (".jpg", "a"), (".webp", "a.JPG")])
def test_content_decides_and_not_the_suffix(tmp_path: Path, content: str, name: str) -> None:
    save_image(tmp_path / f"x{content}", picture())
    (tmp_path / f"x{content}").rename(tmp_path / name)
    assert probe_image(tmp_path / name).format == SUFFIXES[content]
    assert open_stored(tmp_path / name).metadata.format == SUFFIXES[content]


def test_an_opened_picture_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", picture(with_alpha=True))
    stored = open_stored(tmp_path / "a.png")
    assert not stored.numbers.flags.writeable
    assert stored.alpha_numbers is not None
    assert not stored.alpha_numbers.flags.writeable


@pytest.mark.parametrize(
    ("format_name", "stored", "reason"),
    [
        ("JPEG", picture(values=UINT16), "16-bit"),
        ("WEBP", picture(values=UINT16), "16-bit"),
        ("PNG", picture(values=UNIT_FLOAT), "float32"),
        ("JPEG", picture(with_alpha=True), "transparency"),
        ("WEBP", StoredImage(np.zeros((1, 16_384, 1), np.uint8)), "16,383"),
        ("JPEG", StoredImage(np.zeros((65_536, 1, 1), np.uint8)), "65,535"),
        ("BMP", picture(), "cannot be written"),
    ],
    ids=["16 bit in JPEG", "16 bit in WebP", "float in PNG", "alpha in JPEG", "wide WebP", "high JPEG", "BMP"],
)
def test_a_format_says_what_it_cannot_hold(format_name: str, stored: StoredImage, reason: str) -> None:
    assert reason in (can_hold(format_name, stored) or "")


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_every_format_can_hold_a_plain_photo(format_name: str) -> None:
    assert can_hold(format_name, picture()) is None


def test_saving_what_the_format_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="16-bit"):
        save_image(tmp_path / "a.jpg", picture(values=UINT16))
    assert names(tmp_path) == []


def test_a_name_without_a_known_suffix_keeps_the_format_of_the_picture(tmp_path: Path) -> None:
    save_image(tmp_path / "result", picture(metadata=Metadata("TIFF")))
    assert probe_image(tmp_path / "result").format == "TIFF"
    assert format_for("result") is None
    assert format_for("RESULT.JPEG") == "JPEG"


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """Make the system refuse to let a file grow beyond 20 kB, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
@pytest.mark.usefixtures("small_files_only")
def test_a_full_disk_is_an_error_that_leaves_the_old_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(ImageWriteError) as caught:
        save_image(path, picture(300, 300))
    assert "cannot be written" in str(caught.value)
    assert caught.value.hint
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [path.name]


def test_a_folder_that_is_missing_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=r"“a\.png” cannot be written: no such file or directory\."):
        save_image(tmp_path / "missing" / "a.png", picture())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_memory_that_runs_out_while_encoding_leaves_nothing(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object, **__: object) -> None:
        raise MemoryError

    for target in ("srdesk.imaging.png.write", "srdesk.imaging.tiff.write"):
        monkeypatch.setattr(target, run_out)
    monkeypatch.setattr(photo, "_save_options", run_out)
    with pytest.raises(ImageWriteError, match="memory"):
        save_image(tmp_path / f"a{suffix}", picture())
    assert names(tmp_path) == []


def test_reading_errors_of_the_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    save_image(path, picture())

    def fail(*_: object, **__: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(ImageReadError, match=r"input/output error\.$"):
        open_image(path)


def test_a_kind_that_is_not_handled_is_named(tmp_path: Path) -> None:
    PillowImage.new("L", (3, 3)).save(tmp_path / "a.png", "GIF")
    with pytest.raises(UnsupportedImageError, match="no PNG, JPEG, WebP, TIFF or FITS"):
        open_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_comment_of_a_jpeg_is_kept_or_said_to_be_left_out(tmp_path: Path, suffix: str) -> None:
    PillowImage.new("RGB", (8, 8)).save(tmp_path / "a.jpg", comment=b"taken at dawn")
    with Decoder() as decoder:
        losses = save_image(tmp_path / f"b{suffix}", decoder.open_stored(tmp_path / "a.jpg"))
    if suffix == ".jpg":
        assert losses == ()
        with PillowImage.open(tmp_path / "b.jpg") as picture:
            assert picture.info["comment"] == b"taken at dawn"
    else:
        assert losses == ("The comment of the JPEG has no place in a PNG and was left out.",)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_exif_says_the_size_of_the_result(tmp_path: Path, suffix: str, make_exif: Callable[..., bytes]) -> None:
    stored = replace(picture(), metadata=Metadata(exif=make_exif()))
    save_image(tmp_path / f"a{suffix}", stored)
    with PillowImage.open(tmp_path / f"a{suffix}") as saved:
        assert saved.getexif().get_ifd(0x8769)[40962] == stored.width

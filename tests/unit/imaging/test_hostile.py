"""Files that are damaged, malicious or no files at all: one clear sentence each, and the desk lives on."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import socket
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import open_image

pytestmark = [pytest.mark.hostile, pytest.mark.process]

MakeJpeg = Callable[..., bytes]


def refusal(decoder: Decoder, path: Path) -> str:
    """Open a file that must be refused; return the sentence."""
    started_s = time.monotonic()
    with pytest.raises((ImageReadError, UnsupportedImageError)) as caught:
        decoder.open(path)
    # Not a measurement but a bound on a hang: the target of 2 s with room for a busy machine.
    assert time.monotonic() - started_s < 20
    error = caught.value
    sentence = str(error)
    assert error.shown_name in sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()
    assert error.hint
    return sentence


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(
    width: int, height: int, *, depth: int = 8, colour: int = 0, pixels: bytes = b"", extra: bytes = b""
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def tiff_of(*entries: tuple[int, int, int, int], after: bytes = b"", next_directory: int = 0) -> bytes:
    """Build a little-endian TIFF of one directory of (tag, type, count, value) entries."""
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + table + struct.pack("<I", next_directory) + after


def grey_tiff(width: int, height: int, *more: tuple[int, int, int, int], **options: Any) -> bytes:
    entries = {
        256: (256, 4, 1, width),
        257: (257, 4, 1, height),
        258: (258, 3, 1, 8),
        259: (259, 3, 1, 1),
        262: (262, 3, 1, 1),
        273: (273, 4, 1, 8),
        277: (277, 3, 1, 1),
        278: (278, 4, 1, height),
        279: (279, 4, 1, 100),
    }
    entries.update({entry[0]: entry for entry in more})
    return tiff_of(*entries.values(), **options)


# --- not pictures, not files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.png", b"", "empty"),
        ("one.png", b"\x89", "no PNG, JPEG, WebP, TIFF or FITS"),
        ("page.png", b"<!doctype html><title>404</title>", "no PNG, JPEG, WebP, TIFF or FITS"),
        ("drawing.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "no PNG, JPEG, WebP, TIFF or FITS"),
        ("paper.png", b"%PDF-1.7\n", "no PNG, JPEG, WebP, TIFF or FITS"),
        ("script.tif", b"%!PS-Adobe-3.0 EPSF-3.0\n", "no PNG, JPEG, WebP, TIFF or FITS"),
        ("dataset.tif", b"<VRTDataset><SourceFilename>/etc/passwd", "no PNG, JPEG, WebP, TIFF or FITS"),
        ("only magic.png", b"\x89PNG\r\n\x1a\n", "damaged"),
        ("only magic.jpg", b"\xff\xd8\xff", "damaged"),
        ("only magic.webp", b"RIFF\x04\0\0\0WEBP", "damaged"),
        ("only magic.tif", b"II*\0", "damaged"),
        ("only magic big.tif", b"II+\0", "damaged"),
    ],
)
def test_what_is_no_picture_is_refused(
    decoder: Decoder, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert reason in refusal(decoder, tmp_path / name)


def test_a_png_called_tif_is_opened_by_its_content(decoder: Decoder, tmp_path: Path) -> None:
    PillowImage.new("L", (3, 2), 9).save(tmp_path / "a.tif", "PNG")
    assert decoder.open(tmp_path / "a.tif").metadata.format == "PNG"


def test_a_pipe_is_refused_without_waiting_for_a_writer(decoder: Decoder, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert "it is a pipe" in refusal(decoder, tmp_path / "pipe.png")
    with pytest.raises(ImageReadError, match="it is a pipe"):
        open_image(tmp_path / "pipe.png")


def test_folders_sockets_and_devices_are_refused(
    decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.png").mkdir()
    assert "it is a folder" in refusal(decoder, tmp_path / "folder.png")
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    assert "it is a device" in refusal(decoder, tmp_path / "endless.png")
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 107 bytes at most
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
        assert "it is a socket" in refusal(decoder, Path("socket.png"))


def test_links_that_lead_nowhere_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert os.strerror(errno.ELOOP).lower() in refusal(decoder, tmp_path / "loop.png").lower()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere")
    assert "no such file" in refusal(decoder, tmp_path / "dangling.png")


def test_a_link_to_a_picture_is_opened(decoder: Decoder, tmp_path: Path) -> None:
    PillowImage.new("L", (3, 2), 9).save(tmp_path / "a.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    assert decoder.open(tmp_path / "link.png").width == 3


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    PillowImage.new("L", (3, 2)).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    assert "permission denied" in refusal(decoder, tmp_path / "a.png")


@pytest.mark.parametrize(
    "name", ["two\nlines.png", os.fsdecode(b"caf\xe9.png"), "ö" * 125 + ".png", " .png", "-rf.png"]
)
def test_strange_names_are_no_obstacle(decoder: Decoder, tmp_path: Path, name: str) -> None:
    PillowImage.new("L", (3, 2)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / name)
    assert decoder.open(tmp_path / name).width == 3


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 300 + ".png", "no\nsuch.png", os.fsdecode(b"no\xe9.png")])
def test_names_that_no_file_has_are_refused(decoder: Decoder, tmp_path: Path, name: str) -> None:
    refusal(decoder, tmp_path / name)


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png_of(60_000, 60_000, depth=1, pixels=bytes(7501 * 60_000 // 100)), "60,000 × 60,000"),
        (png_of(2**31 - 1, 2**31 - 1), "more than can be opened"),
        (png_of(0, 10), "no pixels"),
        (png_of(10, 0), "no pixels"),
        (png_of(2_000_000, 1), "more than can be opened"),
        (grey_tiff(2**31 - 1, 2**31 - 1), "more than can be opened"),
        (grey_tiff(0, 10), ""),
        (grey_tiff(50_000, 50_000), "more than can be opened"),
        (
            grey_tiff(
                2**20 - 16, 2**20 - 16, (322, 3, 1, 16), (323, 3, 1, 16), (324, 4, 2**30, 200), (325, 4, 2**30, 200)
            ),
            "",
        ),
        (grey_tiff(100, 100, (273, 4, 2**30, 300), (279, 4, 2**30, 300)), ""),
        (grey_tiff(19_000, 19_000), "damaged"),
    ],
    ids=[
        "one-bit bomb",
        "huge PNG",
        "PNG of no width",
        "PNG of no height",
        "two million columns",
        "huge TIFF",
        "TIFF of no width",
        "large TIFF in 150 bytes",
        "TIFF of four billion tiles",
        "TIFF of a billion strips",
        "TIFF within budget without pixels",
    ],
)
def test_sizes_are_judged_by_the_header(decoder: Decoder, tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(content)
    assert reason in refusal(decoder, path)
    assert psutil.Process(decoder._child.pid).memory_info().rss < 2**30  # type: ignore[union-attr]


def test_a_deflated_strip_that_explodes_does_not_take_the_memory(decoder: Decoder, tmp_path: Path) -> None:
    packed = zlib.compress(bytes(2**29), 6)
    at = 8 + 2 + 9 * 12 + 4
    content = grey_tiff(100, 100, (259, 3, 1, 8), (273, 4, 1, at), (279, 4, 1, len(packed)), after=packed)
    (tmp_path / "bomb.tif").write_bytes(content)
    with contextlib.suppress(ImageReadError, UnsupportedImageError):
        assert decoder.open(tmp_path / "bomb.tif").pixels.shape == (100, 100, 1)
    PillowImage.new("L", (3, 2), 9).save(tmp_path / "good.png")
    assert decoder.open(tmp_path / "good.png").width == 3


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_metadata_that_explodes_costs_the_metadata_only(decoder: Decoder, tmp_path: Path, kind: bytes) -> None:
    prefix = {b"zTXt": b"k\0\0", b"iCCP": b"k\0\0", b"iTXt": b"k\0\1\0\0\0"}[kind]
    bomb = png_chunk(kind, prefix + zlib.compress(bytes(40 * 2**20), 6))
    (tmp_path / "bomb.png").write_bytes(png_of(3, 1, pixels=b"\0\1\2\3", extra=bomb * 20))
    assert_array_equal(decoder.open_stored(tmp_path / "bomb.png").numbers[0, :, 0], [1, 2, 3])
    assert psutil.Process(decoder._child.pid).memory_info().rss < 2**30  # type: ignore[union-attr]


def test_too_many_texts_are_not_all_kept(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(3, 1, pixels=b"\0\1\2\3", extra=png_chunk(b"tEXt", b"k\0v") * 50_000))
    assert len(decoder.open(tmp_path / "a.png").metadata.text) == 1000


@pytest.mark.parametrize("size", [(1, 1), (1, 50_000), (50_000, 1)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_extreme_shapes_are_opened(decoder: Decoder, tmp_path: Path, size: tuple[int, int], suffix: str) -> None:
    path = tmp_path / f"thin{suffix}"
    PillowImage.new("RGB", size, (200, 100, 50)).save(path)
    image = decoder.open(path)
    assert (image.width, image.height) == size


# --- malformed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sixteenth", range(16))
def test_a_jpeg_that_is_cut_off_is_refused(
    decoder: Decoder, tmp_path: Path, make_jpeg: MakeJpeg, sixteenth: int
) -> None:
    content = make_jpeg(PillowImage.effect_noise((200, 150), 60), quality=80)
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) * sixteenth // 16])
    refusal(decoder, tmp_path / "cut.jpg")


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}])
def test_other_kinds_of_jpeg_that_are_cut_off_are_refused(
    decoder: Decoder, tmp_path: Path, make_jpeg: MakeJpeg, options: dict[str, object]
) -> None:
    content = make_jpeg(PillowImage.effect_noise((200, 150), 60), **options)
    for share in (0.2, 0.5, 0.8):
        (tmp_path / "cut.jpg").write_bytes(content[: int(len(content) * share)])
        refusal(decoder, tmp_path / "cut.jpg")


def test_a_webp_and_a_tiff_that_are_cut_off_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    picture = PillowImage.effect_noise((200, 150), 60)
    for suffix, options in ((".webp", {}), (".webp", {"lossless": True}), (".tif", {"compression": "tiff_deflate"})):
        stream = io.BytesIO()
        picture.save(stream, {".webp": "WEBP", ".tif": "TIFF"}[suffix], **options)
        content = stream.getvalue()
        for share in (0.1, 0.5, 0.9):
            path = tmp_path / f"cut{suffix}"
            path.write_bytes(content[: int(len(content) * share)])
            refusal(decoder, path)


def test_a_nonsensical_orientation_is_upright(
    decoder: Decoder, tmp_path: Path, make_jpeg: MakeJpeg, make_exif: Callable[..., bytes]
) -> None:
    content = make_jpeg(PillowImage.new("L", (30, 20)), exif=b"Exif\0\0" + make_exif(orientation=99))
    (tmp_path / "a.jpg").write_bytes(content)
    assert decoder.open(tmp_path / "a.jpg").width == 30


@pytest.mark.parametrize("tag", [256, 257, 258, 259, 262, 277, 284, 317, 338, 339])
@pytest.mark.parametrize("kind", [2, 3, 5, 12])
def test_header_fields_of_the_wrong_type_or_number_are_refused_or_ignored(
    decoder: Decoder, tmp_path: Path, tag: int, kind: int
) -> None:
    (tmp_path / "odd.tif").write_bytes(grey_tiff(10, 10, (tag, kind, 2, 8), after=bytes(400)))
    with contextlib.suppress(ImageReadError, UnsupportedImageError):
        decoder.open(tmp_path / "odd.tif")


def test_directories_in_a_loop_end(decoder: Decoder, tmp_path: Path) -> None:
    pixels = bytes(range(100))
    at = 8 + 2 + 9 * 12 + 4
    content = grey_tiff(10, 10, (273, 4, 1, at), after=pixels, next_directory=8)
    (tmp_path / "loop.tif").write_bytes(content)
    assert_array_equal(decoder.open_stored(tmp_path / "loop.tif").numbers.ravel(), np.arange(100))
    (tmp_path / "self.tif").write_bytes(grey_tiff(10, 10, (34665, 4, 1, 8), (273, 4, 1, at + 12), after=pixels * 2))
    assert decoder.open(tmp_path / "self.tif").width == 10


@pytest.mark.parametrize("dtype", ["complex64", "uint32", "int32", "int64"])
def test_kinds_of_number_that_are_not_handled_are_refused_by_name(decoder: Decoder, tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), dtype))
    assert "is not supported: it holds" in refusal(decoder, tmp_path / "a.tif")


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    PillowImage.effect_noise((200, 200), 60).save(path)
    import imagecodecs

    real = imagecodecs.png_decode

    def shrink_first(data: bytes) -> object:
        return real(data[: len(data) // 2])

    monkeypatch.setattr(imagecodecs, "png_decode", shrink_first)
    with pytest.raises(ImageReadError, match="damaged"):
        open_image(path)

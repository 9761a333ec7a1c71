"""What a TIFF holds beside the picture that is enlarged: raw numbers of a camera, further pages, smaller copies."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage

from srdesk.errors import UnsupportedImageError
from srdesk.imaging import ifd
from srdesk.imaging.formats import count_pictures, open_stored, probe_image

GREY = np.random.default_rng(5).integers(0, 256, (16, 24), np.uint8)
RGB = np.dstack([GREY, GREY.T.reshape(16, 24), GREY])
DNG_VERSION = (50706, 1, 4, (1, 4, 0, 0), True)
Page = tuple[np.ndarray, dict[str, Any]]


def tiff_of(path: Path, *pages: Page, **options: Any) -> Path:
    with tifffile.TiffWriter(path, **options) as writer:
        for pixels, its in pages:
            writer.write(pixels, metadata=None, **its)
    return path


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}], ids=str)
@pytest.mark.parametrize(
    "pages",
    [
        [(RGB, {"subfiletype": 1, "subifds": 2}), (RGB, {"subfiletype": 1}), (GREY, {"photometric": "cfa"})],
        [(RGB, {"subfiletype": 1, "subifds": 1}), (RGB, {"photometric": "linear_raw"})],
        [(RGB, {"photometric": "rgb", "extratags": [DNG_VERSION]})],
        [(GREY, {"photometric": "cfa"})],
    ],
    ids=["preview before raw", "preview before linear raw", "DNG", "raw alone"],
)
def test_a_camera_raw_file_is_refused_by_name(tmp_path: Path, pages: list[Page], options: dict[str, Any]) -> None:
    path = tiff_of(tmp_path / "a.nef", *pages, **options)
    for open_it in (open_stored, probe_image):
        with pytest.raises(UnsupportedImageError, match="it is a camera raw file") as caught:
            open_it(path)
        assert caught.value.hint == "Develop it to TIFF or JPEG first."


def test_a_camera_raw_file_of_canon_is_known_by_its_header(tmp_path: Path) -> None:
    pixels = GREY.copy()
    pixels[0, :4] = tuple(b"CR\x02\0")
    with tiff_of(tmp_path / "a.tif", (pixels, {})).open("rb") as stream:
        layout, offset = ifd.read_layout(stream)
        directory = ifd.read_directory(stream, offset, layout)
    raw = struct.pack("<2sHI", b"II", 42, 16) + b"CR\x02\0" + bytes(4)
    (tmp_path / "a.cr2").write_bytes(raw + ifd.pack_directory(directory, layout, 16))
    with pytest.raises(UnsupportedImageError, match="it is a camera raw file"):
        open_stored(tmp_path / "a.cr2")
    directory[273] = ifd.Field(4, 1, struct.pack("<I", 8))  # pixels may be the same letters in the same place
    at = 8 + pixels.nbytes
    photo = struct.pack("<2sHI", b"II", 42, at) + pixels.tobytes() + ifd.pack_directory(directory, layout, at)
    (tmp_path / "b.tif").write_bytes(photo)
    assert_array_equal(open_stored(tmp_path / "b.tif").numbers[:, :, 0], pixels)


def test_a_directory_below_that_is_damaged_does_not_keep_a_photo_from_being_opened(tmp_path: Path) -> None:
    lost = (330, 16, 2, (2**64 - 1, 2**40), True)
    path = tiff_of(tmp_path / "a.tif", (RGB, {"photometric": "rgb", "extratags": [lost]}), bigtiff=True)
    assert_array_equal(open_stored(path).numbers, RGB)


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}], ids=str)
def test_a_pyramid_is_one_picture_and_no_camera_raw_file(tmp_path: Path, options: dict[str, Any]) -> None:
    small = {"subfiletype": 1, "photometric": "rgb"}
    below = tiff_of(
        tmp_path / "below.tif",
        (RGB, {"photometric": "rgb", "subifds": 2}),
        (RGB[::2], small),
        (RGB[::4], small),
        **options,
    )
    behind = tiff_of(tmp_path / "behind.tif", (RGB, {"photometric": "rgb"}), (RGB[::2], small), **options)
    for path in (below, behind):
        assert_array_equal(open_stored(path).numbers, RGB)
        assert count_pictures(path) == 1


def test_a_geotiff_with_overviews_and_a_mask_is_one_picture(make_geotiff: Callable[..., Path]) -> None:
    def finish(dataset: Any) -> None:
        dataset.write_mask(np.full((300, 200), 255, np.uint8))
        dataset.build_overviews([2, 4])

    path = make_geotiff("a.tif", np.zeros((1, 300, 200), np.uint8), finish)
    assert count_pictures(path) == 1


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}], ids=str)
@pytest.mark.parametrize("subfiletype", [0, 2])
def test_pages_are_counted_but_not_what_belongs_to_them(
    tmp_path: Path, options: dict[str, Any], subfiletype: int
) -> None:
    page: Page = (RGB, {"photometric": "rgb", "subfiletype": subfiletype})
    thumbnail: Page = (RGB[::4], {"photometric": "rgb", "subfiletype": 1})
    mask: Page = (GREY > 99, {"subfiletype": 4, "photometric": "minisblack"})
    path = tiff_of(tmp_path / "a.tif", page, thumbnail, mask, page, page, **options)
    assert count_pictures(path) == 3
    assert_array_equal(open_stored(path).numbers, RGB)


def test_a_small_copy_before_the_picture_is_not_taken_for_it(tmp_path: Path) -> None:
    thumbnail: Page = (RGB[::4], {"photometric": "rgb", "subfiletype": 1})
    path = tiff_of(tmp_path / "a.tif", thumbnail, (RGB, {"photometric": "rgb"}))
    assert count_pictures(path) == 1
    assert probe_image(path).height == len(RGB)
    assert_array_equal(open_stored(path).numbers, RGB)
    only = tiff_of(tmp_path / "b.tif", thumbnail)
    assert_array_equal(open_stored(only).numbers, RGB[::4])


@pytest.mark.parametrize("name", ["a.png", "a.webp"])
@pytest.mark.parametrize("frames", [1, 3])
def test_the_frames_of_an_animation_are_counted(tmp_path: Path, name: str, frames: int) -> None:
    first, *others = [PillowImage.fromarray(np.roll(RGB, shift, axis=1)) for shift in range(frames)]
    options: dict[str, Any] = {"save_all": True, "append_images": others} if others else {}
    first.save(tmp_path / name, lossless=True, **options)
    assert count_pictures(tmp_path / name) == frames
    assert_array_equal(open_stored(tmp_path / name).numbers, RGB)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\x08acTL", b"RIFF\xff\0\0\0WEBPANMF\xff\xff\xff\xff"])
def test_an_animation_that_is_cut_off_is_one_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert count_pictures(tmp_path / "a") == 1


def test_pages_that_go_round_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    path = tiff_of(tmp_path / "a.tif", *[(GREY, {})] * 3)
    with tifffile.TiffFile(path) as opened:
        first, last = opened.pages[0].offset, opened.pages[2].offset
    content = bytearray(path.read_bytes())
    count = struct.unpack_from("<H", content, last)[0]
    struct.pack_into("<I", content, last + 2 + 12 * count, first)
    path.write_bytes(content)
    assert count_pictures(path) == 3


def test_no_more_pages_are_counted_than_anyone_wants_to_know(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pages = b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 9, 8 + 18 * number) for number in range(1, 5000))
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + pages)
    assert count_pictures(path) == 1000


def test_a_place_behind_the_last_picture_that_is_none_is_not_counted(tmp_path: Path) -> None:
    path = tiff_of(tmp_path / "a.tif", (GREY, {}))
    content = bytearray(path.read_bytes())
    count = struct.unpack_from("<H", content, 8)[0]
    struct.pack_into("<I", content, 10 + 12 * count, 2**31)
    path.write_bytes(content)
    assert count_pictures(path) == 1


@pytest.mark.parametrize("content", [b"II*\0\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff", b"MM\0+" + b"\xff" * 20])
def test_a_damaged_directory_is_one_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(content)
    assert count_pictures(tmp_path / "a.tif") == 1


def test_a_picture_that_is_no_tiff_is_one(tmp_path: Path) -> None:
    PillowImage.fromarray(RGB).save(tmp_path / "a.png")
    assert count_pictures(tmp_path / "a.png") == 1

"""A photo too large for memory, enlarged as a scene: what it says of itself stays, and what is no photo is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image as PillowImage

from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import UnsupportedImageError
from srdesk.imaging import ifd
from srdesk.imaging.scene import probe
from srdesk.imaging.scene.geotiff import open_geotiff

RNG = np.random.default_rng(8)
MAKE, MODEL, ORIENTATION = 271, 272, 274
TAKEN, PIXEL_WIDTH, PIXEL_HEIGHT, MAKER_NOTE, LATITUDE = 36867, 40962, 40963, 37500, 2


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MAX_DECODED_BYTES", 1000)


def ascii_field(text: str) -> ifd.Field:
    return ifd.Field(2, len(text) + 1, text.encode() + b"\0")


def photo(path: Path, order: Any, *, is_big: bool = False, with_mask: bool = False) -> Path:
    """Write a photo with what a camera says of it."""
    pixels = RNG.integers(0, 256, (30, 40, 3), np.uint8)
    with tifffile.TiffWriter(path, byteorder=order, bigtiff=is_big) as writer:
        writer.write(pixels, photometric="rgb", metadata=None, extratags=[(ORIENTATION, 3, 1, 6, True)])
    words = {"<": "little", ">": "big"}[order]
    below = {
        TAKEN: ascii_field("2026:05:01 12:00:00"),
        PIXEL_WIDTH: ifd.Field(3, 1, (40).to_bytes(2, words)),
        PIXEL_HEIGHT: ifd.Field(4, 1, (30).to_bytes(4, words)),
        MAKER_NOTE: ifd.Field(7, 5, b"\1\2\3\4\5"),
    }
    numbers = (47, 1, 30, 1, 12345, 1000)
    gps = {1: ascii_field("N"), LATITUDE: ifd.Field(5, 3, b"".join(n.to_bytes(4, words) for n in numbers))}
    said = {MAKE: ascii_field("Maker"), MODEL: ascii_field("Model of it"), ifd.EXIF_IFD: below, ifd.GPS_IFD: gps}
    with path.open("r+b") as stream:
        ifd.add_to_first_directory(stream, said)
    if with_mask:
        from srdesk.imaging.scene.gdal_session import gdal_session

        with gdal_session() as rasterio, rasterio.open(path, "r+") as dataset:
            dataset.write_mask(np.full((30, 40), 255, np.uint8))
            dataset.build_overviews([2])
    return path


def enlarged(path: Path) -> Path:
    output = path.with_name("out.tif")
    with open_geotiff(path) as scene:
        enlarge_scene(scene, BicubicUpscaler(), output, recipe="test")
    return output


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"is_big": True}, {"with_mask": True}], ids=str)
def test_what_the_camera_said_is_said_again(tmp_path: Path, order: str, options: dict[str, bool]) -> None:
    source = photo(tmp_path / "a.tif", order, **options)
    assert probe.is_scene(source)
    with PillowImage.open(enlarged(source)) as image:
        found = image.getexif()
        below, gps = found.get_ifd(ifd.EXIF_IFD), found.get_ifd(ifd.GPS_IFD)
        assert image.size == (120, 160)  # Pillow turns it as the orientation says
    assert (found[MAKE], found[MODEL], found[ORIENTATION]) == ("Maker", "Model of it", 6)
    assert below[TAKEN] == "2026:05:01 12:00:00"
    assert (below[PIXEL_WIDTH], below[PIXEL_HEIGHT]) == (160, 120)
    assert below[MAKER_NOTE] == b"\1\2\3\4\5"
    assert (gps[1], gps[LATITUDE]) == ("N", (47, 30, 12.345))


def test_the_pixels_are_those_of_the_photo_as_it_is_stored(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.tif", "<")
    with open_geotiff(source) as before, open_geotiff(enlarged(source)) as after:
        assert (after.height, after.width) == (before.height * 4, before.width * 4)
        assert_array_equal(after.colours, before.colours)


@pytest.mark.parametrize("channels", [4, 5])
def test_colours_of_printers_are_refused_as_for_small_photos(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RNG.integers(0, 256, (30, 40, channels), np.uint8), photometric="separated")
    assert probe.is_scene(path)
    with (
        pytest.raises(UnsupportedImageError, match="its colours are of the kind SEPARATED") as caught,
        open_geotiff(path),
    ):
        pass
    assert "RGB" in caught.value.hint


def test_a_camera_raw_file_is_refused_as_among_small_photos(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RNG.integers(0, 4096, (30, 40), np.uint16), photometric="cfa", metadata=None)
    assert probe.is_scene(path)
    with pytest.raises(UnsupportedImageError, match="it is a camera raw file"), open_geotiff(path):
        pass

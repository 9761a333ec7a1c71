"""What the desk writes of a scene is what the command line writes of it, band by band."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.held_file import HISTORY_TAG, save_held
from srdesk.engine.held_scene import enlarge_held
from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, ImageWriteError
from srdesk.imaging.image import Box
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.scene.held import read
from srdesk.imaging.stored import StoredImage

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(4)


def held(path: Path, bands: tuple[int, ...] = ()) -> StoredImage:
    """Return a scene enlarged as the desk does it."""
    image = read(path, bands).to_image()
    stored, _ = enlarge_held(image, BicubicUpscaler(), Control(), region=Box(0, 0, image.height, image.width))
    return stored


def both(path: Path, tmp_path: Path, bands: tuple[int, ...] = ()) -> tuple[Path, Path, tuple[str, ...]]:
    """Return what the desk and what the command line make of a scene, and what the desk says."""
    desk, line = tmp_path / "desk.tif", tmp_path / "line.tif"
    said = save_held(desk, held(path, bands), CancelToken())
    with open_geotiff(path) as scene:
        colours = bands if len(bands) == 3 else None
        enlarge_scene(scene, BicubicUpscaler(), line, recipe="bicubic", colours=colours)  # type: ignore[arg-type]
    return desk, line, said


def colours(dataset: Any) -> None:
    names = ("red", "green", "blue", "alpha")[: dataset.count]
    dataset.colorinterp = [getattr(ColorInterp, name) for name in names]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
def test_every_type_of_numbers_is_written_as_from_disk_to_disk(
    make_geotiff: MakeGeoTiff, tmp_path: Path, dtype: str
) -> None:
    numbers = RNG.integers(1, 120, (3, 37, 41)).astype(dtype)
    numbers[:, 4:7, 9:12] = 0
    path = make_geotiff("a.tif", numbers, colours, nodata=0, interleave="pixel")
    desk, line, said = both(path, tmp_path)
    with rasterio.open(desk) as one, rasterio.open(line) as other:
        assert (one.read() == other.read()).all()
        assert one.profile == other.profile
        assert (one.read(1)[16:28, 36:48] == 0).all()
    assert said == ()


def test_opacity_and_mask_go_with_the_colours(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    numbers = RNG.integers(1, 255, (4, 20, 30)).astype(np.uint8)
    numbers[3, :5] = 0
    desk, line, said = both(make_geotiff("a.tif", numbers, photometric="RGB", alpha="YES"), tmp_path)
    with rasterio.open(desk) as one, rasterio.open(line) as other:
        assert one.colorinterp == other.colorinterp
        assert one.colorinterp[3] is ColorInterp.alpha
        assert (one.read() == other.read()).all()
    assert said == ()


def test_a_mask_of_its_own_is_kept(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    mask = np.full((20, 30), 255, np.uint8)
    mask[:7] = 0
    numbers = RNG.integers(1, 255, (3, 20, 30)).astype(np.uint8)
    path = make_geotiff("a.tif", numbers, lambda dataset: (colours(dataset), dataset.write_mask(mask)))
    desk, line, _ = both(path, tmp_path)
    with rasterio.open(desk) as one, rasterio.open(line) as other:
        assert (one.read_masks(1) == mask.repeat(4, 0).repeat(4, 1)).all()
        assert (one.read() == other.read()).all()


def test_chosen_bands_are_written_with_their_names_and_the_others_are_spoken_of(
    make_geotiff: MakeGeoTiff, tmp_path: Path
) -> None:
    def finish(dataset: Any) -> None:
        for number in dataset.indexes:
            dataset.set_band_description(number, f"B{number}")

    numbers = RNG.integers(0, 5000, (5, 20, 30)).astype(np.uint16)
    path = make_geotiff("a.tif", numbers, finish, nodata=9)
    desk, line, said = both(path, tmp_path, (4, 3, 2))
    with rasterio.open(desk) as one, rasterio.open(line) as other, rasterio.open(path) as lr:
        assert one.descriptions == ("B4", "B3", "B2")
        assert (one.read() == other.read([4, 3, 2])).all()
        assert tuple(one.transform)[:6] == (2.5, 0.0, 5e5, 0.0, -2.5, 5e6)
        assert (one.crs, one.nodata) == (lr.crs, 9)
        assert "enlarged 4 times by bicubic" in one.tags()[HISTORY_TAG]
    assert said == ("“desk.tif” holds what was shown, bands 4, 3, 2; the 2 other bands are not in it.",)


def test_a_scene_that_has_changed_is_not_mixed_with_its_old_result(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    path = make_geotiff("a.tif", RNG.integers(0, 255, (1, 20, 30)).astype(np.uint8))
    stored = held(path)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ImageWriteError, match="has changed since"):
        save_held(tmp_path / "b.tif", stored, CancelToken())
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


def test_a_cancelled_file_leaves_nothing_behind(make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    stored = held(make_geotiff("a.tif", RNG.integers(0, 255, (1, 20, 30)).astype(np.uint8)))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        save_held(tmp_path / "b.tif", stored, token)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]

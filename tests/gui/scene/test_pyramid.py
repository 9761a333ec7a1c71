"""A scene on the disk is a picture whose tiles come later, seen in the same way at every level."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.errors import ImageError
from srdesk.gui.compare.pyramid import Picture
from srdesk.gui.compare.shading import Shading
from srdesk.gui.scene.pyramid import SceneShelf
from srdesk.imaging.image import Box
from srdesk.imaging.stored import Numbers
from srdesk.imaging.stretch import Stretch

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(7)
TILED = {"tiled": True, "blockxsize": 256, "blockysize": 256, "photometric": "RGB"}
TILE = Box(128, 256, 128, 128)


def nothing() -> None:
    pass


@pytest.fixture
def colourful(make_geotiff: MakeGeoTiff, numbers: Numbers) -> Path:
    return make_geotiff("scene.tif", numbers, **TILED)


def test_bytes_are_shown_as_they_are(shelf: SceneShelf, colourful: Path, numbers: Numbers, listen: Any) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    assert isinstance(pyramid, Picture)
    assert pyramid.tile(0, TILE) is None, "it has to be read first"
    shown = listen(pyramid).tile(pyramid, 0, TILE)
    assert_array_equal(shown, numbers[:, 128:256, 256:384].transpose(1, 2, 0))
    assert not pyramid.has_alpha
    pyramid.close()


def test_every_level_comes_and_boxes_need_not_be_tiles(
    shelf: SceneShelf, colourful: Path, numbers: Numbers, listen: Any, averages: Any
) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    listener = listen(pyramid)
    for level in range(pyramid.level_count):
        height, width = pyramid.level_size(level)
        box = Box(height // 3, width // 3, height // 2, width // 2)
        shown = listener.tile(pyramid, level, box)
        expected = averages(numbers.transpose(1, 2, 0), level)[box.top : box.bottom, box.left : box.right]
        assert_allclose(shown, expected, atol=0 if level == 0 else 1)
    pyramid.close()


def test_a_glimpse_is_there_at_once(shelf: SceneShelf, colourful: Path, numbers: Numbers, averages: Any) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    last = pyramid.level_count - 1
    glimpse = pyramid.glimpse()
    assert glimpse.shape[:2] == pyramid.level_size(last)
    assert_allclose(glimpse, averages(numbers.transpose(1, 2, 0), last), atol=1)
    pyramid.close()


def test_levels_are_built_once_and_found_again(shelf: SceneShelf, colourful: Path, tmp_path: Path, listen: Any) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    listener = listen(pyramid)
    listener.tile(pyramid, 0, TILE)
    listener.wait_for(lambda: any(news.built == 1.0 for news in listener.news))
    pyramid.close()
    assert shelf.store is not None
    kept_bytes = shelf.store.size_bytes
    assert kept_bytes == 0, "two levels need none"


def test_faint_numbers_are_stretched_and_results_are_seen_in_the_same_way(
    shelf: SceneShelf, make_geotiff: MakeGeoTiff, listen: Any
) -> None:
    faint = RNG.integers(300, 900, (1, 300, 200), np.uint16)
    scene = make_geotiff("scene.tif", faint)
    result = make_geotiff("result.tif", faint.repeat(4, axis=1).repeat(4, axis=2))
    lr = shelf.open(scene, (), nothing)
    large = shelf.open(result, (1,), nothing, like=lr)
    assert lr.scale == (1.0, 1.0)
    assert large.scale == (4.0, 4.0)
    assert large.shading == lr.shading
    small = listen(lr).tile(lr, 0, Box(0, 0, 32, 32))
    assert small.min() < 20
    assert small.max() > 235
    assert_array_equal(listen(large).tile(large, 0, Box(0, 0, 128, 128)), small.repeat(4, axis=0).repeat(4, axis=1))
    lr.close()
    large.close()


def test_another_shading_uses_the_tiles_that_are_there(
    shelf: SceneShelf, make_geotiff: MakeGeoTiff, listen: Any
) -> None:
    pyramid = shelf.open(make_geotiff("scene.tif", RNG.integers(0, 900, (1, 128, 128), np.uint16)), (), nothing)
    plain = listen(pyramid).tile(pyramid, 0, Box(0, 0, 128, 128))
    inverted = pyramid.shaded(Shading(pyramid.shading.stretches, is_inverted=True))
    shown = inverted.tile(0, Box(0, 0, 128, 128))
    assert shown is not None, "nothing is read again"
    assert_allclose(shown.astype(int), 255 - plain.astype(int), atol=1)
    assert pyramid.shaded(pyramid.shading) is pyramid
    pyramid.close()


def test_holes_are_transparent_and_have_no_values(shelf: SceneShelf, make_geotiff: MakeGeoTiff, listen: Any) -> None:
    numbers = RNG.integers(1, 900, (1, 128, 128), np.uint16)
    numbers[0, :50] = 0
    pyramid = shelf.open(make_geotiff("scene.tif", numbers, nodata=0), (), nothing)
    shown = listen(pyramid).tile(pyramid, 0, Box(0, 0, 128, 128))
    assert pyramid.has_alpha
    assert_array_equal(shown[..., -1], np.where(numbers[0] == 0, 0, 255))
    assert pyramid.values_at(3.5, 60.5) == (numbers[0, 60, 3],)
    (hole,) = pyramid.values_at(3.5, 20.5) or ()
    assert math.isnan(hole)
    assert pyramid.values_at(-1, 0) is None
    assert pyramid.values_at(0, 128) is None
    pyramid.close()


def test_values_come_when_their_tile_is_read(shelf: SceneShelf, colourful: Path, numbers: Numbers, listen: Any) -> None:
    pyramid = shelf.open(colourful, (3, 2, 1), nothing)
    listener = listen(pyramid)
    assert pyramid.values_at(700.2, 800.9) is None
    listener.wait_for(lambda: pyramid.values_at(700.2, 800.9) is not None)
    assert pyramid.values_at(700.2, 800.9) == tuple(numbers[::-1, 800, 700].tolist())
    pyramid.close()


def test_class_numbers_are_seen_in_the_colours_of_the_file(
    shelf: SceneShelf, make_geotiff: MakeGeoTiff, listen: Any
) -> None:
    numbers = RNG.choice(np.array([3, 200], np.uint8), (1, 128, 128))
    colours = {3: (10, 20, 30, 255), 200: (1, 2, 3, 255)}
    path = make_geotiff("classes.tif", numbers, lambda dataset: dataset.write_colormap(1, colours))
    pyramid = shelf.open(path, (), nothing)
    shown = listen(pyramid).tile(pyramid, 0, Box(0, 0, 128, 128))
    assert_array_equal(shown[..., :3], np.where(numbers[0, :, :, None] == 3, [10, 20, 30], [1, 2, 3]))
    assert pyramid.sample is None, "there is nothing to stretch"
    pyramid.close()


def test_a_scene_without_any_data_can_be_opened(shelf: SceneShelf, make_geotiff: MakeGeoTiff) -> None:
    pyramid = shelf.open(make_geotiff("scene.tif", np.zeros((1, 64, 64), np.uint16), nodata=0), (), nothing)
    assert pyramid.shading == Shading((Stretch(),))
    assert not pyramid.glimpse()[..., -1].any()
    pyramid.close()


def test_what_cannot_be_opened_is_an_error(shelf: SceneShelf, tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        shelf.open(tmp_path / "gone.tif", (), nothing)


@pytest.mark.expects_warning_log("cannot be read")
def test_a_file_that_vanishes_while_it_is_open_leaves_void_tiles_and_a_sentence(
    shelf: SceneShelf, colourful: Path, listen: Any
) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    colourful.unlink()
    listener = listen(pyramid)
    assert not listener.tile(pyramid, 0, TILE).any()
    (error,) = (news.error for news in listener.news if news.error is not None)
    assert "“scene.tif” cannot be opened" in str(error)
    pyramid.close()


def test_a_closed_scene_says_nothing_more(shelf: SceneShelf, colourful: Path, listen: Any) -> None:
    pyramid = shelf.open(colourful, (), nothing)
    listener = listen(pyramid)
    pyramid.close()
    assert pyramid.scene.closed.is_cancelled
    pyramid.tiles.tell(built=1.0)
    assert not listener.news

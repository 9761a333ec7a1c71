"""Previews of scenes are parts of the final result, and look like the scene that they are laid over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from srdesk.engine.control import Control
from srdesk.engine.scenes.scene import enlarge_scene
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, ImageReadError
from srdesk.gui.compare.shading import Shading
from srdesk.gui.scene.pyramid import ScenePyramid, SceneShelf
from srdesk.gui.work.requests import Previewed, Recipe
from srdesk.gui.work.scene_preview import ScenePreviews
from srdesk.gui.work.scene_requests import SceneRenderRequest
from srdesk.imaging.image import Box
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]
RNG = np.random.default_rng(12)
REGION = Box(30, 20, 40, 50)


@pytest.fixture
def shelf() -> Iterator[SceneShelf]:
    shelf = SceneShelf()
    yield shelf
    assert shelf.close(10.0)


def opened(shelf: SceneShelf, path: Path, bands: tuple[int, ...] = ()) -> ScenePyramid:
    return shelf.open(path, bands, lambda: None)


def request_for(pyramid: ScenePyramid, region: Box = REGION) -> SceneRenderRequest:
    recipe = Recipe(model="bicubic", weights=None)
    return SceneRenderRequest(
        pane="bicubic", scene=pyramid.scene, shading=pyramid.shading, recipe=recipe, region=region
    )


def preview(previews: ScenePreviews, request: SceneRenderRequest) -> Previewed:
    return previews.preview(request, BicubicUpscaler(), Control(token=request.token))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("bands", [(), (3, 2, 1), (2,)])
def test_a_preview_is_a_part_of_the_final_result(
    shelf: SceneShelf, make_geotiff: MakeGeoTiff, tmp_path: Path, dtype: str, bands: tuple[int, ...]
) -> None:
    path = make_geotiff("scene.tif", RNG.integers(0, 250, (4, 120, 90)).astype(dtype), photometric="RGB")
    pyramid = opened(shelf, path, bands)
    answer = preview(ScenePreviews(), request_for(pyramid))
    with open_geotiff(path) as scene:
        colours = pyramid.scene.chosen_colours
        enlarge_scene(scene, BicubicUpscaler(), tmp_path / "out.tif", recipe="test", colours=colours)
    place = REGION.scaled(4)
    with gdal_session() as rasterio, rasterio.open(tmp_path / "out.tif") as dataset:
        whole = np.moveaxis(dataset.read(list(pyramid.scene.bands)), 0, -1)
    assert_array_equal(answer.stored.numbers, whole[place.top : place.bottom, place.left : place.right])
    assert answer.region == REGION
    pyramid.close()


def test_equal_numbers_look_equal_in_scene_and_preview(shelf: SceneShelf, make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(300, 900, (1, 120, 90), np.uint16)
    numbers[0, 40:, 25:] = 700
    pyramid = opened(shelf, make_geotiff("scene.tif", numbers))
    answer = preview(ScenePreviews(), request_for(pyramid))
    (shown,) = np.unique(answer.display.tile(0, Box(100, 80, 20, 20)))
    assert shown == pyramid.glimpse()[60, 60, 0]
    assert answer.display.shading == pyramid.shading != Shading()
    pyramid.close()


def test_holes_stay_holes(shelf: SceneShelf, make_geotiff: MakeGeoTiff) -> None:
    numbers = RNG.integers(1, 900, (1, 120, 90), np.uint16)
    numbers[0, 40:50, 25:35] = 0
    pyramid = opened(shelf, make_geotiff("scene.tif", numbers, nodata=0))
    answer = preview(ScenePreviews(), request_for(pyramid))
    alpha = answer.display.tile(0, Box(0, 0, 160, 200))[..., -1]
    expected = (numbers[0, 30:70, 20:70] != 0).repeat(4, axis=0).repeat(4, axis=1)
    assert_array_equal(alpha > 0, expected)
    pyramid.close()


def test_the_range_of_a_scene_is_read_once_even_if_the_view_moves_on(
    shelf: SceneShelf, make_geotiff: MakeGeoTiff, monkeypatch: pytest.MonkeyPatch
) -> None:
    from srdesk.engine.scenes import scene_region

    pyramid = opened(shelf, make_geotiff("scene.tif", RNG.integers(0, 4000, (1, 120, 90), np.uint16)))
    request, previews, measured = request_for(pyramid), ScenePreviews(), []
    measure = scene_region.values_of

    def measure_and_move_on(*arguments: object) -> object:
        measured.append(arguments)
        request.token.cancel()
        return measure(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scene_region, "values_of", measure_and_move_on)
    with pytest.raises(Cancelled):
        preview(previews, request)
    preview(previews, request_for(pyramid, Box(0, 0, 8, 8)))
    assert len(measured) == 1
    pyramid.close()


def test_a_scene_that_is_closed_is_not_measured_to_the_end(shelf: SceneShelf, make_geotiff: MakeGeoTiff) -> None:
    pyramid = opened(shelf, make_geotiff("scene.tif", RNG.integers(0, 4000, (1, 120, 90), np.uint16)))
    pyramid.close()
    with pytest.raises(Cancelled):
        preview(ScenePreviews(), request_for(pyramid))


def test_a_file_that_is_another_one_by_now_is_refused(shelf: SceneShelf, make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("scene.tif", RNG.integers(0, 255, (1, 120, 90), np.uint8))
    pyramid = opened(shelf, path)
    make_geotiff("scene.tif", RNG.integers(0, 255, (1, 130, 90), np.uint8))
    with pytest.raises(ImageReadError, match="it was changed since it was opened"):
        preview(ScenePreviews(), request_for(pyramid))
    pyramid.close()

"""What can be told of a file before it is enlarged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits

from srdesk.engine.files.file_outlook import output_name, probed_megapixels
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import ImageReadError, UnsupportedImageError

RECIPE = FileRecipe(model="bicubic")
TEMPLATE = "{stem}_x{scale}{ext}"


def photo(path: Path) -> Path:
    PIL.Image.new("RGB", (30, 20)).save(path, "PNG")
    return path


def frame(path: Path) -> Path:
    astropy_fits.PrimaryHDU(np.zeros((20, 30), np.uint16)).writeto(path)
    return path


@pytest.mark.parametrize(
    ("make", "name", "result"),
    [
        (photo, "a.PnG", "a_x4.PnG"),
        (photo, "a.jpg", "a_x4.jpg"),
        (photo, "a", "a_x4.png"),
        (photo, "a.gif", "a_x4.png"),
        (photo, "a.fits", "a_x4.png"),
        (frame, "a.fit", "a_x4.fit"),
        (frame, "a.png", "a_x4.fits"),
    ],
)
def test_a_result_has_the_suffix_of_its_file_or_else_of_what_is_in_it(
    tmp_path: Path, make: Callable[[Path], Path], name: str, result: str
) -> None:
    assert output_name(make(tmp_path / name), RECIPE, template=TEMPLATE) == result


def test_a_scene_becomes_a_scene(make_geotiff: Callable[..., Path]) -> None:
    pixels = np.zeros((2, 20, 30), np.uint8)
    assert output_name(make_geotiff("a.TIFF", pixels), RECIPE, template=TEMPLATE) == "a_x4.TIFF"
    assert output_name(make_geotiff("a.dat", pixels), RECIPE, template=TEMPLATE) == "a_x4.tif"


@pytest.mark.parametrize(("size", "scale"), [("2x", "2"), ("60x50", "60x50")])
def test_a_name_tells_the_size(tmp_path: Path, size: str, scale: str) -> None:
    recipe = FileRecipe(model="bicubic", size=size)
    assert output_name(photo(tmp_path / "a.png"), recipe, template=TEMPLATE) == f"a_x{scale}.png"


def test_what_cannot_be_read_has_no_name(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError):
        output_name(tmp_path / "a.png", RECIPE, template=TEMPLATE)
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(UnsupportedImageError):
        output_name(tmp_path / "a.png", RECIPE, template=TEMPLATE)


def test_the_header_tells_how_much_there_is_to_compute(tmp_path: Path, make_geotiff: Callable[..., Path]) -> None:
    megapixels = 20 * 30 * 16 / 1e6
    assert probed_megapixels(photo(tmp_path / "a.png"), RECIPE) == megapixels
    assert probed_megapixels(frame(tmp_path / "a.fits"), RECIPE) == megapixels
    scene = make_geotiff("a.tif", np.zeros((5, 20, 30), np.uint16), photometric="minisblack")
    assert probed_megapixels(scene, RECIPE) == pytest.approx(5 * megapixels)
    assert probed_megapixels(scene, FileRecipe(model="bicubic", bands=(3, 2, 1))) == pytest.approx(3 * megapixels)


def test_a_header_that_tells_nothing_is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert probed_megapixels(tmp_path / "a.png", RECIPE) is None
    assert probed_megapixels(tmp_path / "missing.png", RECIPE) is None

"""Some bands of a scene as a scene of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from srdesk.imaging.image import Box
from srdesk.imaging.scene.chosen import only_bands
from srdesk.imaging.scene.geotiff import open_geotiff

MakeGeoTiff = Callable[..., Path]
NUMBERS = np.random.default_rng(1).integers(0, 9, (4, 6, 8)).astype(np.uint16)


def test_all_bands_in_order_are_the_scene_itself(make_geotiff: MakeGeoTiff) -> None:
    with open_geotiff(make_geotiff("a.tif", NUMBERS)) as scene:
        assert only_bands(scene, (1, 2, 3, 4)) is scene


def test_bands_are_numbered_anew_with_what_the_file_says_of_them(make_geotiff: MakeGeoTiff) -> None:
    def finish(dataset: Any) -> None:
        for number, name in enumerate("abcd", start=1):
            dataset.set_band_description(number, name)
            dataset.update_tags(number, LETTER=name)
        dataset.scales, dataset.units = [1, 2, 3, 4], ["k", "l", "m", "n"]

    with open_geotiff(make_geotiff("a.tif", NUMBERS, finish, nodata=3)) as scene:
        chosen = only_bands(scene, (4, 2))
        assert [(band.number, band.name, band.scale, band.unit) for band in chosen.bands] == [
            (1, "d", 4.0, "n"),
            (2, "b", 2.0, "l"),
        ]
        box = Box(1, 2, 3, 4)
        numbers = chosen.read((2, 1), box)
        assert (numbers == NUMBERS[[1, 3], 1:4, 2:6].transpose(1, 2, 0)).all()
        assert (chosen.data_mask((2, 1), box, numbers) == (numbers != 3)).all()
        assert chosen.dataset.tags(1) == scene.dataset.tags(4)
        assert chosen.geolocation == scene.geolocation
        assert (chosen.has_bands_left_out, scene.has_bands_left_out) == (True, False)


def test_a_band_that_is_chosen_alone_holds_no_classes_of_another(make_geotiff: MakeGeoTiff) -> None:
    path = make_geotiff("a.tif", NUMBERS)
    names = "<CategoryNames><Category>water</Category></CategoryNames>"
    path.with_name("a.tif.aux.xml").write_text(
        f'<PAMDataset><PAMRasterBand band="3">{names}</PAMRasterBand></PAMDataset>'
    )
    with open_geotiff(path) as scene:
        assert [only_bands(scene, (number,)).bands[0].kind.is_copied for number in (1, 3)] == [False, True]

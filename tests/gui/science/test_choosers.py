"""What the lists of images and bands offer."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.science.choosers import BandChooser, PartChooser, plane_title
from srdesk.imaging.fits.parts import Plane
from srdesk.imaging.scene.geotiff import Band, BandKind

PLANES = (
    Plane("1", "SCI:1", 507, 512, "float32", "ELECTRONS"),
    Plane("4,2", "CUBE", 20, 30, "int16"),
    Plane("4,RGB", "CUBE", 20, 30, "int16"),
)


def bands(*names: str, colours: tuple[str, ...] = ()) -> tuple[Band, ...]:
    known = (*colours, *[""] * len(names))
    return tuple(
        Band(number, BandKind.DATA, None, name=name, colour=known[number - 1]) for number, name in enumerate(names, 1)
    )


def presets(chooser: BandChooser) -> dict[str, tuple[int, ...]]:
    return {chooser.preset.itemText(place): chooser.preset.itemData(place) for place in range(chooser.preset.count())}


@pytest.fixture
def parts(qtbot: QtBot) -> PartChooser:
    chooser = PartChooser()
    qtbot.addWidget(chooser)
    return chooser


@pytest.fixture
def chooser(qtbot: QtBot) -> BandChooser:
    chooser = BandChooser()
    qtbot.addWidget(chooser)
    return chooser


def test_an_image_is_listed_with_place_name_size_type_and_unit() -> None:
    assert plane_title(PLANES[0]) == "1 SCI:1 · 512 × 507, float32, ELECTRONS"
    assert plane_title(PLANES[1]) == "4 CUBE [2] · 30 × 20, int16"
    assert plane_title(PLANES[2]) == "4 CUBE [RGB] · 30 × 20, int16"


def test_the_image_that_is_seen_is_marked_and_another_can_be_chosen(qtbot: QtBot, parts: PartChooser) -> None:
    parts.show_planes(PLANES, "4,2")
    assert parts.box.currentData() == "4,2"
    with qtbot.waitSignal(parts.chosen) as chosen:
        parts.box.activated.emit(2)
    assert chosen.args == ["4,RGB"]


def test_bands_are_listed_by_their_names_and_else_by_their_colours(chooser: BandChooser) -> None:
    chooser.show_bands(bands("Coastal", "", "", colours=("", "green")), (1, 2, 3))
    assert [chooser.boxes[0].itemText(place) for place in range(3)] == ["1 Coastal", "2 green", "3"]
    assert [box.currentData() for box in chooser.boxes] == [1, 2, 3]


def test_one_band_is_chosen_in_one_box(chooser: BandChooser) -> None:
    chooser.show_bands(bands("a", "b", "c", "d"), (3,))
    assert [box.isHidden() for box in chooser.boxes] == [False, True, True]
    assert chooser.boxes[0].currentData() == 3


def test_presets_follow_the_names_of_the_bands(chooser: BandChooser) -> None:
    chooser.show_bands(bands("Blue", "Green", "Red", "NIR", "SWIR"), (1,))
    offered = presets(chooser)
    assert offered["As the file says"] == ()
    assert offered["Natural colours: 3, 2, 1"] == (3, 2, 1)
    assert offered["Infrared colours: 4, 3, 2"] == (4, 3, 2)
    assert offered["Bands 1, 2, 3"] == (1, 2, 3)


def test_the_next_three_go_on_behind_those_that_are_seen_and_around_at_the_end(chooser: BandChooser) -> None:
    seven = bands(*"abcdefg")
    chooser.show_bands(seven, (1, 2, 3))
    assert presets(chooser)["Next three: 4, 5, 6"] == (4, 5, 6)
    chooser.show_bands(seven, (4, 5, 6))
    assert presets(chooser)["Next three: 1, 2, 3"] == (1, 2, 3)


def test_red_edge_is_not_red(chooser: BandChooser) -> None:
    chooser.show_bands(bands("Blue", "Green", "Red Edge"), (1,))
    assert not any(text.startswith("Natural") for text in presets(chooser))


def test_a_band_or_a_preset_can_be_chosen(qtbot: QtBot, chooser: BandChooser) -> None:
    chooser.show_bands(bands("Blue", "Green", "Red", "NIR"), (3, 2, 1))
    with qtbot.waitSignal(chooser.chosen) as chosen:
        chooser.boxes[0].setCurrentIndex(3)
        chooser.boxes[0].activated.emit(3)
    assert chosen.args == [(4, 2, 1)]
    with qtbot.waitSignal(chooser.chosen) as chosen:
        chooser.preset.activated.emit(chooser.preset.findText("As the file says"))
    assert chosen.args == [()]


def test_a_scene_of_one_band_leaves_nothing_to_choose(chooser: BandChooser) -> None:
    chooser.show_bands(bands("only"), (1,))
    assert not chooser.isEnabled()
    assert not any(len(bands) == 3 for bands in presets(chooser).values())

"""The one viewport of all panes, and the zooms that people ask for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.navigator import MAX_PERCENT, Navigator
from srdesk.gui.compare.viewport import CanvasSize

CANVAS = CanvasSize(300, 400)
MIDDLE = (200.0, 150.0, CANVAS)


@pytest.fixture
def navigator(qapp: object) -> Navigator:
    navigator = Navigator()
    navigator.set_canvas(CANVAS)
    navigator.open(600, 1000)
    return navigator


def test_a_new_document_is_fitted(navigator: Navigator) -> None:
    assert navigator.viewport.ratio == pytest.approx(0.4)
    assert (navigator.viewport.centre_x, navigator.viewport.centre_y) == (500, 300)


def test_a_document_of_the_same_size_may_be_looked_at_in_the_same_place(navigator: Navigator) -> None:
    navigator.zoom_to(100)
    navigator.pan(40, 20)
    place = navigator.viewport
    navigator.open(600, 1000, stays=True)
    assert navigator.viewport == place
    navigator.open(600, 999, stays=True)
    assert navigator.viewport.ratio == pytest.approx(400 / 999)
    navigator.zoom_to(100)
    navigator.open(600, 999)
    assert navigator.viewport.ratio == pytest.approx(400 / 999)


def test_a_fitted_document_follows_the_canvas_but_a_zoomed_one_does_not(navigator: Navigator) -> None:
    navigator.set_canvas(CanvasSize(600, 800))
    assert navigator.viewport.ratio == pytest.approx(0.8)

    navigator.zoom_to(100)
    navigator.set_canvas(CANVAS)
    assert navigator.percent == pytest.approx(100)


def test_100_percent_is_one_result_pixel_on_one_screen_pixel(navigator: Navigator) -> None:
    navigator.zoom_to(100)

    assert navigator.viewport.ratio == 4.0


@pytest.mark.parametrize("result_scale", [2.0, 3.0])
def test_100_percent_follows_the_size_of_the_results(navigator: Navigator, result_scale: float) -> None:
    navigator.result_scale = result_scale
    navigator.zoom_to(100)

    assert navigator.viewport.ratio == result_scale


def test_steps_meet_100_percent_exactly_from_a_fitted_document(navigator: Navigator) -> None:
    seen = []
    for _ in range(20):
        navigator.zoom_by(1)
        seen.append(navigator.percent)

    assert any(percent == pytest.approx(100, abs=1e-9) for percent in seen)
    assert all(1 < later / earlier < 1.2 for earlier, later in pairwise(seen))


def test_as_many_steps_out_as_in_come_back(navigator: Navigator) -> None:
    navigator.zoom_to(100)
    for step in (1, 1, 1, -1, -1, -1):
        navigator.zoom_by(step)

    assert navigator.percent == pytest.approx(100)


def test_parts_of_a_step_zoom_by_their_part(navigator: Navigator) -> None:
    navigator.zoom_to(130)
    navigator.zoom_by(0.5)

    assert navigator.percent == pytest.approx(130 * 2**0.125)


def test_zoom_has_limits(navigator: Navigator) -> None:
    navigator.zoom_by(1000)
    assert navigator.percent == pytest.approx(MAX_PERCENT)

    navigator.zoom_by(-1000)
    assert navigator.viewport.ratio * 1000 == pytest.approx(64)


def test_a_document_of_one_pixel_fits_and_zooming_in_does_not_shrink_it(navigator: Navigator) -> None:
    navigator.open(1, 1)
    fitted = navigator.viewport.ratio

    navigator.zoom_by(1)

    assert navigator.viewport.ratio == fitted == 300


def test_toggling_goes_to_100_percent_at_the_point_and_back(navigator: Navigator) -> None:
    spot = (30.0, 100.0, CANVAS)
    point = navigator.viewport.to_lr(*spot)

    navigator.toggle_fit(spot)
    assert navigator.percent == 100
    assert navigator.viewport.to_canvas(*point, CANVAS) == pytest.approx(spot[:2], abs=0.5)

    navigator.toggle_fit(MIDDLE)
    assert navigator.is_fitted
    assert navigator.viewport.ratio == pytest.approx(0.4)


def test_everyone_hears_of_every_move(navigator: Navigator, qtbot: QtBot) -> None:
    for move in (lambda: navigator.pan(5, 5), lambda: navigator.zoom_by(1), navigator.fit, navigator.close):
        with qtbot.waitSignal(navigator.changed):
            move()


def test_without_a_document_nothing_can_go_wrong(qapp: object) -> None:
    navigator = Navigator()

    navigator.pan(5, 5)
    navigator.zoom_by(1)
    navigator.zoom_to(300)
    navigator.toggle_fit(MIDDLE)
    navigator.fit()

    assert navigator.lr_size is None


def test_dragging_a_document_that_is_seen_whole_leaves_it_fitted(navigator: Navigator) -> None:
    navigator.pan(3, 1)
    navigator.set_canvas(CanvasSize(600, 800))
    assert navigator.viewport.ratio == pytest.approx(0.8)

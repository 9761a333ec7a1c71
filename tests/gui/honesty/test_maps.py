"""Maps of what is doubtful: what they show, where, in which colours, and that they can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.maps import draw, round_up
from srdesk.gui.honesty.tools_menu import map_region
from srdesk.gui.main_window import MainWindow
from srdesk.gui.work.agenda import Situation
from srdesk.gui.work.session import Session
from srdesk.imaging.colour_map import COLOURS
from srdesk.imaging.image import Box

WAIT_MS = 10_000


@pytest.mark.parametrize(
    ("number", "expected"), [(0.013, 0.02), (1.0, 1.0), (1.1, 2.0), (3.3, 5.0), (51.0, 100.0), (0.0, 1.0)]
)
def test_the_brightest_colour_stands_for_a_round_number(number: float, expected: float) -> None:
    assert round_up(number) == expected


def test_a_map_is_read_in_the_units_of_the_file() -> None:
    values = np.linspace(0, 0.1, 12, dtype=np.float32).reshape(3, 4)
    drawn = draw(values, 1, 255.0)
    assert drawn.highest * 255 == pytest.approx(50)
    assert drawn.display.values_at(3.5, 2.5) == pytest.approx((25.5,))
    tile = drawn.display.tile(0, Box(0, 0, 3, 4))
    assert (tile[0, 0] == COLOURS[0]).all()
    assert (tile[2, 3] == COLOURS[round(255 * 25.5 / 50)]).all()


def test_a_result_without_any_difference_is_dark_all_over() -> None:
    drawn = draw(np.zeros((3, 4), np.float32), 1, 255.0)
    assert (drawn.display.tile(0, Box(0, 0, 3, 4)) == COLOURS[0]).all()
    assert drawn.spread.worst == 0


def test_the_consistency_map_is_that_of_the_marked_pane(
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    appraised: Callable[[], None],
    seen: Callable[[str], str],
) -> None:
    appraised()
    window.view.activate("bicubic")
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        window.desk_actions.consistency_map.trigger()
    found, shown = honesty.appraiser.found("bicubic"), window.tools.maps.shown
    assert found is not None
    assert shown is not None
    values = found.consistency.map * 255
    assert shown.display.values_at(5.5, 3.5) == pytest.approx((float(values[3, 5]),), rel=1e-5)
    words = seen("Consistency of Bicubic")
    assert f"max {values.max():.3g} of 255" in words
    assert f"≥ {shown.highest * 255:.3g} of 255" in words
    window.desk_actions.map_pane.trigger()
    assert seen("Consistency of Bicubic") == ""


def test_the_map_is_copied_like_any_pane(
    qtbot: QtBot, window: MainWindow, honesty: Honesty, appraised: Callable[[], None]
) -> None:
    appraised()
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        window.desk_actions.consistency_map.trigger()
    window.view.activate("map")
    window.desk_actions.copy.trigger()
    copied = QGuiApplication.clipboard().image()
    assert (copied.width(), copied.height()) == (24, 16)


def test_the_map_of_a_result_that_is_back_projected_darkens_in_the_same_colours(
    qtbot: QtBot, window: MainWindow, honesty: Honesty, appraised: Callable[[], None]
) -> None:
    appraised()
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        window.desk_actions.consistency_map.trigger()
    before = window.tools.maps.shown
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        honesty.projector.set_strength("srresnet", 1.0)
    after = window.tools.maps.shown
    assert before is not None
    assert after is not None
    assert after.highest == before.highest
    assert after.spread.mean < before.spread.mean


def test_the_spread_of_a_network_is_mapped_over_the_whole_of_a_small_picture(
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    appraised: Callable[[], None],
    inventing,
    seen: Callable[[str], str],
) -> None:
    appraised()
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        window.desk_actions.spread_map.trigger()
    shown = window.tools.maps.shown
    assert shown is not None
    assert (shown.region, shown.display.height, shown.display.width) == (None, 64, 96)
    assert inventing.calls == 8
    assert shown.spread.mean > 0.01
    assert "mean" in seen("Invented detail, SRResNet")


def test_of_a_large_picture_only_what_is_seen_is_mapped() -> None:
    seen = Box(10, 20, 30, 40)
    small = Situation(height=100, width=100, panes=("srresnet",), visible=seen, speeds_mpx_s={"srresnet": 1.0})
    large = Situation(height=1000, width=1000, panes=("srresnet",), visible=seen, speeds_mpx_s={"srresnet": 1.0})
    assert map_region(small, "srresnet") is None
    assert map_region(large, "srresnet") == seen


@pytest.mark.parametrize("by", ["key", "button"])
def test_a_map_says_how_far_it_is_and_can_be_cancelled(
    by: str,
    window: MainWindow,
    honesty: Honesty,
    spread_being_made,
    seen: Callable[[str], str],
    cancel_by: Callable[[str], None],
) -> None:
    assert "%" in seen("Invented detail, SRResNet")
    assert window.status.is_busy
    cancel_by(by)
    assert not honesty.maps.is_working
    assert not window.status.is_busy
    assert not window.desk_actions.map_pane.isVisible()
    spread_being_made.gate.set()


def test_a_map_stands_back_while_panes_are_computed(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    appraised: Callable[[], None],
    inventing,
    nearest,
) -> None:
    appraised()
    nearest.gate.clear()
    window.desk_actions.run.trigger()
    qtbot.waitUntil(lambda: session.renderer.is_working, timeout=WAIT_MS)
    window.desk_actions.spread_map.trigger()
    [request] = honesty.work._long.values()
    assert request.token.is_paused
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        nearest.gate.set()
    assert not session.renderer.is_working


def test_the_difference_of_two_networks_needs_both_and_says_so(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    appraised: Callable[[], None],
    panes_with_weights: dict[str, Path],
) -> None:
    appraised()
    window.desk_actions.disagreement_map.trigger()
    assert "F5" in window.status.text
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    window.desk_actions.run.trigger()
    qtbot.waitUntil(lambda: session.renderer.result("srgan") is not None, timeout=WAIT_MS)
    with qtbot.waitSignal(honesty.maps.mapped, timeout=WAIT_MS):
        window.desk_actions.disagreement_map.trigger()
    shown = window.tools.maps.shown
    assert shown is not None
    assert shown.spread.worst == 0  # both networks of this test repeat pixels


def test_weights_that_cannot_be_used_are_reported_and_leave_no_pane_behind(
    qtbot: QtBot, window: MainWindow, honesty: Honesty, appraised: Callable[[], None], complaints
) -> None:
    appraised()
    window.desk_actions.spread_map.trigger()
    qtbot.waitUntil(lambda: bool(complaints.failures), timeout=WAIT_MS)
    assert "weights" in str(complaints.failures[0].error)
    assert not window.desk_actions.map_pane.isVisible()
    assert window.banner.message is not None

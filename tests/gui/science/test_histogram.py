"""The two handles under mouse and keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from srdesk.gui.science.histogram import Histogram
from srdesk.gui.science.look import AXIS


@pytest.fixture
def histogram(qtbot: QtBot) -> Histogram:
    histogram = Histogram()
    qtbot.addWidget(histogram)
    histogram.resize(314, 36)
    histogram.show_counts(np.linspace(0, 1, 90).reshape(3, 30))
    histogram.show()
    return histogram


def at(histogram: Histogram, place: float) -> QPoint:
    return QPoint(round(histogram.x_of(place)), 10)


def drag(qtbot: QtBot, histogram: Histogram, start: float, end: float) -> None:
    qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=at(histogram, start))
    qtbot.mouseMove(histogram, at(histogram, end))
    qtbot.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=at(histogram, end))


def test_the_handle_that_is_nearer_is_dragged(qtbot: QtBot, histogram: Histogram) -> None:
    with qtbot.waitSignal(histogram.ends_changed):
        drag(qtbot, histogram, 0.05, 0.4)
    assert histogram.ends == pytest.approx((0.4, 1.0), abs=0.01)
    drag(qtbot, histogram, 0.95, 0.6)
    assert histogram.ends == pytest.approx((0.4, 0.6), abs=0.01)


def test_handles_never_cross_and_stay_on_the_axis(qtbot: QtBot, histogram: Histogram) -> None:
    drag(qtbot, histogram, 0.0, 1.15)
    black, white = histogram.ends
    assert black < white == 1.0
    drag(qtbot, histogram, white, 5.0)
    assert histogram.ends[1] == AXIS[1]


def test_handles_on_one_another_can_be_pulled_apart_to_either_side(qtbot: QtBot, histogram: Histogram) -> None:
    histogram.set_ends(0.5, 0.505)
    drag(qtbot, histogram, 0.55, 0.8)
    assert histogram.ends == pytest.approx((0.5, 0.8), abs=0.01)
    histogram.set_ends(0.5, 0.505)
    drag(qtbot, histogram, 0.45, 0.2)
    assert histogram.ends == pytest.approx((0.2, 0.505), abs=0.01)


def test_a_double_click_puts_both_back(qtbot: QtBot, histogram: Histogram) -> None:
    histogram.set_ends(0.2, 0.7)
    qtbot.mouseDClick(histogram, Qt.MouseButton.LeftButton, pos=at(histogram, 0.5))
    assert histogram.ends == (0.0, 1.0)


def test_arrow_keys_move_black_and_with_shift_white(qtbot: QtBot, histogram: Histogram) -> None:
    qtbot.keyClick(histogram, Qt.Key.Key_Right)
    qtbot.keyClick(histogram, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert histogram.ends == pytest.approx((0.01, 0.99))


def test_nothing_is_said_when_nothing_moves(qtbot: QtBot, histogram: Histogram) -> None:
    with qtbot.assertNotEmitted(histogram.ends_changed):
        histogram.set_ends(0.1, 0.9)
        qtbot.mouseClick(histogram, Qt.MouseButton.LeftButton, pos=at(histogram, 0.2))


def test_colours_are_drawn_for_bands_and_what_is_beyond_the_ends_is_veiled(histogram: Histogram) -> None:
    def saturation(x: float) -> int:
        image = histogram.grab().toImage()
        return max(image.pixelColor(round(x), y).hsvSaturation() for y in range(image.height()))

    inside = saturation(histogram.x_of(0.9))
    histogram.set_ends(0.0, 0.5)
    assert saturation(histogram.x_of(0.9)) < inside / 2

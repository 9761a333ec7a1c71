"""The bar in windows of any width."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.shading import Shading
from srdesk.gui.science.look import Look, ToneScale
from srdesk.gui.science.science_bar import ScienceBar
from srdesk.gui.science.stretch_bar import StretchBar
from srdesk.imaging.scene.geotiff import Band, BandKind

WIDE_PX, NARROW_PX = 1600, 800


@pytest.fixture
def desk(qtbot: QtBot) -> QWidget:
    """A window with the bar of a scene above something that takes the rest."""
    desk, bar = QWidget(), ScienceBar()
    bar.parts.hide()
    bar.bands.show_bands([Band(number, BandKind.DATA, None, name="Coastal") for number in range(1, 8)], (1, 2, 3))
    column = QVBoxLayout(desk)
    column.addWidget(bar)
    column.addWidget(QWidget(), 1)
    bar.show()
    qtbot.addWidget(desk)
    desk.resize(WIDE_PX, 300)
    desk.show()
    qtbot.waitExposed(desk)
    return desk


def test_a_narrow_window_gets_two_rows_and_a_wide_one_a_single_row(qtbot: QtBot, desk: QWidget) -> None:
    bar = desk.findChild(ScienceBar)
    assert not bar.has_two_rows
    low = bar.height()
    desk.resize(NARROW_PX, 300)
    qtbot.waitUntil(lambda: bar.has_two_rows and bar.height() > low + 20)
    assert desk.width() == NARROW_PX
    assert bar.stretch.geometry().top() >= bar.bands.geometry().bottom()
    assert bar.stretch.geometry().right() < bar.width()
    desk.resize(WIDE_PX, 300)
    qtbot.waitUntil(lambda: not bar.has_two_rows and bar.height() == low)


def test_without_anything_to_choose_of_the_file_there_is_a_single_row(qtbot: QtBot, desk: QWidget) -> None:
    bar = desk.findChild(ScienceBar)
    desk.resize(NARROW_PX, 300)
    qtbot.waitUntil(lambda: bar.has_two_rows)
    bar.bands.hide()
    bar.arrange()
    assert not bar.has_two_rows


def test_every_control_says_what_was_chosen(qtbot: QtBot, desk: QWidget) -> None:
    stretch = desk.findChild(ScienceBar).stretch
    looks: list[Look] = []
    stretch.look_changed.connect(looks.append)
    stretch.ranges.setCurrentIndex(stretch.ranges.findData("asinh"))
    stretch.ranges.activated.emit(stretch.ranges.currentIndex())
    stretch.histogram.ends_changed.emit(0.1, 0.8)
    stretch.gamma.setValue(2.0)
    stretch.inverted.click()
    stretch.saturated.click()
    assert looks[-1] == Look("asinh", 0.1, 0.8, gamma=2.0, is_inverted=True, marks_saturated=False)
    stretch.ranges.activated.emit(0)
    assert (looks[-1].black, looks[-1].white) == (0.0, 1.0)  # the ends belonged to another range
    stretch.reset.click()
    assert looks[-1] == stretch.look == Look()
    assert (stretch.gamma.value(), stretch.inverted.isChecked(), stretch.saturated.isChecked()) == (1.0, False, True)


def test_the_histogram_is_that_of_the_picture_also_if_it_is_seen_like_the_one_before(qtbot: QtBot) -> None:
    stretch, rng = StretchBar(), np.random.default_rng(0)
    qtbot.addWidget(stretch)
    skies = [sky.astype(np.float32)[:, None] for sky in (rng.normal(0.5, 0.1, 900), rng.exponential(0.1, 900))]
    first, second = (ToneScale(sky, Shading()) for sky in skies)
    look = Look(range="percentile")
    stretch.show_scale(first, look, str, can_saturate=False)
    stretch.show_scale(second, look, str, can_saturate=False)
    drawn = stretch.histogram._counts
    assert (drawn == second.histogram("percentile")).all()
    assert (drawn != first.histogram("percentile")).any()

"""The strip of the back-projection: what it shows, and when it speaks."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.honesty.strength_bar import StrengthBar


@pytest.fixture
def bar(qtbot: QtBot) -> StrengthBar:
    bar = StrengthBar()
    qtbot.addWidget(bar)
    bar.show_state("SRResNet", 0.2, "as it is")
    return bar


def test_it_shows_how_things_are_without_wanting_anything(qtbot: QtBot, bar: StrengthBar) -> None:
    with qtbot.assertNotEmitted(bar.strength_chosen, wait=200):
        bar.show_state("SRGAN", 0.7, "words")
    assert (bar.slider.value(), bar.words) == (70, "words")


def test_it_speaks_once_the_slider_rests(qtbot: QtBot, bar: StrengthBar) -> None:
    wishes: list[float] = []
    bar.strength_chosen.connect(wishes.append)
    with qtbot.waitSignal(bar.strength_chosen, timeout=5000):
        for percent in (30, 40, 50):
            bar.slider.setValue(percent)
    assert wishes == [0.5]


def test_news_do_not_move_a_slider_that_is_being_moved(bar: StrengthBar) -> None:
    bar.slider.setValue(90)
    bar.show_state("SRResNet", 0.2, "still computing")
    assert bar.slider.value() == 90


def test_a_wish_is_forgotten_when_the_strip_stands_for_another_pane(qtbot: QtBot, bar: StrengthBar) -> None:
    bar.slider.setValue(90)
    with qtbot.assertNotEmitted(bar.strength_chosen, wait=300):
        bar.stop_waiting()


def test_nothing_can_be_moved_where_there_is_no_result(bar: StrengthBar) -> None:
    bar.show_state("SRCNN", None, "not computed yet")
    assert not bar.slider.isEnabled()

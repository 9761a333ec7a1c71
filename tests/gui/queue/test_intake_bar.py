"""The bar that asks what shall become of several files or a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from srdesk.gui.queue.intake_bar import IntakeBar


@pytest.fixture
def bar(qtbot: QtBot) -> IntakeBar:
    bar = IntakeBar()
    qtbot.addWidget(bar)
    return bar


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/"], "“a” is a folder"),
        (["1.png", "2.png", "3.png"], "3 files"),
        (["a/", "1.png"], "1 folder and 1 file"),
        (["a/", "b/", "1.png", "2.png"], "2 folders and 2 files"),
        (["a/", "b/"], "2 folders"),
    ],
)
def test_it_says_what_was_given(bar: IntakeBar, tmp_path: Path, names: list[str], expected: str) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    bar.ask([tmp_path / name for name in names])
    assert bar.text.text() == expected
    assert bar.isVisible()


def test_a_later_question_takes_the_place_of_an_earlier_one(bar: IntakeBar, qtbot: QtBot) -> None:
    first, second = [Path("1.png"), Path("2.png")], [Path("3.png"), Path("4.png")]
    bar.ask(first)
    bar.ask(second)
    with qtbot.waitSignal(bar.queue_chosen) as chosen:
        bar.queue.click()
    assert chosen.args == [tuple(second)]
    assert (bar.isVisible(), bar.paths) == (False, ())


def test_escape_is_an_answer(bar: IntakeBar, qtbot: QtBot) -> None:
    bar.ask([Path("1.png"), Path("2.png")])
    with qtbot.assertNotEmitted(bar.queue_chosen), qtbot.assertNotEmitted(bar.open_chosen):
        qtbot.keyClick(bar, Qt.Key.Key_Escape)
    assert not bar.isVisible()

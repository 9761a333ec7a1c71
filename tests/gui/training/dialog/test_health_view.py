"""When the pictures of a run are looked at again, and when not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from srdesk.gui.training.setup_page import SetupPage
from srdesk.gui.training.train_dialog import TrainDialog
from srdesk.training import events


def test_folders_that_held_nothing_are_looked_at_again(
    qtbot: QtBot, dialog: TrainDialog, filled: SetupPage, tasks: Any, pictures: Path
) -> None:
    tasks[-1].tell(events.HealthReport(pictures=0, megapixels=0.0, validation_pictures=0))
    tasks[-1].end()
    assert not filled.start.isEnabled()
    filled.data.add(pictures)
    qtbot.waitUntil(lambda: len(tasks) == 2)
    tasks[-1].tell(events.HealthReport(pictures=0, megapixels=0.0, validation_pictures=0))
    tasks[-1].end()
    dialog.hide()
    dialog.show()
    qtbot.waitUntil(lambda: len(tasks) == 3)


def test_a_check_that_was_broken_off_begins_anew(
    qtbot: QtBot, dialog: TrainDialog, filled: SetupPage, tasks: Any
) -> None:
    filled.rest()
    dialog.hide()
    dialog.show()
    qtbot.waitUntil(lambda: len(tasks) == 2)


def test_a_check_that_makes_way_for_a_run_stays_away_while_it_goes_on(
    qtbot: QtBot, filled: SetupPage, tasks: Any
) -> None:
    filled.rest()
    filled.set_obstacle("A run goes on.")
    filled.set_obstacle("")
    qtbot.wait(50)
    assert len(tasks) == 1


def test_a_page_that_is_shown_beside_a_run_looks_at_nothing(
    qtbot: QtBot, dialog: TrainDialog, filled: SetupPage, tasks: Any
) -> None:
    filled.rest()
    filled.set_obstacle("A run goes on.")
    dialog.hide()
    dialog.show()
    qtbot.wait(50)
    assert len(tasks) == 1
    filled.set_obstacle("")
    dialog.hide()
    dialog.show()
    qtbot.waitUntil(lambda: len(tasks) == 2)

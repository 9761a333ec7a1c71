"""The list of runs says how each stands, stays fresh, and does what its buttons say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.training.run_process import RunPhase
from srdesk.gui.training.runs_dialog import RunsDialog
from srdesk.gui.training.training import Training
from srdesk.training import events
from srdesk.training.run.runs import Run

WAIT_MS = 20_000

pytestmark = pytest.mark.usefixtures("fake_trainer")


@pytest.fixture
def make_run(training: Training, config, make_started) -> Callable[..., Run]:
    """Make a run that told something; a larger age makes it an older one."""

    def make(name: str, *told: events.AnyEvent, age_s: int = 0, notes: str = "") -> Run:
        run = Run(training.runs_folder / name)
        run.make_folder()
        run.store(config(notes, name=name, steps=3))
        run.events_path.write_bytes(b"".join(map(events.encode, (make_started(), *told))))
        os.utime(run.folder / "config.json", (1.8e9 - age_s, 1.8e9 - age_s))
        return run

    return make


@pytest.fixture
def dialog(qtbot: QtBot, window: MainWindow, training: Training, answers) -> RunsDialog:
    dialog = RunsDialog(training, answers, window)
    qtbot.addWidget(dialog)
    return dialog


def row(qtbot: QtBot, dialog: RunsDialog, number: int) -> list[str]:
    """Wait until every run was read, and return what a row says, without the date."""
    qtbot.waitUntil(lambda: not dialog._waiting, timeout=WAIT_MS)
    return [dialog.table.item(number, column).text() for column in range(dialog.table.columnCount() - 1)]


def finished(step: int) -> events.Finished:
    return events.Finished(reason="done", step=step, best_psnr_y_db=28.5, elapsed_s=1.0)


def validated(step: int, psnr_y_db: float) -> events.Validated:
    return events.Validated(step=step, psnr_y_db=psnr_y_db, ssim_y=0.9, is_best=True)


def test_every_run_has_a_row_the_newest_first(qtbot: QtBot, dialog: RunsDialog, make_run, make_step) -> None:
    make_run("older", make_step(3), validated(3, 28.5), finished(3), age_s=60)
    make_run("newer", make_step(2))
    dialog.show()
    assert row(qtbot, dialog, 0) == ["newer", "SRResNet", "interrupted", "2 of 3", "", ""]
    assert row(qtbot, dialog, 1) == ["older", "SRResNet", "done", "3 of 3", "28.50 dB", "+0.50 dB"]
    assert dialog.resume_run.isEnabled()
    dialog.table.selectRow(1)
    assert not dialog.resume_run.isEnabled()
    assert dialog.delete_run.isEnabled()
    assert not dialog.stop_run.isEnabled()


def test_without_runs_the_list_says_how_to_start_one(dialog: RunsDialog) -> None:
    dialog.show()
    assert dialog.table.isHidden()
    assert not dialog.open_run.isEnabled()


def test_the_list_follows_runs_and_keeps_what_is_chosen(qtbot: QtBot, dialog: RunsDialog, make_run, make_step) -> None:
    chosen = make_run("one", make_step(1), age_s=60)
    dialog.show()
    make_run("two", make_step(1))
    with chosen.events_path.open("ab") as file:
        file.write(events.encode(make_step(2)))
    dialog.refresh()
    assert dialog.chosen is not None
    assert dialog.chosen.run.folder == chosen.folder
    assert row(qtbot, dialog, 1)[3] == "2 of 3"


def test_a_run_that_cannot_be_read_is_listed_all_the_same(qtbot: QtBot, dialog: RunsDialog, make_run) -> None:
    (make_run("broken").folder / "config.json").write_text("{}}")
    dialog.show()
    assert row(qtbot, dialog, 0)[:3] == ["broken", "", "unreadable"]
    assert not dialog.resume_run.isEnabled()


def test_a_run_is_opened_by_its_button_and_resumed_runs_at_once(
    qtbot: QtBot, dialog: RunsDialog, training: Training, make_run
) -> None:
    run = make_run("one")
    opened: list[Path] = []
    dialog.open_requested.connect(opened.append)
    dialog.show()
    dialog.open_run.click()
    dialog.resume_run.click()
    assert opened == [run.folder] * 2
    assert training.is_running
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)
    dialog.refresh()
    assert row(qtbot, dialog, 0)[2:4] == ["done", "3 of 3"]


def test_a_running_run_can_be_stopped_but_not_deleted(
    qtbot: QtBot, dialog: RunsDialog, training: Training, config
) -> None:
    process = training.start(config("wait"))
    qtbot.waitUntil(lambda: process.phase is RunPhase.RUNNING, timeout=WAIT_MS)
    dialog.show()
    assert row(qtbot, dialog, 0)[2] == "training"
    assert not dialog.delete_run.isEnabled()
    assert not dialog.resume_run.isEnabled()
    dialog.stop_run.click()
    qtbot.waitUntil(lambda: not training.is_running, timeout=WAIT_MS)
    dialog.refresh()
    assert row(qtbot, dialog, 0)[2] == "stopped"
    assert dialog.resume_run.isEnabled()


def test_a_run_is_deleted_when_the_person_confirms_it(dialog: RunsDialog, make_run, answers) -> None:
    run = make_run("one")
    dialog.show()
    answers.given = {"confirm_deletion": False}
    dialog.delete_run.click()
    assert run.folder.exists()
    answers.given = {"confirm_deletion": True}
    dialog.delete_run.click()
    assert not run.folder.exists()
    assert dialog.table.rowCount() == 0


def test_what_cannot_be_done_is_said(
    dialog: RunsDialog, training: Training, make_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run("one")
    complaints: list[object] = []
    dialog.failed.connect(complaints.append)
    dialog.show()
    monkeypatch.setattr(Training, "is_running", True)
    dialog.resume_run.click()
    assert len(complaints) == 1


def test_the_folder_of_a_run_can_be_opened(dialog: RunsDialog, make_run, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run("one")
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    dialog.show()
    dialog.open_folder.click()
    assert opened == [str(run.folder)]


def test_tab_leaves_the_table_which_has_a_name(qtbot: QtBot, dialog: RunsDialog, make_run: Callable[..., Run]) -> None:
    make_run("older", finished(3), age_s=10)
    make_run("newer", finished(3))
    dialog.show()
    row(qtbot, dialog, 0)
    assert dialog.table.accessibleName() == "Runs"
    for which in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        dialog.table.setFocus()
        assert dialog.focusWidget() is dialog.table
        qtbot.keyClick(dialog.table, which)
        assert dialog.focusWidget() is not dialog.table

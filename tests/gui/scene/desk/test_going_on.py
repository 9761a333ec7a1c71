"""Runs of scenes are paused, stopped, offered again and gone on with, whatever else is done meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from srdesk import paths
from srdesk.engine.scenes import scene as scenes
from srdesk.errors import ImageWriteError
from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.session import Session

WAIT_MS = 20_000
SIDE_PX = 300


def test_a_run_that_was_stopped_is_offered_and_goes_on(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_scene: Callable[[], ScenePyramid],
    result: Path,
    interrupt: Callable[[], None],
    said: Callable[[], str],
) -> None:
    open_scene()
    interrupt()
    assert not result.exists()
    session.close_document()
    window.banner.dismiss()
    open_scene()
    qtbot.waitUntil(lambda: "broken off" in said(), timeout=WAIT_MS)
    offer = window.banner.message
    assert offer is not None
    assert "“scene.tif” with Bicubic was broken off" in offer.text
    assert offer.remedy is not None
    with qtbot.waitSignal(session.scenes.result_opened, timeout=WAIT_MS):
        offer.remedy.act()
    assert result.is_file()
    assert not Path(f"{result}.part").exists()


def test_a_run_that_was_stopped_is_offered_also_for_a_scene_that_is_named_from_where_the_person_is(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    scene: Path,
    open_scene: Callable[[], ScenePyramid],
    interrupt: Callable[[], None],
    said: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()
    interrupt()
    session.close_document()
    window.banner.dismiss()
    monkeypatch.chdir(scene.parent)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([Path(scene.name)])
    qtbot.waitUntil(lambda: "broken off" in said(), timeout=WAIT_MS)


def test_run_goes_on_with_what_was_stopped_and_says_how_much_is_finished(
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    enlarge: Callable[[], ScenePyramid],
    result: Path,
    interrupt: Callable[[], None],
) -> None:
    open_scene()
    interrupt()
    enlarge()
    assert "Finished already: " in answers.facts
    assert result.is_file()


def test_a_run_can_be_paused_from_the_menu(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_scene: Callable[[], ScenePyramid],
    gate: threading.Event,
    start_run: Callable[[], None],
) -> None:
    open_scene()
    pause = window.desk_actions.pause_scene
    assert not pause.isEnabled()
    start_run()
    assert pause.isEnabled()
    pause.trigger()
    assert session.scenes.run is not None
    assert session.scenes.run.is_paused
    assert pause.isChecked()
    assert window.status.text == "Paused: “scene.tif” with Bicubic"
    gate.set()
    pause.trigger()
    assert not pause.isChecked()
    qtbot.waitUntil(lambda: session.scenes.run is None, timeout=WAIT_MS)
    assert not pause.isEnabled()


def test_a_pane_that_is_being_enlarged_is_not_begun_again(
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    gate: threading.Event,
    start_run: Callable[[], None],
) -> None:
    open_scene()
    start_run()
    answers.asked.clear()
    window.desk_actions.run.trigger()
    assert answers.asked == []
    assert window.status.text == "Bicubic is being enlarged into a file."


def test_a_run_goes_on_while_something_else_is_looked_at(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_scene: Callable[[], ScenePyramid],
    gate: threading.Event,
    start_run: Callable[[], None],
    picture: Path,
    result: Path,
) -> None:
    open_scene()
    start_run()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([picture])
    with qtbot.waitSignal(session.scenes.enlarged, timeout=WAIT_MS):
        gate.set()
    assert result.is_file()
    assert window.scene_board.result("bicubic") is None


def test_the_desk_can_be_closed_in_the_middle_of_everything(
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    gate: threading.Event,
    start_run: Callable[[], None],
) -> None:
    open_scene()
    start_run()
    session.scenes.pause()
    answers.given["close_during_scene"] = False
    window.close()
    assert window.isVisible(), "the person wants to stay"
    answers.given["close_during_scene"] = True
    window.close()
    assert not window.isVisible()
    assert session.shutdown(3.0)


def test_the_cache_can_be_cleared(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid]
) -> None:
    folder = paths.cache_folder() / "pyramids"
    folder.mkdir(parents=True)
    (folder / "old.pyramid").write_bytes(bytes(3_000_000))
    with qtbot.waitSignal(session.scenes.cache_cleared, timeout=WAIT_MS):
        window.desk_actions.clear_cache.trigger()
    assert not list(folder.iterdir())
    assert window.status.text == "3 MB on the disk are free again."


def test_errors_of_runs_are_said(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    result: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()

    def fail(*_: object) -> None:
        raise ImageWriteError(result, "no space left on device")

    monkeypatch.setattr(scenes, "make_step", fail)
    answers.given["scene_run"] = "start"
    with qtbot.waitSignal(session.scenes.failed, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
    assert window.banner.message is not None
    assert "no space left on device" in window.banner.message.text
    assert not list(result.parent.glob("scene_bicubic*"))

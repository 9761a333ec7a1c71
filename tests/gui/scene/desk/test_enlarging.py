"""A scene is enlarged from disk to disk: asked about once, refused in time, shown from the disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from numpy.testing import assert_array_equal
from pytestqt.qtbot import QtBot

from srdesk import paths
from srdesk.engine.scenes import scene_forecast
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box
from srdesk.imaging.stored import Numbers

WAIT_MS = 20_000
SIDE_PX = 300


def test_run_asks_once_with_an_estimate_and_shows_the_result_from_the_disk(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    enlarge: Callable[[], ScenePyramid],
    result: Path,
    saved: Callable[[Path], Numbers],
) -> None:
    pyramid = open_scene()
    shown = enlarge()
    assert answers.asked == ["scene_run"]
    assert "Size: 1,200 × 1,200 pixels" in answers.facts
    assert f"Place: scene_bicubic_x4.tif in {result.parent}" in answers.facts
    assert "Room: about 5 MB;" in answers.facts
    assert "Time: about" in answers.facts
    assert (shown.height, shown.width, shown.scale) == (4 * SIDE_PX, 4 * SIDE_PX, (4.0, 4.0))
    assert shown.shading == pyramid.shading
    assert saved(result).shape == (4 * SIDE_PX, 4 * SIDE_PX, 3)
    box = Box(256, 128, 128, 128)
    qtbot.waitUntil(lambda: shown.tile(0, box) is not None, timeout=WAIT_MS)
    assert_array_equal(shown.tile(0, box), saved(result)[256:384, 128:256])
    assert window.banner.message is not None
    assert window.banner.message.text == (
        f"“scene.tif” is enlarged with Bicubic, and saved as “scene_bicubic_x4.tif” in {result.parent}."
    )
    assert session.scenes.run is None
    assert not list((paths.state_folder() / "scenes").iterdir())
    window.view.set_compared("lr", "bicubic")
    situation = session.renderer.situation()
    assert situation is not None
    assert "bicubic" in situation.finished


def test_a_preview_equals_its_part_of_the_result(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_scene: Callable[[], ScenePyramid],
    enlarge: Callable[[], ScenePyramid],
    result: Path,
    saved: Callable[[Path], Numbers],
) -> None:
    with qtbot.waitSignal(session.renderer.previewed, timeout=WAIT_MS) as told:
        open_scene()
        window.view.zoom_to(400)
    preview = told.args[0]
    enlarge()
    box = preview.region.scaled(4)
    assert_array_equal(preview.stored.numbers, saved(result)[box.top : box.bottom, box.left : box.right])


def test_too_little_room_is_refused_and_nothing_is_asked(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()
    monkeypatch.setattr(scene_forecast.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))
    with qtbot.waitSignal(session.scenes.refused, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
    assert answers.asked == []
    assert window.banner.message is not None
    assert "it needs about" in window.banner.message.text
    assert "are free" in window.banner.message.text


def test_a_result_that_is_kept_is_said(
    window: MainWindow,
    answers: Any,
    preferences: Preferences,
    open_scene: Callable[[], ScenePyramid],
    result: Path,
) -> None:
    preferences.change(on_collision="skip")
    open_scene()
    result.write_bytes(b"of before")
    window.desk_actions.run.trigger()
    assert answers.asked == []
    assert window.status.text == "“scene_bicubic_x4.tif” is there already and was kept."


def test_a_result_can_go_to_another_place(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    tmp_path: Path,
) -> None:
    open_scene()
    decisions = iter(["elsewhere", "start"])
    answers.scene_run = lambda _what, _facts: next(decisions)
    answers.given["save_path"] = tmp_path / "elsewhere" / "other"
    with qtbot.waitSignal(session.scenes.result_opened, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
    assert (tmp_path / "elsewhere" / "other.tif").is_file()


def test_saving_a_pane_is_the_same_run(
    qtbot: QtBot, window: MainWindow, session: Session, answers: Any, open_scene: Any, result: Path
) -> None:
    open_scene()
    answers.given["scene_run"] = "start"
    with qtbot.waitSignal(session.scenes.enlarged, timeout=WAIT_MS):
        window.desk_actions.save.trigger()
    assert result.is_file()
    answers.given["save_path"] = result.with_name("as.tif")
    with qtbot.waitSignal(session.scenes.enlarged, timeout=WAIT_MS):
        window.desk_actions.save_as.trigger()
    assert result.with_name("as.tif").read_bytes() == result.read_bytes()


def test_results_of_one_wish_that_would_have_one_name_get_numbers(
    qtbot: QtBot, window: MainWindow, answers: Any, open_scene: Callable[[], ScenePyramid]
) -> None:
    open_scene()
    places: list[str] = []
    answers.scene_run = lambda _what, facts: (places.append(facts), "cancel")[1]
    window.save_flow.scene_meant.emit(["bicubic", "bicubic"], False)
    qtbot.waitUntil(lambda: len(places) == 2, timeout=WAIT_MS)
    assert "Place: scene_bicubic_x4.tif in" in places[0]
    assert "Place: scene_bicubic_x4-2.tif in" in places[1]


def test_the_scene_itself_is_never_written_over(
    qtbot: QtBot, window: MainWindow, answers: Any, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    open_scene()
    before = scene.read_bytes()
    answers.given |= {"save_path": scene, "collision": "overwrite"}
    window.desk_actions.save_as.trigger()
    assert window.banner.message is not None
    assert scene.read_bytes() == before


def test_another_size_is_refused_with_a_sentence(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid]
) -> None:
    open_scene()
    window.desk_actions.sizes["2x"].trigger()
    with qtbot.waitSignal(session.scenes.refused, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
    assert window.banner.message is not None
    assert "4x for a GeoTIFF" in f"{window.banner.message.text} {window.banner.message.hint}"


def test_what_other_weights_made_is_a_file_but_not_shown_as_the_result_of_those_of_now(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    result: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()
    answers.given["scene_run"] = "start"
    recipe_of_now = session.renderer.recipe
    with qtbot.waitSignal(session.scenes.result_opened, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
        monkeypatch.setattr(
            session.renderer, "recipe", lambda pane: replace(recipe_of_now(pane), weights=Path("others.safetensors"))
        )
    assert result.is_file()
    assert window.scene_board.result("bicubic") is None

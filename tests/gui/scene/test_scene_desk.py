"""A scene too large for memory on the desk: looked at, previewed, enlarged from disk to disk, gone on with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pytestqt.qtbot import QtBot

from srdesk import paths
from srdesk.engine import scene as scenes
from srdesk.engine import scene_forecast
from srdesk.engine.control import Control
from srdesk.errors import ImageReadError, ImageWriteError
from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.file_worker import FileWorker
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.session import Session
from srdesk.gui.work.upscale_worker import UpscaleWorker
from srdesk.imaging.image import Box
from srdesk.imaging.scene import held
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.stored import Numbers

WAIT_MS = 20_000
SIDE_PX = 300


@pytest.fixture(autouse=True)
def _memory_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every scene be too large for memory, and windows be small enough for several."""
    monkeypatch.setattr(held, "MAX_HELD_PX", 100)
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 64)


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    """A session whose threads are all real; only the bicubic has what it needs."""
    session = Session(
        files=RequestThread(FileWorker(), "files"),
        upscaling=RequestThread(UpscaleWorker(), "upscaling"),
        weights_for=lambda _pane: None,
    )
    yield session
    assert session.shutdown(5.0), "a thread did not end"


@pytest.fixture
def pixels() -> Numbers:
    rng = np.random.default_rng(11)
    numbers: Numbers = rng.integers(0, 250, (3, SIDE_PX, SIDE_PX), np.uint8)
    return numbers


@pytest.fixture
def scene(make_geotiff: Callable[..., Path], pixels: Numbers) -> Path:
    return make_geotiff("scene.tif", pixels, photometric="RGB")


@pytest.fixture
def result(scene: Path) -> Path:
    """Where results go by themselves."""
    return scene.with_name("scene_bicubic_x4.tif")


@pytest.fixture
def open_scene(qtbot: QtBot, window: MainWindow, session: Session, scene: Path) -> Callable[[], ScenePyramid]:
    def open_it() -> ScenePyramid:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            window.open_flow.open([scene])
        assert session.document is not None
        assert session.document.image is None
        assert session.document.scene is not None
        return session.document.scene

    return open_it


@pytest.fixture
def enlarge(qtbot: QtBot, window: MainWindow, answers: Any, session: Session) -> Callable[[], ScenePyramid]:
    """Press F5, agree, and wait for the result in its pane."""

    def do_it() -> ScenePyramid:
        answers.given["scene_run"] = "start"
        with qtbot.waitSignal(session.scenes.result_opened, timeout=WAIT_MS):
            window.desk_actions.run.trigger()
        shown = window.scene_board.result("bicubic")
        assert shown is not None
        return shown

    return do_it


def saved(path: Path) -> Numbers:
    with gdal_session() as rasterio, rasterio.open(path) as dataset:
        return np.moveaxis(dataset.read(), 0, -1)


def said_by(window: MainWindow) -> str:
    return "" if window.banner.message is None else window.banner.message.text


def interrupt(qtbot: QtBot, window: MainWindow, answers: Any, session: Session, monkeypatch: Any) -> None:
    """Begin a run and leave it unfinished."""
    made: list[object] = []
    real_step = scenes.make_step

    def step_and_stop(*arguments: Any) -> object:
        facts = real_step(*arguments)
        made.append(facts)
        if len(made) == 3:
            session.scenes.cancel()
        return facts

    monkeypatch.setattr(scenes, "make_step", step_and_stop)
    answers.given["scene_run"] = "start"
    with qtbot.waitSignal(session.scenes.stopped, timeout=WAIT_MS):
        window.desk_actions.run.trigger()
    qtbot.waitUntil(lambda: "broken off" in said_by(window), timeout=WAIT_MS)
    monkeypatch.setattr(scenes, "make_step", real_step)


# Looking


def test_a_scene_is_seen_and_its_visible_part_is_previewed_first(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    with qtbot.waitSignal(session.renderer.previewed, timeout=WAIT_MS) as told:
        pyramid = open_scene()
        window.view.zoom_to(100)
    assert (pyramid.height, pyramid.width) == (SIDE_PX, SIDE_PX)
    assert isinstance(told.args[0].display, DisplayImage)
    assert session.document is not None
    assert session.document.geolocation is not None
    assert session.document.geolocation.lonlat(0, 0) is not None
    assert session.document.shown_bands == (1, 2, 3)
    assert len(session.document.bands) == 3
    assert window.windowTitle() == "scene.tif – SR Desk"
    assert f"{SIDE_PX} × {SIDE_PX} → {4 * SIDE_PX} × {4 * SIDE_PX} px" in window.status.text


def test_tiles_get_sharp_when_they_are_read(
    qtbot: QtBot, window: MainWindow, open_scene: Callable[[], ScenePyramid], pixels: Numbers
) -> None:
    pyramid = open_scene()
    window.view.zoom_to(400)
    box = Box(128, 128, 128, 128)
    qtbot.waitUntil(lambda: pyramid.tile(0, box) is not None, timeout=WAIT_MS)
    assert_array_equal(pyramid.tile(0, box), pixels[:, 128:256, 128:256].transpose(1, 2, 0))


def test_another_picture_lets_go_of_the_scene(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid], picture: Path
) -> None:
    pyramid = open_scene()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([picture])
    assert pyramid.scene.closed.is_cancelled
    assert session.document is not None
    assert session.document.scene is None


def test_nothing_of_a_scene_is_copied(window: MainWindow, open_scene: Callable[[], ScenePyramid]) -> None:
    open_scene()
    window.desk_actions.copy.trigger()
    assert window.status.text == "This result is too large for the clipboard; save it instead."


def test_a_damaged_part_is_said_once_and_overviews_say_how_far_they_are(
    qtbot: QtBot, window: MainWindow, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    pyramid = open_scene()
    failures: list[object] = []
    window.scene_board.failed.connect(failures.append)
    error = ImageReadError(scene, "it is damaged or cut off")
    canvas = window.view.findChild(Canvas)
    assert canvas is not None
    for _ in range(3):
        pyramid.tiles.tell(error=error)
    pyramid.tiles.tell(built=0.5)
    qtbot.waitUntil(lambda: canvas.accessibleDescription() == "Overview 50%", timeout=WAIT_MS)
    assert len(failures) == 1
    assert window.banner.message is not None
    assert window.banner.message.text == str(error)
    pyramid.tiles.tell(built=1.0)
    qtbot.waitUntil(lambda: canvas.accessibleDescription() == "", timeout=WAIT_MS)


# Enlarging


def test_run_asks_once_with_an_estimate_and_shows_the_result_from_the_disk(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    enlarge: Callable[[], ScenePyramid],
    result: Path,
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


# Stopping and going on


def test_a_run_that_was_stopped_is_offered_and_goes_on(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    result: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()
    interrupt(qtbot, window, answers, session, monkeypatch)
    assert not result.exists()
    session.close_document()
    window.banner.dismiss()
    open_scene()
    qtbot.waitUntil(lambda: "broken off" in said_by(window), timeout=WAIT_MS)
    offer = window.banner.message
    assert offer is not None
    assert "“scene.tif” with Bicubic was broken off" in offer.text
    assert offer.remedy is not None
    with qtbot.waitSignal(session.scenes.result_opened, timeout=WAIT_MS):
        offer.remedy.act()
    assert result.is_file()
    assert not Path(f"{result}.part").exists()


def test_run_goes_on_with_what_was_stopped_and_says_how_much_is_finished(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers: Any,
    open_scene: Callable[[], ScenePyramid],
    enlarge: Callable[[], ScenePyramid],
    result: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_scene()
    interrupt(qtbot, window, answers, session, monkeypatch)
    enlarge()
    assert "Finished already: " in answers.facts
    assert result.is_file()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Keeps runs from finishing anything until it is set."""
    gate, real_step = threading.Event(), scenes.make_step

    def wait(step: Any, bands: Any, upscaler: Any, writer: Any, control: Control) -> object:
        while not gate.wait(0.002):
            control.token.check()
        return real_step(step, bands, upscaler, writer, control)

    monkeypatch.setattr(scenes, "make_step", wait)
    return gate


@pytest.fixture
def start_run(qtbot: QtBot, window: MainWindow, session: Session, answers: Any) -> Callable[[], None]:
    """Press F5 and agree; at the end of the test the window may be closed in the middle of it."""

    def start() -> None:
        answers.given |= {"scene_run": "start", "close_during_scene": True}
        with qtbot.waitSignal(session.scenes.changed, timeout=WAIT_MS):
            window.desk_actions.run.trigger()

    return start


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

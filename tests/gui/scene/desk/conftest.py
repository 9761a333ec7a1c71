"""A desk for which every scene is too large for memory, and a person who lets one be enlarged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.control import Control
from srdesk.engine.scenes import scene as scenes
from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.file_worker import FileWorker
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.session import Session
from srdesk.gui.work.upscale_worker import UpscaleWorker
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
def files(qtbot: QtBot) -> RequestThread:
    """The real file thread; the session shuts it down."""
    return RequestThread(FileWorker(), "files")


@pytest.fixture
def session(files: RequestThread) -> Iterator[Session]:
    """A session whose threads are all real; only the bicubic has what it needs."""
    session = Session(
        files=files,
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


@pytest.fixture
def saved() -> Callable[[Path], Numbers]:
    """What stands in a file."""

    def read(path: Path) -> Numbers:
        with gdal_session() as rasterio, rasterio.open(path) as dataset:
            return np.moveaxis(dataset.read(), 0, -1)

    return read


@pytest.fixture
def said(window: MainWindow) -> Callable[[], str]:
    """What the banner says."""
    return lambda: "" if window.banner.message is None else window.banner.message.text


@pytest.fixture
def interrupt(
    qtbot: QtBot,
    window: MainWindow,
    answers: Any,
    session: Session,
    said: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], None]:
    """Begin a run and leave it unfinished."""
    made: list[object] = []
    real_step = scenes.make_step

    def step_and_stop(*arguments: Any) -> object:
        facts = real_step(*arguments)
        made.append(facts)
        if len(made) == 3:
            session.scenes.cancel()
        return facts

    def begin() -> None:
        answers.given["scene_run"] = "start"
        with monkeypatch.context() as patched:
            patched.setattr(scenes, "make_step", step_and_stop)
            with qtbot.waitSignal(session.scenes.stopped, timeout=WAIT_MS):
                window.desk_actions.run.trigger()
        qtbot.waitUntil(lambda: "broken off" in said(), timeout=WAIT_MS)

    return begin


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

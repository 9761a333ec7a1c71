"""Runs from disk to disk go on one after the other, wait, stop and are gone on with; the thread always ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from srdesk.engine.control import Progress
from srdesk.engine.files.file_job import FileFacts
from srdesk.errors import ImageWriteError
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.request_thread import RequestThread, Worker
from srdesk.gui.work.requests import Answer, Noticed, Progressed, Recipe, Request
from srdesk.gui.work.scene_requests import (
    CacheCleared,
    ClearCacheRequest,
    ForecastRequest,
    SceneEnlarged,
    SceneOrder,
    SceneRunRequest,
    UnfinishedFound,
    UnfinishedRequest,
)
from srdesk.gui.work.scene_runs import SceneRun, SceneRuns

WAIT_MS = 10_000


class SlowWorker(Worker):
    """Enlarges for as long as its gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.outputs: list[str] = []
        self.error: ImageWriteError | None = None

    def answer(self, request: Request) -> Answer:
        assert isinstance(request, SceneRunRequest)
        order, done = request.order, 0
        self.outputs.append(order.output.name)
        self.reported.emit(Noticed(request.id, "It will take a while."))
        while not self.gate.wait(0.002):
            request.token.check()
            done += 1
            self.reported.emit(Progressed(request.id, Progress(done, 10_000, 1.0)))
        if self.error is not None:
            raise self.error
        facts = FileFacts(order.source, order.output, 4, 4, 1.0, "cpu", "fp32", 0, 1.0)
        return SceneEnlarged(request.id, order, facts)


class FilesWorker(Worker):
    """Knows of nothing that was broken off, and cannot foresee anything."""

    def answer(self, request: Request) -> Answer:
        if isinstance(request, UnfinishedRequest):
            return UnfinishedFound(request.id, ())
        if isinstance(request, ClearCacheRequest):
            return CacheCleared(request.id, 7)
        assert isinstance(request, ForecastRequest)
        raise ImageWriteError(request.order.output, "it needs about 9 GB, and 1 GB are free")


@pytest.fixture
def worker() -> SlowWorker:
    return SlowWorker()


@pytest.fixture
def runs(qtbot: QtBot, worker: SlowWorker) -> Iterator[SceneRuns]:
    files, parent = RequestThread(FilesWorker(), "files"), QObject()
    runs = SceneRuns(files, lambda: RequestThread(worker, "scenes"), parent)
    yield runs
    assert runs.shutdown(5.0)
    assert files.shutdown(5.0)


def order(name: str = "out.tif") -> SceneOrder:
    recipe = Recipe(model="bicubic", weights=None)
    return SceneOrder(pane="bicubic", source=Path("scene.tif"), output=Path(name), recipe=recipe)


def test_a_run_says_how_far_it_is_and_when_its_result_is_there(
    qtbot: QtBot, runs: SceneRuns, worker: SlowWorker
) -> None:
    assert runs.run is None
    with qtbot.waitSignal(runs.noticed, timeout=WAIT_MS):
        runs.start(order())
    assert runs.run == SceneRun(order())
    qtbot.waitUntil(lambda: runs.run is not None and runs.run.progress is not None, timeout=WAIT_MS)
    with qtbot.waitSignal(runs.enlarged, timeout=WAIT_MS) as told:
        worker.gate.set()
    assert told.args == [order()]
    assert runs.run is None


def test_runs_come_one_after_the_other_and_each_file_is_written_once(
    qtbot: QtBot, runs: SceneRuns, worker: SlowWorker
) -> None:
    for name in ("a.tif", "b.tif", "a.tif"):
        runs.start(order(name))
    assert runs.run == SceneRun(order("a.tif"), waiting=(order("b.tif"),))
    with qtbot.waitSignals([runs.enlarged, runs.enlarged], timeout=WAIT_MS):
        worker.gate.set()
    assert worker.outputs == ["a.tif", "b.tif"]


def test_a_paused_run_waits_and_goes_on(qtbot: QtBot, runs: SceneRuns, worker: SlowWorker) -> None:
    runs.pause()
    runs.go_on()
    runs.start(order())
    qtbot.waitUntil(lambda: runs.run is not None and runs.run.progress is not None, timeout=WAIT_MS)
    runs.pause()
    assert runs.run is not None
    assert runs.run.is_paused
    worker.gate.set()
    runs.go_on()
    assert not runs.run.is_paused
    qtbot.waitUntil(lambda: runs.run is None, timeout=WAIT_MS)


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_run_that_is_cancelled_says_that_it_was_stopped(
    qtbot: QtBot, runs: SceneRuns, worker: SlowWorker, is_paused: bool
) -> None:
    runs.start(order("a.tif"))
    runs.start(order("b.tif"))
    qtbot.waitUntil(lambda: bool(worker.outputs), timeout=WAIT_MS)
    if is_paused:
        runs.pause()
    with qtbot.waitSignals([runs.stopped, runs.stopped], timeout=WAIT_MS):
        runs.cancel()
    assert runs.run is None
    assert worker.outputs == ["a.tif"], "the other one was never begun"


def test_a_run_that_fails_is_told_with_its_pane(qtbot: QtBot, runs: SceneRuns, worker: SlowWorker) -> None:
    worker.error = ImageWriteError(Path("out.tif"), "no space left on device")
    worker.gate.set()
    with qtbot.waitSignal(runs.failed, timeout=WAIT_MS) as told:
        runs.start(order())
    assert told.args == [Failure(worker.error, Doing.SAVING, "bicubic")]


def test_what_cannot_be_foreseen_is_refused_with_its_reason(qtbot: QtBot, runs: SceneRuns) -> None:
    with qtbot.waitSignals([runs.failed, runs.refused], timeout=WAIT_MS, order="strict"):
        runs.foresee(order())


def test_questions_to_the_files_are_answered(qtbot: QtBot, runs: SceneRuns) -> None:
    with qtbot.waitSignal(runs.found, timeout=WAIT_MS):
        runs.find_unfinished(Path("scene.tif"))
    with qtbot.waitSignal(runs.cache_cleared, timeout=WAIT_MS) as told:
        runs.clear_cache()
    assert told.args[0].size_bytes == 7


def test_the_desk_can_be_closed_while_a_run_is_paused(qtbot: QtBot, runs: SceneRuns, worker: SlowWorker) -> None:
    runs.start(order())
    qtbot.waitUntil(lambda: bool(worker.outputs), timeout=WAIT_MS)
    runs.pause()
    assert runs.shutdown(5.0)


def test_no_thread_is_started_before_the_first_run(qtbot: QtBot) -> None:
    files, parent = RequestThread(FilesWorker(), "files"), QObject()
    runs = SceneRuns(files, lambda: pytest.fail("nothing is to be enlarged"), parent)
    assert runs.shutdown(0.0)
    assert files.shutdown(5.0)

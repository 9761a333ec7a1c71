"""Runs of scenes from disk to disk: what they will take, how far they are, what became of them. No widgets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.engine.control import Progress
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer, Failed, Noticed, Progressed, Request, WasCancelled
from srdesk.gui.work.run_clock import RunClock
from srdesk.gui.work.scene_requests import (
    CacheCleared,
    ClearCacheRequest,
    ForecastRequest,
    Foreseen,
    OpenResultRequest,
    ResultOpened,
    SceneEnlarged,
    SceneOrder,
    SceneRunRequest,
    UnfinishedFound,
    UnfinishedRequest,
)
from srdesk.gui.work.scene_worker import SceneWorker

if TYPE_CHECKING:
    from srdesk.gui.scene.pyramid import ScenePyramid


def scene_thread() -> RequestThread:
    """Return the thread that enlarges scenes."""
    return RequestThread(SceneWorker(), "scenes")


@dataclass(frozen=True, slots=True)
class SceneRun:
    """The run that is going on."""

    order: SceneOrder
    progress: Progress | None = None
    """How far it is; None until something is finished."""
    is_paused: bool = False
    waiting: tuple[SceneOrder, ...] = ()
    """Orders that come after it."""


class SceneRuns(QObject):
    """Carries out orders one after the other, on a thread that is started by the first one.

    Args:
        files: the thread that looks into files.
        make_thread: makes the thread that enlarges.
    """

    foreseen = Signal(object)
    """`Foreseen`: what an order will take."""
    refused = Signal(object)
    """A `SceneOrder` of which it cannot be said what it will take; `failed` says why."""
    found = Signal(object)
    """`UnfinishedFound`: runs of a scene that were broken off."""
    changed = Signal()
    """`run` is different."""
    enlarged = Signal(object)
    """The `SceneOrder` whose result is on the disk."""
    stopped = Signal(object)
    """A `SceneOrder` that was stopped; what is finished of it is kept."""
    result_opened = Signal(object)
    """`ResultOpened`: a result can be shown."""
    cache_cleared = Signal(object)
    """`CacheCleared`."""
    failed = Signal(object)
    """A `Failure`."""
    noticed = Signal(str)
    """One sentence about something that was done in another way than asked for."""

    def __init__(
        self,
        files: RequestThread,
        make_thread: Callable[[], RequestThread] = scene_thread,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.make_thread = make_thread
        self._files = files
        self._thread: RequestThread | None = None
        self._looking: dict[int, Request] = {}
        self._requests: list[SceneRunRequest] = []
        self._progress: Progress | None = None
        self._clock = RunClock(time.monotonic)
        files.answered.connect(self._on_looked)

    @property
    def run(self) -> SceneRun | None:
        """The run that is going on."""
        if not self._requests:
            return None
        first, *others = self._requests
        return SceneRun(first.order, self._progress, first.token.is_paused, tuple(each.order for each in others))

    def foresee(self, order: SceneOrder) -> None:
        """Find out what an order will take; `foreseen` or `failed` says so."""
        self._look(ForecastRequest(order=order))

    def find_unfinished(self, source: Path) -> None:
        """Find runs of a scene that were broken off; `found` says so."""
        self._look(UnfinishedRequest(source=source))

    def open_result(self, order: SceneOrder, like: ScenePyramid) -> None:
        """Open a finished result to be shown beside its LR scene; `result_opened` says so."""
        self._look(OpenResultRequest(order=order, like=like))

    def clear_cache(self) -> None:
        """Remove the levels that were built of scenes; `cache_cleared` says so."""
        self._look(ClearCacheRequest())

    def start(self, order: SceneOrder) -> None:
        """Carry out an order as soon as those before it are done; one that writes the same file is enough."""
        if any(each.order.output == order.output for each in self._requests):
            return
        if self._thread is None:
            self._thread = self.make_thread()
            self._thread.answered.connect(self._on_answered)
            self._thread.reported.connect(self._on_reported)
        request = SceneRunRequest(order=order)
        self._requests.append(request)
        if len(self._requests) == 1:
            self._clock.start()
        self._thread.submit(request)
        self.changed.emit()

    def pause(self) -> None:
        """Let the run wait."""
        if self._requests:
            self._requests[0].token.pause()
            self._clock.pause()
            self.changed.emit()

    def go_on(self) -> None:
        """Let the run go on."""
        if self._requests:
            self._requests[0].token.go_on()
            self._clock.go_on()
            self.changed.emit()

    def cancel(self) -> None:
        """Stop the run and those that wait for it; what is finished of them is kept."""
        for request in self._requests:
            request.token.cancel()

    def shutdown(self, patience_s: float) -> bool:
        """Stop everything and end the thread; tell whether it has ended."""
        self.cancel()
        self._requests.clear()
        return self._thread is None or self._thread.shutdown(patience_s)

    def _look(self, request: Request) -> None:
        self._looking[request.id] = request
        self._files.submit(request)

    @Slot(object)
    def _on_looked(self, answer: Answer) -> None:
        request = self._looking.pop(answer.id, None)
        if request is None:
            return
        if isinstance(answer, Foreseen):
            self.foreseen.emit(answer)
        elif isinstance(answer, UnfinishedFound):
            self.found.emit(answer)
        elif isinstance(answer, ResultOpened):
            self.result_opened.emit(answer)
        elif isinstance(answer, CacheCleared):
            self.cache_cleared.emit(answer)
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.SAVING))
        if isinstance(request, ForecastRequest) and not isinstance(answer, Foreseen):
            self.refused.emit(request.order)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        request = next((each for each in self._requests if each.id == answer.id), None)
        if request is None:
            return
        self._requests.remove(request)
        self._progress = None
        self._clock.start()
        self.changed.emit()
        if isinstance(answer, SceneEnlarged):
            self.enlarged.emit(request.order)
        elif isinstance(answer, WasCancelled):
            self.stopped.emit(request.order)
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.SAVING, request.order.pane))

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        if isinstance(report, Noticed):
            self.noticed.emit(report.sentence)
        elif isinstance(report, Progressed) and self._requests and report.id == self._requests[0].id:
            self._progress = self._clock.timed(report.progress)
            self.changed.emit()

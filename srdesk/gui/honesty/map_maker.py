"""Has maps made of what is doubtful about results, one at a time. No widgets."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.engine.control import Progress
from srdesk.gui.honesty.requests import (
    ConsistencyMapRequest,
    DisagreementMapRequest,
    Mapped,
    MapRequest,
    SpreadMapRequest,
)
from srdesk.gui.honesty.side_work import SideWork
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.requests import Answer, Failed, Noticed, Progressed
from srdesk.gui.work.session import Session


class MapMaker(QObject):
    """Makes the map that was asked for last, as long as what it tells of is there."""

    started = Signal(object)
    """A map is being made (its `MapRequest`)."""
    progressed = Signal(object)
    """How far it is (`Progress`)."""
    mapped = Signal(object)
    """A map is ready (`Mapped`)."""
    stopped = Signal()
    """Nothing is being made any more, for whatever reason; also after `mapped`."""
    noticed = Signal(str)
    """One sentence about a change of way."""
    failed = Signal(object)
    """A `Failure`."""

    def __init__(self, session: Session, work: SideWork, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._work = work
        self._renderer = session.renderer
        self._current: MapRequest | None = None
        session.opened.connect(self.cancel)
        session.closed.connect(self.cancel)
        session.renderer.changed.connect(self._look_again)
        session.renderer.rendered.connect(self._look_again)
        work.answered.connect(self._on_answered)
        work.reported.connect(self._on_reported)

    @property
    def is_working(self) -> bool:
        """Whether a map is being made."""
        return self._current is not None

    def is_true(self, request: MapRequest) -> bool:
        """Whether a map tells of what is there now, or can be made to."""
        if isinstance(request, SpreadMapRequest):
            return self._renderer.recipe(request.recipe.model).has_weights_of(request.recipe)
        if isinstance(request, DisagreementMapRequest):
            return all(self._renderer.result(result.pane) is result for result in (request.one, request.other))
        # Where another result follows, its map takes the place of this one as soon as it is measured.
        return not isinstance(request, ConsistencyMapRequest) or self._has_result(request.pane)

    def make(self, request: MapRequest) -> None:
        """Make a map instead of the one that is being made, if any."""
        self.cancel()
        self._current = request
        self.started.emit(request)
        self._work.submit(request)

    @Slot()
    def cancel(self) -> None:
        """Stop."""
        if self._current is not None:
            self._current.token.cancel()
            self._current = None
            self.stopped.emit()

    def _has_result(self, pane: str) -> bool:
        """Whether there is a result of ``pane``, or will be without another word of the person."""
        situation = self._renderer.situation()
        if situation is None:
            return False
        is_coming = pane in situation.asked or (pane in situation.panes and situation.is_automatic(pane))
        return pane in situation.finished or is_coming

    @Slot()
    def _look_again(self) -> None:
        if self._current is not None and not self.is_true(self._current):
            self.cancel()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._current is None or answer.id != self._current.id:
            return
        self._current = None
        if isinstance(answer, Mapped):
            self.mapped.emit(answer)
        self.stopped.emit()
        if isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.COMPUTING))

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        if self._current is None or getattr(report, "id", None) != self._current.id:
            return
        if isinstance(report, Progressed):
            progress: Progress = report.progress
            self.progressed.emit(progress)
        elif isinstance(report, Noticed):
            self.noticed.emit(report.sentence)

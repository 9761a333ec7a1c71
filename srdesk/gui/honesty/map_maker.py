"""Has maps made of what is doubtful about results, one at a time. No widgets."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.engine.control import Progress
from srdesk.gui.honesty.requests import Mapped, MapRequest
from srdesk.gui.honesty.side_work import SideWork
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.requests import Answer, Failed, Noticed, Progressed
from srdesk.gui.work.session import Session


class MapMaker(QObject):
    """Makes the map that was asked for last."""

    started = Signal(str)
    """A map with this title is being made."""
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
        self._current: MapRequest | None = None
        session.opened.connect(self.cancel)
        session.closed.connect(self.cancel)
        work.answered.connect(self._on_answered)
        work.reported.connect(self._on_reported)

    @property
    def is_working(self) -> bool:
        """Whether a map is being made."""
        return self._current is not None

    def make(self, request: MapRequest) -> None:
        """Make a map instead of the one that is being made, if any."""
        self.cancel()
        self._current = request
        self.started.emit(request.title)
        self._work.submit(request)

    @Slot()
    def cancel(self) -> None:
        """Stop."""
        if self._current is not None:
            self._current.token.cancel()
            self._current = None
            self.stopped.emit()

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

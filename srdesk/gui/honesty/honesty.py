"""Everything that the desk knows and can do about how far results can be trusted; owns the thread for it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.honesty.appraiser import Appraiser
from srdesk.gui.honesty.back_projector import BackProjector
from srdesk.gui.honesty.map_maker import MapMaker
from srdesk.gui.honesty.side_work import SideWork
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer, Failed
from srdesk.gui.work.session import Session
from srdesk.gui.work.truth_requests import OpenTruthRequest, TruthOpened


class Honesty(QObject):
    """Numbers, maps, back-projection and ground truth of the open picture."""

    failed = Signal(object)
    """A `Failure`."""

    def __init__(self, session: Session, *, files: RequestThread, thread: RequestThread) -> None:
        super().__init__()
        self._session = session
        self._files = files
        self._opening: OpenTruthRequest | None = None
        self.work = SideWork(thread, session.renderer, self)
        """What the thread has to do."""
        self.appraiser = Appraiser(session, self.work, self)
        """Numbers."""
        self.projector = BackProjector(session, self.work, self)
        """Back-projection."""
        self.maps = MapMaker(session, self.work, self)
        """Maps."""
        for part in (self.appraiser, self.projector, self.maps):
            part.failed.connect(self.failed)
        session.opened.connect(self._abandon_truth)
        session.closed.connect(self._abandon_truth)
        files.answered.connect(self._on_answered)

    def open_truth(self, request: OpenTruthRequest) -> None:
        """Have the truth of the open picture read."""
        self._abandon_truth()
        self._opening = request
        self._files.submit(request)

    @Slot()
    def cancel(self) -> None:
        """Stop what takes long."""
        self.maps.cancel()
        self.projector.cancel()
        self._abandon_truth()

    def shutdown(self, patience_s: float) -> bool:
        """End the thread.

        Returns:
            Whether it has ended.
        """
        self.cancel()
        return self.work.shutdown(patience_s)

    @Slot()
    def _abandon_truth(self) -> None:
        if self._opening is not None:
            self._opening.token.cancel()
            self._opening = None

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._opening is None or answer.id != self._opening.id:
            return
        self._opening = None
        if isinstance(answer, TruthOpened):
            self.appraiser.set_truth(answer.truth)
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.OPENING))

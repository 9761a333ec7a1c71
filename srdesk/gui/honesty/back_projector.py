"""Makes results more consistent with their picture, as strongly as the person wants, and takes it back. No widgets."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.requests import BackProjected, BackProjectRequest
from srdesk.gui.honesty.side_work import SideWork
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.requests import Answer, Failed, Rendered
from srdesk.gui.work.session import Session


class BackProjector(QObject):
    """Exchanges the result of a pane for one that went through the back-projection; what is shown is what is saved."""

    changed = Signal(str)
    """The strength of this pane is another one, or is being changed."""
    failed = Signal(object)
    """A `Failure`."""

    def __init__(self, session: Session, work: SideWork, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._renderer = session.renderer
        self._work = work
        self._originals: dict[str, Rendered] = {}
        self._pending: dict[int, BackProjectRequest] = {}
        session.opened.connect(self._forget_all)
        session.closed.connect(self._forget_all)
        self._renderer.rendered.connect(self._on_rendered)
        self._renderer.forgotten.connect(self._forget)
        work.answered.connect(self._on_answered)

    def strength(self, pane: str) -> float:
        """Return how strongly the result that ``pane`` shows was back-projected, 0 to 1."""
        result = self._renderer.result(pane)
        return 0.0 if result is None else result.back_projection

    def wanted(self, pane: str) -> float:
        """Return the strength that ``pane`` will have when everything is computed, 0 to 1."""
        on_the_way = (request.strength for request in self._pending.values() if request.result.pane == pane)
        return next(on_the_way, self.strength(pane))

    def is_busy(self, pane: str) -> bool:
        """Whether another strength of ``pane`` is on its way."""
        return any(request.result.pane == pane for request in self._pending.values())

    def set_strength(self, pane: str, strength: float) -> None:
        """Show the result of ``pane`` with another strength as soon as it is computed; the newest wish wins."""
        image, original = open_picture(self._session), self._originals.get(pane) or self._renderer.result(pane)
        if image is None or original is None:
            return
        self._cancel(pane)
        if strength == self.strength(pane):
            self.changed.emit(pane)
        elif strength == 0:
            self._renderer.take(original, pane)
        else:
            request = BackProjectRequest(image=image, result=original, strength=strength)
            self._pending[request.id] = request
            self._work.submit(request)
            self.changed.emit(pane)

    def cancel(self) -> None:
        """Stop; panes show what they show."""
        for pane in {request.result.pane for request in self._pending.values()}:
            self._cancel(pane)
            self.changed.emit(pane)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        if answer.back_projection == 0:  # the network has been there again, or the person went back to nothing
            self._cancel(answer.pane)
            self._originals.pop(answer.pane, None)
        self.changed.emit(answer.pane)

    @Slot()
    def _forget_all(self) -> None:
        for pane in {*self._originals, *(request.result.pane for request in self._pending.values())}:
            self._forget(pane)

    @Slot(str)
    def _forget(self, pane: str) -> None:
        self._cancel(pane)
        self._originals.pop(pane, None)
        self.changed.emit(pane)

    def _cancel(self, pane: str) -> None:
        for id_ in [id_ for id_, request in self._pending.items() if request.result.pane == pane]:
            self._pending.pop(id_).token.cancel()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        request = self._pending.pop(answer.id, None)
        if request is None:
            return
        pane = request.result.pane
        if isinstance(answer, BackProjected):
            self._originals[pane] = request.result
            self._renderer.take(answer.result, pane)
        else:
            self.changed.emit(pane)
        if isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.COMPUTING, pane))

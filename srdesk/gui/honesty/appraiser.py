"""Knows how consistent each result is with its picture, and how close it comes to the truth. No widgets."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.honesty.open_picture import open_picture
from srdesk.gui.honesty.requests import Appraised, AppraiseRequest
from srdesk.gui.honesty.side_work import SideWork
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.ground_truth import Truth
from srdesk.gui.work.requests import PANE_KEYS, Answer, Document, Failed, Rendered
from srdesk.gui.work.session import Session

BICUBIC = "bicubic"


class Appraiser(QObject):
    """Has every result measured as soon as it is there, and all of them again when the truth is known."""

    changed = Signal()
    """Something is known that was not, or no longer."""
    truth_changed = Signal()
    """Another truth is known, or none."""
    failed = Signal(object)
    """A `Failure`."""

    def __init__(self, session: Session, work: SideWork, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._work = work
        self._found: dict[str, Appraised] = {}
        self._untouched: dict[str, Appraised] = {}
        self._bicubic: Appraised | None = None
        self._truth: Truth | None = None
        self._pending: dict[int, AppraiseRequest] = {}
        session.opened.connect(self._on_opened)
        session.closed.connect(self._forget_all)
        session.renderer.rendered.connect(self._on_rendered)
        session.renderer.forgotten.connect(self._on_forgotten)
        work.answered.connect(self._on_answered)

    @property
    def truth(self) -> Truth | None:
        """The sharp picture that the open one was made from."""
        return self._truth

    @property
    def bicubic(self) -> Appraised | None:
        """What is known of the bicubic, which every score is seen beside; None without a truth."""
        return self._bicubic

    def found(self, pane: str) -> Appraised | None:
        """Return what is known of the result that ``pane`` shows."""
        return self._found.get(pane)

    def untouched(self, pane: str) -> Appraised | None:
        """Return what was known of the result of ``pane`` before it was back-projected."""
        return self._untouched.get(pane)

    def set_truth(self, truth: Truth | None) -> None:
        """Compare every result with ``truth`` from now on; with nothing if it is None."""
        self._truth, self._bicubic = truth, None
        image = open_picture(self._session)
        if truth is not None and image is not None:
            self._submit(AppraiseRequest(pane="", image=image, stored=None, truth=truth))
        for pane in PANE_KEYS:
            result = self._session.renderer.result(pane)
            if result is not None:
                self._appraise(result)
        self.truth_changed.emit()
        self.changed.emit()

    @Slot(object)
    def _on_opened(self, document: Document) -> None:
        self._forget_all()
        self.set_truth(document.truth)

    @Slot()
    def _forget_all(self) -> None:
        for request in self._pending.values():
            request.token.cancel()
        self._pending.clear()
        self._found.clear()
        self._untouched.clear()
        self.set_truth(None)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        self._appraise(answer)

    @Slot(str)
    def _on_forgotten(self, pane: str) -> None:
        self._cancel(pane)
        if self._found.pop(pane, None) is not None:
            self.changed.emit()

    def _appraise(self, result: Rendered) -> None:
        image = open_picture(self._session)
        if image is None:
            return
        self._found.pop(result.pane, None)  # what was known of what the pane showed before
        self._cancel(result.pane)
        self._submit(AppraiseRequest(pane=result.pane, image=image, stored=result.stored, truth=self._truth))

    def _submit(self, request: AppraiseRequest) -> None:
        self._pending[request.id] = request
        self._work.submit(request)

    def _cancel(self, pane: str) -> None:
        for id_ in [id_ for id_, request in self._pending.items() if request.pane == pane]:
            self._pending.pop(id_).token.cancel()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        request = self._pending.pop(answer.id, None)
        if request is None:
            return
        if isinstance(answer, Appraised):
            if request.stored is None:
                self._bicubic = answer
            else:
                self._found[answer.pane] = answer
                result = self._session.renderer.result(answer.pane)
                if result is not None and result.back_projection == 0:
                    self._untouched[answer.pane] = answer
            self.changed.emit()
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.COMPUTING, request.pane or BICUBIC))

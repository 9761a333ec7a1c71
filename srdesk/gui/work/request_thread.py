"""One thread that answers requests: `RequestThread` is the main side, `Worker` the other side.

The rules that both keep, each of them a test: slots are methods of QObjects, since anything else would run on the
wrong thread; nothing mutable crosses; a request is stopped by its token, because a queued slot is never seen by a busy
thread; every request gets exactly one answer; one owner shuts the thread down, because dropping a running QThread
aborts the process.
"""

from __future__ import annotations

import logging
import threading
from abc import abstractmethod

from PySide6.QtCore import QObject, QThread, Signal, Slot

from srdesk.errors import Cancelled, SrDeskError, UnexpectedError
from srdesk.gui.work.requests import Answer, Failed, Request, WasCancelled

log = logging.getLogger(__name__)


class Worker(QObject):
    """The other side: lives in the thread and turns each request into one answer."""

    answered = Signal(object)
    """One `Answer` for each request."""
    reported = Signal(object)
    """`Progressed` and `Noticed`, any number."""

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Do what is asked; called on the worker's thread.

        Raises:
            Cancelled: the token of the request was raised.
            SrDeskError: it cannot be done.
        """

    def release(self) -> None:
        """Give back what the worker holds; called once, after its thread has ended."""

    @Slot(object)
    def handle(self, request: Request) -> None:
        """Answer ``request``, whatever happens."""
        answer: Answer
        threading.current_thread().name = QThread.currentThread().objectName()  # for the log
        try:
            request.token.check()
            answer = self.answer(request)
        except Cancelled:
            answer = WasCancelled(request.id)
        except SrDeskError as error:
            log.info("%s failed: %s", type(request).__name__, error)
            answer = Failed(request.id, error)
        except Exception as error:  # an outer edge: the person gets a sentence, the log the rest
            log.exception("%s failed unexpectedly", type(request).__name__)
            answer = Failed(request.id, UnexpectedError(f"Something unexpected went wrong: {_summary(error)}."))
        self.answered.emit(answer)


class RequestThread(QObject):
    """The main side: hands requests over, and says what came back in the thread that it lives in."""

    answered = Signal(object)
    """One `Answer` for each request, in the order of the requests."""
    reported = Signal(object)
    """`Progressed` and `Noticed`."""

    _handed_over = Signal(object)

    def __init__(self, worker: Worker, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._pending: dict[int, Request] = {}
        self._thread = QThread()
        self._thread.setObjectName(name)
        worker.moveToThread(self._thread)
        self._handed_over.connect(worker.handle)
        worker.answered.connect(self._on_answered)
        worker.reported.connect(self._on_reported)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queue ``request``; its answer comes through `answered`."""
        self._pending[request.id] = request
        self._handed_over.emit(request)

    def cancel_all(self) -> None:
        """Raise the token of every request that is not answered yet."""
        for request in self._pending.values():
            request.token.cancel()

    def shutdown(self, patience_s: float) -> bool:
        """Cancel everything and end the thread; answers that are still on their way are dropped.

        Args:
            patience_s: how long to wait for the worker to notice.

        Returns:
            Whether the thread has ended. If not, it is stuck in a foreign call, and only ending the process helps.
        """
        self.cancel_all()
        self._pending.clear()
        self._thread.quit()
        if not self._thread.wait(int(patience_s * 1000)):
            return False
        self._worker.release()
        return True

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._pending.pop(answer.id, None) is not None:
            self.answered.emit(answer)

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        if getattr(report, "id", None) in self._pending:
            self.reported.emit(report)


def _summary(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}, {text.splitlines()[0]}" if text else type(error).__name__

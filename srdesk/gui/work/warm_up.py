"""Having torch loaded behind the window."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer, Failed, Request, WarmedUp, WarmUpRequest


class WarmUp(QObject):
    """Asks the thread that computes to load torch, and passes on how that ended."""

    ended = Signal(object)
    """`WarmedUp`: torch is loaded."""
    failed = Signal(object)
    """A `Failure`: it cannot be."""

    def __init__(self, upscaling: RequestThread, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._upscaling = upscaling
        self._current: Request | None = None
        upscaling.answered.connect(self._on_answered)

    def begin(self) -> None:
        """Load it."""
        self._current = WarmUpRequest()
        self._upscaling.submit(self._current)

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._current is None or answer.id != self._current.id:
            return
        self._current = None
        if isinstance(answer, WarmedUp):
            self.ended.emit(answer)
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.STARTING))

"""The main side of that thread: what takes long stands back while panes are computed, so that they never wait."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.honesty.requests import LongRequest
from srdesk.gui.work.agenda import Activity
from srdesk.gui.work.pane_renderer import PaneRenderer
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer, Request


class SideWork(QObject):
    """Hands requests over; pauses the long ones while the renderer has something to do."""

    answered = Signal(object)
    """One `Answer` for each request."""
    reported = Signal(object)
    """`Progressed` and `Noticed`."""

    def __init__(self, thread: RequestThread, renderer: PaneRenderer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread = thread
        self._long: dict[int, LongRequest] = {}
        self._is_waiting = renderer.is_working
        renderer.activity_changed.connect(self._on_activity_changed)
        thread.answered.connect(self._on_answered)
        thread.reported.connect(self.reported)

    def submit(self, request: Request) -> None:
        """Queue ``request``; its answer comes through `answered`."""
        if isinstance(request, LongRequest):
            self._long[request.id] = request
            if self._is_waiting:
                request.token.pause()
        self._thread.submit(request)

    def shutdown(self, patience_s: float) -> bool:
        """Cancel everything and end the thread.

        Returns:
            Whether it has ended.
        """
        return self._thread.shutdown(patience_s)

    @Slot(object)
    def _on_activity_changed(self, activity: Activity | None) -> None:
        self._is_waiting = activity is not None
        for request in self._long.values():
            if self._is_waiting:
                request.token.pause()
            else:
                request.token.go_on()

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        self._long.pop(answer.id, None)
        self.answered.emit(answer)

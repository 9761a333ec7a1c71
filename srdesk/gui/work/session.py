"""What is open on the desk and where it stands. No widgets.

A session opens pictures, has their panes computed and writes results to files. The newest request to open wins; the
picture that is open stays until the next one is there.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from srdesk.errors import SrDeskError
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.agenda import Activity
from srdesk.gui.work.pane_renderer import PaneRenderer
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import (
    Answer,
    Document,
    Failed,
    Noticed,
    Opened,
    OpenRequest,
    PasteRequest,
    Rendered,
    Request,
    Saved,
    SaveJob,
    SaveRequest,
)
from srdesk.gui.work.save_ledger import SaveLedger
from srdesk.gui.work.save_order import SaveOrder
from srdesk.gui.work.scene_runs import SceneRuns
from srdesk.gui.work.warm_up import WarmUp


class Phase(Enum):
    """Where the session stands."""

    EMPTY = "empty"
    LOADED = "loaded"
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


class Session(QObject):
    """The state of the desk; owns the threads that work for it and is the one who shuts them down."""

    phase_changed = Signal(object)
    """The new `Phase`."""
    opening = Signal(str)
    """Name of the picture that is being opened; empty when that came to nothing."""
    opened = Signal(object)
    """The new `Document`."""
    closed = Signal()
    """No picture is open any more."""
    saving_changed = Signal(bool)
    """Whether something is being saved."""
    saved = Signal(object)
    """Paths that were written."""
    noticed = Signal(str)
    """One sentence about something that was done in another way than asked for."""
    save_noticed = Signal(str)
    """The same about files that were saved, or were not."""
    failed = Signal(object)
    """A `Failure`."""
    warmed_up = Signal(object)
    """`WarmedUp`: torch is loaded."""

    def __init__(
        self,
        *,
        files: RequestThread,
        upscaling: RequestThread,
        weights_for: Callable[[str], Path | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._files = files
        self._upscaling = upscaling
        self._phase = Phase.EMPTY
        self._document: Document | None = None
        self._opening: Request | None = None
        self.saves = SaveLedger()
        """What is being saved."""
        self.recall: Callable[[Path], tuple[str, tuple[int, ...]]] = lambda _path: ("", ())
        """Returns which part and bands of a file were chosen when it was open before."""
        self.renderer = PaneRenderer(upscaling, weights_for, self)
        """Computes the panes of the open picture."""
        self.renderer.rendered.connect(self._on_rendered)
        self.renderer.pane_failed.connect(self._on_pane_failed)
        self.renderer.activity_changed.connect(self._on_activity_changed)
        self.renderer.noticed.connect(self.noticed)
        self._warming = WarmUp(upscaling, self)
        self._warming.ended.connect(self.warmed_up)
        self._warming.failed.connect(self.failed)
        self.scenes = SceneRuns(files, parent=self)
        """Enlarges scenes that are too large for memory from disk to disk, whatever is open meanwhile."""
        self.scenes.failed.connect(self.failed)
        self.scenes.noticed.connect(self.save_noticed)
        files.answered.connect(self._on_answered)
        files.reported.connect(self._on_file_reported)

    @property
    def phase(self) -> Phase:
        """Where the session stands."""
        return self._phase

    @property
    def document(self) -> Document | None:
        """The open picture."""
        return self._document

    @property
    def is_saving(self) -> bool:
        """Whether a file is being written, or will be as soon as its pane is computed."""
        return bool(self.saves)

    @property
    def has_asked_work(self) -> bool:
        """Whether something is under way that the person asked for and would miss."""
        return self.is_saving or bool(self.renderer.asked)

    def warm_up(self) -> None:
        """Have torch loaded behind the window."""
        self._warming.begin()

    def open(self, path: Path, *, part: str = "", bands: tuple[int, ...] = ()) -> None:
        """Open a file; ``part`` and ``bands`` as in `OpenRequest`, or those that were chosen for it before."""
        path = path.absolute()  # as settings and the ledger of scenes know it; links are the person's own names
        if not part and not bands:
            part, bands = self.recall(path)
        self.begin_opening(OpenRequest(path=path, part=part, bands=bands), path.name)

    def paste(self, picture: QImage, name: str) -> None:
        """Open a picture from the clipboard under a name."""
        self.begin_opening(PasteRequest(picture=picture, name=name), name)

    def begin_opening(self, request: Request, name: str) -> None:
        """Open what a request that is answered by `Opened` asks for; until then it is called ``name``."""
        self._abandon_opening()
        self._opening = request
        self.opening.emit(name)
        self._files.submit(request)

    def close_document(self) -> None:
        """Forget the picture and everything that was computed of it; files that are being written are finished."""
        self._abandon_opening()
        self._close_scene()
        self._document = None
        self.renderer.set_image(None)
        self._set_phase(Phase.EMPTY)
        self.closed.emit()
        self._drop_orders()

    def save(self, orders: list[SaveOrder]) -> None:
        """Write panes to files, first those that are computed already."""
        jobs, missing = [], []
        for order in orders:
            rendered = self.renderer.result(order.pane)
            if rendered is None:
                self.saves.wait(order, self.renderer.recipe(order.pane))
                missing.append(order.pane)
            else:
                jobs.append(self._job(order, rendered))
        if jobs:
            self._submit_saves(tuple(jobs))
        if missing:
            self.saving_changed.emit(True)
            self.renderer.run(tuple(missing))

    def cancel(self) -> None:
        """Stop opening, computing and saving."""
        self._abandon_opening()
        if orders := self.saves.drop():
            self._tell_dropped(orders, self.tr("Not saved, because it was cancelled: {}."))
        self.saves.cancel()
        self.renderer.cancel()
        self.scenes.cancel()
        self.saving_changed.emit(self.is_saving)

    def shutdown(self, patience_s: float) -> bool:
        """Cancel everything and end the threads; nothing is answered afterwards.

        Args:
            patience_s: how long to wait for each thread.

        Returns:
            Whether all threads have ended. If not, one is stuck in a foreign call.
        """
        self.renderer.stop()
        self._close_scene()
        self.scenes.cancel()
        self._upscaling.cancel_all()  # it shall not go on computing while the other thread is waited for
        has_ended = self._files.shutdown(patience_s)
        has_ended = self.scenes.shutdown(patience_s) and has_ended
        return self._upscaling.shutdown(patience_s) and has_ended

    @Slot(object)
    def _on_answered(self, answer: Answer) -> None:
        if self._opening is not None and answer.id == self._opening.id:
            self._opening = None
            self._on_open_answered(answer)
        elif self.saves.writes(answer.id):
            self.saves.end(answer.id)
            self._on_save_answered(answer)
        # Anything else was superseded while it was on its way, or belongs to others.

    def _on_open_answered(self, answer: Answer) -> None:
        self.opening.emit("")
        if isinstance(answer, Opened):
            self._close_scene()
            self._document = answer.document
            self._set_phase(Phase.LOADED)
            self.renderer.set_image(answer.document.image or answer.document.scene)
            self.opened.emit(answer.document)
            self._drop_orders()
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.OPENING))

    def _on_save_answered(self, answer: Answer) -> None:
        self.saving_changed.emit(self.is_saving)
        if isinstance(answer, Saved):
            if answer.paths:
                self.saved.emit(answer.paths)
            for failure in answer.failures:
                self.failed.emit(failure)
        elif isinstance(answer, Failed):
            self.failed.emit(Failure(answer.error, Doing.SAVING))

    @Slot(object)
    def _on_file_reported(self, report: object) -> None:
        if isinstance(report, Noticed):
            (self.save_noticed if self.saves.writes(report.id) else self.noticed).emit(report.sentence)

    @Slot(object)
    def _on_rendered(self, answer: Rendered) -> None:
        if others := self.saves.drop_others(answer.pane, answer.recipe):
            self._tell_dropped(others, self.tr("Not saved, because its weights were exchanged meanwhile: {}."))
        orders = self.saves.take(answer.pane)
        if orders:
            self._submit_saves(tuple(self._job(order, answer) for order in orders))

    @Slot(str, object)
    def _on_pane_failed(self, pane: str, error: SrDeskError) -> None:
        if self.saves.take(pane):
            self.saving_changed.emit(self.is_saving)
        self.failed.emit(Failure(error, Doing.COMPUTING, pane))

    @Slot(object)
    def _on_activity_changed(self, activity: Activity | None) -> None:
        if self._document is None:
            return
        if activity is not None:
            self._set_phase(Phase.WORKING)
        elif self.renderer.failed_panes:
            self._set_phase(Phase.FAILED)
        else:
            self._set_phase(Phase.DONE if self.renderer.has_results else Phase.LOADED)

    def _close_scene(self) -> None:
        if self._document is not None and self._document.scene is not None:
            self._document.scene.close()

    def _drop_orders(self) -> None:
        """Give up what has to be computed of a picture that is no longer open, and say so."""
        if orders := self.saves.drop():
            self._tell_dropped(orders, self.tr("Not saved, because the picture was left before it was computed: {}."))

    def _tell_dropped(self, orders: list[SaveOrder], sentence: str) -> None:
        self.save_noticed.emit(sentence.format(", ".join(order.path.name for order in orders)))
        self.saving_changed.emit(self.is_saving)

    def _abandon_opening(self) -> None:
        if self._opening is not None:
            self._opening.token.cancel()
            self._opening = None
            self.opening.emit("")

    def _job(self, order: SaveOrder, rendered: Rendered) -> SaveJob:
        assert self._document is not None
        return SaveJob(order=order, result=rendered, document=self._document)

    def _submit_saves(self, jobs: tuple[SaveJob, ...]) -> None:
        request = SaveRequest(jobs=jobs)
        self.saves.begin(request)
        self.saving_changed.emit(True)
        self._files.submit(request)

    def _set_phase(self, phase: Phase) -> None:
        if phase is not self._phase:
            self._phase = phase
            self.phase_changed.emit(phase)

"""The queue of the desk: what is in it, whether it is being worked through, and the two threads that work for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from srdesk.errors import QueueError
from srdesk.gui.queue.keeper import QueueKeeper
from srdesk.gui.queue.offer import offered_models
from srdesk.gui.queue.orders import (
    Added,
    AddRequest,
    Edited,
    FindRequest,
    Found,
    ItemEnded,
    ItemProgressed,
    ItemRemarked,
    LoadRequest,
    MeasureRequest,
    Order,
    Ran,
    RunRequest,
)
from srdesk.gui.queue.run_state import RunState, RunSummary
from srdesk.gui.queue.runner import QueueRunner
from srdesk.gui.queue.sleep_guard import SleepGuard
from srdesk.gui.queue.turn import Turn, TurnToken, Wait
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import Answer, Failed, Request

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import Queue, QueueItem
    from srdesk.engine.batch.queue_run import EnlargeOne

_SETTLES_MS = 60
"""A thousand changes in a moment are one for the window."""


class DeskQueue(QObject):
    """The main side of the queue. Whoever makes one calls `shutdown`.

    Every wish is carried out on the keeper's thread, since it may have to search folders, and waits for the disk.

    Args:
        journal: where the queue is remembered.
        weights_folders: as `srdesk.paths.weights_folders`.
        sleep: keeps the machine awake meanwhile.
        enlarge_one: as `QueueRunner` has it.
        parent: owner, if there is one.
    """

    changed = Signal(object)
    """The items, as a tuple, after one or more changes."""
    progressed = Signal(int, object)
    """Id of an item, and the `Progress` of it."""
    remarked = Signal(int, str)
    """Id of an item, and a sentence about it that is not a failure."""
    state_changed = Signal(object)
    """The new `RunState`."""
    ended = Signal(object)
    """`RunSummary`: nothing waits any more."""
    added = Signal(object)
    """`Added`: files were put into the queue."""
    found = Signal(object)
    """Paths of the pictures that were looked for."""
    taken_up = Signal(int)
    """How many files an earlier desk left unfinished."""
    failed = Signal(object)
    """`SrDeskError`: what was asked for cannot be done, or not be remembered."""

    def __init__(
        self,
        journal: Path,
        *,
        weights_folders: Sequence[Path],
        sleep: SleepGuard,
        enlarge_one: EnlargeOne | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._weights_folders = weights_folders
        self._sleep = sleep
        self._turn = Turn()
        self._queue: Queue | None = None
        self._run: RunRequest | None = None
        self._state = RunState.IDLE
        self._counts: Counter[str] = Counter()
        self._looking: Request | None = None
        self._measuring: Request | None = None
        self._trouble: QueueError | None = None
        keeper = QueueKeeper(journal)
        keeper.touched.connect(self._on_touched)
        self._keeper = RequestThread(keeper, "queue", self)
        self._runner = RequestThread(QueueRunner(self._turn, enlarge_one), "queue runner", self)
        self._keeper.answered.connect(self._on_edited)
        self._runner.answered.connect(self._on_ran)
        self._runner.reported.connect(self._on_reported)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLES_MS)
        self._settling.timeout.connect(self._tell)

    # --- what is ------------------------------------------------------------------------------------------------------

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """All items in order."""
        return self._queue.items() if self._queue is not None else ()

    @property
    def state(self) -> RunState:
        """Whether the queue is being worked through."""
        return self._state

    @property
    def is_active(self) -> bool:
        """Whether it has been started and neither ended nor been stopped, paused or not."""
        return self._run is not None

    @property
    def unfinished(self) -> int:
        """How many files are waiting or being enlarged."""
        return sum(not item.is_finished for item in self.items)

    @property
    def fraction(self) -> float:
        """Share of the queue that is finished, 0 to 1."""
        return self._queue.fraction() if self._queue is not None else 0.0

    def models(self) -> dict[str, Path | None]:
        """Return what can enlarge files: name → weights file, None for the bicubic."""
        return offered_models(self._weights_folders)

    def arrivals_s(self) -> dict[int, float]:
        """Return the seconds until each item that is not finished will be; only of those that can be told."""
        return self._queue.arrivals_s() if self._queue is not None else {}

    # --- what the person wants ------------------------------------------------------------------------------------

    def look_around(self) -> None:
        """Take up what an earlier desk left, if it left something; another desk that has it is no trouble yet."""
        self._looking = LoadRequest()
        self._keeper.submit(self._looking)

    def load(self) -> None:
        """Have the queue ready because it is about to be used."""
        if self._queue is None:
            self._keeper.submit(LoadRequest(shall_begin=True))

    def add(self, paths: Iterable[Path], order: Order) -> None:
        """Append files, and all pictures in folders and below."""
        self._keeper.submit(AddRequest(paths=tuple(paths), order=order))

    def find(self, paths: Iterable[Path], template: str) -> None:
        """Look for pictures in folders and below; `found` says which there are."""
        self._keeper.submit(FindRequest(paths=tuple(paths), template=template))

    def edit(self, request: Request) -> None:
        """Have the queue changed by one of the requests of `srdesk.gui.queue.orders`; nothing if there is no queue."""
        if self._queue is not None:
            self._keeper.submit(request)

    @Slot()
    def start(self) -> None:
        """Begin, or go on after a pause."""
        self._turn.set_waiting(Wait.PAUSED, shall_wait=False)
        if self._run is None and self._queue is not None and self.unfinished:
            self._run = RunRequest(queue=self._queue, token=TurnToken(self._turn))
            self._runner.submit(self._run)
        self._set_state()

    @Slot()
    def pause(self) -> None:
        """Wait, even in the midst of a file, until `start`."""
        self._turn.set_waiting(Wait.PAUSED, shall_wait=True)
        self._set_state()

    @Slot()
    def stop(self) -> None:
        """Stop; the file that is being enlarged waits again, and a scene goes on where it was."""
        if self._run is not None:
            self._run.token.cancel()
            self._set_state()

    def let_panes_first(self, *, are_busy: bool) -> None:
        """Wait while panes of the open picture are being computed."""
        self._turn.set_waiting(Wait.PANES, shall_wait=are_busy)
        self._set_state()

    def shutdown(self, patience_s: float) -> bool:
        """Stop and end the threads; what is not finished is remembered.

        Args:
            patience_s: how long to wait for each thread.

        Returns:
            Whether they have ended.
        """
        self._settling.stop()
        self._sleep.let_go()
        # The journal is closed by the keeper, so it has to be the last to go.
        return self._runner.shutdown(patience_s) and self._keeper.shutdown(patience_s)

    # --- what comes back --------------------------------------------------------------------------------------------

    @Slot()
    def _on_touched(self) -> None:
        if not self._settling.isActive():
            self._settling.start()

    @Slot()
    def _tell(self) -> None:
        if self._queue is None:
            return
        self.changed.emit(self._queue.items())
        trouble, before = self._queue.trouble, self._trouble
        self._trouble = trouble
        if trouble is not None and before is None:
            self.failed.emit(trouble)

    @Slot(object)
    def _on_edited(self, answer: Answer) -> None:
        was_looking = self._looking is not None and self._looking.id == answer.id
        if was_looking:
            self._looking = None
        if self._measuring is not None and self._measuring.id == answer.id:
            self._measuring = None
        if isinstance(answer, Failed) and not was_looking:
            self.failed.emit(answer.error)
        elif isinstance(answer, Found):
            self.found.emit(answer.files)
        elif isinstance(answer, Edited) and answer.queue is not None:
            self._queue = answer.queue
            self._tell()
            if was_looking and self.unfinished:
                self.taken_up.emit(self.unfinished)
            if isinstance(answer, Added):
                self.added.emit(answer)
            self._measure()

    @Slot(object)
    def _on_ran(self, answer: Answer) -> None:
        self._run = None
        self._tell()
        if isinstance(answer, Ran) and any(item.state == "waiting" for item in self.items):
            self.start()  # it was added while the last one ended
            return
        summary = RunSummary(self._counts["done"], self._counts["skipped"], self._counts["failed"])
        self._counts.clear()
        self._turn.set_waiting(Wait.PAUSED, shall_wait=False)
        self._set_state()
        if isinstance(answer, Failed):
            self.failed.emit(answer.error)
        elif isinstance(answer, Ran):
            self.ended.emit(summary)

    @Slot(object)
    def _on_reported(self, report: object) -> None:
        match report:
            case ItemProgressed():
                self.progressed.emit(report.item_id, report.progress)
            case ItemRemarked():
                self.remarked.emit(report.item_id, report.sentence)
            case ItemEnded():
                self._counts[report.state] += 1

    def _measure(self) -> None:
        """Have sizes read, a portion at a time, so that other wishes need not wait for all of them."""
        if self._queue is not None and self._measuring is None and self._queue.unmeasured():
            self._measuring = MeasureRequest()
            self._keeper.submit(self._measuring)

    def _set_state(self) -> None:
        reasons = self._turn.reasons
        if self._run is None:
            state = RunState.IDLE
        elif self._run.token.is_cancelled:
            state = RunState.STOPPING
        elif Wait.PAUSED in reasons:
            state = RunState.PAUSED
        else:
            state = RunState.WAITING if Wait.PANES in reasons else RunState.RUNNING
        if state is self._state:
            return
        self._state = state
        if state in (RunState.RUNNING, RunState.WAITING):
            self._sleep.hold()
        else:
            self._sleep.let_go()
        self.state_changed.emit(state)

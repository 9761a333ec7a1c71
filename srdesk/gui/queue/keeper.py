"""The other side of the thread that changes the queue: searching folders and writing the journal take their time."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from srdesk.errors import QueueTakenError
from srdesk.gui.queue.orders import (
    Added,
    AddRequest,
    ClearRequest,
    Edited,
    FindRequest,
    Found,
    LoadRequest,
    MeasureRequest,
    MoveRequest,
    PlaceRequest,
    RemoveRequest,
    RetryRequest,
    ReviseRequest,
)
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import Answer, Request

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import Queue

log = logging.getLogger(__name__)


class QueueKeeper(Worker):
    """Owns the queue and its journal. The queue is loaded when it is first needed.

    Args:
        journal: where the queue is remembered.
    """

    touched = Signal()
    """The queue has changed, on whichever thread."""

    def __init__(self, journal: Path) -> None:
        super().__init__()
        self._journal = journal
        self._queue: Queue | None = None

    def answer(self, request: Request) -> Answer:
        """Change the queue.

        Raises:
            QueueError: another program has it, or it cannot be read.
            ConfigError: the order makes no sense.
        """
        if isinstance(request, FindRequest):
            return _found(request)
        is_nothing_there = self._queue is None and not self._journal.exists()
        if isinstance(request, LoadRequest) and is_nothing_there and not request.shall_begin:
            return Edited(request.id, None)
        queue = self._loaded()
        if isinstance(request, AddRequest):
            return _added(request, queue)
        _change(queue, request)
        return Edited(request.id, queue)

    def release(self) -> None:
        """Let go of the journal; a queue with nothing left to do is forgotten."""
        if self._queue is not None:
            self._queue.close(remove=all(item.state in ("done", "skipped") for item in self._queue.items()))

    def _loaded(self) -> Queue:
        if self._queue is None:
            from srdesk.engine.batch.queue import Queue  # not at the top: the window need not wait for it

            try:
                self._queue = Queue.load(self._journal)
            except QueueTakenError as error:
                hint = "Use the queue of the window that is open already, or close that one and try again."
                raise QueueTakenError(error.path, hint=hint) from error
            self._queue.subscribe(self.touched.emit)
        return self._queue


def _change(queue: Queue, request: Request) -> None:
    from srdesk.engine.batch.queue_run import probe_some

    match request:
        case RemoveRequest(ids=ids):
            queue.remove(ids)
        case MoveRequest(ids=ids, offset=offset):
            queue.move(ids, offset)
        case PlaceRequest(ids=ids, place=place):
            queue.place(ids, place)
        case ReviseRequest(ids=ids, order=order):
            queue.revise(ids, order.recipe, template=order.template, on_collision=order.on_collision)
        case RetryRequest():
            queue.retry_failed()
        case ClearRequest():
            queue.clear_finished()
        case MeasureRequest(token=token):
            probe_some(queue, token)
        case LoadRequest():
            pass  # done already
        case _:
            raise TypeError(f"nothing is known about {type(request).__name__}")


def _added(request: AddRequest, queue: Queue) -> Added:
    """Append what is not in the queue already."""
    from srdesk.engine.files.inputs import find_inputs

    order = request.order
    found = find_inputs(request.paths, order.folder, template=order.template, models={order.recipe.model})
    unfinished = {(item.source, item.output_folder, item.recipe) for item in queue.items() if not item.is_finished}
    new = [file for file in found.files if (file.path, file.output_folder, order.recipe) not in unfinished]
    if new:
        queue.add_files(new, order.recipe, template=order.template, on_collision=order.on_collision)
    log.info("put %d files into the queue", len(new))
    return Added(request.id, queue, len(new), len(found.files) - len(new), len(found.results), found.failures)


def _found(request: FindRequest) -> Found:
    from srdesk.engine.files.inputs import find_inputs

    files = find_inputs(request.paths, None, template=request.template).files
    return Found(request.id, tuple(file.path for file in files))

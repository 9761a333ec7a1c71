"""The other side of the thread that works through the queue."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.engine.control import Control, Progress
from srdesk.errors import Cancelled, SrDeskError, UnexpectedError
from srdesk.gui.queue.orders import ItemEnded, ItemProgressed, ItemRemarked, Ran, RunRequest
from srdesk.gui.queue.turn import Turn
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import Answer, Request

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem
    from srdesk.engine.batch.queue_run import EnlargeOne
    from srdesk.engine.files.file_job import FileFacts
    from srdesk.imaging.decoder import Decoder

log = logging.getLogger(__name__)


class QueueRunner(Worker):
    """Enlarges one file after the other, and reports of each.

    Args:
        turn: whose turn it is; what is computed waits for its own.
        enlarge_one: does the work in tests; in the program files are really enlarged.
    """

    def __init__(self, turn: Turn, enlarge_one: EnlargeOne | None = None) -> None:
        super().__init__()
        self._turn = turn
        self._enlarge_one = enlarge_one

    def answer(self, request: Request) -> Answer:
        """Work through the queue until nothing waits.

        Raises:
            Cancelled: the token was raised; what was being enlarged waits again.
        """
        from srdesk.engine.batch.queue_run import Ears, run_queue
        from srdesk.imaging.decoder import Decoder

        assert isinstance(request, RunRequest)
        number = request.id

        def on_ended(item: QueueItem, outcome: FileFacts | SrDeskError | None) -> None:
            if not (outcome is None or isinstance(outcome, SrDeskError)):
                for sentence in outcome.losses:
                    self.reported.emit(ItemRemarked(number, item.id, sentence))
            self.reported.emit(ItemEnded(number, item.id, item.state))

        ears = Ears(
            on_progress=lambda item, progress: self.reported.emit(ItemProgressed(number, item.id, progress)),
            on_notice=lambda item, sentence: self.reported.emit(ItemRemarked(number, item.id, sentence)),
            on_ended=on_ended,
        )
        with Decoder() as decoder:  # its process, and the model, go when there is nothing more to do
            enlarge_one = self._enlarge_one or _Enlarger(decoder, self._turn)
            run_queue(request.queue, enlarge_one, request.token, ears=ears)
        return Ran(request.id)


class _Enlarger:
    """Does the work of one item, as `srdesk.engine.batch.queue_run.EnlargeOne` has it."""

    def __init__(self, decoder: Decoder, turn: Turn) -> None:
        from srdesk.engine.files.file_job import Upscalers

        self._decoder = decoder
        self._turn = turn
        self._upscalers = Upscalers()

    def __call__(self, item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        from srdesk.engine.files.file_job import enlarge_file

        waited_before_s = self._turn.waited_s

        def waited_s() -> float:
            return self._turn.waited_s - waited_before_s

        def report(progress: Progress) -> None:
            if control.on_progress is not None:
                control.on_progress(replace(progress, elapsed_s=progress.elapsed_s - waited_s()))

        try:
            facts = enlarge_file(
                item.source,
                output,
                item.recipe,
                lambda: self._upscalers.ready(item.recipe),
                self._decoder,
                Control(control.token, report, control.on_notice),
                may_replace=may_replace,
            )
        except (SrDeskError, Cancelled):
            raise
        except Exception as error:  # an outer edge: one file that nobody foresaw does not keep the others waiting
            log.exception("a file of the queue failed unexpectedly")
            raise UnexpectedError(f"“{item.source.name}”: something unexpected went wrong.") from error
        # Time that another one had its turn, like that of loading the model, says nothing about the next file.
        return replace(facts, loading_s=facts.loading_s + waited_s())

"""The other side of the scene thread: enlarges scenes from disk to disk, for hours if need be."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from srdesk.engine.control import Control, Progress
from srdesk.errors import ImageWriteError
from srdesk.gui.work.networks import Networks
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import Answer, Noticed, Progressed, Request
from srdesk.gui.work.scene_ledger import SceneLedger
from srdesk.gui.work.scene_requests import SceneEnlarged, SceneOrder, SceneRunRequest
from srdesk.imaging.scene.tile_file import unfinished_steps

if TYPE_CHECKING:
    from srdesk.engine.files.file_job import FileFacts

log = logging.getLogger(__name__)

REPORTS_HZ = 5.0
"""How often it is said how far a run is: it lasts for minutes at least."""


class SceneWorker(Worker):
    """Carries out orders. Has networks of its own, since those of the panes compute previews meanwhile.

    Args:
        ledger: where runs are noted, so that the ones that are broken off are found again.
    """

    def __init__(self, ledger: SceneLedger | None = None) -> None:
        super().__init__()
        self._ledger = ledger or SceneLedger()
        self._networks = Networks()

    def answer(self, request: Request) -> Answer:
        """Carry out an order.

        Raises:
            Cancelled: the token of the request was raised; what is finished stays.
            SrDeskError: it cannot be carried out.
        """
        if not isinstance(request, SceneRunRequest):
            raise TypeError(f"nothing is known about {type(request).__name__}")
        order = request.order
        self._note(order)
        try:
            facts = self._enlarge(request)
        finally:
            if unfinished_steps(order.output) == 0:
                self._ledger.forget(order.output)
        log.info("enlarged a scene to %d × %d in %.0f s", facts.width, facts.height, facts.seconds)
        return SceneEnlarged(request.id, order, facts)

    def _note(self, order: SceneOrder) -> None:
        try:
            self._ledger.note(order)
        except OSError as error:
            if order.source.exists():
                raise ImageWriteError(order.output, "that it was begun cannot be noted") from error

    def _enlarge(self, request: SceneRunRequest) -> FileFacts:
        from srdesk.engine.files.file_job import enlarge_file
        from srdesk.imaging.decoder import Decoder

        order = request.order

        def on_progress(progress: Progress) -> None:
            self.reported.emit(Progressed(request.id, progress))

        def on_notice(sentence: str) -> None:
            if not request.token.is_cancelled:  # what is kept then is said by the desk
                self.reported.emit(Noticed(request.id, sentence))

        control = Control(token=request.token, on_progress=on_progress, on_notice=on_notice, max_rate_hz=REPORTS_HZ)
        with Decoder() as decoder:  # scenes need none; a child process is started by the first picture only
            return enlarge_file(
                order.source,
                order.output,
                order.file_recipe,
                lambda: self._networks.ready(order.recipe),
                decoder,
                control,
            )

    def release(self) -> None:
        """Forget the networks."""
        self._networks.clear()

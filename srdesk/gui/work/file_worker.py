"""The other side of the file thread: reads pictures and writes results, so that a run never keeps a file waiting."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.errors import SrDeskError
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.clipboard import to_image
from srdesk.gui.work.opening import document_of, open_document
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import (
    Answer,
    Noticed,
    Opened,
    OpenRequest,
    PasteRequest,
    Request,
    Saved,
    SaveRequest,
)
from srdesk.gui.work.saving import save
from srdesk.gui.work.scene_files import SceneFiles
from srdesk.gui.work.truth import degraded_document, open_truth
from srdesk.gui.work.truth_requests import DegradeRequest, OpenTruthRequest, TruthOpened

if TYPE_CHECKING:
    from srdesk.imaging.decoder import Decoder


class FileWorker(Worker):
    """Opens and saves. Pictures are decoded in a child process, whatever is in them.

    Args:
        decoder: what decodes; by default a child process that is started when it is first needed.
        scenes: what opens scenes that are too large for memory.
    """

    def __init__(self, decoder: Decoder | None = None, scenes: SceneFiles | None = None) -> None:
        super().__init__()
        self._decoder = decoder
        self._scenes = scenes or SceneFiles()

    def answer(self, request: Request) -> Answer:
        """Open a picture, sharp or made smaller, or save results.

        Raises:
            Cancelled: the token of the request was raised.
            ImageError: a picture cannot be read or written.
        """
        if isinstance(request, OpenRequest):
            return Opened(request.id, open_document(request, self._running_decoder(), lambda: self._scenes.shelf))
        if isinstance(request, PasteRequest):
            return Opened(request.id, document_of(request.name, None, to_image(request.picture), request.token))
        if isinstance(request, SaveRequest):
            return self._save_all(request)
        if isinstance(request, OpenTruthRequest):
            return TruthOpened(request.id, open_truth(request, self._running_decoder()))
        if isinstance(request, DegradeRequest):
            return Opened(request.id, degraded_document(request))
        answer = self._scenes.answer(request)
        if answer is not None:
            return answer
        raise TypeError(f"nothing is known about {type(request).__name__}")

    def _save_all(self, request: SaveRequest) -> Saved:
        """Save one after the other: what cannot be written keeps none of the others from the disk."""
        paths: list[Path] = []
        failures: list[Failure] = []
        for job in request.jobs:
            try:
                for sentence in save(job, request.token):
                    self.reported.emit(Noticed(request.id, sentence))
            except SrDeskError as error:
                failures.append(Failure(error, Doing.SAVING, job.order.pane))
            else:
                paths.append(job.order.path)
        return Saved(request.id, tuple(paths), tuple(failures))

    def release(self) -> None:
        """End the child process, and the thread that reads scenes."""
        self._scenes.close()
        if self._decoder is not None:
            self._decoder.close()

    def _running_decoder(self) -> Decoder:
        if self._decoder is None:  # made when it is first needed, so that the window does not wait for it
            from srdesk.imaging.decoder import Decoder

            self._decoder = Decoder()
        return self._decoder

"""The other side of the file thread: reads pictures and writes results, so that a run never keeps a file waiting."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.engine.control import CancelToken
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
    SaveJob,
    SaveRequest,
)
from srdesk.gui.work.scene_files import SceneFiles

if TYPE_CHECKING:
    from srdesk.imaging.decoder import Decoder
    from srdesk.imaging.stored import StoredImage

log = logging.getLogger(__name__)


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
        """Open a picture or save results.

        Raises:
            Cancelled: the token of the request was raised.
            ImageError: a picture cannot be read or written.
        """
        if isinstance(request, OpenRequest):
            return Opened(request.id, open_document(request, self._running_decoder(), lambda: self._scenes.shelf))
        if isinstance(request, PasteRequest):
            return Opened(request.id, document_of(request.name, None, to_image(request.picture), request.token))
        if isinstance(request, SaveRequest):
            return Saved(request.id, tuple(self._save(job, request) for job in request.jobs))
        answer = self._scenes.answer(request)
        if answer is not None:
            return answer
        raise TypeError(f"nothing is known about {type(request).__name__}")

    def _save(self, job: SaveJob, request: SaveRequest) -> Path:
        stored = _as_saved(job, request.token)
        request.token.check()
        for sentence in _written(job, stored, request.token):
            self.reported.emit(Noticed(request.id, sentence))
        log.info("saved %s, %d × %d", job.path.suffix, stored.width, stored.height)
        return job.path

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


def _written(job: SaveJob, stored: StoredImage, token: CancelToken) -> tuple[str, ...]:
    """Write a result; return a sentence for each thing that is not in the file."""
    if stored.metadata.scene is not None:
        from srdesk.engine.held_file import save_held

        return save_held(job.path, stored, token)
    from srdesk.imaging.formats import save_image

    return save_image(job.path, stored, quality=job.quality)


def _as_saved(job: SaveJob, token: CancelToken) -> StoredImage:
    """Return the result in the size that was chosen, without transparency if it has to go."""
    from srdesk.engine.enlarge import SCALE, TargetSize, flatten, reduce

    stored = job.stored
    height, width = TargetSize.parse(job.size).resolve(stored.height // SCALE, stored.width // SCALE)
    if (height, width) != (stored.height, stored.width):
        stored = reduce(stored, height, width, token=token)
    if job.background is not None:
        stored = flatten(stored, job.background, token)
    return stored

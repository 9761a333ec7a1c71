"""Reads the enlargements that a run keeps, away from the window's thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from srdesk.errors import ImageError
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.request_thread import Worker
from srdesk.gui.work.requests import Answer, Request
from srdesk.imaging.formats import open_image


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesRequest(Request):
    """Read some pictures of one strip row."""

    lr: Path
    """The LR picture, which tells how large the others are beside it."""
    paths: tuple[Path, ...]
    """The pictures to read, perhaps the LR one among them."""


@dataclass(frozen=True, slots=True)
class PicturesRead(Answer):
    """The pictures that could be read; a run may have thrown some away meanwhile."""

    pictures: dict[Path, DisplayImage]


class PictureReader(Worker):
    """Answers `PicturesRequest`."""

    def answer(self, request: Request) -> Answer:
        """Read what is asked for and can be read.

        Raises:
            Cancelled: the token of the request was raised.
        """
        assert isinstance(request, PicturesRequest)
        pictures = {}
        lr_size: tuple[int, int] | None = None
        for path in dict.fromkeys((request.lr, *request.paths)):
            request.token.check()
            try:
                image = open_image(path)
            except ImageError:
                continue
            lr_size = lr_size or (image.height, image.width)
            if path in request.paths:
                scale = (image.height / lr_size[0], image.width / lr_size[1])
                pictures[path] = DisplayImage.build(image, scale, request.token)
        return PicturesRead(request.id, pictures)

"""The picture whose results are judged."""

from __future__ import annotations

from srdesk.gui.work.session import Session
from srdesk.imaging.image import Image


def open_picture(session: Session) -> Image | None:
    """Return the picture that is open; None if there is none that is held in memory."""
    return None if session.document is None else session.document.image

"""Pictures that come in by drop or paste, and go out by copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage

from srdesk.gui.compare.image_view import to_qimage
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.imaging.image import Box, Image
from srdesk.imaging.values import UINT8

MAX_COPIED_PX = 40_000_000
"""Larger pictures are not put on the clipboard: every program that looks at it would get its own copy."""


def paths_in(mime: QMimeData) -> list[Path]:
    """Return the local files in dropped or pasted data."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def has_pictures(mime: QMimeData) -> bool:
    """Whether dropped or pasted data may hold something to open."""
    return mime.hasImage() or any(url.isLocalFile() for url in mime.urls())


def accept_unmoved(event: QDropEvent) -> None:
    """Accept what is dragged here from elsewhere, but never as a move: who drags files would then delete them."""
    harmless = (Qt.DropAction.CopyAction, Qt.DropAction.LinkAction)
    possible = [action for action in harmless if action & event.possibleActions()]
    event.setDropAction(possible[0] if possible else Qt.DropAction.IgnoreAction)
    event.accept()


def picture_in(mime: QMimeData) -> QImage | None:
    """Return the picture in dropped or pasted data, if it is one."""
    if not mime.hasImage():
        return None
    picture = QImage(mime.imageData())
    return None if picture.isNull() else picture


def to_image(picture: QImage) -> Image:
    """Return an 8-bit picture of Qt as an `Image`; safe on any thread."""
    has_alpha = picture.hasAlphaChannel()
    converted = picture.convertToFormat(QImage.Format.Format_RGBA8888 if has_alpha else QImage.Format.Format_RGB888)
    height, width, channels = converted.height(), converted.width(), 4 if has_alpha else 3
    lines = np.frombuffer(converted.constBits(), np.uint8).reshape(height, converted.bytesPerLine())
    numbers = lines[:, : width * channels].reshape(height, width, channels)
    alpha = UINT8.to_unit(np.ascontiguousarray(numbers[:, :, 3])) if has_alpha else None
    return Image(UINT8.to_unit(np.ascontiguousarray(numbers[:, :, :3])), alpha)


def copy_picture(display: DisplayImage) -> bool:
    """Put a picture on the clipboard.

    Returns:
        Whether it was small enough for that.
    """
    if display.height * display.width > MAX_COPIED_PX:
        return False
    pixels = display.tile(0, Box(0, 0, display.height, display.width))
    QGuiApplication.clipboard().setImage(to_qimage(pixels))
    return True

"""How large a window opens: never larger than the screen that it opens on."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_FRAME_PX = QSize(16, 48)
"""What the system draws around a window, title bar included, about."""


def open_at(window: QWidget, width_px: int, height_px: int) -> None:
    """Give a window its first size, in logical pixels, or as much of it as its screen has room for."""
    room = window.screen().availableGeometry().size() - _FRAME_PX
    window.resize(QSize(width_px, height_px).boundedTo(room))

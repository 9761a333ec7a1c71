"""The icons of menus and tool bar: line drawings in the text colour of the theme, sharp at any scale."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIDE_PX = 18
_DENSITIES = (1.0, 1.5, 2.0, 3.0)

_SHAPES = {
    "open": '<path d="M3 6.5a1.5 1.5 0 0 1 1.5-1.5h4l2 2.5h9a1.5 1.5 0 0 1 1.5 1.5v9.5a1.5 1.5 0 0 1-1.5 1.5h-15'
    'A1.5 1.5 0 0 1 3 18.5z"/>',
    "save": '<path d="M12 3.5v11.5M7.5 11l4.5 4.5 4.5-4.5M4 20h16"/>',
    "paste": '<rect x="5" y="4.5" width="14" height="16.5" rx="1.5"/><path d="M9 4.5v-1.5h6v1.5M9 10.5h6M9 14.5h4"/>',
    "copy": '<rect x="8.5" y="8.5" width="12" height="12" rx="1.5"/><path d="M15.5 8.5v-3.5a1.5 1.5 0 0 0'
    '-1.5-1.5h-9a1.5 1.5 0 0 0-1.5 1.5v9a1.5 1.5 0 0 0 1.5 1.5h3.5"/>',
    "run": '<path d="M7 4.5l12 7.5-12 7.5z"/>',
    "cancel": '<path d="M6 6l12 12M18 6l-12 12"/>',
    "fit": '<path d="M4 9v-5h5M15 4h5v5M20 15v5h-5M9 20h-5v-5"/>',
    "zoom_in": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5l5 5M10.5 7.5v6M7.5 10.5h6"/>',
    "zoom_out": '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5l5 5M7.5 10.5h6"/>',
    "grid": '<rect x="3.5" y="3.5" width="7.5" height="7.5" rx="1"/><rect x="13" y="3.5" width="7.5"'
    ' height="7.5" rx="1"/><rect x="3.5" y="13" width="7.5" height="7.5" rx="1"/><rect x="13" y="13"'
    ' width="7.5" height="7.5" rx="1"/>',
    "slider": '<rect x="3.5" y="4.5" width="17" height="15" rx="1.5"/><path d="M12 2.5v19M9.5 10.5l-2 1.5'
    ' 2 1.5M14.5 10.5l2 1.5-2 1.5"/>',
    "blink": '<path d="M2.5 12c2.5-4.5 5.7-6.5 9.5-6.5s7 2 9.5 6.5c-2.5 4.5-5.7 6.5-9.5 6.5'
    's-7-2-9.5-6.5z"/><circle cx="12" cy="12" r="2.8"/>',
    "difference": '<circle cx="9" cy="12" r="6"/><circle cx="15" cy="12" r="6"/>',
    "queue": '<path d="M8.5 6h12M8.5 12h12M8.5 18h12M3.5 6h1.5M3.5 12h1.5M3.5 18h1.5"/>',
    "external": '<path d="M13.5 4h6.5v6.5M20 4l-9 9M18 14v4.5a1.5 1.5 0 0 1-1.5 1.5h-11a1.5 1.5 0 0 1-1.5-1.5'
    'v-11a1.5 1.5 0 0 1 1.5-1.5h4.5"/>',
    "pause": '<path d="M8 5v14M16 5v14"/>',
    "stop": '<rect x="6" y="6" width="12" height="12" rx="1.5"/>',
    "up": '<path d="M12 20v-15.5M5.5 11l6.5-6.5 6.5 6.5"/>',
    "down": '<path d="M12 4v15.5M5.5 13l6.5 6.5 6.5-6.5"/>',
    "train": '<path d="M4 4v16h16M7.5 15.5l4-5 3 3 5-7"/>',
    "picture": '<rect x="3" y="4.5" width="18" height="15" rx="2"/><circle cx="8.5" cy="9.5" r="1.7"/>'
    '<path d="M3.5 17.5l5.5-5 4 3.5 3-2.5 4.5 4"/>',
}


def icon(name: str, colour: str, disabled: str) -> QIcon:
    """Return the icon called ``name``.

    Args:
        name: one of the drawings of this file.
        colour: colour of its lines.
        disabled: colour while it can do nothing.
    """
    result = QIcon()
    for mode, lines in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled)):
        for density in _DENSITIES:
            result.addPixmap(pixmap(name, lines, _SIDE_PX, density), mode)
    return result


def pixmap(name: str, colour: str, side_px: int, density: float = 1.0) -> QPixmap:
    """Return the drawing called ``name``, ``side_px`` logical pixels wide, for a screen of that pixel density."""
    device_px = round(side_px * density)
    drawn = QPixmap(QSize(device_px, device_px))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    _renderer(name, colour).render(painter, QRectF(0, 0, device_px, device_px))
    painter.end()
    drawn.setDevicePixelRatio(density)
    return drawn


def _renderer(name: str, colour: str) -> QSvgRenderer:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
        f'stroke="{colour}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">{_SHAPES[name]}</svg>'
    )
    return QSvgRenderer(QByteArray(svg.encode()))

"""What is written over a picture: why there is none, what is being done, what is known of it, what its colours mean."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPalette

from srdesk.gui.compare.image_view import to_qimage
from srdesk.imaging.colour_map import COLOURS

PROGRESS_PX = 3
"""Height of the progress line in logical pixels."""

_MARGIN_PX = 8.0
_PADDING_PX = 8.0
_BAR_PX = 10.0
_OPACITY = 0.85


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours of a map mean; dark is little, bright is much."""

    title: str
    """What is shown, translated."""
    lowest: str
    """Number of the darkest colour."""
    highest: str
    """Number of the brightest one, with its unit."""


@dataclass(frozen=True, slots=True)
class Captions:
    """Everything that is written over one picture."""

    message: str = ""
    """In the middle, instead of a picture."""
    busy: str = ""
    """In a corner while something is computed."""
    fraction: float | None = None
    """Progress from 0 to 1, None where it is not known."""
    note: str = ""
    """In a corner: what is known of the picture, one line or several."""
    legend: Legend | None = None
    """Under the note."""


def paint(painter: QPainter, captions: Captions, part: QRectF, palette: QPalette) -> None:
    """Write everything over the ``part`` of a canvas that the picture is seen in."""
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    if captions.message:
        wrapped = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(part.adjusted(16, 16, -16, -16), wrapped, captions.message)
    free = QRectF(part)
    if captions.busy:
        line = QRectF(part.left(), part.top(), part.width() * (captions.fraction or 0.0), PROGRESS_PX)
        painter.fillRect(line, palette.color(QPalette.ColorRole.Highlight))
        free.setBottom(_paint_chip(painter, captions.busy, None, free, palette))
    if captions.note or captions.legend is not None:
        _paint_chip(painter, captions.note, captions.legend, free, palette)


def _paint_chip(painter: QPainter, text: str, legend: Legend | None, free: QRectF, palette: QPalette) -> float:
    """Write on a ground of its own in the lower left corner of ``free``, and return where that begins."""
    metrics = QFontMetricsF(painter.font(), painter.device())
    room = free.width() - 2 * (_MARGIN_PX + _PADDING_PX)
    lines = [metrics.elidedText(line, Qt.TextElideMode.ElideRight, room) for line in text.splitlines()]
    width = max((metrics.horizontalAdvance(line) for line in lines), default=0.0)
    height = metrics.height() * len(lines)
    if legend is not None:
        width = min(room, max(width, _legend_width(metrics, legend)))
        height += 2 * metrics.height() + _BAR_PX + 2
    chip = QRectF(
        free.left() + _MARGIN_PX, free.bottom() - _MARGIN_PX - height - 8, width + 2 * _PADDING_PX, height + 8
    )
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    ground = palette.color(QPalette.ColorRole.Window)
    ground.setAlphaF(_OPACITY)
    painter.setBrush(ground)
    painter.drawRoundedRect(chip, 4, 4)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(palette.color(QPalette.ColorRole.WindowText))
    inside = chip.adjusted(_PADDING_PX, 4, -_PADDING_PX, -4)
    for number, line in enumerate(lines):
        place = QRectF(inside.left(), inside.top() + number * metrics.height(), inside.width() + 1, metrics.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, line)
    if legend is not None:
        inside.setTop(inside.top() + metrics.height() * len(lines))
        _paint_legend(painter, legend, inside, metrics)
    return chip.top()


def _legend_width(metrics: QFontMetricsF, legend: Legend) -> float:
    ends = metrics.horizontalAdvance(legend.lowest) + metrics.horizontalAdvance(legend.highest) + 24
    return float(max(metrics.horizontalAdvance(legend.title), ends, 160.0))


def _paint_legend(painter: QPainter, legend: Legend, inside: QRectF, metrics: QFontMetricsF) -> None:
    top = QRectF(inside.left(), inside.top(), inside.width() + 1, metrics.height())
    title = metrics.elidedText(legend.title, Qt.TextElideMode.ElideRight, top.width())
    painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
    painter.drawImage(QRectF(inside.left(), top.bottom() + 2, inside.width(), _BAR_PX), to_qimage(COLOURS[None]))
    ends = QRectF(inside.left(), top.bottom() + 2 + _BAR_PX, inside.width() + 1, metrics.height())
    painter.drawText(ends, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, legend.lowest)
    painter.drawText(ends, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, legend.highest)

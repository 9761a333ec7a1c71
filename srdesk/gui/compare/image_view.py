"""How one picture is seen: tiles of a pyramid become QImages (here and nowhere else) and are painted for a viewport."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QBrush, QImage, QPainter, QRegion

from srdesk.gui.compare.pyramid import DisplayImage, TileSource
from srdesk.gui.compare.viewport import CanvasSize, Viewport
from srdesk.imaging.image import Box

os.environ["QT_DRIVER"] = "PySide6"  # read by qimage2ndarray when it is imported: it knows many bindings
import qimage2ndarray

ByteArray = NDArray[np.uint8]

TILE_PX = 128
"""Side of the tiles that are converted one by one."""
TRUE_PIXELS_ABOVE = 3.0
"""From this many device pixels per picture pixel on, pixels are painted as sharp squares."""
MAX_PATCHES = 4
"""Preview patches that are kept for a pane; older ones are dropped."""
PLACEHOLDER_OPACITY = 0.45
"""How much of the placeholder is seen while a pane has no result."""
CHECKER_PX = 8
"""Side of the squares under transparent pixels, in device pixels."""
CHECKER_GREYS = (153, 204)
"""The two greys of these squares."""


def to_qimage(pixels: ByteArray) -> QImage:
    """Return a QImage with a copy of ``pixels``.

    Args:
        pixels: `(H, W, C)` uint8: grey, grey and alpha, RGB, or RGB and straight alpha; any strides, not kept.
    """
    height, width, channels = pixels.shape
    image = QImage(width, height, _format(has_alpha=channels in (2, 4)))
    _write(image, 0, 0, pixels)
    return image


class Mosaic:
    """The tiles of one level that a canvas needs, put together in one QImage no larger than the screen needs.

    Tiles that are still to be converted show what was there before, or the overview, enlarged.

    Args:
        source: Where the tiles come from.
    """

    def __init__(self, source: TileSource) -> None:
        self.source = source
        self.image = QImage()
        self.level = -1
        self.box = Box(0, 0, 0, 0)
        self._missing: set[tuple[int, int]] = set()
        self._awaited: set[tuple[int, int]] = set()

    @property
    def is_sharp(self) -> bool:
        """Whether every tile of `box` has been converted."""
        return not self._missing

    @property
    def can_sharpen(self) -> bool:
        """Whether there are tiles that could be converted now; others have to be read from the disk first."""
        return self._missing != self._awaited

    def cover(self, level: int, box: Box, budget_s: float) -> None:
        """Make `image` show at least ``box`` of ``level``; convert tiles until ``budget_s`` is spent, one at least."""
        if level != self.level or not _holds(self.box, box):
            self._move(level, _in_whole_tiles(box, self.source.level_size(level)))
        self._convert((box.top + box.height / 2, box.left + box.width / 2), budget_s)

    def replace(self, source: TileSource) -> None:
        """Take the tiles from another source of the same size; until they are converted the old ones are seen."""
        if source.has_alpha is not self.source.has_alpha or source.level_size(0) != self.source.level_size(0):
            self.image, self.level, self.box = QImage(), -1, Box(0, 0, 0, 0)
        self.source = source
        self._missing, self._awaited = _tiles(self.box), set()

    def _move(self, level: int, box: Box) -> None:
        image = QImage(box.width, box.height, _format(has_alpha=self.source.has_alpha))
        painter = QPainter(image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        before = QRectF() if self.image.isNull() else _place(self.box, self.level, level, box)
        uncovered = QRegion(image.rect()) - QRegion(before.toRect().adjusted(1, 1, -1, -1))
        if not uncovered.isEmpty():
            painter.setClipRegion(uncovered)
            self._paint_overview(painter, level, box)
            painter.setClipping(False)
        painter.drawImage(before, self.image, QRectF(self.image.rect()))
        painter.end()
        ready = _tiles(self.box) - self._missing if level == self.level else set()
        self.image, self.level, self.box = image, level, box
        self._missing = _tiles(box) - ready

    def _paint_overview(self, painter: QPainter, level: int, box: Box) -> None:
        last = self.source.level_count - 1
        height, width = self.source.level_size(last)
        pixels = self.source.glimpse()
        if pixels.shape[:2] != (height, width):  # one colour for all
            painter.drawImage(QRectF(0, 0, box.width, box.height), to_qimage(pixels[:1, :1]), QRectF(0, 0, 1, 1))
            return
        factor = 2.0 ** (level - last)
        # Only what is needed: painters do not reach as far as a large picture does.
        top, left = int(box.top * factor), int(box.left * factor)
        part = pixels[top : math.ceil(box.bottom * factor) + 1, left : math.ceil(box.right * factor) + 1]
        image, place = to_qimage(part), Box(top, left, part.shape[0], part.shape[1])
        painter.drawImage(_place(place, last, level, box), image, QRectF(image.rect()))

    def _convert(self, centre: tuple[float, float], budget_s: float) -> None:
        deadline_s = time.perf_counter() + budget_s
        row, column = centre[0] / TILE_PX - 0.5, centre[1] / TILE_PX - 0.5
        nearest_first = sorted(self._missing, key=lambda tile: math.hypot(tile[0] - row, tile[1] - column))
        self._awaited = set()
        for tile_row, tile_column in nearest_first:
            tile = Box(tile_row * TILE_PX, tile_column * TILE_PX, TILE_PX, TILE_PX)
            tile = tile.clipped(*self.source.level_size(self.level))
            pixels = self.source.tile(self.level, tile)
            if pixels is None:
                self._awaited.add((tile_row, tile_column))
            else:
                _write(self.image, tile.top - self.box.top, tile.left - self.box.left, pixels)
                self._missing.discard((tile_row, tile_column))
            if time.perf_counter() > deadline_s:
                break


class ImageLayer:
    """What one pane shows: its picture, or sharp patches over a dimmed placeholder until there is one."""

    def __init__(self) -> None:
        self.source: TileSource | None = None
        self._mosaic: Mosaic | None = None
        self._placeholder: Mosaic | None = None
        self._patches: list[tuple[Box, DisplayImage, Mosaic]] = []

    def show(self, source: TileSource | None) -> None:
        """Show ``source``, or nothing; patches and the placeholder are no longer needed."""
        self.source = source
        self._mosaic = Mosaic(source) if source else None
        self._placeholder = None
        self._patches = []

    def wait(self, placeholder: TileSource | None) -> None:
        """Show ``placeholder`` dimmed until there is something better."""
        self.show(None)
        self._placeholder = Mosaic(placeholder) if placeholder else None

    def add_patch(self, lr_box: Box, patch: DisplayImage) -> None:
        """Show ``patch`` where ``lr_box`` is, over the placeholder and over older patches."""
        self._patches = [old for old in self._patches if not _holds(lr_box, old[0])][1 - MAX_PATCHES :]
        self._patches.append((lr_box, patch, Mosaic(patch)))

    def replace(self, changed: Callable[[TileSource | None], TileSource | None]) -> None:
        """Show what ``changed`` makes of everything that is shown, in the same place."""
        self.source = changed(self.source)
        for mosaic in self._mosaics():
            source = changed(mosaic.source)
            if source is not None and source is not mosaic.source:
                mosaic.replace(source)

    @property
    def patches(self) -> list[tuple[Box, DisplayImage]]:
        """The patches and where they are, the newest last."""
        return [(lr_box, patch) for lr_box, patch, _ in self._patches]

    @property
    def is_sharp(self) -> bool:
        """Whether the last `paint` had all the tiles that it needed."""
        return all(mosaic.is_sharp for mosaic in self._mosaics())

    @property
    def can_sharpen(self) -> bool:
        """Whether the next `paint` would be sharper, without anything more from the disk."""
        return any(mosaic.can_sharpen for mosaic in self._mosaics())

    def forget_requests(self) -> None:
        """Take notice that something else is looked at."""
        for mosaic in self._mosaics():
            mosaic.source.forget_requests()

    def _mosaics(self) -> list[Mosaic]:
        mosaics = [self._mosaic, self._placeholder, *(mosaic for *_, mosaic in self._patches)]
        return [mosaic for mosaic in mosaics if mosaic is not None]

    def paint(self, painter: QPainter, viewport: Viewport, canvas: CanvasSize, clip: QRect, budget_s: float) -> None:
        """Paint what ``viewport`` shows inside ``clip``; ``painter`` and ``clip`` are in device pixels.

        Tiles are converted until ``budget_s`` is spent; what is then missing is painted coarsely, see `is_sharp`.
        """
        left, top = viewport.origin(canvas)
        if self._mosaic is not None:
            _paint(painter, self._mosaic, QPointF(left, top), viewport.ratio, clip, budget_s)
            return
        if self._placeholder is not None:
            painter.setOpacity(PLACEHOLDER_OPACITY)
            _paint(painter, self._placeholder, QPointF(left, top), viewport.ratio, clip, budget_s)
            painter.setOpacity(1.0)
        for lr_box, _, mosaic in self._patches:
            place = QPointF(left + lr_box.left * viewport.ratio, top + lr_box.top * viewport.ratio)
            _paint(painter, mosaic, place, viewport.ratio, clip, budget_s)


def _paint(painter: QPainter, mosaic: Mosaic, origin: QPointF, ratio: float, clip: QRect, budget_s: float) -> None:
    """Paint the part of a pyramid inside ``clip``, its upper left corner at ``origin``, at the right level."""
    source = mosaic.source
    own_y, own_x = ratio / source.scale[0], ratio / source.scale[1]
    level = min(max(0, math.floor(1e-9 - math.log2(max(own_y, own_x)))), source.level_count - 1)
    pitch_y, pitch_x = own_y * 2**level, own_x * 2**level
    # One pixel more on every side, since the smooth filter looks at its neighbours.
    top = math.floor((clip.top() - origin.y()) / pitch_y) - 1
    left = math.floor((clip.left() - origin.x()) / pitch_x) - 1
    bottom = math.ceil((clip.top() + clip.height() - origin.y()) / pitch_y) + 1
    right = math.ceil((clip.left() + clip.width() - origin.x()) / pitch_x) + 1
    box = Box(top, left, bottom - top, right - left).clipped(*source.level_size(level))
    if box.is_empty:
        return
    mosaic.cover(level, box, budget_s)
    height, width = source.level_size(0)
    # The last pixel of a coarse level may reach over the edge of the picture.
    painter.setClipRect(QRectF(origin.x(), origin.y(), width * own_x, height * own_y).toRect() & clip)
    if source.has_alpha and painter.opacity() == 1.0:  # else it would shine through what is opaque
        painter.fillRect(clip, _checkerboard())
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, max(own_y, own_x) <= TRUE_PIXELS_ABOVE)
    painter.drawImage(
        QRectF(
            origin.x() + box.left * pitch_x, origin.y() + box.top * pitch_y, box.width * pitch_x, box.height * pitch_y
        ),
        mosaic.image,
        QRectF(box.left - mosaic.box.left, box.top - mosaic.box.top, box.width, box.height),
    )
    painter.setClipping(False)


def _checkerboard() -> QBrush:
    squares = np.kron([[0, 1], [1, 0]], np.ones((CHECKER_PX, CHECKER_PX), np.uint8))
    greys = np.asarray(CHECKER_GREYS, np.uint8)[squares]
    return QBrush(to_qimage(greys[..., None]))


def _format(*, has_alpha: bool) -> QImage.Format:
    return QImage.Format.Format_ARGB32_Premultiplied if has_alpha else QImage.Format.Format_RGB32


def _write(image: QImage, top: int, left: int, pixels: ByteArray) -> None:
    """Copy ``pixels`` into ``image``, channel by channel: four times as fast as `qimage2ndarray.array2qimage`."""
    height, width, channels = pixels.shape
    target = qimage2ndarray.byte_view(image, "little")[top : top + height, left : left + width]
    if channels in (2, 4):
        alpha = pixels[..., -1:]
        target[..., 3] = alpha[..., 0]
        pixels = ((pixels[..., :-1].astype(np.uint16) * alpha + 127) // 255).astype(np.uint8)
    else:
        target[..., 3] = 255
    for blue_first, red_first in enumerate((2, 1, 0)):
        target[..., blue_first] = pixels[..., red_first if channels > 2 else 0]


def _place(box: Box, level: int, on_level: int, inside: Box) -> QRectF:
    """Return where ``box`` of ``level`` lies in an image that shows the box ``inside`` of ``on_level``."""
    factor = 2.0 ** (level - on_level)
    return QRectF(
        box.left * factor - inside.left, box.top * factor - inside.top, box.width * factor, box.height * factor
    )


def _in_whole_tiles(box: Box, level_size: tuple[int, int]) -> Box:
    top, left = box.top // TILE_PX * TILE_PX, box.left // TILE_PX * TILE_PX
    bottom, right = -(-box.bottom // TILE_PX) * TILE_PX, -(-box.right // TILE_PX) * TILE_PX
    return Box(top, left, bottom - top, right - left).clipped(*level_size)


def _tiles(box: Box) -> set[tuple[int, int]]:
    """Return (row, column) of all tiles in a box that consists of whole tiles."""
    rows = range(box.top // TILE_PX, -(-box.bottom // TILE_PX))
    columns = range(box.left // TILE_PX, -(-box.right // TILE_PX))
    return {(row, column) for row in rows for column in columns}


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and outer.bottom >= inner.bottom
        and outer.right >= inner.right
    )

"""Antialiased bicubic resampling: the baseline that people compare with, and the degradation that makes LR from HR.

Keys' cubic convolution (R. Keys, "Cubic Convolution Interpolation for Digital Image Processing", IEEE TASSP 1981,
equation 15, a = −0.5) with half-pixel centres, widened by the factor of a reduction, as in MATLAB's ``imresize``.
Rows and columns are resampled one after the other. The LR files of the published Set5 and Set14 tables were made by an
older ``imresize`` that repeated the edge pixels where today's mirrors them, and that rounded to 8 bit between the two
passes: `degrade` does the first, `degrade_8bit` both, and then gives those files bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import Box, FloatArray, Source

Edge = Literal["mirror", "repeat"]
"""What lies beyond an edge: the picture mirrored, edge pixel included, or the edge pixel repeated."""

_CUBIC_A = -0.5
_CUBIC_RADIUS_PX = 2.0
_TILE_HEIGHT_PX = 64
_TILE_WIDTH_PX = 768
"""Output tile whose intermediate arrays stay in a processor's second-level cache."""


def resize_bicubic(pixels: FloatArray, height: int, width: int) -> FloatArray:
    """Resize a whole picture.

    Args:
        pixels: `(H, W, C)` float32; not modified.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.

    Returns:
        `(height, width, C)` float32, not clipped: bicubic overshoots at edges.
    """
    result = np.empty((height, width, pixels.shape[2]), np.float32)
    for box, tile in _resized_tiles(_ArraySource(pixels), height, width, Box(0, 0, height, width)):
        result[box.top : box.bottom, box.left : box.right] = tile
    return result


def resize_bicubic_box(source: Source, box: Box, *, height: int, width: int) -> FloatArray:
    """Return one box of ``source`` resized to ``height`` × ``width`` pixels.

    Args:
        source: the picture; only what the box depends on is read.
        box: rectangle of the resized picture, inside it.
        height: rows of the whole resized picture.
        width: columns of the whole resized picture.

    Returns:
        `(box.height, box.width, C)` float32, not clipped, bit for bit that part of `resize_bicubic` of the whole.
    """
    result = np.empty((box.height, box.width, source.channels), np.float32)
    for part, tile in _resized_tiles(source, height, width, box):
        top, left = part.top - box.top, part.left - box.left
        result[top : top + part.height, left : left + part.width] = tile
    return result


def upscale_bicubic_box(source: Source, box: Box, scale: int = 4) -> FloatArray:
    """Return the bicubic enlargement of an LR ``box`` of ``source``.

    Returns:
        `(scale · box.height, scale · box.width, C)` float32, not clipped, bit for bit that part of the enlargement of
        the whole picture.
    """
    return resize_bicubic_box(source, box.scaled(scale), height=source.height * scale, width=source.width * scale)


def degrade(hr: FloatArray, scale: int = 4) -> FloatArray:
    """Make the LR picture of an HR picture, as training and test data are made.

    Args:
        hr: `(H, W, C)` float32; H and W are multiples of ``scale``; not modified.
        scale: factor of the reduction.

    Returns:
        `(H / scale, W / scale, C)` float32, not clipped; clipped, within 1 of 255 of nearly every pixel of
        the published LR files of Set5 and Set14.
    """
    height, width = _reduced_size(hr.shape, scale)
    return _reduced(_reduced(hr, 0, height), 1, width)


def degrade_8bit(hr_numbers: NDArray[np.uint8], scale: int = 4) -> NDArray[np.uint8]:
    """Make the 8-bit LR picture that published tables use, bit for bit, from 8-bit HR numbers ``(H, W, C)``."""
    height, width = _reduced_size(hr_numbers.shape, scale)
    rows = _rounded_8bit(_reduced(hr_numbers.astype(np.float32), 0, height))
    return _rounded_8bit(_reduced(rows.astype(np.float32), 1, width))


def _reduced_size(shape: tuple[int, ...], scale: int) -> tuple[int, int]:
    height, width = shape[:2]
    if height % scale or width % scale:
        raise ValueError(f"{height} × {width} pixels are not a multiple of {scale}; crop first")
    return height // scale, width // scale


def _reduced(pixels: FloatArray, axis: Literal[0, 1], size: int) -> FloatArray:
    index, weight = _taps(pixels.shape[axis], size, "repeat")
    return _weighted(pixels, axis, index, weight)


def _rounded_8bit(pixels: FloatArray) -> NDArray[np.uint8]:
    # Rounds halves up as MATLAB does; np.rint would round them to even.
    rounded: FloatArray = np.floor(np.clip(pixels, 0, 255) + np.float32(0.5))
    return rounded.astype(np.uint8)


class _ArraySource:
    """An array as a `Source`."""

    def __init__(self, pixels: FloatArray) -> None:
        self.height, self.width, self.channels = pixels.shape
        self._pixels = pixels

    def read(self, box: Box) -> FloatArray:
        return self._pixels[box.top : box.bottom, box.left : box.right]


def _resized_tiles(source: Source, height: int, width: int, wanted: Box) -> Iterator[tuple[Box, FloatArray]]:
    """Yield ``wanted``, a box of the resized picture, in tiles that fit a processor's cache."""
    if height < 1 or width < 1:
        raise ValueError(f"a picture cannot have {height} × {width} pixels")
    row_index, row_weight = _taps(source.height, height, "mirror")
    column_index, column_weight = _taps(source.width, width, "mirror")
    # The smaller intermediate picture is made first; the choice depends on whole sizes only, so that every box of a
    # picture goes through the same sums.
    is_rows_first = height < source.height
    for top in range(wanted.top, wanted.bottom, _TILE_HEIGHT_PX):
        rows = slice(top, min(top + _TILE_HEIGHT_PX, wanted.bottom))
        for left in range(wanted.left, wanted.right, _TILE_WIDTH_PX):
            columns = slice(left, min(left + _TILE_WIDTH_PX, wanted.right))
            needed = _spanned(row_index[rows], column_index[columns])
            tile = source.read(needed)
            passes: list[tuple[Literal[0, 1], NDArray[np.intp], FloatArray]] = [
                (0, row_index[rows] - needed.top, row_weight[rows]),
                (1, column_index[columns] - needed.left, column_weight[columns]),
            ]
            for axis, index, weight in passes if is_rows_first else reversed(passes):
                tile = _weighted(tile, axis, index, weight)
            yield Box(top, left, tile.shape[0], tile.shape[1]), tile


def _spanned(row_index: NDArray[np.intp], column_index: NDArray[np.intp]) -> Box:
    top, left = int(row_index.min()), int(column_index.min())
    return Box(top, left, int(row_index.max()) + 1 - top, int(column_index.max()) + 1 - left)


def _weighted(pixels: FloatArray, axis: Literal[0, 1], index: NDArray[np.intp], weight: FloatArray) -> FloatArray:
    """Return the weighted sums of ``pixels`` taken along ``axis`` at ``index`` `(size, taps)`.

    The taps are added one by one, element by element, so that a sum never depends on its neighbours: a matrix product
    is free to add in another order for another shape, and boxes would no longer equal the whole bit for bit.
    """
    height, width, channels = pixels.shape
    size, taps = index.shape
    height, width = (size, width) if axis == 0 else (height, size)
    # Weights per number of a row, or per row: two-dimensional products of long rows are several times as fast as
    # three-dimensional ones with three channels innermost.
    weight_of = [w[:, None] for w in weight.T] if axis == 0 else [np.repeat(w, channels) for w in weight.T]
    total = np.zeros((height, width * channels), np.float32)
    term = np.empty((height, width, channels), np.float32)
    flat_term = term.reshape(height, width * channels)
    for tap in range(taps):
        pixels.take(index[:, tap], axis=axis, out=term, mode="clip")  # "clip" lets numpy write to `out` directly
        flat_term *= weight_of[tap]
        total += flat_term
    return total.reshape(height, width, channels)


@lru_cache(maxsize=64)
def _taps(size_in: int, size_out: int, edge: Edge) -> tuple[NDArray[np.intp], FloatArray]:
    """Return the input index and the weight of every tap, both `(size_out, taps)`, of one axis."""
    scale = size_out / size_in
    stretch = min(scale, 1.0)
    radius_px = _CUBIC_RADIUS_PX / stretch
    centre = (np.arange(size_out) + 0.5) / scale - 0.5
    first = np.floor(centre - radius_px).astype(np.intp)
    position = first[:, None] + np.arange(int(np.ceil(2 * radius_px)) + 2)
    weight = _cubic(np.abs(centre[:, None] - position) * stretch)
    weight /= weight.sum(axis=1, keepdims=True)
    is_used = weight.any(axis=0)
    index = np.ascontiguousarray(_folded(position, size_in, edge)[:, is_used])
    weight_used = np.ascontiguousarray(weight[:, is_used], np.float32)
    index.flags.writeable = weight_used.flags.writeable = False
    return index, weight_used


def _folded(position: NDArray[np.intp], size: int, edge: Edge) -> NDArray[np.intp]:
    """Return which sample stands at ``position`` of an axis that goes on beyond its edges."""
    if edge == "repeat":
        return position.clip(0, size - 1)
    turn = position % (2 * size)
    return np.minimum(turn, 2 * size - 1 - turn)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' kernel (equation 4) at absolute distances in pixels."""
    near = (_CUBIC_A + 2) * distance**3 - (_CUBIC_A + 3) * distance**2 + 1
    far = _CUBIC_A * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))

"""Bands of a scene on their way through a network: numbers to `[0, 1]`, and back without losing any.

What a map to float32 cannot hold, be it the last digits of a 32-bit integer or a value far beyond the range that most
values lie in, is not given to the network but kept aside as a remainder, and added to the result again. Pixels without
data are filled for the network, so that they do not spread, and put back afterwards.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.scene.holes import CELL_PX, REACH_PX, fill_holes
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import UINT8, ValueMap, opacity_map

SLAB_PX = 128
"""Rows that are read and filled in one go; a multiple of `CELL_PX`."""

_CACHED_SLABS = 6
"""Slabs that stay in memory: results come some rows after the pixels that they were made of."""

_MARGIN_PX = 64
"""Columns beside a window that are held as well: what a network looks around."""

_PIECE_WIDTH_PX = 8192
_SAMPLES = 2**20
"""Pixels of a band, at most, that its percentiles are taken from."""

_PERCENTILES = (0.1, 99.9)
_MOST_BEYOND = 4.0
"""If all values span more than so many times what most of them span, the network sees the range of most."""

_LARGEST_GAIN = 1e300
"""Differences of float64 numbers can be infinite."""

_EXACT_SPAN = 2.0**22
"""Integers that float32 tells apart with certainty, after a map to `[0, 1]` and back."""


@dataclass(frozen=True, slots=True)
class _Slab:
    """Some rows of some bands."""

    numbers: Numbers
    """As in the file, ``(H, W, C)``."""
    is_data: NDArray[np.bool_]
    """``(H, W, C)``."""
    unit: FloatArray
    """What the network sees, ``(H, W, C)``."""


class BandReader(Protocol):
    """Numbers of a scene, window by window; `srdesk.imaging.scene.geotiff.GeoTiff` is one."""

    @property
    def height(self) -> int:
        """Rows."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def dtype(self) -> str:
        """Numpy name of the type of all numbers."""

    @property
    def nodata(self) -> tuple[float | None, ...]:
        """The number of each band that means "no data"."""

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        """Return the numbers of ``box``, which lies inside the scene, ``(height, width, bands)``."""

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> NDArray[np.bool_]:
        """Tell which of the ``numbers`` of ``box`` are data, ``(height, width, bands)``."""


class SceneBands:
    """One or three bands of a scene as a `Source`; its `restored` turns what comes out into numbers of the file.

    Args:
        scene: where they are read from.
        numbers: which ones, from 1; three go through the network as red, green and blue.
        values: the map of their numbers to `[0, 1]`, as `measured_values` gives it.
    """

    def __init__(self, scene: BandReader, numbers: tuple[int, ...], values: ValueMap) -> None:
        self.height, self.width, self.channels = scene.height, scene.width, len(numbers)
        self.numbers = numbers
        self.values = values
        self._scene = scene
        self._nodata = [scene.nodata[number - 1] for number in numbers]
        self._columns = (0, 0)
        self._slabs: OrderedDict[int, _Slab] = OrderedDict()

    def move_to(self, window: Box) -> None:
        """Get ready for reads in and around ``window``."""
        columns = max(0, window.left - _MARGIN_PX), min(self.width, window.right + _MARGIN_PX)
        if columns != self._columns:
            self._columns = columns
            self._slabs.clear()

    def read(self, box: Box) -> FloatArray:
        """Return the pixels of ``box`` in `[0, 1]`, filled where there are no data (`Source`).

        Raises:
            ImageReadError: the file is damaged there.
        """
        return self._assembled(box, "unit")

    def restored(self, box: Box, pixels: FloatArray, scale: int) -> Numbers:
        """Return the result for an LR ``box`` as numbers of the file.

        Args:
            box: LR rectangle.
            pixels: what was made of it, ``(scale · height, scale · width, C)``; may be modified.
            scale: how many times as fine they are.

        Raises:
            ImageReadError: the file is damaged there.
        """
        stored = self._assembled(box, "numbers")
        is_data = self._assembled(box, "is_data")
        if self._has_remainders(stored, is_data):
            result = self._with_remainders(stored, is_data, pixels, scale)
        else:
            result = self.values.from_unit(pixels)
        self._keep_off_nodata(result)
        if not is_data.all():
            np.copyto(result, _repeated(stored, scale), where=~_repeated(is_data, scale))
        return result

    def copied(self, box: Box, scale: int) -> Numbers:
        """Return the numbers of an LR ``box`` with every pixel repeated ``scale`` times along both sides.

        Raises:
            ImageReadError: the file is damaged there.
        """
        return _repeated(self._assembled(box, "numbers"), scale)

    def is_void(self, box: Box) -> bool:
        """Tell whether there are no data at all in an LR ``box``, so that its result is a copy.

        Raises:
            ImageReadError: the file is damaged there.
        """
        tops = range(box.top, box.bottom, SLAB_PX)
        strips = (Box(top, box.left, min(SLAB_PX, box.bottom - top), box.width) for top in tops)
        return not any(self._assembled(strip, "is_data").any() for strip in strips)

    def _has_remainders(self, stored: Numbers, is_data: NDArray[np.bool_]) -> bool:
        """Tell whether the map to float32 and back would change some of the numbers."""
        low, high = self.values.offset, self.values.offset + self.values.gain
        if stored.dtype.kind == "f" or max(abs(low), abs(high)) > _EXACT_SPAN:
            return True
        data = stored if is_data.all() else stored[is_data]
        return bool(data.size) and bool(data.min() < low or data.max() > high)

    def _with_remainders(self, stored: Numbers, is_data: NDArray[np.bool_], pixels: FloatArray, scale: int) -> Numbers:
        # What the network added to what it saw is added to what there was, which leaves the remainder in it.
        change = pixels.astype(np.float64)
        change -= _repeated(_unit(stored, is_data, self.values), scale)
        change *= self.values.gain
        result = _repeated(np.where(is_data, stored, 0).astype(np.float64), scale)
        result += change
        if stored.dtype.kind != "f":
            np.rint(result, out=result)
        lowest, highest = _limits(self.values.dtype)
        np.clip(result, lowest, highest, out=result)
        return result.astype(stored.dtype)

    def _keep_off_nodata(self, result: Numbers) -> None:
        """Move results that happen to be the number for "no data" to the next one, in place."""
        for channel, nodata in enumerate(self._nodata):
            if nodata is None or np.isnan(nodata):
                continue
            plane = result[:, :, channel]
            is_hit = plane == nodata
            if is_hit.any():
                plane[is_hit] = _neighbour(nodata, result.dtype, self.values)

    def _assembled(self, box: Box, part: str) -> NDArray[Any]:
        left, right = self._columns
        if box.left < left or box.right > right:
            self.move_to(box)
            left, right = self._columns
        first, last = box.top // SLAB_PX, (box.bottom - 1) // SLAB_PX
        pieces = []
        for number in range(first, last + 1):
            top = number * SLAB_PX
            rows = slice(max(box.top - top, 0), min(box.bottom - top, SLAB_PX))
            pieces.append(getattr(self._slab(number), part)[rows, box.left - left : box.right - left])
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _slab(self, number: int) -> _Slab:
        slab = self._slabs.get(number)
        if slab is not None:
            self._slabs.move_to_end(number)
            return slab
        left, right = self._columns
        top = number * SLAB_PX
        box = Box(top, left, min(SLAB_PX, self.height - top), right - left)
        numbers = self._scene.read(self.numbers, box)
        is_data = self._scene.data_mask(self.numbers, box, numbers)
        unit = _unit(numbers, is_data, self.values) if is_data.all() else self._filled(box)
        slab = self._slabs[number] = _Slab(numbers, is_data, unit)
        while len(self._slabs) > _CACHED_SLABS:
            self._slabs.popitem(last=False)
        return slab

    def _filled(self, box: Box) -> FloatArray:
        """Return what the network sees in a box where there are holes."""
        grown = box.grown(REACH_PX)
        top, left = max(0, grown.top // CELL_PX * CELL_PX), max(0, grown.left // CELL_PX * CELL_PX)
        around = Box(top, left, grown.bottom - top, grown.right - left).clipped(self.height, self.width)
        numbers = self._scene.read(self.numbers, around)
        is_data = self._scene.data_mask(self.numbers, around, numbers)
        filled = fill_holes(_unit(numbers, is_data, self.values), is_data)
        return filled[box.top - top :, box.left - left :][: box.height, : box.width].copy()


def measured_values(scene: BandReader, numbers: tuple[int, ...], check: Callable[[], None]) -> ValueMap:
    """Return the map to `[0, 1]` for bands that go through a network together.

    8-bit numbers keep the range of their type, as in photos. All others are measured: a scene in 16 bits uses a few per
    cent of their range, and networks trained on photos do worse than the bicubic on so faint a picture. The range is
    that of all data, unless single values lie far beyond the others; these are then remainders.

    Args:
        scene: where the bands are read from, once from top to bottom.
        numbers: which ones, from 1.
        check: called between reads; raises to stop.

    Raises:
        ImageReadError: the file is damaged.
    """
    if scene.dtype == "uint8":
        return UINT8
    lowest, highest = np.inf, -np.inf
    step = max(1, int(np.ceil(np.sqrt(scene.height * scene.width * len(numbers) / _SAMPLES))))
    samples = []
    for box in _pieces(scene.height, scene.width):
        check()
        stored = scene.read(numbers, box)
        is_data = scene.data_mask(numbers, box, stored)
        data = stored if is_data.all() else stored[is_data]
        if data.size:
            lowest, highest = min(lowest, float(data.min())), max(highest, float(data.max()))
        grid = np.s_[-box.top % step :: step, -box.left % step :: step]
        samples.append(stored[grid][is_data[grid]].astype(np.float64))
    if lowest > highest:  # no data at all
        return opacity_map(scene.dtype)
    sampled = np.concatenate(samples)
    if sampled.size:
        low, high = (float(value) for value in np.percentile(sampled, _PERCENTILES))
        if high > low and (highest - lowest) > _MOST_BEYOND * (high - low):
            lowest, highest = low, high
    if np.dtype(scene.dtype).kind != "f":
        lowest, highest = np.floor(lowest), np.ceil(highest)
    gain = min(float(highest - lowest), _LARGEST_GAIN) or 1.0
    return ValueMap(scene.dtype, gain, float(lowest))


def _pieces(height: int, width: int) -> Iterator[Box]:
    """Yield boxes that cover a scene."""
    for top in range(0, height, SLAB_PX):
        for left in range(0, width, _PIECE_WIDTH_PX):
            yield Box(top, left, min(SLAB_PX, height - top), min(_PIECE_WIDTH_PX, width - left))


def _unit(numbers: Numbers, is_data: NDArray[np.bool_], values: ValueMap) -> FloatArray:
    """Return numbers in `[0, 1]`, cut off there; 0 where there are no data."""
    data = numbers if is_data.all() else np.where(is_data, numbers, numbers.dtype.type(0))
    unit = values.to_unit(data)
    np.clip(unit, 0.0, 1.0, out=unit)
    return unit


def _limits(dtype: str) -> tuple[float, float]:
    limits: Any = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    return float(limits.min), float(limits.max)


def _repeated(array: NDArray[Any], scale: int) -> NDArray[Any]:
    return array.repeat(scale, axis=0).repeat(scale, axis=1)


def _neighbour(nodata: float, dtype: np.dtype[np.generic], values: ValueMap) -> float:
    """Return the number beside ``nodata`` on the side where the data are."""
    middle = values.offset + values.gain / 2
    if dtype.kind == "f":
        return float(np.nextafter(dtype.type(nodata), dtype.type(middle)))
    return nodata + 1 if nodata < middle else nodata - 1

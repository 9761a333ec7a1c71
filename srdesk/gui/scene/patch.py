"""Some pixels of a level of a scene, and the same in fewer pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from srdesk.imaging.stored import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Some pixels of a level. Read-only."""

    numbers: Numbers
    """`(H, W, C)`, as in the file."""
    is_data: NDArray[np.bool_] | None
    """`(H, W)`, False where there is nothing to see; None where the whole scene has data."""

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return self.numbers.nbytes + (0 if self.is_data is None else self.is_data.nbytes)


def reduced(patch: Patch, factor: int, *, is_of_classes: bool) -> Patch:
    """Return the averages of ``factor`` × ``factor`` pixels that are data, fewer at the edges; of classes, one of them.

    GDAL takes two to five times as long for the same.

    Args:
        patch: what is made coarser.
        factor: pixels along each side that become one.
        is_of_classes: whether its numbers are names, which have no average.
    """
    numbers, is_data = patch.numbers, patch.is_data
    if is_of_classes:
        coarse = np.ascontiguousarray(numbers[::factor, ::factor])
        return Patch(coarse, None if is_data is None else np.ascontiguousarray(is_data[::factor, ::factor]))
    if is_data is None and numbers.dtype == np.uint8:
        flat = PIL.Image.fromarray(np.ascontiguousarray(numbers[..., 0] if numbers.shape[2] == 1 else numbers))
        small = np.asarray(flat.reduce(factor))
        return Patch(small.reshape(*small.shape[:2], numbers.shape[2]), None)
    known = np.ones(numbers.shape[:2], np.bool_) if is_data is None else is_data
    shown = numbers if is_data is None else np.where(known[:, :, None], numbers, numbers.dtype.type(0))
    counts = _sums(known[:, :, None], factor)
    means = _sums(shown, factor) / np.maximum(counts, 1)
    if numbers.dtype.kind != "f":
        np.rint(means, out=means)
    return Patch(means.astype(numbers.dtype), None if is_data is None else counts[:, :, 0] > 0)


def _sums(numbers: Numbers, factor: int) -> NDArray[np.float64]:
    height, width, channels = numbers.shape
    rows, columns = -(-height // factor), -(-width // factor)
    if (rows * factor, columns * factor) != (height, width):
        grown = np.zeros((rows * factor, columns * factor, channels), numbers.dtype)
        grown[:height, :width] = numbers
        numbers = grown
    # Rows first, since that runs through the memory in its order.
    of_rows = numbers.reshape(rows, factor, -1).sum(axis=1, dtype=np.float64)
    sums: NDArray[np.float64] = of_rows.reshape(rows, columns, factor, channels).sum(axis=2)
    return sums

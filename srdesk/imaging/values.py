"""The reversible map between the numbers in a file and the range [0, 1] that the networks work in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ValueMap:
    """A linear map ``file = value · gain + offset`` with the data type that the file stores.

    The default is the map of 8-bit photos. Bit depth comes from the file, never from the largest pixel.
    """

    dtype: str = "uint8"
    """Numpy name of the type in the file: uint8, uint16, int16 or float32."""
    gain: float = 255.0
    """File units per unit of `[0, 1]`."""
    offset: float = 0.0
    """File value that becomes 0."""

    def to_unit(self, stored: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return ``stored`` file numbers as float32 in ``[0, 1]``."""
        if stored.dtype == np.uint8 and self.gain == 255.0 and self.offset == 0.0:
            unit: NDArray[np.float32] = _UINT8_TO_UNIT[stored]
            return unit
        wide = stored.astype(np.float64)
        return ((wide - self.offset) / self.gain).astype(np.float32)

    def from_unit(self, unit: NDArray[np.float32]) -> NDArray[np.generic]:
        """Return float32 ``unit`` values as file numbers, rounded to nearest and clipped to the type's range."""
        dtype = np.dtype(self.dtype)
        scaled = unit.astype(np.float64) * self.gain + self.offset
        if dtype.kind == "f":
            return scaled.astype(dtype)
        limits = np.iinfo(dtype)
        return np.clip(np.rint(scaled), limits.min, limits.max).astype(dtype)


UINT8 = ValueMap()
"""The map of 8-bit photos."""

UINT16 = ValueMap("uint16", 65535.0)
"""The map of 16-bit photos."""

_UINT8_TO_UNIT: NDArray[np.float32] = (np.arange(256) / 255.0).astype(np.float32)

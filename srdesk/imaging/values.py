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
    """Numpy name of the type in the file: uint8, uint16, int16, uint32, int32, int64, float32 or float64."""
    gain: float = 255.0
    """File units per unit of `[0, 1]`."""
    offset: float = 0.0
    """File value that becomes 0."""

    def to_unit(self, stored: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return ``stored`` file numbers as float32 in ``[0, 1]``, in an array of their own."""
        if self.offset == 0.0 and stored.dtype.kind != "i" and stored.dtype != np.float64:
            # Every 8-bit and 16-bit number is exact in float32, and so is the quotient's rounding.
            unit: NDArray[np.float32] = np.divide(stored, np.float32(self.gain), dtype=np.float32, casting="same_kind")
            return unit
        wide = stored.astype(np.float64)
        wide -= self.offset
        wide /= self.gain
        with np.errstate(over="ignore"):  # values far beyond the range of ``gain``
            return wide.astype(np.float32)

    def from_unit(self, unit: NDArray[np.float32]) -> NDArray[np.generic]:
        """Return float32 ``unit`` values as file numbers, rounded to nearest and clipped to the type's range."""
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            if self.gain == 1.0 and self.offset == 0.0:
                return unit.astype(dtype)
            return (unit.astype(np.float64) * self.gain + self.offset).astype(dtype)
        limits = np.iinfo(dtype)
        if dtype.itemsize > 2:
            wide = np.rint(unit.astype(np.float64) * self.gain + self.offset)
            # The largest number of 64 bits is none of float64, and the next one would wrap around.
            highest = float(limits.max) if dtype.itemsize < 8 else np.nextafter(float(limits.max), 0)
            return np.clip(wide, limits.min, highest).astype(dtype)
        # float32 resolves a 16-bit step 256 times over, so rounding to nearest is right in it.
        scaled = unit * np.float32(self.gain)
        if self.offset:
            scaled += np.float32(self.offset)
        np.rint(scaled, out=scaled)
        np.clip(scaled, limits.min, limits.max, out=scaled)
        return scaled.astype(dtype)


def opacity_map(dtype: str) -> ValueMap:
    """Return the map of an opacity stored as ``dtype``: 0 is 0, and 1 is the largest integer or 1.0."""
    return ValueMap(dtype, 1.0 if np.dtype(dtype).kind == "f" else float(np.iinfo(dtype).max))


UINT8 = ValueMap()
"""The map of 8-bit photos."""

UINT16 = ValueMap("uint16", 65535.0)
"""The map of 16-bit photos."""

"""Which images a FITS file has, and which of them a person means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srdesk.errors import UnsupportedImageError
from srdesk.imaging.fits.structure import Hdu

DTYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
"""BITPIX to numpy name (FITS standard 4.0, table 8)."""

_COLOUR = "RGB"
"""Behind the comma: three planes together, as red, green and blue."""

_MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Plane:
    """One image of a FITS file, as a list of them shows it."""

    part: str
    """How it is chosen: number of the HDU; in a cube, behind a comma, the number of the plane from 1, or ``RGB``."""
    name: str
    """Name of the HDU, with its version where several have the name."""
    height: int
    """Rows."""
    width: int
    """Columns."""
    dtype: str
    """Numpy name of the type of its numbers."""
    unit: str = ""
    """Its BUNIT; empty if the file does not say."""

    def __str__(self) -> str:
        label = f"{self.part} {self.name}".strip()
        return f"{label} ({self.width} × {self.height})"


@dataclass(frozen=True, slots=True)
class Part:
    """The image that is meant."""

    hdu: Hdu
    """Where it is."""
    plane: tuple[int, ...] = ()
    """Place along the axes before rows and columns, the slowest first; empty for a plain image, and for colours."""
    is_colour: bool = False
    """Whether the three planes of the HDU are red, green and blue."""

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colours."""
        return 3 if self.is_colour else 1


def planes_of(hdus: list[Hdu]) -> tuple[Plane, ...]:
    """List all images, every plane of cubes by itself, and behind its planes a cube that may be of colours."""
    planes = []
    for hdu in hdus:
        if not _has_pixels(hdu):
            continue
        versions = sum(other.name == hdu.name for other in hdus)
        name = f"{hdu.name}:{hdu.version}" if versions > 1 and hdu.name else hdu.name
        count = math.prod(hdu.shape[:-2])
        parts = [str(hdu.index) if count == 1 else f"{hdu.index},{number}" for number in range(1, count + 1)]
        parts = parts[:_MOST_LISTED] + ([f"{hdu.index},{_COLOUR}"] if _can_be_colour(hdu) else [])
        unit = str(hdu.values.get("BUNIT", "")).strip()
        planes += [Plane(part, name, hdu.shape[-2], hdu.shape[-1], DTYPES[hdu.bitpix], unit) for part in parts]
    return tuple(planes)


def chosen_part(hdus: list[Hdu], part: str, path: Path) -> Part:
    """Return the image that a person means.

    Args:
        hdus: all HDUs of the file.
        part: as `srdesk.imaging.fits.reader.probe` has it. Without a plane it is the first one of a cube, or its
            colours, if its header says that it has any.
        path: what errors call the file.

    Raises:
        UnsupportedImageError: there is no such image.
    """
    wanted, _, plane = (word.strip() for word in part.partition(","))
    hdu = _chosen_hdu(hdus, wanted, path)
    if plane.upper() == _COLOUR and _can_be_colour(hdu):
        return Part(hdu, is_colour=True)
    if not plane and _is_colour(hdu):
        return Part(hdu, is_colour=True)
    shape = hdu.shape[:-2]
    count = math.prod(shape)
    number = plane or "1"
    if number.isdecimal() and 1 <= int(number) <= count:
        return Part(hdu, tuple(int(place) for place in np.unravel_index(int(number) - 1, shape)) if shape else ())
    colour = f", or {_COLOUR}" if _can_be_colour(hdu) else ""
    raise UnsupportedImageError(
        path, f"HDU {hdu.index} has no plane {number[:20]}", hint=f"Choose a plane from 1 to {count}{colour}."
    )


def _chosen_hdu(hdus: list[Hdu], wanted: str, path: Path) -> Hdu:
    images = [hdu for hdu in hdus if _has_pixels(hdu)]
    if not images and hdus[0].values.get("GROUPS") is True:
        raise UnsupportedImageError(
            path,
            "it holds random groups, measurements of a radio interferometer that are no image yet",
            hint="Make an image of them first, such as with CASA or AIPS.",
        )
    if not images:
        raise UnsupportedImageError(
            path, "it holds no image of two dimensions", hint="Choose a FITS file with an image."
        )
    if found := [hdu for hdu in images if not wanted or _is_called(hdu, wanted)]:
        return found[0]
    names = ", ".join(f"{hdu.index} {hdu.name}".strip() for hdu in images[:12])
    raise UnsupportedImageError(path, f"it has no image called {wanted[:40]!r}", hint=f"Choose one of: {names}.")


def _has_pixels(hdu: Hdu) -> bool:
    return len(hdu.shape) >= 2 and math.prod(hdu.shape) > 0


def _can_be_colour(hdu: Hdu) -> bool:
    return len(hdu.shape) == 3 and hdu.shape[0] == 3


def _is_colour(hdu: Hdu) -> bool:
    """Tell whether three planes are colours: if the header says so, as Siril's, or nothing else, as PixInsight's."""
    if not _can_be_colour(hdu):
        return False
    axis = str(hdu.values.get("CTYPE3", "")).strip().upper()
    space = str(hdu.values.get("COLORSPC", "")).strip().upper()
    return axis.startswith("RGB") or space.startswith("RGB") or not (axis or "CRVAL3" in hdu.values)


def _is_called(hdu: Hdu, wanted: str) -> bool:
    if wanted.isdecimal():
        return hdu.index == int(wanted)
    name, _, version = wanted.upper().partition(":")
    return hdu.name == name and (not version or str(hdu.version) == version)

"""What is said of a point of a picture: where it is on the sky or on Earth, and in which unit it is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from srdesk.gui.work.requests import Document
from srdesk.imaging.fits.wcs import sexagesimal
from srdesk.imaging.scene.description import name_of_crs
from srdesk.imaging.scene.geolocation import Geolocation


def place_of(document: Document, x: float, y: float) -> str:
    """Say where a point of a document is.

    Args:
        document: what is open.
        x: LR columns right of the left edge; the centre of the first pixel is at ½.
        y: LR rows below the upper edge.

    Returns:
        Right ascension and declination, or latitude and longitude with the coordinates of the map; empty where the
        file does not say.
    """
    if document.sky is not None:
        return _on_sky(*document.sky(x, y))
    return "" if document.geolocation is None else _on_earth(document.geolocation, x, y)


def has_places(document: Document) -> bool:
    """Return whether the file says where anything of it is."""
    where = document.geolocation
    return document.sky is not None or (where is not None and (where.is_known or where.transform is not None))


def map_of(document: Document) -> str:
    """Return the name of the coordinate system that places of a scene are in; empty where the file names none."""
    where = document.geolocation
    crs = None if where is None else where.crs or where.gcps_crs
    return name_of_crs(crs) if crs else ""


def unit_of(document: Document) -> str:
    """Return the unit of the numbers that the read-out shows; empty where the file does not say, or bands differ."""
    if document.image is not None and document.image.science is not None:
        return document.image.science.unit
    shown = [document.bands[number - 1] for number in document.shown_bands]
    units = {band.unit for band in shown if (band.scale, band.zero) == (1.0, 0.0)}
    return units.pop() if len(units) == 1 and all((band.scale, band.zero) == (1.0, 0.0) for band in shown) else ""


def measured_of(document: Document, values: Sequence[float]) -> str:
    """Say what the numbers of a scene measure where that is something else than the numbers; empty elsewhere.

    Args:
        document: what is open.
        values: numbers of its shown bands, opacity last if there is one.
    """
    shown = [document.bands[number - 1] for number in document.shown_bands]
    if all((band.scale, band.zero) == (1.0, 0.0) for band in shown):
        return ""
    said = (f"{band.measured(value):.6g} {band.unit}".strip() for band, value in zip(shown, values, strict=False))
    return "LR = " + ", ".join(said).replace("-", "−")


def _on_sky(right_ascension: float, declination: float) -> str:
    if not (math.isfinite(right_ascension) and math.isfinite(declination)):
        return ""
    degrees = f"({right_ascension:.6f}°, {declination:+.6f}°)".replace("-", "−")
    return f"RA Dec {sexagesimal(right_ascension, declination)}  {degrees}"


def _on_earth(geolocation: Geolocation, x: float, y: float) -> str:
    parts = []
    lonlat = geolocation.lonlat(x, y)
    if lonlat is not None:
        parts.append(f"{_angle(lonlat[1], 'NS')}, {_angle(lonlat[0], 'EW')}")
    on_map = geolocation.on_map(x, y)
    if on_map is not None:
        across, down = on_map
        is_in_degrees = geolocation.crs is not None and geolocation.crs.is_geographic
        digits = 6 if is_in_degrees else 2
        parts.append(f"x {across:,.{digits}f}, y {down:,.{digits}f}".replace("-", "−"))
    return "  ".join(parts)


def _angle(degrees: float, directions: str) -> str:
    return f"{abs(degrees):.6f}° {directions[degrees < 0]}"

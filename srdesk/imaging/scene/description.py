"""What a scene says of itself, as people read it: size, places, coordinate system, bands, tags."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from srdesk.imaging.scene.gdal_session import gdal_failures
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.scene.geotiff import Band, GeoTiff

_NAME = re.compile(r'\w+\["([^"]+)"')
_QUOTED = re.compile(r'"[^"]*"')
_NEXT_PART = re.compile(r"(?<=,)(?=[A-Z0-9_]+\[)")

_MADE_UP = ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "RPC")
"""Domains of tags that GDAL makes up, or that are told elsewhere."""

_MAX_LISTED = 400
_MAX_VALUE_LETTERS = 2000


def describe_scene(scene: GeoTiff) -> str:
    """Return the header of an open scene as text, a title above each part."""
    parts = (
        ("Picture", _picture(scene)),
        ("Place", _place(scene.geolocation)),
        ("Coordinate system", _coordinate_system(scene.geolocation)),
        ("Bands", (_band(band) for band in scene.bands[:_MAX_LISTED])),
        ("Tags", _tags(scene.dataset)),
    )
    blocks = []
    for title, lines in parts:
        text = "\n".join(lines)
        if text:
            blocks.append(f"{title}\n{'─' * len(title)}\n{text}")
    return "\n\n".join(blocks)


def _picture(scene: GeoTiff) -> Iterator[str]:
    yield f"size = {scene.width} × {scene.height}"
    yield f"type = {scene.dtype}"
    yield f"bands = {len(scene.bands)}"
    yield f"compression = {scene.compression}"
    yield f"interleaving = {'by pixel' if scene.is_interleaved else 'by band'}"
    yield f"overviews = {'yes' if scene.has_overviews else 'no'}"
    yield f"mask = {'yes' if scene.has_mask else 'no'}"
    if scene.pages > 1:
        yield f"pictures in the file = {scene.pages}, of which this is the first"


def _place(where: Geolocation) -> Iterator[str]:
    if where.transform is not None:
        a, b, c, d, e, f = where.transform[:6]
        yield f"x = {a!r} · column + {b!r} · row + {c!r}"
        yield f"y = {d!r} · column + {e!r} · row + {f!r}"
    for gcp in where.gcps[:_MAX_LISTED]:
        yield f"control point: column {gcp.col!r}, row {gcp.row!r} → {gcp.x!r}, {gcp.y!r}, {gcp.z!r}"
    if len(where.gcps) > _MAX_LISTED:
        yield f"… and {len(where.gcps) - _MAX_LISTED} more control points"
    if where.rpcs is not None:
        for name, value in where.rpcs.to_dict().items():
            yield f"RPC {name} = {value}"


def _coordinate_system(where: Geolocation) -> Iterator[str]:
    crs = where.crs if where.crs is not None else where.gcps_crs
    if crs:
        yield name_of_crs(crs)
        with contextlib.suppress(*gdal_failures(ValueError)):
            yield from _indented(crs.to_wkt())


def name_of_crs(crs: Any) -> str:
    """Return what people call a coordinate system, with its code where it has one; empty where nobody knows."""
    try:
        name, code = _NAME.match(crs.to_wkt()), crs.to_authority()
    except gdal_failures(ValueError):
        return ""
    parts = [name[1] if name else "", f"({code[0]}:{code[1]})" if code else ""]
    return " ".join(part for part in parts if part)


def _indented(wkt: str) -> Iterator[str]:
    """Yield well-known text with a line for each of its parts."""
    depth = 0
    for line in _NEXT_PART.split(wkt):
        yield "  " * depth + line
        bare = _QUOTED.sub("", line)
        depth += bare.count("[") - bare.count("]")


def _band(band: Band) -> str:
    facts = [f"{band.number}: {band.name or band.colour or 'without a name'}"]
    if band.name and band.colour:
        facts.append(band.colour)
    facts.append(band.kind.name.lower())
    if band.nodata is not None:
        facts.append(f"no data = {band.nodata:g}")
    if (band.scale, band.zero) != (1.0, 0.0):
        facts.append(f"measured = number · {band.scale!r} + {band.zero!r}")
    if band.unit:
        facts.append(f"unit {band.unit}")
    return ", ".join(facts)


def _tags(dataset: Any) -> Iterator[str]:
    for domain in ["", *(domain for domain in dataset.tag_namespaces() if domain not in _MADE_UP)]:
        for name, value in dataset.tags(ns=domain or None).items():
            yield f"{domain + ' ' if domain else ''}{name} = {_short(value)}"
    for number in dataset.indexes[:_MAX_LISTED]:
        for name, value in dataset.tags(number).items():
            yield f"band {number} {name} = {_short(value)}"


def _short(value: str) -> str:
    return value if len(value) <= _MAX_VALUE_LETTERS else f"{value[:_MAX_VALUE_LETTERS]}…"

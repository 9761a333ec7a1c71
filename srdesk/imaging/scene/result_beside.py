"""Files beside the GeoTIFF of a result: what GDAL and Esri's programs keep there because a GeoTIFF cannot say it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from srdesk.errors import ImageWriteError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.scene.class_tables import ESRI_SUFFIXES
from srdesk.imaging.scene.gdal_session import gdal_session, local_file
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.scene.geotiff import GeoTiff
from srdesk.imaging.scene.probe import AUXILIARY_SUFFIX

_SUFFIXES = (".ovr", ".msk", AUXILIARY_SUFFIX, *ESRI_SUFFIXES)
"""Behind the whole name of a GeoTIFF: files beside it that are read with it."""


def has_nodata_by_band(scene: GeoTiff) -> bool:
    """Tell whether "no data" is another number in every band, which is said beside a GeoTIFF and not in it."""
    return len({str(nodata) for nodata in scene.dataset.nodatavals}) > 1


def write_beside(target: Path, scene: GeoTiff, scale: int) -> None:
    """Write what is to be said beside the result of a scene, and remove what was said of a file that it replaced.

    Raises:
        ImageWriteError: something of a file that was replaced cannot be removed.
        OSError: a file cannot be written.
    """
    _remove_old(target)
    tables = scene.class_tables.enlarged(scale)
    auxiliary = Element("PAMDataset")
    auxiliary.extend(_georeference(target, scene.geolocation.scaled(scale)))
    for band, nodata in zip(scene.bands, scene.dataset.nodatavals, strict=True):
        said = Element("PAMRasterBand", band=str(band.number))
        if has_nodata_by_band(scene) and nodata is not None:
            ElementTree.SubElement(said, "NoDataValue").text = repr(nodata)
        if band.kind.is_copied:
            said.extend(tables.of_bands.get(band.number, ()))
        if len(said):
            auxiliary.append(said)
    files = {AUXILIARY_SUFFIX: ElementTree.tostring(auxiliary, "utf-8")} if len(auxiliary) else {}
    files.update(tables.beside if any(band.kind.is_copied for band in scene.bands) else ())
    for suffix, content in files.items():
        with atomic_write(target.with_name(target.name + suffix)) as stream:
            stream.write(content)


def _georeference(target: Path, where: Geolocation) -> Iterator[Element]:
    """Yield what a GeoTIFF cannot say of where it is: points beside an affine map, and some coordinate systems."""
    if where.crs is not None:
        with (
            gdal_session(GDAL_PAM_ENABLED=False) as rasterio,
            rasterio.open(local_file(target), driver="GTiff") as alone,
        ):
            is_said = Geolocation.of(alone).crs == where.crs
        if not is_said:
            system = Element("SRS")
            system.text = _well_known_text(where.crs)
            yield system
    if where.gcps and where.transform is not None:
        points = Element("GCPList", Projection=_well_known_text(where.gcps_crs) if where.gcps_crs else "")
        for gcp in where.gcps:
            place = {"Pixel": gcp.col, "Line": gcp.row, "X": gcp.x, "Y": gcp.y, "Z": gcp.z or 0.0}
            said = {"Id": str(gcp.id or ""), **{name: repr(float(at)) for name, at in place.items()}}
            ElementTree.SubElement(points, "GCP", said)
        yield points


def _well_known_text(crs: Any) -> str:
    return str(crs.to_wkt(version="WKT2_2019"))


def _remove_old(target: Path) -> None:
    """Remove what would be read of a file that ``target`` has replaced: overviews, mask, metadata, tables.

    Raises:
        ImageWriteError: one of these cannot be removed.
    """
    for suffix in _SUFFIXES:
        beside = target.with_name(target.name + suffix)
        if os.path.lexists(beside) and not beside.is_dir():  # a name that is too long is none that there is
            try:
                beside.unlink(missing_ok=True)
            except OSError as error:
                reason = f"it is that of the “{target.name}” that was replaced, and cannot be removed"
                hint = f"Remove it: programs would read it together with the new “{target.name}”."
                raise ImageWriteError(beside, reason, hint=hint) from error

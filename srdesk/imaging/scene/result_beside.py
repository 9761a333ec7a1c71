"""Files beside the GeoTIFF of a result: what GDAL and Esri's programs keep there because a GeoTIFF cannot say it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from srdesk.errors import ImageWriteError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.scene.class_tables import ESRI_SUFFIXES
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


def _remove_old(target: Path) -> None:
    """Remove what would be read of a file that ``target`` has replaced: overviews, mask, metadata, tables.

    Raises:
        ImageWriteError: one of these cannot be removed.
    """
    for suffix in _SUFFIXES:
        beside = target.with_name(target.name + suffix)
        if not beside.is_dir():
            try:
                beside.unlink(missing_ok=True)
            except OSError as error:
                reason = f"it is that of the “{target.name}” that was replaced, and cannot be removed"
                hint = f"Remove it: programs would read it together with the new “{target.name}”."
                raise ImageWriteError(beside, reason, hint=hint) from error

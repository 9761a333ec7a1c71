"""Writing an enlarged GeoTIFF: tiles as they are finished, and at the end everything else that its input said.

GDAL writes the directory, once, for a file of a single empty tile: what it takes from there are all tags but sizes and
places of tiles. GeoKeys go from file to file byte for byte, since no library writes every coordinate system as it was.
"""

from __future__ import annotations

import contextlib
import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from srdesk.errors import ImageWriteError
from srdesk.imaging import ifd
from srdesk.imaging.atomic import write_errors
from srdesk.imaging.image import Box
from srdesk.imaging.probe import decoder_errors
from srdesk.imaging.scene.gdal_session import gdal_failures, gdal_session, local_file
from srdesk.imaging.scene.geolocation import Geolocation, scaled_geolocation_arrays
from srdesk.imaging.scene.geotiff import BandKind, GeoTiff, has_made_up_palette
from srdesk.imaging.scene.kept_tags import EXTRA_SAMPLES, GEO_KEYS, NODATA, kept_tags
from srdesk.imaging.scene.result_beside import has_nodata_by_band, write_beside
from srdesk.imaging.scene.tile_codec import TileCodec, family_of
from srdesk.imaging.scene.tile_file import TileFile
from srdesk.imaging.scene.tile_press import TILE_PX, TileLayout, TilePress
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import ValueMap

RANGE_TAG = "SRDESK_RANGE"
"""Tag of a band: the numbers that the network saw as 0 and 1."""

_OVERVIEW_STOP_PX = 256
"""The smallest overview is the first that fits into a square of this size."""

_WIDTH, _LENGTH, _JPEG_TABLES, _SUBSAMPLING, _TIE_POINTS = 256, 257, 347, 530, 33922
_SHORT, _LONG, _DOUBLE = 3, 4, 12

_GEOLOCATION_ARRAYS = "GEOLOCATION"
"""Domain that says in which files the place of every so many pixels of a swath stands."""

_FOREIGN_DOMAINS = (
    *("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "RPC", "COLOR_PROFILE", "EXIF"),
    _GEOLOCATION_ARRAYS,
)
"""What GDAL makes up itself, or what goes from file to file in another way."""


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """What the file of a result is like."""

    scene: GeoTiff
    """The input."""
    scale: int
    """Enlargement along each side."""
    is_interleaved: bool
    """Whether all bands stand together in a tile."""
    notes: tuple[tuple[str, str], ...] = ()
    """Tags that say how the result was made."""
    codec: TileCodec = field(init=False)
    """How tiles are compressed."""

    def __post_init__(self) -> None:
        bands = self.scene.bands
        is_exact = any(band.nodata is not None or band.kind.is_copied for band in bands)
        samples = len(bands) if self.is_interleaved else 1
        codec = TileCodec.like(self.scene.compression, self.scene.dtype, samples=samples, is_exact=is_exact)
        object.__setattr__(self, "codec", codec)

    @property
    def is_recompressed(self) -> bool:
        """Whether tiles are compressed in another way than in the input."""
        return self.codec.compression != family_of(self.scene.compression)

    @property
    def height(self) -> int:
        """Rows of the result."""
        return self.scene.height * self.scale

    @property
    def width(self) -> int:
        """Columns of the result."""
        return self.scene.width * self.scale

    @property
    def layout(self) -> TileLayout:
        """Where its tiles are."""
        return TileLayout(self.height, self.width, self.is_interleaved, self.codec)

    @property
    def tiles(self) -> int:
        """Tiles of the file."""
        planes = 1 if self.is_interleaved else len(self.scene.bands)
        return planes * self.layout.tiles_across * self.layout.tiles_down

    @property
    def raw_bytes(self) -> int:
        """Size of the result without compression, masks and overviews included."""
        samples = len(self.scene.bands) if self.is_interleaved else 1
        tile_bytes = TILE_PX * TILE_PX * samples * np.dtype(self.scene.dtype).itemsize
        mask_bytes = self.height * self.width // 8 if self.scene.has_mask else 0
        whole = self.tiles * tile_bytes + mask_bytes
        return whole * 4 // 3 if self.scene.has_overviews else whole

    @property
    def largest_bytes(self) -> int:
        """Size that the result cannot exceed: noise becomes larger when it is compressed, by LZW much larger."""
        return self.raw_bytes * 3 // 2 if self.codec.compression == "LZW" else self.raw_bytes * 33 // 32


class SceneWriter:
    """Takes windows of numbers, band by band or together, and appends their tiles to a file. A context manager.

    Tiles are compressed by several threads, and appended in the order in which they were complete.

    Args:
        plan: what the file is like.
        file: where the tiles go.
        values: for every band, by its number, how its numbers became those that the network saw.

    Raises:
        ImageReadError: the input is gone.
        ImageWriteError: GDAL cannot write what the input says.
    """

    def __init__(self, plan: ScenePlan, file: TileFile, values: dict[int, ValueMap]) -> None:
        self.plan = plan
        self.file = file
        with _gdal_errors(file.target, "its tags cannot be"):
            self._directory = _directory(plan, values)
        self._press = TilePress(plan.layout, file.append)

    def __enter__(self) -> SceneWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._press.close()

    def write(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> None:
        """Take ``(height, width, C)`` numbers of the bands, counted from 1, at a box of the result.

        Raises:
            ImageWriteError: the file cannot be written.
        """
        self._press.write(bands, box, numbers)

    def finish_step(self) -> None:
        """Note that everything written so far, which is whole tiles, need not be done again.

        Raises:
            ImageWriteError: the file cannot be written.
        """
        self._press.flush()
        self.file.finish_step()

    def finish(self, check: Callable[[], None]) -> None:
        """Add directory, mask and overviews, and give the file its name.

        Args:
            check: called now and then; raises to stop.

        Raises:
            ImageReadError: the mask of the input cannot be read.
            ImageWriteError: the file cannot be written; or it is there, but what lies beside the one that it replaced
                cannot be removed.
        """
        self.file.finish(self._directory, lambda part: self._complete(part, check))
        with write_errors(self.file.target):
            write_beside(self.file.target, self.plan.scene, self.plan.scale)

    def _complete(self, part: Path, check: Callable[[], None]) -> None:
        scene = self.plan.scene
        if not (scene.has_mask or scene.has_overviews):
            return
        with (
            gdal_session(GDAL_PAM_ENABLED=False) as rasterio,
            _gdal_errors(self.file.target, "its mask and overviews cannot be"),
        ):
            from rasterio.enums import Resampling

            with rasterio.open(part, "r+", driver="GTiff") as dataset:
                if scene.has_mask:
                    _write_mask(dataset, self.plan, check)
            if scene.has_overviews:
                check()
                is_of_classes = any(band.kind.is_copied for band in scene.bands)
                method = Resampling.nearest if is_of_classes else Resampling.average
                with rasterio.open(part, "r+", driver="GTiff") as dataset:
                    dataset.build_overviews(_overview_levels(self.plan), method)


def _directory(plan: ScenePlan, values: dict[int, ValueMap]) -> ifd.Directory:
    """Return all tags of the result but those that say where its tiles are."""
    stream = io.BytesIO(_template(plan, values))
    layout, offset = ifd.read_layout(stream)
    directory = ifd.read_directory(stream, offset, layout)
    directory.pop(_JPEG_TABLES, None)  # our tiles carry their own
    for tag, size in ((_WIDTH, plan.width), (_LENGTH, plan.height)):
        directory[tag] = ifd.Field(_LONG, 1, struct.pack("<I", size))
    if plan.codec.compression == "JPEG" and plan.is_interleaved and len(plan.scene.bands) == 3:
        directory[_SUBSAMPLING] = ifd.Field(_SHORT, 2, struct.pack("<HH", 1, 1))
    with decoder_errors(plan.scene.path):
        kept = kept_tags(plan.scene.path, height=plan.height, width=plan.width)
    if plan.scene.has_bands_left_out:
        kept.pop(EXTRA_SAMPLES, None)  # of all bands
    for tag in _overruled_tags(plan.scene):
        kept.pop(tag, None)
    directory.update(kept)
    if has_nodata_by_band(plan.scene):
        directory.pop(NODATA, None)
    where = plan.scene.geolocation.scaled(plan.scale)
    if where.gcps and where.transform is None:
        directory[_TIE_POINTS] = _tie_points(where.gcps, plan.scene.dataset.tags().get("AREA_OR_POINT") == "Point")
    return directory


def _overruled_tags(scene: GeoTiff) -> tuple[int, ...]:
    """Return the tags of a GeoTIFF that say otherwise than the file beside it, which counts for GDAL and for us."""
    with (
        gdal_session(GDAL_PAM_ENABLED=False) as rasterio,
        rasterio.open(local_file(scene.path), driver="GTiff") as alone,
    ):
        crs, nodata = Geolocation.of(alone).crs, alone.nodatavals
    geo_keys = () if crs == scene.geolocation.crs else GEO_KEYS
    return geo_keys if str(nodata) == str(scene.dataset.nodatavals) else (*geo_keys, NODATA)


def _tie_points(gcps: tuple[Any, ...], is_point: bool) -> ifd.Field:
    """Return the tag of control points, which GDAL writes a pixel off where numbers are those of points.

    Args:
        gcps: rasterio's, in corner coordinates.
        is_point: whether the file counts from the centre of the first pixel, not from its corner.
    """
    shift = 0.5 if is_point else 0.0
    points = [(gcp.col - shift, gcp.row - shift, 0.0, gcp.x, gcp.y, gcp.z or 0.0) for gcp in gcps]
    return ifd.Field(_DOUBLE, 6 * len(points), np.array(points, "<f8").tobytes())


def _template(plan: ScenePlan, values: dict[int, ValueMap]) -> bytes:
    """Return a GeoTIFF of one empty tile that says everything that the result shall say."""
    scene, source, codec = plan.scene, plan.scene.dataset, plan.codec
    options: dict[str, Any] = {"interleave": "pixel" if plan.is_interleaved else "band", "compress": codec.compression}
    if codec.predictor != 1:
        options["predictor"] = codec.predictor
    if plan.is_interleaved and codec.compression == "JPEG" and len(scene.bands) == 3:
        options["photometric"] = "YCBCR"
    elif scene.colours == (1, 2, 3):
        options["photometric"] = "RGB"
    elif source.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES":
        options["photometric"] = "MINISWHITE"
    if scene.geolocation.crs is not None:
        options["crs"] = scene.geolocation.crs
    where = scene.geolocation.scaled(plan.scale)
    if where.transform is not None:
        options["transform"] = where.transform
    with gdal_session() as rasterio, rasterio.io.MemoryFile() as memory:
        if (
            source.nodata is not None
            and not has_nodata_by_band(scene)
            and rasterio.dtypes.in_dtype_range(source.nodata, scene.dtype)
        ):
            options["nodata"] = source.nodata
        size = {"width": TILE_PX, "height": TILE_PX, "blockxsize": TILE_PX, "blockysize": TILE_PX}
        shape = {"count": len(scene.bands), "dtype": scene.dtype, "tiled": True, "SPARSE_OK": True}
        with memory.open(driver="GTiff", **size, **shape, **options) as target:
            _copy_georeference(where, target)
            _copy_bands(source, target)
            _copy_tags(source, target, plan.scale)
            for band in scene.bands:
                if band.kind is BandKind.FLAGS:  # however that was known: the result may have another name
                    target.update_tags(band.number, LAYER_TYPE="thematic")
            target.update_tags(**dict(plan.notes))
            for number, value in values.items():
                target.update_tags(number, **{RANGE_TAG: f"{value.offset!r} {value.offset + value.gain!r}"})
        content: bytes = memory.read()
    return content


def _copy_georeference(where: Geolocation, target: Any) -> None:
    if where.gcps and where.transform is None:  # a GeoTIFF cannot have both: points then stand beside it
        target.gcps = (list(where.gcps), where.gcps_crs)
    if where.rpcs is not None:
        target.rpcs = where.rpcs


def _copy_bands(source: Any, target: Any) -> None:
    colours = source.colorinterp
    if has_made_up_palette(source):
        colours = (type(colours[0]).undefined, *colours[1:])
    target.colorinterp = colours
    if any(scale != 1 for scale in source.scales):
        target.scales = source.scales
    if any(offset != 0 for offset in source.offsets):
        target.offsets = source.offsets
    if any(source.units):
        target.units = [unit or "" for unit in source.units]
    for number, (name, colour) in enumerate(zip(source.descriptions, colours, strict=True), start=1):
        if name:
            target.set_band_description(number, name)
        if colour.name == "palette":
            target.write_colormap(number, source.colormap(number))


def _copy_tags(source: Any, target: Any, scale: int) -> None:
    target.update_tags(**source.tags())
    if arrays := source.tags(ns=_GEOLOCATION_ARRAYS):
        target.update_tags(ns=_GEOLOCATION_ARRAYS, **scaled_geolocation_arrays(arrays, scale))
    for domain in _domains(source.tag_namespaces()):
        target.update_tags(ns=domain, **source.tags(ns=domain))
    for number in source.indexes:
        # Statistics of the pixels that were: those of the new ones are others.
        tags = source.tags(number).items()
        target.update_tags(number, **{name: value for name, value in tags if not name.startswith("STATISTICS_")})
        for domain in _domains(source.tag_namespaces(number)):
            target.update_tags(number, ns=domain, **source.tags(number, ns=domain))


def _domains(names: list[str]) -> Iterator[str]:
    return (name for name in names if name and name not in _FOREIGN_DOMAINS and not name.startswith("xml:"))


def _write_mask(dataset: Any, plan: ScenePlan, check: Callable[[], None]) -> None:
    """Give the result the mask of its input, every pixel repeated."""
    from rasterio.windows import Window

    step = 4 * TILE_PX // plan.scale
    for top in range(0, plan.scene.height, step):
        for left in range(0, plan.scene.width, 8 * step):
            check()
            box = Box(top, left, step, 8 * step).clipped(plan.scene.height, plan.scene.width)
            mask = plan.scene.read_mask(box).repeat(plan.scale, axis=0).repeat(plan.scale, axis=1)
            hr = box.scaled(plan.scale)
            dataset.write_mask(mask, window=Window(hr.left, hr.top, hr.width, hr.height))


def _overview_levels(plan: ScenePlan) -> list[int]:
    levels, level = [], 1
    while max(plan.height, plan.width) / level > _OVERVIEW_STOP_PX:
        level *= 2
        levels.append(level)
    return levels


@contextlib.contextmanager
def _gdal_errors(target: Path, what: str) -> Iterator[None]:
    """Turn what GDAL raises while it writes into the sentence that a person reads.

    Raises:
        ImageWriteError: it cannot be written.
    """
    try:
        yield
    except gdal_failures(ValueError, struct.error) as error:
        raise ImageWriteError(target, f"{what} written") from error

"""GeoTIFF scenes of any size, read window by window through rasterio; nothing of a scene is held whole.

GeoTIFF 1.1 (OGC 19-008r4). What the pixels are is decided here: which band is a colour, which is opacity, which holds
class numbers, and where there are no data.
"""

from __future__ import annotations

import contextlib
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging import ifd
from srdesk.imaging.image import Box
from srdesk.imaging.probe import MAX_SIDE_PX
from srdesk.imaging.scene.beside import check_beside
from srdesk.imaging.scene.class_tables import ClassTables, read_class_tables
from srdesk.imaging.scene.gdal_session import gdal_failures, gdal_session, local_file
from srdesk.imaging.scene.geolocation import Geolocation
from srdesk.imaging.stored import Numbers
from srdesk.imaging.tiff_pages import refuse_camera_raw

DTYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Types of numbers that a scene may have."""

_MAX_BLOCK_BYTES = 256 * 2**20
"""Tiles and strips are decoded whole; larger ones cannot be read piece by piece."""

_PHOTOMETRIC, _SEPARATED = 262, 5
_MAX_BLOCKS = 2**26
_MAX_BANDS = 4096

_FLAGS = re.compile(
    r"(?:^|[\W_])(?:QA_PIXEL|PIXEL_QA|QA_RADSAT|RADSAT_QA|(?:SR_)?QA_AEROSOL|BQA|QA60|SCL|C?FMASK|CMASK|MSK_CLASSI"
    r"|(?:CLOUD|CLOUD_SHADOW|ADJACENT_CLOUD|SNOW|LAND_WATER|DDV|FILL)_QA|UDM2?|QF\d|STATE_(?:1KM|500M)|QC_\d+M"
    r"|(?:\w*_)?STATE_QA|LC_TYPE\d|LAND_?COVER)(?:$|[\W_])",
    re.IGNORECASE,
)
"""Names of bands of flags or classes: Landsat collections 1 and 2, Sentinel-2, Fmask, Brazil Data Cube, Planet, MODIS,
VIIRS, maps of land cover."""


class BandKind(enum.Enum):
    """What the numbers of a band are."""

    DATA = enum.auto()
    """Measured: enlarged by a model."""
    OPACITY = enum.auto()
    """An alpha channel: enlarged without inventing anything."""
    CLASSES = enum.auto()
    """Numbers of a palette, between which there is nothing: copied."""
    FLAGS = enum.auto()
    """Bits that each say something about the quality of a pixel, or classes without a palette: copied."""

    @property
    def is_copied(self) -> bool:
        """Whether its pixels are repeated instead of enlarged."""
        return self in (BandKind.CLASSES, BandKind.FLAGS)


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a scene."""

    number: int
    """Its place, from 1."""
    kind: BandKind
    """What its numbers are."""
    nodata: float | None
    """The number that means "no data", in the type of the file; NaN is one."""
    name: str = ""
    """What the file calls it; empty if it does not."""
    colour: str = ""
    """GDAL's name of its colour, such as red or gray; empty if the file does not say."""
    unit: str = ""
    """What its values are measured in; empty if the file does not say."""
    scale: float = 1.0
    """Measured units per number."""
    zero: float = 0.0
    """What the number 0 measures."""

    def measured(self, number: float) -> float:
        """Return what a number of the file measures."""
        return number * self.scale + self.zero


class GeoTiff:
    """An open scene: hands out windows of numbers, and says which of them are data. For one thread at a time.

    To be had from `open_geotiff`.
    """

    def __init__(self, path: Path, dataset: Any, class_tables: ClassTables) -> None:
        self.path = path
        self.dataset = dataset
        """The rasterio dataset, for whoever copies its metadata."""
        self.class_tables = class_tables
        """What files beside it say of its classes."""
        self.height: int = dataset.height
        """Rows."""
        self.width: int = dataset.width
        """Columns."""
        self.dtype: str = dataset.dtypes[0]
        """Numpy name of the type of all numbers."""
        self.bands = _bands(dataset, class_tables)
        """All bands in order."""
        self.geolocation = Geolocation.of(dataset)
        """Where its pixels are on Earth."""
        self.colours = _colours(dataset)
        """Numbers of the red, the green and the blue band, if the file says that it has one of each."""
        structure = dataset.tags(ns="IMAGE_STRUCTURE")
        self.compression = str(structure.get("COMPRESSION", "NONE"))
        """GDAL's name of the compression, such as DEFLATE or YCbCr JPEG; NONE if there is none."""
        self.is_interleaved = structure.get("INTERLEAVE") == "PIXEL"
        """Whether the bands of a pixel stand side by side in the file."""
        self.has_overviews = bool(dataset.overviews(1))
        """Whether it has reduced pictures of itself."""
        self.has_bands_left_out = False
        """Whether the file has bands that are none of these."""
        self.pages = max(1, len(dataset.subdatasets))
        """How many pictures the file holds, of which this is the first."""
        flags = [getattr(flag, "name", "") for flag in dataset.mask_flag_enums[0]]
        self.has_mask = "per_dataset" in flags and "alpha" not in flags
        """Whether a mask of its own says, for all bands, where there are no data."""
        opacity = [band.number for band in self.bands if band.kind is BandKind.OPACITY]
        self._opacity_number = opacity[0] if opacity else None

    @property
    def nodata(self) -> tuple[float | None, ...]:
        """The number of each band that means "no data"."""
        return tuple(band.nodata for band in self.bands)

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        """Return the numbers of ``box``, which lies inside the scene, ``(height, width, bands)`` as in the file.

        Raises:
            ImageReadError: the file is damaged there.
        """
        with _reading(self.path):
            numbers = self.dataset.read(list(bands), window=_window(box))
        return np.ascontiguousarray(np.moveaxis(numbers, 0, -1))

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> NDArray[np.bool_]:
        """Tell which of the ``numbers`` of ``box`` are data, ``(height, width, bands)``.

        Nodata, NaN and infinities are none, nor is what the mask of the scene covers or a full transparency hides.

        Raises:
            ImageReadError: the file is damaged there.
        """
        is_data = np.isfinite(numbers) if numbers.dtype.kind == "f" else np.ones(numbers.shape, bool)
        for channel, number in enumerate(bands):
            nodata = self.bands[number - 1].nodata
            if nodata is not None and not np.isnan(nodata):
                is_data[:, :, channel] &= numbers[:, :, channel] != nodata
        if self.has_mask:
            with _reading(self.path):
                is_data &= (self.dataset.read_masks(1, window=_window(box)) != 0)[:, :, None]
        if self._opacity_number is not None:
            is_data &= self.read((self._opacity_number,), box) != 0
        return is_data

    def read_mask(self, box: Box) -> NDArray[np.uint8]:
        """Return the mask of the scene in ``box``, ``(height, width)``: 255 where there are data, 0 elsewhere.

        Raises:
            ImageReadError: the file is damaged there.
        """
        with _reading(self.path):
            mask: NDArray[np.uint8] = self.dataset.read_masks(1, window=_window(box))
        return mask


@contextlib.contextmanager
def open_geotiff(path: Path | str) -> Iterator[GeoTiff]:
    """Open a scene; it is closed at the end of the block.

    Raises:
        ImageReadError: it is missing or damaged.
        UnsupportedImageError: its numbers, its size or its layout are of a kind that is not handled.
    """
    path = Path(path)
    check_beside(path)
    with gdal_session() as rasterio:
        with _reading(path):
            dataset = rasterio.open(local_file(path), driver="GTiff")
        with dataset:
            with _reading(path):
                _check(path, dataset)
                scene = GeoTiff(path, dataset, read_class_tables(path, dataset.count))
            yield scene


def _check(path: Path, dataset: Any) -> None:
    """Judge a header before any pixel is read.

    Raises:
        ImageReadError: the scene has no pixels.
        UnsupportedImageError: it is of a kind that is not handled.
    """
    _check_colours(path)
    if not dataset.count or dataset.height < 1 or dataset.width < 1:
        raise ImageReadError(path, "its header says that it has no pixels")
    if max(dataset.height, dataset.width) > MAX_SIDE_PX:
        size = f"{dataset.width:,} × {dataset.height:,} pixels"
        raise UnsupportedImageError(path, f"its {size} are more than can be opened", hint="Cut it into parts.")
    if dataset.count > _MAX_BANDS:
        reason = f"its {dataset.count:,} bands are more than can be opened"
        raise UnsupportedImageError(path, reason, hint="Write some of them to a file of their own.")
    kinds = set(dataset.dtypes)
    if len(kinds) > 1 or not kinds <= set(DTYPES):
        named = ", ".join(sorted(kinds))
        raise UnsupportedImageError(
            path, f"it holds numbers of the type {named}", hint=f"Convert it to one of {', '.join(DTYPES)}."
        )
    rows, columns = dataset.block_shapes[0]
    together = dataset.count if dataset.interleaving is not None and dataset.interleaving.name == "pixel" else 1
    block_bytes = rows * columns * together * np.dtype(dataset.dtypes[0]).itemsize
    blocks = -(-dataset.height // rows) * -(-dataset.width // columns)
    if block_bytes > _MAX_BLOCK_BYTES or blocks > _MAX_BLOCKS:
        raise UnsupportedImageError(
            path,
            f"its tiles of {columns:,} × {rows:,} pixels cannot be read piece by piece",
            hint="Write it anew in tiles, such as with `gdal_translate -co TILED=YES`.",
        )


def _check_colours(path: Path) -> None:
    """Make sure that the numbers are neither colours of a printer nor those of single dots of a camera.

    Raises:
        UnsupportedImageError: they are.
        OSError: the file cannot be read.
        ValueError: it is damaged.
    """
    with path.open("rb") as stream:
        refuse_camera_raw(stream, path)
        layout, offset = ifd.read_layout(stream)
        directory = ifd.read_directory(stream, offset, layout, frozenset({_PHOTOMETRIC}))
    if ifd.whole_numbers(directory.get(_PHOTOMETRIC), layout) == (_SEPARATED,):
        hint = "Convert it to RGB, in the program that wrote it."
        raise UnsupportedImageError(path, "its colours are of the kind SEPARATED", hint=hint)


def _bands(dataset: Any, class_tables: ClassTables) -> tuple[Band, ...]:
    kinds = {"alpha": BandKind.OPACITY, "palette": BandKind.CLASSES}
    # Each of these goes through all bands.
    names, units, scales, zeros = dataset.descriptions, dataset.units, dataset.scales, dataset.offsets
    colours = [colour.name for colour in dataset.colorinterp]
    if has_made_up_palette(dataset):
        colours[0] = "gray"
    bands = []
    for place, (colour, nodata) in enumerate(zip(colours, dataset.nodatavals, strict=True)):
        name = (names[place] or "").strip()
        kind = kinds.get(colour, BandKind.DATA)
        if kind is BandKind.DATA and _holds_flags(dataset, place + 1, name, class_tables):
            kind = BandKind.FLAGS
        # What cannot be seen is no data, and must neither spread nor appear anywhere else.
        bands.append(
            Band(
                place + 1,
                kind,
                0.0 if kind is BandKind.OPACITY else _typed(nodata, dataset.dtypes[0]),
                name=name,
                colour="" if colour == "undefined" else colour,
                unit=(units[place] or "").strip(),
                scale=scales[place],
                zero=zeros[place],
            )
        )
    return tuple(bands)


def has_made_up_palette(dataset: Any) -> bool:
    """Tell whether the palette of an open rasterio dataset is GDAL's: it gives one to greys of which 0 is white."""
    is_white_least = dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES"
    is_bilevel = dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == "1"
    return is_white_least and not is_bilevel and dataset.colorinterp[0].name == "palette"


def _holds_flags(dataset: Any, number: int, name: str, class_tables: ClassTables) -> bool:
    """Tell whether a band holds flags or classes: by its name, or its file's, or by a table of classes beside it."""
    if np.dtype(dataset.dtypes[0]).kind == "f":  # of all bands
        return False
    name = name or (Path(dataset.name).stem if dataset.count == 1 else "")
    is_thematic = dataset.tags(number).get("LAYER_TYPE", "").lower() == "thematic"
    return is_thematic or _FLAGS.search(name) is not None or class_tables.speak_of(number)


def _colours(dataset: Any) -> tuple[int, int, int] | None:
    names = [colour.name for colour in dataset.colorinterp]
    if any(names.count(name) != 1 for name in ("red", "green", "blue")):
        return None
    red, green, blue = (names.index(name) + 1 for name in ("red", "green", "blue"))
    return red, green, blue


def _typed(nodata: float | None, dtype: str) -> float | None:
    """Return a nodata number as the type of the pixels holds it, None if it cannot hold it."""
    if nodata is None:
        return None
    kind = np.dtype(dtype)
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return float(kind.type(nodata))
    limits = np.iinfo(kind)
    is_one = np.isfinite(nodata) and nodata == int(nodata) and limits.min <= nodata <= limits.max
    return float(nodata) if is_one else None


def _window(box: Box) -> Any:
    from rasterio.windows import Window

    return Window(box.left, box.top, box.width, box.height)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what GDAL raises into the sentence that a person reads.

    Raises:
        ImageReadError: the file is damaged, cut off or cannot be read.
        UnsupportedImageError: reading needs more memory than there is.
    """
    try:
        yield
    except MemoryError as error:
        raise UnsupportedImageError(path, "reading it needs more memory than there is") from error
    except gdal_failures(OSError, ValueError) as error:
        raise ImageReadError(path, "it is damaged or cut off") from error

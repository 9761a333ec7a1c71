"""GDAL as this program uses it: local GeoTIFF files only, a small cache, and no second voice.

A VRT called .tif would make GDAL read any file, a mask beside the scene that is a WMS would make it ask a server, and a
foreign PROJ or GDAL installation in the environment would give it coordinate systems of another version.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from srdesk.errors import UnsupportedImageError
from srdesk.imaging.naming import readable

CACHE_MB = 64
"""Decoded blocks that GDAL keeps. With its own choice of a 20th of the memory, large scenes take over a gigabyte."""

_LEADING_ELSEWHERE = (
    "VRT DERIVED GTI MRF TIL PDS4 ISIS3 Zarr "  # to other files
    "WMS WMTS WCS HTTP DAAS EEDA EEDAI PLMOSAIC STACIT STACTA ESRIC"  # to servers
)
"""Drivers that GDAL does without: what they open says where the pixels really are."""

_FOREIGN = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "GDAL_DRIVER_PATH", "GDAL_CONFIG_FILE")
"""Where other programs say that their own GDAL is."""


@contextlib.contextmanager
def gdal_session(**options: Any) -> Iterator[Any]:
    """Give the module ``rasterio``, imported now, with GDAL configured for the length of the block.

    Args:
        options: further configuration of GDAL.
    """
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ["GDAL_SKIP"] = _LEADING_ELSEWHERE  # looked at when drivers are registered, once in a process
    os.environ["CPL_VSIL_CURL_ALLOWED_FILENAME"] = "none"
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    logging.getLogger("rasterio").setLevel(logging.CRITICAL)
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_CACHEMAX=CACHE_MB, PROJ_NETWORK="OFF", GDAL_TIFF_INTERNAL_MASK=True, **options),
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield rasterio


def local_file(path: Path) -> Path:
    """Return a name under which GDAL looks nowhere but on the disk: absolute, and none of its virtual files.

    Raises:
        ValueError: GDAL would take it for one.
        UnsupportedImageError: the name is none that GDAL can be told.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - links are not to be resolved
    if readable(str(absolute)) != str(absolute):
        reason = "its name, or that of a folder above it, is no valid UTF-8, as GDAL needs"
        raise UnsupportedImageError(path, reason, hint="Rename it.")
    if str(absolute).startswith("/vsi"):
        raise ValueError(f"{absolute} would be a virtual file")
    return absolute


def gdal_failures(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what rasterio raises when GDAL fails, whichever of them its documents name, and ``others``."""
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import RasterioError

    return RasterioError, CPLE_BaseError, *others

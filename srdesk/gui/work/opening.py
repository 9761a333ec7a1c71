"""From a file to a document: what it shows, what else the file holds, where its pixels are on the sky or on Earth."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.errors import ImageReadError
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.requests import Document, OpenRequest
from srdesk.imaging.image import Image
from srdesk.imaging.science import FitsOrigin

if TYPE_CHECKING:
    from astropy.io.fits import Header

    from srdesk.gui.scene.pyramid import SceneShelf
    from srdesk.imaging.decoder import Decoder
    from srdesk.imaging.fits.parts import Plane

_MOST_TRIED = 12
"""Images of a file, at most, of which the first that can be opened is looked for."""

log = logging.getLogger(__name__)


def open_document(request: OpenRequest, decoder: Decoder, shelf: Callable[[], SceneShelf]) -> Document:
    """Open a photo, an image of a FITS file, or bands of a scene.

    Args:
        request: what to open.
        decoder: opens what is held in memory.
        shelf: gives what opens scenes that are too large for that.

    Raises:
        Cancelled: the token of the request was raised.
        ImageError: it cannot be opened.
    """
    from srdesk.imaging.scene.probe import is_scene

    path, token = request.path, request.token
    stamp = file_stamp(path)
    if is_scene(path):
        return replace(_scene(path, request.bands, decoder, token, shelf), stamp=stamp)
    image, remark = _opened(request, decoder)
    origin = image.metadata.fits
    if origin is None:
        return replace(document_of(path.name, path, image, token), stamp=stamp, remark=_pages_remark(path))
    return replace(_measured(path, image, origin, token, remark), stamp=stamp)


def _opened(request: OpenRequest, decoder: Decoder) -> tuple[Image, str]:
    """Return the picture that is meant; if none is named, the first of the file that can be opened, and a remark."""
    path, token = request.path, request.token
    try:
        return decoder.open(path, token, part=request.part), ""
    except ImageReadError as error:
        if request.part:
            raise
        from srdesk.imaging.formats import list_planes

        # Where the first image holds nothing, people must get at the others.
        for plane in list_planes(path)[1:_MOST_TRIED]:
            with contextlib.suppress(ImageReadError):
                image = decoder.open(path, token, part=plane.part)
                return image, f"{error} “{plane}” is shown instead."
        raise


def document_of(name: str, path: Path | None, image: Image, token: CancelToken) -> Document:
    """Return the document of a picture that is alone in its file, or in none.

    Raises:
        Cancelled: the token was raised.
    """
    log.info("opened %s, %d × %d", image.metadata.format, image.width, image.height)
    return Document(name, path, image, DisplayImage.build(image, 1, token))


def _scene(
    path: Path, bands: tuple[int, ...], decoder: Decoder, token: CancelToken, shelf: Callable[[], SceneShelf]
) -> Document:
    from srdesk.imaging.scene.description import describe_scene
    from srdesk.imaging.scene.geotiff import open_geotiff
    from srdesk.imaging.scene.held import can_hold

    with open_geotiff(path) as scene:
        everything, geolocation, header = scene.bands, scene.geolocation, describe_scene(scene)
        is_held = can_hold(scene, bands)
    if not is_held:
        return replace(_large_scene(path, bands, token, shelf()), header=header)
    image = decoder.open_scene(path, token, bands=bands)
    origin = image.metadata.scene
    log.info("opened scene, %d × %d, %d bands", image.width, image.height, len(everything))
    return Document(
        path.name,
        path,
        image,
        DisplayImage.build(image, 1, token),
        bands=everything,
        shown_bands=() if origin is None else origin.bands,
        geolocation=geolocation,
        header=header,
        remark=_remark(path, image),
    )


def _large_scene(path: Path, bands: tuple[int, ...], token: CancelToken, shelf: SceneShelf) -> Document:
    pyramid = shelf.open(path, bands, token.check)
    scene = pyramid.scene
    log.info("opened large scene, %d × %d, %d bands", scene.width, scene.height, len(scene.all_bands))
    return Document(
        path.name,
        path,
        None,
        pyramid,
        bands=scene.all_bands,
        shown_bands=scene.bands,
        geolocation=scene.geolocation,
        scene=pyramid,
    )


def _remark(path: Path, image: Image) -> str:
    """Say that there is nothing to be seen, if that is so."""
    if image.alpha is None or image.alpha.any():
        return ""
    return f"None of the pixels of “{path.name}” has a value in the bands that are shown."


def _pages_remark(path: Path) -> str:
    """Say that only one of several pages is there to be seen, if that is so."""
    from srdesk.imaging.formats import count_pictures

    pictures = count_pictures(path)
    return f"“{path.name}” holds {pictures} pictures; the first of them is shown." if pictures > 1 else ""


def _measured(path: Path, image: Image, origin: FitsOrigin, token: CancelToken, remark: str) -> Document:
    from srdesk.imaging.fits.cards import list_contents
    from srdesk.imaging.fits.reader import parsed_header
    from srdesk.imaging.fits.wcs import shown_sky_reader
    from srdesk.imaging.formats import regular_file

    with regular_file(path) as stream:
        planes, text = list_contents(stream, path)
    header = parsed_header(origin.header)
    log.info("opened FITS, %d × %d, one of %d", image.width, image.height, len(planes))
    return Document(
        path.name,
        path,
        image,
        DisplayImage.build(image, 1, token),
        planes=planes,
        part=_part(planes, origin, header),
        sky=shown_sky_reader(header, image.height),
        header=text,
        remark=remark,
    )


def _part(planes: tuple[Plane, ...], origin: FitsOrigin, header: Header) -> str:
    """Return what the list of planes calls the one that was opened."""
    if origin.is_colour:
        return f"{origin.hdu},RGB"
    parts = [plane.part for plane in planes if plane.part.partition(",")[0] == str(origin.hdu)]
    lengths = [int(header[f"NAXIS{axis}"]) for axis in range(len(origin.plane) + 2, 2, -1)]
    number = int(np.ravel_multi_index(origin.plane, lengths)) if origin.plane else 0
    return parts[number] if number < len(parts) else ""

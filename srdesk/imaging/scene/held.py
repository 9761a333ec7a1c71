"""A scene that is small enough to be held in memory: chosen bands of it as a picture, and as bands again.

The desk looks at such scenes as it does at photos; results are those of
`srdesk.engine.scenes.scene`, which reads from disk.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srdesk.errors import UnsupportedImageError
from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.probe import MAX_DECODED_BYTES, ImageProbe
from srdesk.imaging.scene.bands import measured_values
from srdesk.imaging.scene.geotiff import BandKind, GeoTiff, open_geotiff
from srdesk.imaging.science import SceneOrigin
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.values import opacity_map

MAX_HELD_PX = 64_000_000
"""Larger scenes are looked at through a pyramid on the disk."""

_STRIP_PX = 2**22


class HeldScene:
    """The bands of a picture that was read from a scene, numbered from 1 (`BandReader`).

    Args:
        stored: the picture.
        origin: what it was read from.
    """

    def __init__(self, stored: StoredImage, origin: SceneOrigin) -> None:
        self.height, self.width = stored.height, stored.width
        self.dtype = stored.values.dtype
        self.nodata = origin.nodata
        self._stored, self._origin = stored, origin

    @classmethod
    def of(cls, image: Image) -> HeldScene:
        """Return that of an Image.

        Raises:
            ValueError: it was not read from a scene.
        """
        if image.metadata.scene is None:
            raise ValueError("this picture is no scene")
        return cls(StoredImage.of_numbers(image), image.metadata.scene)

    def read(self, bands: tuple[int, ...], box: Box) -> Numbers:
        """Return the numbers of ``box``, ``(height, width, bands)``."""
        channels = [number - 1 for number in bands]
        return self._stored.numbers[box.top : box.bottom, box.left : box.right, channels]

    def data_mask(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> NDArray[np.bool_]:
        """Tell which numbers of ``box`` are data, ``(height, width, bands)``."""
        del numbers
        return self._stored.data_mask(self._origin, box)[:, :, [number - 1 for number in bands]]


def can_hold(scene: GeoTiff, bands: tuple[int, ...] = ()) -> bool:
    """Tell whether chosen bands of a scene are small enough to be held in memory."""
    decoded_bytes = _probe(scene, chosen_bands(scene, bands)).decoded_bytes
    return scene.height * scene.width <= MAX_HELD_PX and decoded_bytes <= MAX_DECODED_BYTES


def chosen_bands(scene: GeoTiff, bands: tuple[int, ...]) -> tuple[int, ...]:
    """Return which bands of a scene are shown: one, or red, green and blue.

    Args:
        scene: the scene.
        bands: the wish; empty for the colours that the file names, or else its first band.

    Raises:
        UnsupportedImageError: the scene has no such bands.
    """
    count = len(scene.bands)
    if not bands:
        first = next((band.number for band in scene.bands if band.kind is not BandKind.OPACITY), 1)
        return scene.colours or (first,)
    if len(bands) not in (1, 3) or not all(1 <= number <= count for number in bands):
        shown = ",".join(str(number) for number in bands)
        hint = f"Choose one band, or three, from 1 to {count}."
        raise UnsupportedImageError(scene.path, f"it has no bands {shown[:40]}", hint=hint)
    return bands


def probe(path: Path, bands: tuple[int, ...] = ()) -> ImageProbe:
    """Return what the header of a scene says.

    Raises:
        ImageError: it cannot be opened, or has no such bands.
    """
    with open_geotiff(path) as scene:
        return _probe(scene, chosen_bands(scene, bands))


def read(path: Path, bands: tuple[int, ...] = ()) -> StoredImage:
    """Read one band of a scene, or three as red, green and blue; its ``alpha`` is 0 where it is masked.

    Args:
        path: the file.
        bands: numbers from 1; empty for those that the file names.

    Raises:
        ImageError: it cannot be opened, is damaged, or has no such bands.
    """
    with open_geotiff(path) as scene:
        chosen = chosen_bands(scene, bands)
        numbers = np.empty((scene.height, scene.width, len(chosen)), scene.dtype)
        is_shown = np.ones((scene.height, scene.width), np.bool_)
        rows = max(1, _STRIP_PX // scene.width)
        for top in range(0, scene.height, rows):
            strip = Box(top, 0, min(rows, scene.height - top), scene.width)
            numbers[top : strip.bottom] = part = scene.read(chosen, strip)
            is_shown[top : strip.bottom] = scene.data_mask(chosen, strip, part).all(axis=2)
        origin = origin_of(path, scene, chosen)
        opacity = opacity_map(scene.dtype)
        alpha = None if is_shown.all() else opacity.from_unit(is_shown.astype(np.float32))
        metadata = Metadata(format="TIFF", scene=origin)
        stored = StoredImage(numbers, opacity, alpha, metadata)
        if origin.palette:
            return stored
        return replace(stored, values=measured_values(HeldScene(stored, origin), _channels(stored), _never))


def _never() -> None:
    """Never stop: whoever no longer wants the picture ends the process."""


def _channels(stored: StoredImage) -> tuple[int, ...]:
    return tuple(range(1, stored.channels + 1))


def _probe(scene: GeoTiff, chosen: tuple[int, ...]) -> ImageProbe:
    return ImageProbe("TIFF", scene.height, scene.width, len(chosen), True, scene.dtype)


def origin_of(path: Path, scene: GeoTiff, chosen: tuple[int, ...]) -> SceneOrigin:
    """Return where bands of a scene come from, and which of their numbers are data."""
    status = path.stat()
    nodata = [scene.bands[number - 1].nodata for number in chosen]
    return SceneOrigin(
        path=os.fsencode(path.absolute()),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
        bands=chosen,
        nodata=tuple(None if number is None or not np.isfinite(number) else number for number in nodata),
        palette=_palette(scene, chosen),
        is_copied=any(scene.bands[number - 1].kind.is_copied for number in chosen),
    )


def _palette(scene: GeoTiff, chosen: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    if len(chosen) != 1 or scene.bands[chosen[0] - 1].kind is not BandKind.CLASSES:
        return ()
    table: dict[int, tuple[int, ...]] = scene.dataset.colormap(chosen[0])
    return tuple((red, green, blue) for _, (red, green, blue, *_) in sorted(table.items()))

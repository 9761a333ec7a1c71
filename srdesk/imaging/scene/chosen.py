"""Some bands of a scene as a scene of their own: what the file says of the others is left out."""

from __future__ import annotations

from typing import Any

from srdesk.imaging.scene.geotiff import GeoTiff


def only_bands(scene: GeoTiff, bands: tuple[int, ...]) -> GeoTiff:
    """Return a scene of the bands with these numbers, in this order; it lives as long as ``scene`` is open."""
    if bands == tuple(band.number for band in scene.bands):
        return scene
    chosen = GeoTiff(scene.path, _BandsOf(scene.dataset, bands), scene.class_tables.of_chosen(bands))
    chosen.has_bands_left_out = True
    return chosen


class _BandsOf:
    """A rasterio dataset that seems to have some of its bands only."""

    def __init__(self, dataset: Any, bands: tuple[int, ...]) -> None:
        self._dataset, self._numbers = dataset, bands
        self.count = len(bands)
        self.indexes = tuple(range(1, self.count + 1))
        self.nodata = dataset.nodatavals[bands[0] - 1]

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._dataset, name)
        if name in _OF_BANDS:
            return type(value)(value[number - 1] for number in self._numbers)
        return value

    def tags(self, bidx: int = 0, ns: str | None = None) -> Any:
        return self._dataset.tags(bidx and self._numbers[bidx - 1], ns=ns)

    def tag_namespaces(self, bidx: int = 0) -> Any:
        return self._dataset.tag_namespaces(bidx and self._numbers[bidx - 1])

    def colormap(self, bidx: int) -> Any:
        return self._dataset.colormap(self._numbers[bidx - 1])

    def overviews(self, bidx: int) -> Any:
        return self._dataset.overviews(self._numbers[bidx - 1])

    def read(self, indexes: list[int], **how: Any) -> Any:
        return self._dataset.read([self._numbers[number - 1] for number in indexes], **how)

    def read_masks(self, bidx: int, **how: Any) -> Any:
        return self._dataset.read_masks(self._numbers[bidx - 1], **how)


_OF_BANDS = frozenset(
    {
        *("dtypes", "colorinterp", "nodatavals", "descriptions", "units", "scales", "offsets"),
        *("mask_flag_enums", "block_shapes"),
    }
)
"""Attributes with a value for each band."""

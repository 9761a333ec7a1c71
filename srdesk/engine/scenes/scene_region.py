"""A part of a scene enlarged into memory, to the same numbers as the whole from disk to disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from srdesk.engine.control import Control
from srdesk.engine.enlarge import SCALE
from srdesk.engine.scenes.scene import plan_passes
from srdesk.engine.scenes.scene_step import ScenePass, SceneStep, make_step
from srdesk.imaging.image import Box
from srdesk.imaging.scene.bands import SceneBands, measured_values
from srdesk.imaging.scene.geotiff import BandKind, GeoTiff
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import ValueMap, opacity_map

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler


def pass_of(scene: GeoTiff, bands: tuple[int, ...]) -> ScenePass:
    """Return the bands that go through a model together with ``bands`` when the whole scene is enlarged.

    Args:
        scene: the scene.
        bands: one band, or three that are red, green and blue.

    Raises:
        ConfigError: the scene has no such bands.
    """
    colours = (bands[0], bands[1], bands[2]) if len(bands) == 3 else None
    return next(one for one in plan_passes(scene, colours) if bands[0] in one.bands)


def values_of(scene: GeoTiff, one: ScenePass, check: Callable[[], None]) -> ValueMap:
    """Return the map to the range that the model sees; unless it is one of bytes, all of the scene is read for it.

    Args:
        scene: the scene.
        one: the bands that go through a model together.
        check: called between reads; raises to stop.

    Raises:
        ImageReadError: the file is damaged.
    """
    if one.kind is not BandKind.DATA:
        return opacity_map(scene.dtype)
    return measured_values(scene, one.bands, check)


def enlarge_region(
    scene: GeoTiff,
    upscaler: AnyUpscaler,
    region: Box,
    bands: tuple[int, ...],
    values: ValueMap,
    control: Control,
) -> tuple[Numbers, UpscaleFacts]:
    """Enlarge some bands of a part of a scene.

    Args:
        scene: the scene.
        upscaler: the model.
        region: LR rectangle inside the scene.
        bands: numbers of the bands that are wanted: one, or red, green and blue.
        values: as `values_of` gives it for the pass of these bands.
        control: how to stop the call and where to report.

    Returns:
        `(4 · height, 4 · width, bands)` numbers of the type of the file, read-only, and the facts.

    Raises:
        ConfigError: the scene has no such bands.
        ImageReadError: the file is damaged.
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    one = pass_of(scene, bands)
    place = region.scaled(SCALE)
    gathered = _Gathered(place, np.empty((place.height, place.width, len(one.bands)), scene.dtype))
    facts = make_step(
        SceneStep(region, one), SceneBands(scene, one.bands, values), upscaler, gathered, control
    ) or _copied(upscaler.name)
    numbers = np.ascontiguousarray(gathered.numbers[..., [one.bands.index(number) for number in bands]])
    numbers.flags.writeable = False
    return numbers, facts


class _Gathered:
    """Takes what is made of a region (`TileWriter`)."""

    def __init__(self, place: Box, numbers: Numbers) -> None:
        self._place, self.numbers = place, numbers

    def write(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> None:
        del bands  # all of one pass
        top, left = box.top - self._place.top, box.left - self._place.left
        self.numbers[top : top + box.height, left : left + box.width] = numbers


def _copied(model: str) -> UpscaleFacts:
    """Return the facts of a region of classes, or without data, which no model has seen."""
    from srdesk.engine.upscaler import UpscaleFacts

    return UpscaleFacts(model, "cpu", "fp32", 0, 0.0, 0.0)

"""One step of a scene: some bands of one window, from numbers of the file to numbers of the result.

Steps do not depend on each other. So they may be made here, one after another, or by others at the same time, as long
as their tiles come into the file in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from srdesk.engine.control import Control
from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.scene.bands import SceneBands
from srdesk.imaging.scene.geotiff import BandKind
from srdesk.imaging.scene.tile_press import TILE_PX, TileLayout
from srdesk.imaging.stored import Numbers
from srdesk.imaging.values import ValueMap

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler


class TileWriter(Protocol):
    """Takes numbers of the result; a `srdesk.imaging.scene.tile_press.TilePress` is one."""

    def write(self, bands: tuple[int, ...], box: Box, numbers: Numbers) -> None:
        """Take ``(height, width, C)`` numbers of the bands, counted from 1, at a box of the result."""


@dataclass(frozen=True, slots=True)
class ScenePass:
    """Bands that are enlarged together."""

    bands: tuple[int, ...]
    """Their numbers, from 1; three are red, green and blue."""
    kind: BandKind
    """What they hold."""


@dataclass(frozen=True, slots=True)
class SceneStep:
    """What is done in one go."""

    window: Box
    """LR rectangle of the scene."""
    one: ScenePass
    """Which of its bands."""

    @property
    def lr_px(self) -> int:
        """LR pixels that are done with it."""
        return self.window.height * self.window.width


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """What others must know of a scene to make steps of it."""

    path: Path
    """The file."""
    layout: TileLayout
    """Where the tiles of the result are."""
    scale: int
    """Enlargement along each side."""
    values: dict[ScenePass, ValueMap]
    """How the numbers of its bands become those that the network sees."""


@dataclass(frozen=True, slots=True)
class MadeStep:
    """A step that others have made."""

    tiles: list[tuple[int, bytes]]
    """Number and bytes of every tile, in the order in which they go into the file."""
    facts: UpscaleFacts | None
    """How it was computed, if the model of the run did it."""


class SceneCrew(Protocol):
    """Others that make steps, such as the workers of a cluster."""

    def make(self, order: SceneOrder, steps: Sequence[SceneStep], control: Control) -> Iterator[MadeStep]:
        """Yield the steps in order; progress counts their LR pixels.

        Raises:
            SrDeskError: a step cannot be made.
            ClusterError: the crew is lost; what was yielded is good.
            Cancelled: someone asked to stop.
        """


def make_step(
    step: SceneStep, bands: SceneBands, upscaler: AnyUpscaler, writer: TileWriter, control: Control
) -> UpscaleFacts | None:
    """Enlarge some bands of a window.

    Args:
        step: what to do.
        bands: those bands.
        upscaler: the model of the data; opacity is enlarged by the bicubic, and class numbers are repeated.
        writer: takes the numbers of the result.
        control: how to stop, and where to report; progress counts LR pixels.

    Returns:
        The facts if the model of the run did it.

    Raises:
        ImageReadError: the scene is damaged.
        DeviceError: the model cannot be run.
        ImageWriteError: the result cannot be written.
        Cancelled: someone asked to stop.
    """
    window, one, scale = step.window, step.one, upscaler.scale
    bands.move_to(window)
    if one.kind.is_copied or bands.is_void(window):
        for top in range(window.top, window.bottom, TILE_PX // scale):
            control.token.check()
            strip = Box(top, window.left, min(TILE_PX // scale, window.bottom - top), window.width)
            writer.write(one.bands, strip.scaled(scale), bands.copied(strip, scale))
        return None
    sink = _Sink(bands, writer, scale)
    if one.kind is BandKind.OPACITY:
        from srdesk.engine.upscaler import BicubicUpscaler

        BicubicUpscaler().upscale(bands, sink, control, region=window)
        return None
    return upscaler.upscale(bands, sink, control, region=window)


class _Sink:
    """Turns what a model makes into numbers of the file."""

    def __init__(self, bands: SceneBands, writer: TileWriter, scale: int) -> None:
        self._bands, self._writer, self._scale = bands, writer, scale

    def write(self, box: Box, pixels: FloatArray) -> None:
        scale = self._scale
        lr = Box(box.top // scale, box.left // scale, box.height // scale, box.width // scale)
        self._writer.write(self._bands.numbers, box, self._bands.restored(lr, pixels, scale))

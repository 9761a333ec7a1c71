"""A scene of any size enlarged from disk to disk: window by window, in memory that does not grow with it, resumable.

A window is computed as a region of its own, whatever was computed before it: the halo around it costs a few per cent,
and in return a run that was killed goes on behind its last finished window, to the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from srdesk.engine.control import Control, Stages
from srdesk.engine.enlarge import SCALE
from srdesk.engine.scenes.scene_step import MadeStep, SceneCrew, SceneOrder, ScenePass, SceneStep, make_step
from srdesk.errors import Cancelled, ClusterError, ConfigError, ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging.atomic import write_errors
from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.probe import MAX_SIDE_PX
from srdesk.imaging.scene.bands import SceneBands, measured_values
from srdesk.imaging.scene.geotiff import BandKind, GeoTiff
from srdesk.imaging.scene.tile_file import TileFile, unfinished_bytes
from srdesk.imaging.scene.tile_press import TILE_PX
from srdesk.imaging.scene.writer import ScenePlan, SceneWriter
from srdesk.imaging.values import opacity_map

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.upscaling import AnyUpscaler

_WINDOW_ROWS_PX = 1024
"""Rows of a window: its halo of 80 then costs 8 per cent, and a killed run loses minutes."""

_WINDOW_COLUMNS_PX = 3072
"""Columns of a window, at most: what a network computes in one band, however wide the scene is."""

_MAX_TILES = 2**25
_TRIAL_PX = 96
"""Side of the piece that is enlarged to see how fast it goes."""

_WORTH_A_TRIAL_PX = 2_000_000
"""Smaller scenes are enlarged before anyone has read an estimate."""

_WORTH_SAYING_S, _WORTH_SAYING_BYTES = 30, 10**9
"""Less than this is not worth a sentence."""

_SMALLEST_SHARE = 0.1
"""A result is not expected to be compressed to less than this."""

_SPARE_SHARE = 1.25
"""Results are compressed worse than their input: they have digits that it had not."""


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What a finished run was."""

    height: int
    """Rows of the result."""
    width: int
    """Columns of the result."""
    run: UpscaleFacts
    """Where and how it was computed, with the time and the speed of this run."""
    resumed_windows: int
    """Windows that an earlier run had finished."""
    windows: int
    """All windows."""


def plan_passes(scene: GeoTiff, colours: tuple[int, int, int] | None) -> list[ScenePass]:
    """Return which bands go through a network together: a colour triple, and every other band alone.

    Args:
        scene: the scene.
        colours: numbers of the red, the green and the blue band; those that the file names if None.

    Raises:
        ConfigError: the scene has no such bands.
    """
    count = len(scene.bands)
    if colours is not None and (len(set(colours)) != 3 or not all(1 <= number <= count for number in colours)):
        shown = ",".join(str(number) for number in colours)
        raise ConfigError("bands", shown, f"three different numbers from 1 to {count}")
    triple = colours or scene.colours
    passes = [] if triple is None else [ScenePass(triple, BandKind.DATA)]
    rest = (band for band in scene.bands if triple is None or band.number not in triple)
    return passes + [ScenePass((band.number,), band.kind) for band in rest]


def plan_windows(height: int, width: int, scale: int) -> list[Box]:
    """Cut a scene into windows, row by row, whose results are whole tiles."""
    tile_px = TILE_PX // scale
    parts = -(-width // _WINDOW_COLUMNS_PX)
    columns = -(-width // (parts * tile_px)) * tile_px
    return [
        Box(top, left, min(_WINDOW_ROWS_PX, height - top), min(columns, width - left))
        for top in range(0, height, _WINDOW_ROWS_PX)
        for left in range(0, width, columns)
    ]


def check_scene(scene: GeoTiff, output: Path, colours: tuple[int, int, int] | None = None, scale: int = SCALE) -> None:
    """Make sure, before anything is computed, that a scene can be enlarged and that there is room for its result.

    Raises:
        ConfigError: the scene has no such bands.
        UnsupportedImageError: the result would be too large for any file.
        ImageWriteError: the disk has too little room.
    """
    _check_room(_planned(scene, plan_passes(scene, colours), scale), output)


def enlarge_scene(
    scene: GeoTiff,
    upscaler: AnyUpscaler,
    output: Path,
    control: Control | None = None,
    *,
    recipe: str,
    colours: tuple[int, int, int] | None = None,
    notes: tuple[tuple[str, str], ...] = (),
    crew: SceneCrew | None = None,
) -> SceneFacts:
    """Enlarge a scene into a GeoTIFF, or go on with one that was begun.

    After an error nothing is left over. A run that is cancelled, or killed, leaves ``output.part`` and its journal,
    and goes on there when it is called again.

    Args:
        scene: the scene.
        upscaler: the model of the data; opacity is enlarged by the bicubic, and class numbers are repeated.
        output: the file; an existing one is replaced when the new one is complete on the disk.
        control: how to stop the run and where to report; progress counts LR pixels of all bands that are computed
            together.
        recipe: text that is equal for equal models and settings only.
        colours: numbers of the red, the green and the blue band; those that the file names if None.
        notes: tags for the result that say how it was made.
        crew: others that make the steps; None to make them here. The bytes of the result are the same.

    Raises:
        ConfigError: the scene has no such bands.
        UnsupportedImageError: the result would be too large for any file.
        ImageReadError: the scene is damaged.
        ImageWriteError: the disk has too little room, or the file cannot be written.
        DeviceError: the model cannot be run.
        ClusterError: the crew is lost; as after a cancelled run, what is finished is kept.
        Cancelled: someone asked to stop.
    """
    run = _SceneRun(scene, upscaler, output, control or Control(), colours, notes)
    _check_room(run.plan, output)  # first of all, so that an unfinished file stays if it cannot be gone on with
    key = msgspec.json.encode([run.fingerprint, recipe, [one.bands for one in run.passes], upscaler.scale])
    plan = run.plan
    with TileFile.opened(output, key=key.decode(), tiles=plan.tiles, largest_bytes=plan.largest_bytes) as file:
        try:
            return run.to(file, crew)
        except (Cancelled, ClusterError):
            if file.finished_steps == 0:
                file.discard()
            raise
        except Exception:
            file.discard()
            raise


class _SceneRun:
    """One scene on its way through a model to a file."""

    def __init__(
        self,
        scene: GeoTiff,
        upscaler: AnyUpscaler,
        output: Path,
        control: Control,
        colours: tuple[int, int, int] | None,
        notes: tuple[tuple[str, str], ...],
    ) -> None:
        self.fingerprint = fingerprint(scene.path)
        self.passes = plan_passes(scene, colours)
        self.plan = _planned(scene, self.passes, upscaler.scale, notes)
        self._scene, self._upscaler, self._output, self._control = scene, upscaler, output, control
        self._windows = plan_windows(scene.height, scene.width, upscaler.scale)
        self._total_px = len(self.passes) * scene.height * scene.width
        self._stages = Stages(control, self._total_px)

    def to(self, file: TileFile, crew: SceneCrew | None) -> SceneFacts:
        """Do every step that is not done yet, and finish the file."""
        started_s = time.perf_counter()
        steps = [SceneStep(window, one) for window in self._windows for one in self.passes]
        resumed = file.finished_steps
        left_px = sum(step.lr_px for step in steps[resumed:])
        facts: UpscaleFacts | None = None
        done_px = self._total_px - left_px
        bands = {one: self._bands(one) for one in self.passes}
        values = {number: bands[one].values for one in self.passes for number in one.bands if one.kind is BandKind.DATA}
        with SceneWriter(self.plan, file, values) as writer:
            self._foretell(bands, left_px, crew)
            made = self._made_by(crew, steps[resumed:], bands, done_px)
            for step in steps[resumed:]:
                check_free(self._output, self._raw_bytes(step))
                if made is None:
                    control = self._stages.after(done_px)
                    facts = make_step(step, bands[step.one], self._upscaler, writer, control) or facts
                else:
                    others = next(made)
                    for number, tile in others.tiles:
                        file.append(number, tile)
                    facts = others.facts or facts
                writer.finish_step()
                done_px += step.lr_px
            check_unchanged(self._scene.path, self.fingerprint)
            check_free(self._output, self.plan.raw_bytes // 8 if self._scene.has_overviews else 0)
            writer.finish(self._control.token.check)
        return self._facts(facts, time.perf_counter() - started_s, left_px, resumed)

    def _made_by(
        self, crew: SceneCrew | None, steps: list[SceneStep], bands: dict[ScenePass, SceneBands], done_px: int
    ) -> Iterator[MadeStep] | None:
        if crew is None:
            return None
        values = {one: its.values for one, its in bands.items()}
        order = SceneOrder(self._scene.path, self.plan.layout, self._upscaler.scale, values)
        return crew.make(order, steps, self._stages.after(done_px))

    def _bands(self, one: ScenePass) -> SceneBands:
        if one.kind is BandKind.DATA:
            values = measured_values(self._scene, one.bands, self._control.token.check)
        else:
            values = opacity_map(self._scene.dtype)
        return SceneBands(self._scene, one.bands, values)

    def _foretell(self, bands: dict[ScenePass, SceneBands], left_px: int, crew: SceneCrew | None) -> None:
        """Say how long the run will take and how much room it needs, and what will be different, if worth saying."""
        if self.plan.is_recompressed:
            was, will_be = self._scene.compression, self.plan.codec.compression
            self._control.notify(f"The result is compressed by {will_be} instead of {was}, so that it stays exact.")
        if copied := [str(band.number) for band in self._scene.bands if band.kind.is_copied]:
            held = f"Band {copied[0]} holds" if len(copied) == 1 else f"Bands {', '.join(copied)} hold"
            self._control.notify(f"{held} flags or classes, which were repeated, not enlarged.")
        one = next((one for one in self.passes if one.kind is BandKind.DATA), None)
        if one is None or crew is not None or left_px < _WORTH_A_TRIAL_PX:  # whose speed nobody knows
            return
        height, width = min(_TRIAL_PX, self._scene.height), min(_TRIAL_PX, self._scene.width)
        trial = Box((self._scene.height - height) // 2, (self._scene.width - width) // 2, height, width)
        bands[one].move_to(trial)
        facts = self._upscaler.upscale(bands[one], _Nowhere(), Control(token=self._control.token), region=trial)
        seconds = facts.seconds * left_px / (height * width)
        room = expected_bytes(self.plan) * left_px / self._total_px
        if seconds > _WORTH_SAYING_S or room > _WORTH_SAYING_BYTES:
            self._control.notify(f"This will take up to {_spoken(seconds)} and about {room / 1e9:.1f} GB on the disk.")

    def _raw_bytes(self, step: SceneStep) -> int:
        share = step.lr_px * len(step.one.bands) / (self._scene.height * self._scene.width)
        return int(self.plan.raw_bytes * share / len(self._scene.bands))

    def _facts(self, facts: UpscaleFacts | None, seconds: float, done_px: int, resumed: int) -> SceneFacts:
        from srdesk.engine.upscaler import UpscaleFacts

        megapixels = done_px / len(self.passes) * self._upscaler.scale**2 / 1e6
        run = UpscaleFacts(
            model=self._upscaler.name,
            device=facts.device if facts else "cpu",
            precision=facts.precision if facts else "fp32",
            window_px=facts.window_px if facts else 0,
            seconds=seconds,
            megapixels_per_second=megapixels / max(seconds, 1e-9),
            notices=tuple(self._stages.notices),
            threads=facts.threads if facts else 1,
        )
        return SceneFacts(self.plan.height, self.plan.width, run, resumed, len(self._windows) * len(self.passes))


class _Nowhere:
    """A sink that keeps nothing."""

    def write(self, box: Box, pixels: FloatArray) -> None:
        del box, pixels


def _planned(scene: GeoTiff, passes: list[ScenePass], scale: int, notes: tuple[tuple[str, str], ...] = ()) -> ScenePlan:
    """Return what the result of a scene is like.

    Raises:
        UnsupportedImageError: it would be too large for any file.
    """
    plan = ScenePlan(scene, scale, is_interleaved=len(passes) == 1 and scene.is_interleaved, notes=notes)
    if max(plan.height, plan.width) > MAX_SIDE_PX or plan.tiles > _MAX_TILES:
        size = f"{plan.width:,} × {plan.height:,} pixels"
        bands = f" in {len(scene.bands)} bands" if len(scene.bands) > 1 else ""
        reason = f"its result of {size}{bands} is more than can be written"
        raise UnsupportedImageError(scene.path, reason, hint="Cut it into parts.")
    return plan


def _check_room(plan: ScenePlan, output: Path) -> None:
    """Refuse a result for which there is too little room, what is there of it already counted in.

    Raises:
        ImageWriteError: there is.
    """
    check_free(output, expected_bytes(plan) - unfinished_bytes(output))


def check_free(output: Path, needed_bytes: int) -> None:
    """Refuse to go on where the disk would be full.

    Raises:
        ImageWriteError: it would.
    """
    folder = next(folder for folder in output.absolute().parents if folder.exists())
    with write_errors(output):
        free_bytes = shutil.disk_usage(folder).free
    if needed_bytes > free_bytes:
        raise ImageWriteError(
            output,
            f"it needs about {_room(needed_bytes)}, and {_room(free_bytes)} are free",
            hint="Free some space, or choose a folder on another disk for the output.",
        )


def expected_bytes(plan: ScenePlan) -> int:
    """Return about how large a result will be: as its input is compressed, or a little worse.

    Raises:
        ImageReadError: the input is gone.
    """
    scene = plan.scene
    if plan.codec.compression == "NONE" or scene.dtype.startswith("float"):
        return plan.raw_bytes
    input_bytes = scene.height * scene.width * len(scene.bands) * int(scene.dtype.lstrip("uint")) // 8
    share = _status(scene.path).st_size / max(1, input_bytes) * _SPARE_SHARE
    return int(plan.raw_bytes * min(1.0, max(_SMALLEST_SHARE, share)))


def fingerprint(path: Path) -> list[str | int]:
    """Return what changes when a file does.

    Raises:
        ImageReadError: it is gone.
    """
    status = _status(path)
    return [path.name, status.st_size, status.st_mtime_ns]


def check_unchanged(path: Path, before: list[str | int]) -> None:
    """Make sure that all windows are of the same picture.

    Args:
        path: its file.
        before: the fingerprint that it had.

    Raises:
        ImageReadError: it is another one by now, or gone.
    """
    with contextlib.suppress(ImageReadError):
        if fingerprint(path) == before:
            return
    raise ImageReadError(path, "it was changed while it was read")


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise ImageReadError(path, (error.strerror or "reading failed").lower()) from error


def _spoken(seconds: float) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds > 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(1, seconds):.0f} seconds"


def _room(size_bytes: int) -> str:
    for factor, unit in ((10**9, "GB"), (10**6, "MB")):
        if size_bytes >= factor // 10:
            return f"{size_bytes / factor:,.1f} {unit}"
    return f"{size_bytes / 1000:.0f} kB"

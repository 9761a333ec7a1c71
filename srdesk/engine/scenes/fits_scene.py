"""An image of a FITS file too large to be held, enlarged from disk to disk as `srdesk.engine.measured` enlarges others.

The range of the network and the background come from a sample, and sources are not looked for. Everything else is the
same: what lies beyond the range goes around the network, and every block is fitted to its LR pixel.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from srdesk.engine.control import Control, Stages
from srdesk.engine.scenes.scene import SceneFacts, check_free, check_unchanged, fingerprint, plan_windows
from srdesk.errors import Cancelled
from srdesk.imaging.fits.part_file import FitsPart, Tally, unfinished_fits_bytes
from srdesk.imaging.fits.writer import card_errors, header_bytes, result_header
from srdesk.imaging.flux import FluxError, block_totals, detail_limits, enlarged_values, fitted, frame_error, total_of
from srdesk.imaging.image import Box, FloatArray
from srdesk.imaging.resample import upscale_bicubic_box
from srdesk.imaging.scene.bands import SceneBands

if TYPE_CHECKING:
    from srdesk.engine.upscaling import AnyUpscaler
    from srdesk.imaging.fits.windows import FitsWindows
    from srdesk.imaging.science import Numbers

_REACH_PX = 2
"""What a pixel of the bicubic looks around it."""


def check_fits(source: FitsWindows, output: Path, scale: int) -> None:
    """Make sure, before anything is computed, that an image can be enlarged and that there is room for its result.

    Raises:
        ImageWriteError: there is too little.
        ImageReadError: its header makes no sense, or no pixel has a value.
    """
    pixels = source.height * source.width * len(source.bands) * scale**2
    check_free(output, pixels * np.dtype(source.dtype).itemsize - unfinished_fits_bytes(output))
    _ = source.values  # which takes a second for a very large one


def enlarge_fits(
    source: FitsWindows,
    upscaler: AnyUpscaler,
    output: Path,
    control: Control | None = None,
    *,
    recipe: str,
    history: tuple[str, ...] = (),
) -> tuple[SceneFacts, tuple[str, ...]]:
    """Enlarge an image into a copy of its file, or go on with one that was begun.

    After an error nothing is left over. A run that is cancelled, or killed, leaves ``output.part`` and its journal,
    and goes on there when it is called again.

    Args:
        source: the image.
        upscaler: the model.
        output: the file, which the caller has claimed.
        control: how to stop the run and where to report.
        recipe: text that is equal for equal models and settings only.
        history: how the result was made, a sentence each.

    Returns:
        What the run was, and a sentence for each thing that could not be kept.

    Raises:
        ImageReadError: the file is damaged, or was changed.
        ImageWriteError: the disk has too little room, or the file cannot be written.
        DeviceError: the model cannot be run.
        Cancelled: someone asked to stop.
    """
    control = control or Control()
    scale = upscaler.scale
    check_fits(source, output, scale)
    size = (source.height * scale, source.width * scale)
    with card_errors(source.path):
        header, remarks = result_header(source.hdus, source.origin, source.science, history, *size)
        header_bytes(header, 0)  # so that a card that cannot be written is found before anything is computed
    before = fingerprint(source.path)
    key = msgspec.json.encode([before, recipe, source.part.hdu.index, source.part.plane, scale])
    with FitsPart.opened(output, source, header, scale, key=key.decode()) as file:
        try:
            return _run(source, upscaler, file, control, before), remarks
        except Cancelled:
            if file.finished_steps == 0:
                file.discard()
            raise
        except Exception:
            file.discard()
            raise


def _run(
    source: FitsWindows, upscaler: AnyUpscaler, file: FitsPart, control: Control, before: list[str | int]
) -> SceneFacts:
    started_s = time.perf_counter()
    scale, science = upscaler.scale, source.science
    windows = plan_windows(source.height, source.width, scale)
    resumed = file.finished_steps
    total_px = source.height * source.width
    done_px = sum(window.height * window.width for window in windows[:resumed])
    left_px = total_px - done_px
    bands = SceneBands(source, source.bands, source.values)
    stages = Stages(control, total_px)
    facts = None
    for window in windows[resumed:]:
        bands.move_to(window)
        sink = _Sink(source, file, scale)
        facts = upscaler.upscale(bands, sink, stages.after(done_px), region=window)
        file.finish_step(sink.tally)
        done_px += window.height * window.width
    check_unchanged(source.path, before)
    tally = file.tally
    with card_errors(source.path):
        file.finish(science.after_enlarging(scale), control.token.check)
    seconds = time.perf_counter() - started_s
    if facts is None:  # an earlier run had only the end left to do
        from srdesk.engine.upscaler import UpscaleFacts

        facts = UpscaleFacts(upscaler.name, "cpu", "fp32", 0, 0.0, 0.0)
    run = replace(
        facts,
        seconds=seconds,
        megapixels_per_second=left_px * scale**2 / 1e6 / max(seconds, 1e-9),
        flux=_flux(tally, source),
        notices=tuple(stages.notices),
    )
    return SceneFacts(source.height * scale, source.width * scale, run, resumed, len(windows))


class _Sink:
    """Fits what a model makes to what was measured, and writes it to its place."""

    def __init__(self, source: FitsWindows, file: FitsPart, scale: int) -> None:
        self._source, self._file, self._scale = source, file, scale
        self._excess = _Excess(source)
        self._values = enlarged_values(source.values, source.science, scale)
        self.tally = file.tally
        """What was measured up to now."""

    def write(self, box: Box, pixels: FloatArray) -> None:
        source, scale = self._source, self._scale
        lr = Box(box.top // scale, box.left // scale, box.height // scale, box.width // scale)
        around = lr.grown(1).clipped(source.height, source.width)
        numbers = source.read(source.bands, around)
        if self._excess.is_in(lr):
            pixels = pixels + upscale_bicubic_box(self._excess, lr, scale)
        planes = [
            self._fitted(pixels[:, :, channel], numbers, around, lr, channel) for channel in range(len(source.bands))
        ]
        result = np.stack(planes, axis=2)
        self._file.write(box, result)
        self._note_extremes(result)

    def _fitted(self, sr: FloatArray, numbers: Numbers, around: Box, lr: Box, channel: int) -> Numbers:
        source, scale = self._source, self._scale
        science = source.science
        inner = np.s_[lr.top - around.top : lr.bottom - around.top, lr.left - around.left : lr.right - around.left]
        limits = detail_limits(numbers[:, :, channel], science, source.sky[channel])[inner]
        stored = numbers[:, :, channel][inner]
        made = fitted(sr, stored, science, source.values.gain, scale, limits)
        usable = ~science.is_unusable(stored)
        pixels = source.height * source.width * len(source.bands)
        network = block_totals(sr.astype(np.float64) * self._values.gain + self._values.offset, science, scale)
        self.tally = msgspec.structs.replace(
            self.tally,
            before=self.tally.before + total_of(science.measured(stored), usable, pixels),
            after=self.tally.after + total_of(block_totals(made, science, scale), usable, pixels),
            network=self.tally.network + total_of(network, usable, pixels),
        )
        return made

    def _note_extremes(self, result: Numbers) -> None:
        known = result[~self._source.science.is_blank(result)]
        if known.size:
            lowest, highest = float(known.min()), float(known.max())
            old = self.tally
            self.tally = msgspec.structs.replace(
                old,
                lowest=lowest if old.lowest is None else min(lowest, old.lowest),
                highest=highest if old.highest is None else max(highest, old.highest),
            )


class _Excess:
    """What the network did not see of an image, as a `Source`."""

    def __init__(self, source: FitsWindows) -> None:
        self.height, self.width, self.channels = source.height, source.width, len(source.bands)
        self._source = source

    def read(self, box: Box) -> FloatArray:
        source = self._source
        numbers = source.read(source.bands, box)
        excess = source.values.to_unit(numbers)
        excess -= np.clip(excess, 0.0, 1.0)
        excess[source.science.is_unusable(numbers)] = 0.0
        return excess

    def is_in(self, box: Box) -> bool:
        """Tell whether there is any that the bicubic of ``box`` looks at."""
        return bool(self.read(box.grown(_REACH_PX).clipped(self.height, self.width)).any())


def _flux(tally: Tally, source: FitsWindows) -> FluxError:
    return frame_error(tally.before, tally.after, tally.network, source.science)

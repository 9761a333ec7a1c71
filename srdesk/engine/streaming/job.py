"""One run of a network over a picture: band by band, and down the ladder when memory or numbers fail."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from srdesk.engine.control import Control
from srdesk.engine.device import (
    exact_convolutions,
    free_memory_bytes,
    is_out_of_memory,
    precision_name,
    release_memory,
    resolve_precision,
)
from srdesk.engine.streaming.flow import ALONE, Crew, flow
from srdesk.engine.streaming.plan import Tiling, choose_tiling, plan_bands, plan_strips, window_around
from srdesk.engine.streaming.stream import StreamedNetwork, pace_of
from srdesk.errors import NumericalError, OutOfMemoryError
from srdesk.imaging.image import Box, FloatArray, Sink, Source

Networks = Callable[[torch.device, torch.dtype], StreamedNetwork]
"""Gives the network of a job on a device in a number type."""

_COLOURS = 3
"""Channels that networks take and give."""

_MEMORY_SHARE = 0.9
"""Part of the free memory that a job may plan with."""

_FLAT_SHARE = 0.01
"""A strip whose values span less than this part of what its input spans has come out black."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a job computes."""

    device: torch.device
    """Where."""
    dtype: torch.dtype
    """In which number type."""
    tiling: Tiling
    """In pieces of which size."""


class _Failure(enum.Enum):
    MEMORY = enum.auto()
    NUMBERS = enum.auto()


class _UnusableNumbersError(Exception):
    """A strip came out black or not finite."""


def choose_way(device: torch.device, dtype: torch.dtype, region: Box, window_px: int | None) -> Way:
    """Return how a job for ``region`` begins, see `plan.choose_tiling`."""
    return Way(device, dtype, choose_tiling(region, window_px, pace_of(device)))


def peak_bytes(network: StreamedNetwork, tiling: Tiling, width: int) -> int:
    """Return about how much memory a job holds at a time for ``width`` LR pixels, without source and sink."""
    band_px = min(width, tiling.band_px + 2 * network.halo_px)
    result_bytes = tiling.strip_px * band_px * network.scale**2 * _COLOURS * np.dtype(np.float32).itemsize
    return network.peak_bytes(band_px, strip_px=tiling.strip_px) + 3 * result_bytes


class UpscaleJob:
    """One region of a picture on its way from a Source through a network to a Sink."""

    def __init__(
        self, networks: Networks, source: Source, sink: Sink, control: Control, *, region: Box, window_px: int | None
    ) -> None:
        self._networks, self._source, self._sink, self._control = networks, source, sink, control
        self._region, self._window_px = region, window_px
        self._finished_px = 0
        self._is_proven = False
        """Whether a strip with some structure in it has come out with structure."""
        self.notices: list[str] = []
        """What was said about changes of way."""

    def run(self, device: torch.device, dtype: torch.dtype) -> Way:
        """Compute the region, every pixel once, beginning on a device and in a number type.

        Returns:
            How it computed in the end.

        Raises:
            ConfigError: the window size cannot be.
            Cancelled: the token was raised.
            OutOfMemoryError: memory ran out even with the smallest windows on the CPU.
            NumericalError: values are not finite, even in float32.
        """
        way = self._fitted(choose_way(device, dtype, self._region, self._window_px))
        bands = plan_bands(self._region, way.tiling.band_px)
        while bands:
            band, *others = bands
            with torch.inference_mode(), exact_convolutions(way.device):
                written_rows, failure = self._attempt(band, way)
            self._finished_px += written_rows * band.width
            bands = others
            if failure is not None:
                # Outside of any except block: what the failed attempt held is free by now.
                way = self._way_after(failure, way)
                rest = Box(band.top + written_rows, band.left, band.height - written_rows, band.width)
                bands = [part for box in (rest, *others) for part in plan_bands(box, way.tiling.band_px)]
        self._report(self._region, 0.0)
        return way

    def _attempt(self, band: Box, way: Way) -> tuple[int, _Failure | None]:
        """Compute a band as far as possible; return how many LR rows of it were written, and what stopped it."""
        written_rows = 0
        with contextlib.closing(self._strips(band, way)) as strips:
            while True:
                try:
                    strip = next(strips, None)
                except _UnusableNumbersError:
                    return written_rows, _Failure.NUMBERS
                except (MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                    return written_rows, _Failure.MEMORY
                if strip is None:
                    return written_rows, None
                box, pixels = strip
                self._sink.write(box.scaled(pixels.shape[1] // box.width), pixels)
                written_rows += box.height

    def _strips(self, band: Box, way: Way) -> Generator[tuple[Box, FloatArray]]:
        """Yield LR boxes from the top to the bottom of a band with their SR pixels, clipped and checked."""
        network, strip_px = self._networks(way.device, way.dtype), way.tiling.strip_px
        scale, check = network.scale, self._control.token.check
        window = window_around(band, self._source.height, self._source.width, network.halo_px)
        read, wanted = window.read, band.scaled(scale)
        left = wanted.left - read.left * scale
        stations = network.stations(read.height, read.width, strip_px=strip_px, check=check)
        strips = plan_strips(window, strip_px)
        lr = (self._lr_rows(strip, way.device) for strip in strips)
        crew = Crew.of(torch.get_num_threads(), len(strips)) if way.device.type == "cpu" else ALONE
        row, top = read.top * scale, band.top
        held: list[Tensor] = []
        with contextlib.closing(flow(stations, lr, crew)) as sr:
            for rows in sr:
                start, stop = max(row, wanted.top), min(row + rows.shape[0], wanted.bottom)
                if start < stop:
                    held.append(rows[start - row : stop - row, left : left + wanted.width])
                row += rows.shape[0]
                held_rows = sum(rows.shape[0] for rows in held) // scale
                if held_rows >= min(strip_px, band.bottom - top):
                    box = Box(top, band.left, held_rows, band.width)
                    pixels = torch.cat(held)
                    held = [pixels[held_rows * scale :]]
                    yield box, self._finished(box, pixels[: held_rows * scale], way.dtype)
                    top = box.bottom
                    self._report(band, (top - band.top) / band.height)
                if top == band.bottom:
                    return
        raise RuntimeError(f"a band of rows {band.top} to {band.bottom} ended at row {top}")

    def _lr_rows(self, strip: Box, device: torch.device) -> Tensor:
        """Return `(rows, W, 3)` float32 pixels of a strip on a device; a grey source has three equal colours."""
        pixels = np.array(self._source.read(strip), np.float32)
        return torch.from_numpy(pixels).to(device).expand(-1, -1, _COLOURS)

    def _finished(self, box: Box, sr: Tensor, dtype: torch.dtype) -> FloatArray:
        """Return the SR pixels of an LR box as they are written.

        Raises:
            _UnusableNumbersError: they are not finite, or black.
        """
        pixels: FloatArray = sr.cpu().numpy()
        if self._source.channels == 1:
            pixels = pixels.mean(axis=2, keepdims=True)
        if not np.isfinite(pixels).all():
            raise _UnusableNumbersError
        if dtype != torch.float32 and not self._is_proven:
            span, lr_span = np.ptp(pixels), np.ptp(self._source.read(box))
            if span < _FLAT_SHARE * lr_span:
                raise _UnusableNumbersError
            self._is_proven = bool(lr_span > 0)
        return np.clip(pixels, 0.0, 1.0, out=pixels)

    def _report(self, band: Box, share: float) -> None:
        done_px = self._finished_px + int(share * band.height * band.width)
        self._control.report(done_px, self._region.height * self._region.width)

    def _way_after(self, failure: _Failure, way: Way) -> Way:
        """Return how to go on after a failure, and say so."""
        if failure is _Failure.NUMBERS:
            if way.dtype == torch.float32:
                raise NumericalError("The network gives values that are not finite numbers.")
            self._notify(f"Numbers were unusable in {precision_name(way.dtype)}: computing in fp32 instead.")
            return self._fitted(replace(way, dtype=torch.float32))
        release_memory(way.device)
        smaller = self._smaller(way)
        self._tell_memory(way, smaller)
        return smaller

    def _fitted(self, way: Way) -> Way:
        """Return the first way down the ladder that fits into the free memory, and say so if it is another."""
        fitting = way
        while self._peak_bytes(fitting) > _MEMORY_SHARE * free_memory_bytes(fitting.device):
            fitting = self._smaller(fitting)
        if fitting != way:
            self._tell_memory(way, fitting)
        return fitting

    def _peak_bytes(self, way: Way) -> int:
        return peak_bytes(self._networks(way.device, way.dtype), way.tiling, self._source.width)

    def _smaller(self, way: Way) -> Way:
        """Return the next step down: half the window, down to the smallest, then the CPU."""
        tiling = way.tiling.halved()
        if tiling is not None:
            return replace(way, tiling=tiling)
        if way.device.type == "cpu":
            raise OutOfMemoryError("There is not enough memory, even for the smallest windows.")
        cpu = torch.device("cpu")
        dtype = way.dtype if way.dtype == torch.float32 else resolve_precision("auto", cpu)
        return choose_way(cpu, dtype, self._region, self._window_px)

    def _tell_memory(self, way: Way, next_way: Way) -> None:
        if next_way.device != way.device:
            remedy = "on the CPU instead"
        else:
            remedy = f"in windows of {next_way.tiling.window_px} pixels"
        self._notify(f"Memory is short on “{way.device.type}”: computing {remedy}.")

    def _notify(self, sentence: str) -> None:
        self.notices.append(sentence)
        self._control.notify(sentence)

"""From a Source to a Sink four times as large: a network on a device, and the bicubic baseline in the same shape."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from srdesk.engine.control import Control
from srdesk.engine.device import compute_threads, precision_name, resolve_device, resolve_precision
from srdesk.engine.library import WeightsCard
from srdesk.engine.streaming.job import UpscaleJob, Way, choose_way, peak_bytes
from srdesk.engine.streaming.plan import check_window, plan_bands, window_around
from srdesk.engine.streaming.stream import StreamedNetwork, streamed
from srdesk.engine.weights import load_model
from srdesk.imaging.flux import FluxError
from srdesk.imaging.image import Box, FloatArray, Sink, Source
from srdesk.imaging.resample import upscale_bicubic_box

BICUBIC = "bicubic"
"""Name of the baseline among the models."""

_BICUBIC_STRIP_PX = 64

_TELLING_WORK_PX = 64 * 64
"""Runs over fewer LR pixels say nothing about speed."""

_TELLING_RESULT_PX = 16 * _TELLING_WORK_PX
"""Results of fewer pixels do not, either."""

_SHORTEST_S = 1e-9
"""Keeps the speed of an instant run finite."""


@dataclass(frozen=True, slots=True)
class UpscaleFacts:
    """What a finished run was."""

    model: str
    """Name of the model."""
    device: str
    """Where it computed: cpu, cuda or mps."""
    precision: str
    """Number type it ended with: fp32, bf16 or fp16."""
    window_px: int
    """Bound of strip height and band width it ended with, in LR pixels; 0 for the whole image at once."""
    seconds: float
    """Time of the run, reading and writing files left out."""
    megapixels_per_second: float
    """Million output pixels a second."""
    notices: tuple[str, ...] = ()
    """Sentences about changes of way (smaller windows, float32), as they were told during the run."""
    flux: FluxError | None = None
    """How well measured values were conserved; None for photos."""
    threads: int = 1
    """CPU threads that the network computed with; another number adds in another order."""

    @property
    def tells_speed(self) -> bool:
        """Whether so much was computed that other runs will be about as fast."""
        return self.seconds * self.megapixels_per_second * 1e6 >= _TELLING_RESULT_PX


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take, before it begins."""

    seconds: float | None
    """Time by the speed of earlier runs of the same upscaler; None before the first."""
    peak_bytes: int
    """Most memory on the device that the run holds at a time, without source and sink."""


class Upscaler:
    """A model on a device, ready to enlarge. Not for two threads at once."""

    def __init__(
        self,
        model: nn.Module,
        card_or_name: WeightsCard | str,
        *,
        device: str = "auto",
        precision: str = "auto",
        window_px: int | None = None,
        threads: int | None = None,
    ) -> None:
        """Prepare ``model`` for a device.

        Args:
            model: an SRResNet or SRCNN; not modified.
            card_or_name: card of the weights, or the name to report.
            device: one of `srdesk.engine.device.DEVICES`.
            precision: one of `srdesk.engine.device.PRECISIONS`.
            window_px: bound of strip height and band width in LR pixels; None for automatic, 0 for the whole image.
            threads: CPU threads; None for torch's own choice.

        Raises:
            ConfigError: an unknown device or precision, a precision that the device does not compute with, or a window
                size that cannot be.
            DeviceUnavailableError: the device is not in this machine.
        """
        check_window(window_px)
        self.card = card_or_name if isinstance(card_or_name, WeightsCard) else None
        self.name = card_or_name if isinstance(card_or_name, str) else card_or_name.name
        self._model = model
        self._device = resolve_device(device)
        self._dtype = resolve_precision(precision, self._device)
        self._window_px = window_px
        self._threads = threads
        self._networks: dict[tuple[torch.device, torch.dtype], StreamedNetwork] = {}
        self._seconds_per_px: float | None = None
        self.scale = self._network(self._device, self._dtype).scale
        self.halo_px = self._network(self._device, self._dtype).halo_px
        """LR pixels around a pixel that its result depends on."""

    @classmethod
    def from_weights(
        cls,
        path: Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        window_px: int | None = None,
        threads: int | None = None,
    ) -> Upscaler:
        """Load a weights file and prepare its model.

        Raises:
            WeightsFormatError: the file is damaged, no weights file, or contains code.
            WeightsMismatchError: the file does not fit the model that it names.
            ConfigError: as for `Upscaler`.
            DeviceUnavailableError: the device is not in this machine.
        """
        model, card = load_model(path)
        return cls(model, card, device=device, precision=precision, window_px=window_px, threads=threads)

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        """Enlarge ``source``, or its ``region``, into ``sink``.

        Args:
            source: LR picture, 1 or 3 channels. A grey one goes in as three equal colours, and their mean comes out.
            sink: takes SR pixels clipped to `[0, 1]`, with as many channels as the source, in coordinates of the whole
                SR picture; every pixel of the region exactly once, band by band from top to bottom.
            control: how to stop the run and where to report; progress counts LR pixels.
            region: LR rectangle inside the source; None for all of it. Its pixels equal those of the whole run.

        Raises:
            Cancelled: the token was raised; the sink is left unfinished.
            OutOfMemoryError: memory ran out even with the smallest windows on the CPU.
            NumericalError: the network gives values that are not finite, even in float32.
        """
        control = control or Control()
        control.start()
        started_s = time.perf_counter()
        region = region or Box(0, 0, source.height, source.width)
        job = UpscaleJob(self._network, source, sink, control, region=region, window_px=self._window_px)
        with compute_threads(self._threads):
            threads = torch.get_num_threads()
            way = job.run(self._device, self._dtype)
        seconds = time.perf_counter() - started_s
        if way.device == self._device:
            self._dtype = way.dtype  # numbers that were unusable once would be so again
        self._learn_speed(seconds, self._work_px(way, region, source.height, source.width))
        return UpscaleFacts(
            model=self.name,
            device=way.device.type,
            precision=precision_name(way.dtype),
            window_px=way.tiling.window_px,
            seconds=seconds,
            megapixels_per_second=_megapixels(region, self.scale) / max(seconds, _SHORTEST_S),
            notices=tuple(job.notices),
            threads=threads,
        )

    def estimate(self, height: int, width: int) -> Estimate:
        """Return what a picture of ``height`` × ``width`` LR pixels will take."""
        region = Box(0, 0, height, width)
        way = choose_way(self._device, self._dtype, region, self._window_px)
        seconds = None
        if self._seconds_per_px is not None:
            seconds = self._seconds_per_px * self._work_px(way, region, height, width)
        return Estimate(seconds, peak_bytes(self._network(way.device, way.dtype), way.tiling, width))

    def _work_px(self, way: Way, region: Box, height: int, width: int) -> int:
        """Return how many LR pixels are computed for a region, halos included."""
        halo_px = self._network(way.device, way.dtype).halo_px
        bands = plan_bands(region, way.tiling.band_px)
        reads = (window_around(band, height, width, halo_px).read for band in bands)
        return sum(read.height * read.width for read in reads)

    def _learn_speed(self, seconds: float, work_px: int) -> None:
        if work_px >= _TELLING_WORK_PX:
            self._seconds_per_px = seconds / work_px

    def _network(self, device: torch.device, dtype: torch.dtype) -> StreamedNetwork:
        key = (device, dtype)
        if key not in self._networks:
            self._networks[key] = streamed(self._model, device, dtype)
        return self._networks[key]


class BicubicUpscaler:
    """The baseline: antialiased bicubic on the CPU, with the interface of `Upscaler`."""

    name = BICUBIC
    card: WeightsCard | None = None
    scale = 4
    halo_px = 2

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        """Enlarge ``source``, or its ``region``, into ``sink``; arguments as in `Upscaler.upscale`.

        Raises:
            Cancelled: the token was raised; the sink is left unfinished.
        """
        control = control or Control()
        control.start()
        started_s = time.perf_counter()
        region = region or Box(0, 0, source.height, source.width)
        for top in range(region.top, region.bottom, _BICUBIC_STRIP_PX):
            control.token.check()
            strip = Box(top, region.left, min(_BICUBIC_STRIP_PX, region.bottom - top), region.width)
            sink.write(strip.scaled(self.scale), _clipped(upscale_bicubic_box(source, strip, self.scale)))
            control.report((strip.bottom - region.top) * region.width, region.height * region.width)
        seconds = time.perf_counter() - started_s
        return UpscaleFacts(
            model=self.name,
            device="cpu",
            precision="fp32",
            window_px=_BICUBIC_STRIP_PX,
            seconds=seconds,
            megapixels_per_second=_megapixels(region, self.scale) / max(seconds, _SHORTEST_S),
        )

    def estimate(self, height: int, width: int) -> Estimate:
        """Return what a picture of ``height`` × ``width`` LR pixels will take."""
        del height
        return Estimate(None, _BICUBIC_STRIP_PX * width * self.scale**2 * 3 * 4 * 3)


def _megapixels(region: Box, scale: int) -> float:
    return region.height * region.width * scale**2 / 1e6


def _clipped(pixels: FloatArray) -> FloatArray:
    return np.clip(pixels, 0.0, 1.0, out=pixels)

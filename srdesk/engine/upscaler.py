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
from srdesk.imaging.image import Box, FloatArray, Sink, Source
from srdesk.imaging.resample import upscale_bicubic_box

BICUBIC = "bicubic"
"""Name of the baseline among the models."""

_BICUBIC_STRIP_PX = 64


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
            model: SRResNet or SRCNN in evaluation or training mode; not modified.
            card_or_name: card of the weights, or the name to report.
            device: one of `srdesk.engine.device.DEVICES`.
            precision: one of `srdesk.engine.device.PRECISIONS`.
            window_px: bound of strip height and band width in LR pixels; None for automatic, 0 for the whole image.
            threads: CPU threads; None for torch's own choice.

        Raises:
            ConfigError: an unknown device or precision, or a precision that the device does not compute with.
            DeviceUnavailableError: the device is not in this machine.
        """
        self.card = card_or_name if isinstance(card_or_name, WeightsCard) else None
        self.name = card_or_name if isinstance(card_or_name, str) else card_or_name.name
        self._device = resolve_device(device)
        self._dtype = resolve_precision(precision, self._device)
        self._window_px = window_px
        self._threads = threads
        self._model = model.eval()
        self.scale = int(getattr(model, "scale", 4))

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
            ConfigError: an unknown device or precision.
            DeviceUnavailableError: the device is not in this machine.
        """
        from srdesk.engine.weights import load_model

        model, card = load_model(path)
        return cls(model, card, device=device, precision=precision, window_px=window_px, threads=threads)

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        """Enlarge ``source``, or its ``region``, into ``sink``.

        Args:
            source: LR picture, 1 or 3 channels.
            sink: takes SR pixels clipped to `[0, 1]`, with as many channels as the source, in coordinates of the whole
                SR picture; every pixel of the region exactly once.
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
        with torch.inference_mode(), compute_threads(self._threads):
            control.token.check()
            pixels = np.broadcast_to(
                source.read(Box(0, 0, source.height, source.width)), (source.height, source.width, 3)
            )
            lr = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None].to(self._device)
            sr = self._model.to(self._device)(lr)[0].permute(1, 2, 0).float().cpu().numpy()
        if source.channels == 1:
            sr = sr.mean(axis=2, keepdims=True)
        box = region.scaled(self.scale)
        sink.write(box, np.clip(sr[box.top : box.bottom, box.left : box.right], 0.0, 1.0))
        control.report(region.height * region.width, region.height * region.width)
        seconds = time.perf_counter() - started_s
        return UpscaleFacts(
            self.name,
            self._device.type,
            precision_name(self._dtype),
            self._window_px or 0,
            seconds,
            box.height * box.width / 1e6 / seconds,
        )

    def estimate(self, height: int, width: int) -> Estimate:
        """Return what a picture of ``height`` × ``width`` LR pixels will take."""
        return Estimate(None, height * width * 64 * 16 * 4)


class BicubicUpscaler:
    """The baseline: antialiased bicubic on the CPU, with the interface of `Upscaler`."""

    name = BICUBIC
    card: WeightsCard | None = None
    scale = 4

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
        megapixels = region.height * region.width * self.scale**2 / 1e6
        return UpscaleFacts(self.name, "cpu", "fp32", 0, seconds, megapixels / max(seconds, 1e-9))

    def estimate(self, height: int, width: int) -> Estimate:
        """Return what a picture of ``height`` × ``width`` LR pixels will take."""
        del height
        return Estimate(None, _BICUBIC_STRIP_PX * width * self.scale**2 * 3 * 4 * 3)


def _clipped(pixels: FloatArray) -> FloatArray:
    return np.clip(pixels, 0.0, 1.0, out=pixels)

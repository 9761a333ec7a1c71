"""Networks as streams of row strips: exact, nothing computed twice, memory bounded by the width of the picture.

A picture goes through the whole network in strips. Every convolution keeps the last rows of its input that its next
output rows need, every skip the rows it still waits for; what stands beyond an edge stands only beyond the true edges
of the picture, at every layer. A rectangle of a picture is streamed as if it were a picture: its outermost
`StreamedNetwork.halo_px` pixels are then not those of the whole picture.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import nn

from srdesk.engine.streaming import srcnn_stream, srresnet_stream
from srdesk.engine.streaming.flow import Station
from srdesk.engine.streaming.folding import fold_srcnn, fold_srresnet
from srdesk.engine.streaming.plan import CPU_PACE, GPU_PACE, Pace
from srdesk.engine.streaming.rows import Check
from srdesk.engine.streaming.srcnn_stream import srcnn_stations
from srdesk.engine.streaming.srresnet_stream import srresnet_stations
from srdesk.models.srcnn import CUBIC_REACH_PX, SRCNN
from srdesk.models.srresnet import SRResNet


class StreamedNetwork(Protocol):
    """A network on a device, ready to stream pictures."""

    @property
    def scale(self) -> int:
        """Enlargement along each side."""

    @property
    def halo_px(self) -> int:
        """LR pixels on each side that an SR pixel depends on, at most."""

    def stations(self, height: int, width: int, *, strip_px: int, check: Check) -> list[Station]:
        """Return what the rows of one picture flow through.

        Args:
            height: LR rows of the picture.
            width: LR pixels of a row.
            strip_px: LR rows that are pushed, and that a layer computes, in one go. The first push has two rows at
                least, unless the picture has only one.
            check: called before every layer.

        Returns:
            Stations that take `(n, W, 3)` LR rows, float32, on the device, and give `(m, scale·W, 3)` SR rows, float32,
            not clipped; with the last LR row all of them come out.
        """

    def peak_bytes(self, width: int, *, strip_px: int) -> int:
        """Return about how much memory the stations hold at a time for ``width`` LR pixels."""


def streamed(model: nn.Module, device: torch.device, dtype: torch.dtype) -> StreamedNetwork:
    """Make a model ready to stream on a device in a number type; ``model`` is not modified.

    Raises:
        TypeError: there is no stream for this kind of model.
    """
    if isinstance(model, SRResNet):
        return _StreamedSRResNet(model, device, dtype)
    if isinstance(model, SRCNN):
        return _StreamedSRCNN(model, device, dtype)
    raise TypeError(f"{type(model).__name__} cannot be streamed")


def pace_of(device: torch.device) -> Pace:
    """Return which pieces a device computes fastest."""
    return CPU_PACE if device.type == "cpu" else GPU_PACE


_PIECE_SHARE = 4
"""Pieces with four times as many channels have so many times fewer pixels."""


class _StreamedSRResNet:
    def __init__(self, model: SRResNet, device: torch.device, dtype: torch.dtype) -> None:
        self.scale = model.scale
        self.halo_px = _srresnet_halo_px(model)
        self._folded = fold_srresnet(model, device, dtype)
        self._piece_area_px = pace_of(device).strip_area_px // _PIECE_SHARE

    def stations(self, height: int, width: int, *, strip_px: int, check: Check) -> list[Station]:
        return srresnet_stations(
            self._folded, height, width, strip_px=strip_px, piece_area_px=self._piece_area_px, check=check
        )

    def peak_bytes(self, width: int, *, strip_px: int) -> int:
        return srresnet_stream.peak_bytes(self._folded, width, strip_px=strip_px, piece_area_px=self._piece_area_px)


class _StreamedSRCNN:
    def __init__(self, model: SRCNN, device: torch.device, dtype: torch.dtype) -> None:
        self.scale = model.scale
        self.halo_px = _srcnn_halo_px(model)
        self._folded = fold_srcnn(model, device, dtype)
        self._piece_area_px = pace_of(device).strip_area_px

    def stations(self, height: int, width: int, *, strip_px: int, check: Check) -> list[Station]:
        del strip_px  # its layers compute HR rows, in pieces of their own size
        return srcnn_stations(self._folded, height, width, piece_area_px=self._piece_area_px, check=check)

    def peak_bytes(self, width: int, *, strip_px: int) -> int:
        return srcnn_stream.peak_bytes(self._folded, width, strip_px=strip_px, piece_area_px=self._piece_area_px)


def _srresnet_halo_px(model: SRResNet) -> int:
    """Return the receptive radius: 9×9 head 4, blocks 2 each, trunk 1, stages 1 + ½ + …, 9×9 tail on HR pixels."""
    edge_px = model.config.edge_kernel_px // 2
    stages = sum(0.5**index for index in range(model.config.stages))
    return math.ceil(edge_px + 2 * model.config.blocks + 1 + stages + edge_px / model.scale)


def _srcnn_halo_px(model: SRCNN) -> int:
    """Return how many LR pixels away something counts: below 2 for the cubic, and the margin of the HR layers."""
    outermost_phase = (model.scale - 1) / 2  # of an SR pixel, from the centre of its LR pixel, in SR pixels
    return math.ceil(CUBIC_REACH_PX + (model.config.margin_px + outermost_phase) / model.scale) - 1

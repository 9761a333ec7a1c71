"""SRCNN as stations that rows flow through."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from srdesk.engine.streaming.flow import Station
from srdesk.engine.streaming.folding import FoldedSRCNN
from srdesk.engine.streaming.rows import Check, ConvRows, ConvStation, RowBuffer, RowQueue, shuffled
from srdesk.models.srcnn import BT601_LUMA, CUBIC_REACH_PX, mirrored_index


def srcnn_stations(network: FoldedSRCNN, height: int, width: int, *, piece_area_px: int, check: Check) -> list[Station]:
    """Return the stations for one picture: LR rows → bicubic rows → their luma → three unpadded convolutions.

    Beyond its edges the LR picture is mirrored, and the luma of the bicubic picture goes on with its edge pixels.

    Args:
        network: the layers.
        height: LR rows of the picture.
        width: LR pixels of a row.
        piece_area_px: HR pixels that a layer computes in one go, about.
        check: called before every layer.
    """
    scale = network.scale
    piece_px = max(1, piece_area_px // (width * scale))
    bicubic = _Bicubic(network, height, width, check)
    layers: list[ConvRows] = []
    beyond_px = network.margin_px
    for layer in (network.extract, network.map, network.reconstruct):
        size = (height * scale + 2 * beyond_px, width * scale + 2 * beyond_px)
        rows = RowBuffer(*size, channels=layer.weight.shape[1], border_px=0, like=layer.weight)
        layers.append(ConvRows(layer, rows, check))
        beyond_px -= layer.radius_px
    *inner, last = layers
    return [bicubic, *(ConvStation(conv, at_most=piece_px) for conv in inner), _Colours(last, bicubic, piece_px)]


class _Bicubic:
    """LR colours to the extended luma of the bicubic picture; the picture itself waits for the new luma."""

    def __init__(self, network: FoldedSRCNN, height: int, width: int, check: Check) -> None:
        like, reach_px = network.bicubic.weight, CUBIC_REACH_PX
        size = (height + 2 * reach_px, width + 2 * reach_px)
        rows = RowBuffer(*size, channels=like.shape[1], border_px=0, like=like)
        self.pixels, self.luma = RowQueue(), RowQueue()
        """Rows that wait."""
        self._conv = ConvRows(network.bicubic, rows, check)
        self._height, self._scale, self._margin_px = height, network.scale, network.margin_px
        self._rows_index = mirrored_index(height).to(like.device)
        self._columns_index = mirrored_index(width).to(like.device)
        self._luma_weights = torch.tensor(BT601_LUMA, device=like.device)[:, None]

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._append_mirrored(rows[:, self._columns_index])
        for output in self._conv.outputs(at_most=rows.shape[0]):
            pixels = shuffled(output, self._scale)
            luma = pixels @ self._luma_weights
            self.pixels.append(pixels)
            self.luma.append(luma)
            yield self._extended(luma, is_last=self._conv.done == self._height)

    def _append_mirrored(self, lr: Tensor) -> None:
        """Append LR rows, and along with the first and the last ones their mirror images beyond the edge."""
        rows, reach_px = self._conv.input, CUBIC_REACH_PX
        if rows.stop == 0:
            rows.append(lr[self._rows_index[:reach_px]])
        rows.append(lr)
        if rows.stop == reach_px + self._height:
            nearest = min(self._height, reach_px)
            last_rows = rows.rows(rows.stop - nearest, rows.stop).clone()
            rows.append(last_rows[self._rows_index[-reach_px:] - (self._height - nearest)])

    def _extended(self, luma: Tensor, *, is_last: bool) -> Tensor:
        """Return luma rows extended by the edge pixels; the first and the last ones also upwards and downwards."""
        margin_px = self._margin_px
        is_first = self._conv.done * self._scale == luma.shape[0]
        above, below = margin_px * is_first, margin_px * is_last
        planes = luma.permute(2, 0, 1)[None]
        return functional.pad(planes, (margin_px, margin_px, above, below), mode="replicate")[0].permute(1, 2, 0)


class _Colours:
    """The last convolution: the bicubic picture with the luma that the network predicts."""

    def __init__(self, conv: ConvRows, bicubic: _Bicubic, piece_px: int) -> None:
        self._conv, self._bicubic, self._piece_px = conv, bicubic, piece_px

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._conv.input.append(rows)
        for luma in self._conv.outputs(at_most=self._piece_px):
            count = luma.shape[0]
            yield self._bicubic.pixels.take(count) + (luma.float() - self._bicubic.luma.take(count))


def peak_bytes(network: FoldedSRCNN, width: int, *, strip_px: int, piece_area_px: int) -> int:
    """Return about how much memory the stations hold at a time for ``width`` LR pixels, parameters left out."""
    colours = network.bicubic.weight.shape[1]
    hr_width = width * network.scale
    piece_px = max(1, piece_area_px // hr_width)
    float_bytes = network.bicubic.weight.element_size()
    lr_bytes = 2 * (strip_px + 4 * CUBIC_REACH_PX) * width * colours * float_bytes
    waiting_rows = 6 * strip_px * network.scale + 4 * network.margin_px
    channels = network.extract.weight.shape[0] + network.map.weight.shape[0]
    feature_rows = 5 * (piece_px + 4 * network.reconstruct.radius_px)
    return lr_bytes + hr_width * float_bytes * (waiting_rows * (colours + 3) + feature_rows * channels)

"""SRCNN as stations that rows flow through."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from srdesk.engine.streaming.flow import Station
from srdesk.engine.streaming.folding import FoldedSRCNN
from srdesk.engine.streaming.rows import Check, ConvRows, RowBuffer, RowQueue, shuffled
from srdesk.models.srcnn import BT601_LUMA, CUBIC_REACH_PX, mirrored_index


def srcnn_stations(network: FoldedSRCNN, height: int, width: int, *, piece_area_px: int, check: Check) -> list[Station]:
    """Return the stations for one picture: LR rows → bicubic blocks → their luma → three unpadded convolutions.

    A row of blocks is what one LR row becomes. Beyond its edges the LR picture is mirrored, and the luma of the bicubic
    picture goes on with its edge pixels.

    Args:
        network: the layers.
        height: LR rows of the picture.
        width: LR pixels of a row.
        piece_area_px: HR pixels that a layer computes in one go, about.
        check: called before every layer.
    """
    piece_px = _piece_px(network, width, piece_area_px)
    bicubic = _Bicubic(network, height, width, check)
    layers: list[ConvRows] = []
    beyond_px = network.margin_px
    for layer in (network.extract, network.map, network.reconstruct):
        pixels = network.scale**2 if layer is network.map and network.maps_pixels else 1
        size = (height + 2 * beyond_px, (width + 2 * beyond_px) * pixels)
        rows = RowBuffer(*size, channels=layer.weight.shape[1], border_px=0, like=layer.weight)
        layers.append(ConvRows(layer, rows, check))
        beyond_px -= layer.radius_px
    *inner, last = layers
    return [bicubic, *(_Layer(conv, piece_px) for conv in inner), _Colours(last, bicubic, piece_px)]


class _Bicubic:
    """LR colours to the extended luma of the bicubic picture; the picture itself waits for the new luma."""

    def __init__(self, network: FoldedSRCNN, height: int, width: int, check: Check) -> None:
        like, reach_px = network.bicubic.weight, CUBIC_REACH_PX
        size = (height + 2 * reach_px, width + 2 * reach_px)
        rows = RowBuffer(*size, channels=like.shape[1], border_px=0, like=like)
        self.pixels, self.luma = RowQueue(), RowQueue()
        """Rows of blocks that wait."""
        self._conv = ConvRows(network.bicubic, rows, check)
        self.scale = network.scale
        """Side of a block."""
        self._network, self._height = network, height
        self._rows_index = mirrored_index(height).to(like.device)
        self._columns_index = mirrored_index(width).to(like.device)
        self._luma_weights = torch.tensor(BT601_LUMA, device=like.device)

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._append_mirrored(rows[:, self._columns_index])
        for pixels in self._conv.outputs(at_most=rows.shape[0]):
            luma = pixels.view(*pixels.shape[:2], -1, len(BT601_LUMA)) @ self._luma_weights
            self.pixels.append(pixels)
            self.luma.append(luma)
            yield self._in_parts(self._extended(luma, is_last=self._conv.done == self._height))

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
        """Return `(n, W, r²)` luma extended by the edge pixels; the first and the last rows also up and down."""
        scale, margin_px = self._network.scale, self._network.margin_px * self._network.scale
        is_first = self._conv.done == luma.shape[0]
        above, below = margin_px * is_first, margin_px * is_last
        plane = shuffled(luma, scale)[:, :, 0][None, None]
        extended = functional.pad(plane, (margin_px, margin_px, above, below), mode="replicate")
        return functional.pixel_unshuffle(extended, scale)[0].permute(1, 2, 0)

    def _in_parts(self, luma: Tensor) -> Tensor:
        """Return the luma as the first layer wants it."""
        if self._network.luma_parts == 1:
            return luma
        dtype = self._network.extract.weight.dtype
        rounded = luma.to(dtype)
        return torch.cat((rounded, (luma - rounded.float()).to(dtype)), dim=2)


class _Layer:
    """One of the first two convolutions."""

    def __init__(self, conv: ConvRows, piece_px: int) -> None:
        self._conv, self._piece_px = conv, piece_px

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._conv.input.append(_as_wide_as(self._conv.input, rows))
        yield from self._conv.outputs(at_most=self._piece_px)


class _Colours:
    """The last convolution: the bicubic picture with the luma that the network predicts."""

    def __init__(self, conv: ConvRows, bicubic: _Bicubic, piece_px: int) -> None:
        self._conv, self._bicubic, self._piece_px = conv, bicubic, piece_px
        self._scale = bicubic.scale

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._conv.input.append(_as_wide_as(self._conv.input, rows))
        for luma in self._conv.outputs(at_most=self._piece_px):
            count, width, phases = luma.shape
            change = luma.float() - self._bicubic.luma.take(count)
            pixels = self._bicubic.pixels.take(count).view(count, width, phases, -1) + change[..., None]
            yield shuffled(pixels.flatten(2), self._scale)


def _as_wide_as(buffer: RowBuffer, rows: Tensor) -> Tensor:
    """Return rows of blocks as rows of their pixels, or the other way round, if a layer computes those."""
    return rows.reshape(rows.shape[0], buffer.width, -1)


def _piece_px(network: FoldedSRCNN, width: int, piece_area_px: int) -> int:
    return max(1, piece_area_px // (width * network.scale**2))


def peak_bytes(network: FoldedSRCNN, width: int, *, strip_px: int, piece_area_px: int) -> int:
    """Return about how much memory the stations hold at a time for ``width`` LR pixels, parameters left out."""
    colours, phases = network.bicubic.weight.shape[1], network.scale**2
    piece_px = _piece_px(network, width, piece_area_px)
    float_bytes = network.bicubic.weight.element_size()
    lr_bytes = 2 * (strip_px + 4 * CUBIC_REACH_PX) * width * colours * float_bytes
    waiting_rows = 6 * strip_px + 4 * network.margin_px
    features = network.extract.weight.shape[0] + network.reconstruct.weight.shape[1]
    feature_rows = 5 * (piece_px + 4 * network.reconstruct.radius_px)
    waiting = waiting_rows * (colours + 3) * phases
    return lr_bytes + width * float_bytes * (waiting + feature_rows * features)

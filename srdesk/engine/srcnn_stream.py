"""SRCNN as a stream of row strips."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from srdesk.engine.folding import FoldedSRCNN
from srdesk.engine.rows import Check, ConvRows, RowBuffer, shuffled
from srdesk.models.srcnn import BT601_LUMA, CUBIC_REACH_PX, mirrored_index


class SRCNNStream:
    """A picture on its way through an SRCNN: LR rows → bicubic rows → their luma → three unpadded convolutions.

    Beyond its edges the LR picture is mirrored, and the luma of the bicubic picture goes on with its edge pixels.
    """

    def __init__(self, network: FoldedSRCNN, height: int, width: int, *, piece_area_px: int, check: Check) -> None:
        """Prepare for ``height`` LR rows of ``width`` pixels.

        Args:
            network: the layers.
            height: LR rows that will be pushed in all.
            width: LR pixels of a row.
            piece_area_px: HR pixels that a layer computes in one go, about.
            check: called before every layer.
        """
        scale, like = network.scale, network.bicubic.weight
        self._height, self._scale = height, scale
        self._piece_px = max(1, piece_area_px // (width * scale))
        self._columns = mirrored_index(width).to(like.device)
        self._luma_weights = torch.tensor(BT601_LUMA, device=like.device)[:, None]
        self._margin_px = network.margin_px

        def rows(channels: int, like: Tensor, *, scale: int, beyond_px: int = 0) -> RowBuffer:
            extended = (height * scale + 2 * beyond_px, width * scale + 2 * beyond_px)
            return RowBuffer(*extended, channels=channels, border_px=0, like=like)

        colours = like.shape[1]
        lr = rows(colours, like, scale=1, beyond_px=CUBIC_REACH_PX)
        self._bicubic = ConvRows(network.bicubic, lr, check)
        self._layers: list[ConvRows] = []
        beyond_px = self._margin_px
        for layer in (network.extract, network.map, network.reconstruct):
            layer_input = rows(layer.weight.shape[1], layer.weight, scale=scale, beyond_px=beyond_px)
            self._layers.append(ConvRows(layer, layer_input, check))
            beyond_px -= layer.radius_px
        self._waiting = rows(colours, like, scale=scale)
        self._waiting_luma = rows(1, like, scale=scale)

    def push(self, lr: Tensor) -> Iterator[Tensor]:
        """See `Stream.push`."""
        self._append_mirrored(lr[:, self._columns])
        at_most = max(1, self._piece_px // self._scale)
        while (output := self._bicubic.compute(at_most=at_most)) is not None:
            self._append_bicubic(shuffled(output, self._scale))
            yield from self._through_layers()

    def _append_mirrored(self, lr: Tensor) -> None:
        """Append LR rows, and along with the first and the last ones their mirror images beyond the edge."""
        rows, reach_px = self._bicubic.input, CUBIC_REACH_PX
        index = mirrored_index(self._height).to(lr.device)
        if rows.stop == 0:
            rows.append(lr[index[:reach_px]])
        rows.append(lr)
        if rows.stop == reach_px + self._height:
            nearest = min(self._height, reach_px)
            last_rows = rows.rows(rows.stop - nearest, rows.stop).clone()
            rows.append(last_rows[index[-reach_px:] - (self._height - nearest)])

    def _append_bicubic(self, pixels: Tensor) -> None:
        """Append rows of the bicubic picture; its luma is extended on all sides by the edge pixel."""
        luma = pixels @ self._luma_weights
        self._waiting.append(pixels)
        self._waiting_luma.append(luma)
        sides = (self._margin_px, self._margin_px)
        extended = functional.pad(luma.permute(2, 0, 1), sides, mode="replicate").permute(1, 2, 0)
        rows = self._layers[0].input
        if rows.stop == 0:
            rows.append(extended[:1].expand(self._margin_px, -1, -1))
        rows.append(extended)
        if self._waiting.stop == self._waiting.height:
            rows.append(extended[-1:].expand(self._margin_px, -1, -1))

    def _through_layers(self, index: int = 0) -> Iterator[Tensor]:
        """Take the rows that wait before a layer through it and all that follow."""
        layer = self._layers[index]
        start = layer.done
        while (output := layer.compute(at_most=self._piece_px)) is not None:
            if index + 1 < len(self._layers):
                self._layers[index + 1].input.append(output)
                yield from self._through_layers(index + 1)
            else:
                change = output.float() - self._waiting_luma.rows(start, layer.done)
                yield self._waiting.rows(start, layer.done) + change
                self._waiting.forget(layer.done)
                self._waiting_luma.forget(layer.done)
            start = layer.done


def peak_bytes(network: FoldedSRCNN, width: int, *, strip_px: int, piece_area_px: int) -> int:
    """Return about how much memory a stream of ``width`` LR pixels holds at a time, parameters left out."""
    colours = network.bicubic.weight.shape[1]
    scale, radius_px = network.scale, network.extract.radius_px
    hr_width = width * scale
    piece_px = max(scale, piece_area_px // hr_width)
    kernels = network.extract.weight
    features = 2 * (kernels.shape[0] + network.map.weight.shape[0]) * kernels.element_size()
    lr_bytes = 2 * (strip_px + 4 * CUBIC_REACH_PX) * width * colours * 4
    hr_bytes = hr_width * (4 * (piece_px + 4 * radius_px) * (colours + 2) * 4 + 2 * (piece_px + 8) * features)
    return lr_bytes + hr_bytes

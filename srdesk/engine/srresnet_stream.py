"""SRResNet as a stream of row strips."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from srdesk.engine.folding import FoldedSRResNet
from srdesk.engine.rows import Check, ConvRows, Layer, RowBuffer, shuffled


class SRResNetStream:
    """A picture on its way through an SRResNet; zeros stand beyond its edges at every layer."""

    def __init__(
        self, network: FoldedSRResNet, height: int, width: int, *, strip_px: int, piece_area_px: int, check: Check
    ) -> None:
        """Prepare for ``height`` LR rows of ``width`` pixels.

        Args:
            network: the folded layers.
            height: LR rows that will be pushed in all.
            width: LR pixels of a row.
            strip_px: LR rows that a layer computes in one go, at most.
            piece_area_px: pixels that a layer behind the blocks, where there are four times as many channels, computes
                in one go, about.
            check: called before every layer.
        """
        self._strip_px, self._piece_area_px = strip_px, piece_area_px
        self._network = network

        def rows_for(layer: Layer, *, scale: int = 1) -> RowBuffer:
            size, channels = (height * scale, width * scale), layer.weight.shape[1]
            return RowBuffer(*size, channels=channels, border_px=layer.radius_px, like=layer.weight)

        sums = network.trunk.weight.to(network.sum_dtype)
        channels = sums.shape[1]
        self._head = ConvRows(network.head, rows_for(network.head), check)
        self._shallow = RowBuffer(height, width, channels=channels, border_px=0, like=sums)
        self._features = RowBuffer(height, width, channels=channels, border_px=network.trunk.radius_px, like=sums)
        self._blocks = [
            (ConvRows(first, self._features, check, forgets=False), ConvRows(second, rows_for(second), check))
            for first, second in network.blocks
        ]
        self._trunk = ConvRows(network.trunk, self._features, check)
        self._stages = [
            ConvRows(stage.layer, rows_for(stage.layer, scale=stage.scale), check) for stage in network.stages
        ]

    def push(self, lr: Tensor) -> Iterator[Tensor]:
        """See `Stream.push`."""
        self._head.input.append(lr)
        before = -1
        while before != (before := self._rows_done()):
            self._through_head()
            start, finished_rows = self._trunk.done, self._through_blocks()
            residual = self._trunk.compute(finished_rows, at_most=self._strip_px)
            if residual is not None:
                shallow = self._shallow.rows(start, self._trunk.done)
                self._stages[0].input.append(shallow.add_(residual))
                self._shallow.forget(self._trunk.done)
                yield from self._through_stages()

    def _rows_done(self) -> int:
        return self._head.done + sum(first.done + second.done for first, second in self._blocks) + self._trunk.done

    def _through_head(self) -> None:
        shallow = self._head.compute(at_most=self._strip_px)
        if shallow is not None:
            self._shallow.append(shallow)
            self._features.append(shallow)

    def _through_blocks(self) -> int:
        """Take every residual block as far as it can go; return how many rows have passed the last one."""
        finished_rows = self._head.done
        for first, second in self._blocks:
            hidden = first.compute(finished_rows, at_most=self._strip_px)
            if hidden is not None:
                second.input.append(hidden)
            start = second.done
            residual = second.compute(at_most=self._strip_px)
            if residual is not None:
                # In place: the rows that this block still needs as they were lie below those that it finishes.
                self._features.rows(start, second.done).add_(residual)
            finished_rows = second.done
        return finished_rows

    def _through_stages(self, index: int = 0) -> Iterator[Tensor]:
        """Take the features that wait before a stage through it and all that follow."""
        stage, factor = self._stages[index], self._network.stages[index].factor
        at_most = max(1, self._piece_area_px // stage.input.width)
        while (output := stage.compute(at_most=at_most)) is not None:
            if index + 1 < len(self._stages):
                self._stages[index + 1].input.append_shuffled(output, factor)
                yield from self._through_stages(index + 1)
            else:
                used_channels = factor**2 * self._network.colours
                yield shuffled(output[..., :used_channels], factor).float()


def peak_bytes(network: FoldedSRResNet, width: int, *, strip_px: int, piece_area_px: int) -> int:
    """Return about how much memory a stream of ``width`` LR pixels holds at a time, parameters left out."""
    feature = network.trunk.weight
    pixel_bytes = feature.shape[1] * feature.element_size()
    delay_px = 2 * len(network.blocks) + 2
    # The two buffers that wait for the blocks have room for the waiting rows twice (see RowBuffer).
    sum_rows = 2 * (2 * delay_px + strip_px)
    rows = len(network.blocks) * (strip_px + 4) + 3 * strip_px
    total = width * (rows * pixel_bytes + sum_rows * feature.shape[1] * network.sum_dtype.itemsize)
    for stage in network.stages:
        stage_width = width * stage.scale
        piece_px = max(1, piece_area_px // stage_width)
        kernels = stage.layer.weight
        outputs, inputs = kernels.shape[:2]
        kept = 2 * (piece_px + 4 * stage.layer.radius_px) * inputs
        total += stage_width * (kept + 2 * piece_px * outputs) * kernels.element_size()
    return total

"""SRResNet as stations that rows flow through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from srdesk.engine.streaming.flow import Station
from srdesk.engine.streaming.folding import FoldedSRResNet
from srdesk.engine.streaming.rows import Check, ConvRows, ConvStation, Layer, RowBuffer, RowQueue, shuffled

_BLOCKS_OF_A_STATION = 4
"""Few enough that no station takes longer than the heaviest, which is the last upscaling stage."""


def srresnet_stations(
    network: FoldedSRResNet, height: int, width: int, *, strip_px: int, piece_area_px: int, check: Check
) -> list[Station]:
    """Return the stations for one picture; zeros stand beyond its edges at every layer.

    Args:
        network: the folded layers.
        height: LR rows of the picture.
        width: LR pixels of a row.
        strip_px: LR rows that a layer computes in one go, at most.
        piece_area_px: pixels that a layer behind the blocks, where there are four times as many channels, computes in
            one go, about.
        check: called before every layer.
    """

    def conv_rows(layer: Layer, scale: int = 1) -> ConvRows:
        size, channels = (height * scale, width * scale), layer.weight.shape[1]
        rows = RowBuffer(*size, channels=channels, border_px=layer.radius_px, like=layer.weight)
        return ConvRows(layer, rows, check)

    shallow = RowQueue()
    stations: list[Station] = [_Head(conv_rows(network.head), shallow, strip_px)]
    for start in range(0, len(network.blocks), _BLOCKS_OF_A_STATION):
        blocks = network.blocks[start : start + _BLOCKS_OF_A_STATION]
        sums = blocks[0][0].weight.to(network.sum_dtype)
        features = RowBuffer(height, width, channels=sums.shape[1], border_px=1, like=sums)
        pairs = [(ConvRows(first, features, check, forgets=False), conv_rows(second)) for first, second in blocks]
        stations.append(_Blocks(features, pairs, strip_px))
    stations.append(_Trunk(conv_rows(network.trunk), shallow, strip_px))
    factor = 1
    for stage in network.stages:
        at_most = max(1, piece_area_px // (width * stage.scale))
        stations.append(ConvStation(conv_rows(stage.layer, stage.scale), at_most=at_most, factor=factor))
        factor = stage.factor
    return [*stations[:-1], _Picture(stations[-1], factor, network.colours)]


class _Head:
    """Colours to features, which wait for the trunk as well."""

    def __init__(self, conv: ConvRows, shallow: RowQueue, strip_px: int) -> None:
        self._conv, self._shallow, self._strip_px = conv, shallow, strip_px

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._conv.input.append(rows)
        for features in self._conv.outputs(at_most=self._strip_px):
            self._shallow.append(features)
            yield features


class _Blocks:
    """Some residual blocks, which add to the same rows of features, one block a few rows behind the other."""

    def __init__(self, features: RowBuffer, blocks: Sequence[tuple[ConvRows, ConvRows]], strip_px: int) -> None:
        self._features, self._blocks, self._strip_px = features, blocks, strip_px

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._features.append(rows)
        last = self._blocks[-1][1]
        before = -1
        while before != (before := self._rows_done()):
            start = last.done
            self._advance()
            if last.done > start:
                yield self._features.rows(start, last.done).clone()
                self._features.forget(last.done)

    def _rows_done(self) -> int:
        return sum(first.done + second.done for first, second in self._blocks)

    def _advance(self) -> None:
        """Take every block a strip further, as far as the rows that it needs are there."""
        finished_rows = self._features.stop
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


class _Trunk:
    """The convolution behind the blocks, and the long skip around them."""

    def __init__(self, conv: ConvRows, shallow: RowQueue, strip_px: int) -> None:
        self._conv, self._shallow, self._strip_px = conv, shallow, strip_px

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        self._conv.input.append(rows)
        for residual in self._conv.outputs(at_most=self._strip_px):
            yield self._shallow.take(residual.shape[0]) + residual


class _Picture:
    """The tail, and the last shuffle."""

    def __init__(self, tail: Station, factor: int, colours: int) -> None:
        self._tail, self._factor, self._used_channels = tail, factor, factor**2 * colours

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        for pixels in self._tail.push(rows):
            yield shuffled(pixels[..., : self._used_channels], self._factor).float()


def peak_bytes(network: FoldedSRResNet, width: int, *, strip_px: int, piece_area_px: int) -> int:
    """Return about how much memory the stations hold at a time for ``width`` LR pixels, parameters left out."""
    feature = network.trunk.weight
    channels, item_bytes = feature.shape[1], feature.element_size()
    sum_bytes = network.sum_dtype.itemsize
    groups = -(-len(network.blocks) // _BLOCKS_OF_A_STATION)
    delay_px = 2 * len(network.blocks) + 2
    waiting_rows = delay_px + 4 * groups * strip_px
    hidden_rows = len(network.blocks) * (strip_px + 4) + 4 * groups * strip_px
    total = width * channels * (3 * waiting_rows * sum_bytes + hidden_rows * item_bytes)
    for stage in network.stages:
        stage_width = width * stage.scale
        piece_px = max(1, piece_area_px // stage_width)
        outputs, inputs, kernel_px, _ = stage.layer.weight.shape
        kept_rows = 2 * (2 * piece_px + 2 * kernel_px)
        total += stage_width * item_bytes * (kept_rows * inputs + 4 * piece_px * outputs)
    return total

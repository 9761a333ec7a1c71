"""Rows of features that pass by, and a convolution that computes on them as they come.

Row numbers are those of the picture at the resolution of the rows. Each row is written once, read together with its
neighbours, and forgotten as soon as no convolution needs it any more: nothing is computed twice, and memory grows with
the width of the picture only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Check = Callable[[], None]
"""Called before every layer; raises to stop the run."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution with stride 1, whatever followed it that could be folded in, and its activation."""

    weight: Tensor
    """`(O, C, K, K)` kernel, K odd, channels-last."""
    bias: Tensor
    """`(O,)`."""
    slope: Tensor | None = None
    """`(O,)` slopes below zero of a PReLU; None if there is none."""
    is_rectified: bool = False
    """Whether a ReLU follows."""

    @property
    def radius_px(self) -> int:
        """Pixels on each side that an output depends on."""
        return int(self.weight.shape[-1]) // 2

    def compute(self, rows: Tensor, *, side_padding_px: int) -> Tensor:
        """Return the layer's `(H − 2·radius, W′, O)` output for `(H, W, C)` rows, zero-padded at both sides."""
        output = self._convolved(rows.to(self.weight.dtype), side_padding_px)
        if self.is_rectified:
            output.relu_()
        return output

    def _convolved(self, rows: Tensor, side_padding_px: int) -> Tensor:
        if self.weight.shape[-1] == 1 and self.slope is None:
            return functional.linear(rows, self.weight[:, :, 0, 0], self.bias)
        # (H, W, C) contiguous is (1, C, H, W) in channels-last memory: no copy.
        features = rows.permute(2, 0, 1)[None]
        output = functional.conv2d(features, self.weight, self.bias, padding=(0, side_padding_px))
        if self.slope is not None:
            output = functional.prelu(output, self.slope)
        return output[0].permute(1, 2, 0)


class RowBuffer:
    """A window that slides down a picture: rows are appended at its bottom and forgotten at its top."""

    def __init__(self, height: int, width: int, *, channels: int, border_px: int, like: Tensor) -> None:
        """Prepare for a picture.

        Args:
            height: rows that will be appended in all.
            width: pixels of a row.
            channels: numbers of a pixel.
            border_px: rows of zeros above the first and below the last row.
            like: device and number type.
        """
        self.height = height
        self.width = width
        self.border_px = border_px
        self.stop = 0
        """First row that is not there yet."""
        self._first = self._needed = -border_px
        self._storage = like.new_zeros((2 * border_px, width, channels))

    @property
    def held_bytes(self) -> int:
        """Memory that the rows take."""
        return self._storage.nbytes

    def append(self, rows: Tensor) -> None:
        """Copy `(n, W, C)` rows to the bottom."""
        self._extend(rows.shape[0]).copy_(rows)

    def append_shuffled(self, rows: Tensor, factor: int) -> None:
        """Copy `(n, W / r, C·r²)` rows, channels (row phase, column phase, feature), as `r·n` rows of `W` pixels."""
        by_phase = _by_phase(rows, factor)
        self._extend(rows.shape[0] * factor).view(by_phase.shape).copy_(by_phase)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the rows from ``start`` to before ``stop``, border included, as an `(n, W, C)` view."""
        return self._storage[start - self._first : stop - self._first]

    def forget(self, start: int) -> None:
        """Allow the rows before ``start`` to be overwritten."""
        self._needed = max(self._needed, start)

    def _extend(self, count: int) -> Tensor:
        """Return the place of the next ``count`` rows; the border below the last row is filled along with it."""
        start, stop = self.stop, self.stop + count
        border = self.border_px if stop == self.height else 0
        self._make_room(stop + border)
        self.stop = stop
        self.rows(stop, stop + border).zero_()
        return self.rows(start, stop)

    def _make_room(self, stop: int) -> None:
        capacity, width, channels = self._storage.shape
        if stop - self._first <= capacity:
            return
        shift = self._needed - self._first
        kept = self._storage[shift : self.stop - self._first]
        count, wanted = kept.shape[0], stop - self._needed
        if wanted > capacity or count > shift:
            # With room for the kept rows once more, they need not be moved at every strip.
            self._storage = self._storage.new_empty((wanted + count, width, channels))
        self._storage[:count] = kept
        self._first = self._needed


class ConvRows:
    """A convolution as a stream: computes each output row as soon as the input rows that it needs are there."""

    def __init__(self, layer: Layer, rows: RowBuffer, check: Check, *, forgets: bool = True) -> None:
        """Connect ``layer`` to the buffer of its input rows.

        Args:
            layer: the convolution; zero-padded on all sides if ``rows`` has a border, which is then its radius.
            rows: its input.
            check: called before each piece of work.
            forgets: whether no one else needs the rows that this convolution has used up.
        """
        self.input = rows
        self.done = 0
        """Output rows computed so far."""
        self._layer = layer
        self._check = check
        self._forgets = forgets

    def compute(self, available: int | None = None, *, at_most: int) -> Tensor | None:
        """Compute the next output rows.

        Args:
            available: input rows that are final; all that are there if None.
            at_most: rows to compute in one go.

        Returns:
            `(n, W, O)` rows, or None if no further one can be computed yet.
        """
        rows, border, radius = self.input, self.input.border_px, self._layer.radius_px
        available = rows.stop if available is None else available
        reached = rows.height + border if available == rows.height else available
        stop = min(reached + border - 2 * radius, self.done + at_most)
        if stop <= self.done:
            return None
        self._check()
        window = rows.rows(self.done - border, stop - border + 2 * radius)
        output = self._layer.compute(window, side_padding_px=border)
        self.done = stop
        if self._forgets:
            rows.forget(stop - border)
        return output

    def outputs(self, *, at_most: int) -> Iterator[Tensor]:
        """Compute all output rows that can be computed, ``at_most`` at a time."""
        while (output := self.compute(at_most=at_most)) is not None:
            yield output


class RowQueue:
    """Rows that wait to be taken, in order. One thread may append while another takes."""

    def __init__(self) -> None:
        self._pieces: deque[Tensor] = deque()

    def append(self, rows: Tensor) -> None:
        """Let `(n, W, C)` rows wait; they are not copied."""
        self._pieces.append(rows)

    def take(self, count: int) -> Tensor:
        """Return the first ``count`` rows, which are there."""
        taken = []
        while count > 0:
            piece = self._pieces.popleft()
            if piece.shape[0] > count:
                self._pieces.appendleft(piece[count:])
                piece = piece[:count]
            taken.append(piece)
            count -= piece.shape[0]
        return taken[0] if len(taken) == 1 else torch.cat(taken)


class ConvStation:
    """A convolution, and the pixel shuffle before it, as a station of a flow."""

    def __init__(self, conv: ConvRows, *, at_most: int, factor: int = 1) -> None:
        """Make a station of a convolution.

        Args:
            conv: the convolution.
            at_most: rows to compute in one go.
            factor: factor of the shuffle; 1 for none.
        """
        self._conv, self._at_most, self._factor = conv, at_most, factor

    def push(self, rows: Tensor) -> Iterator[Tensor]:
        """See `Station.push`."""
        self._conv.input.append_shuffled(rows, self._factor)
        yield from self._conv.outputs(at_most=self._at_most)


def shuffled(rows: Tensor, factor: int) -> Tensor:
    """Return `(n, W, C·r²)` rows, channels (row phase, column phase, feature), as `(n·r, W·r, C)` pixels."""
    n, w, c = rows.shape
    return _by_phase(rows, factor).reshape(n * factor, w * factor, c // factor**2)


def _by_phase(rows: Tensor, factor: int) -> Tensor:
    """Return a view of `(n, W, C·r²)` rows whose order is that of the shuffled pixels in memory."""
    n, w, c = rows.shape
    # (n, W, row phase, column phase · C) → (n, row phase, W, column phase · C)
    return rows.view(n, w, factor, c // factor).permute(0, 2, 1, 3)

"""Convolutions and pixel shuffles that change places.

A convolution after a pixel shuffle works on fine pixels; the same sums can be taken before the shuffle, on coarse
pixels with more channels. Each tap of the fine kernel lands in exactly one coarse kernel, so the result is the same but
for the order of additions, and a convolution with three outputs becomes one with twelve, which fills the vector units.
W. Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
Network", CVPR 2016, section 3.2, uses the same identity for a sub-pixel convolution.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def conv_weight_before_shuffle(weight: Tensor, factor: int) -> Tensor:
    """Gather the kernel that does before a pixel shuffle what ``weight`` does after it.

    Args:
        weight: `(O, C, K, K)` kernel of a "same" zero-padded convolution on the shuffled pixels, K odd.
        factor: r of the pixel shuffle.

    Returns:
        `(O·r², C·r², k, k)` kernel for the unshuffled channels, k odd, differentiable with respect to ``weight``. Its
        output is to be shuffled by ``factor``; zero padding of k // 2 coarse pixels covers the same border.
    """
    outputs, channels, kernel, _ = weight.shape
    index, coarse_kernel = _tap_index(kernel, factor)
    # The appended zero is what coarse taps outside the fine kernel read.
    rows_and_zero = torch.nn.functional.pad(weight.reshape(outputs * channels, kernel * kernel), (0, 1))
    gathered = rows_and_zero[:, index.to(weight.device)]
    phases = factor * factor
    gathered = gathered.view(outputs, channels, phases, phases, coarse_kernel, coarse_kernel)
    # (O, C, out phase, in phase, k, k) → (O, out phase, C, in phase, k, k), the channel order of a pixel shuffle
    return gathered.permute(0, 2, 1, 3, 4, 5).reshape(outputs * phases, channels * phases, coarse_kernel, coarse_kernel)


def phases_outermost(outputs: Tensor, factor: int) -> Tensor:
    """Reorder what belongs to the channels before a pixel shuffle, from (feature, phase) to (phase, feature).

    Args:
        outputs: `(C·r², …)` kernels, biases or slopes of those channels.
        factor: r of the pixel shuffle; 1 leaves the order as it is.
    """
    return outputs.reshape(-1, factor * factor, *outputs.shape[1:]).transpose(0, 1).flatten(0, 1)


def shuffle_phases(features: Tensor, factor: int) -> Tensor:
    """Shuffle pixels whose channels are in the order (phase, feature), so that all features of one move together.

    The same pixel shuffle as `torch.nn.functional.pixel_shuffle`, for channels that `phases_outermost` has reordered;
    it copies runs of C numbers where that one picks single ones.

    Args:
        features: `(N, C·r², H, W)` batch, best channels last in memory.
        factor: r.

    Returns:
        `(N, C, r·H, r·W)` batch, channels last in memory.
    """
    n, channels, height, width = features.shape
    # (N, H, W, row phase, column phase · C) → (N, H, row phase, W, column phase · C), the shuffled rows in memory
    blocks = features.permute(0, 2, 3, 1).reshape(n, height, width, factor, channels // factor)
    rows = blocks.permute(0, 1, 3, 2, 4).reshape(n, height * factor, width * factor, channels // factor**2)
    return rows.permute(0, 3, 1, 2)


def block_kernel(weight: Tensor, factor: int) -> Tensor:
    """Gather the kernel that does on blocks of pixels what ``weight`` does on the pixels.

    A block is a square of ``factor`` × ``factor`` pixels, which are its channels: (row, column, channel of the pixel).

    Args:
        weight: `(O, C, K, K)` kernel of an unpadded convolution, K odd.
        factor: r, the side of a block.

    Returns:
        `(r²·O, r²·C, k, k)` kernel, k odd, differentiable with respect to ``weight``.
    """
    outputs, channels = weight.shape[:2]
    phases = factor * factor
    kernel = conv_weight_before_shuffle(weight, factor)
    by_phase = kernel.view(outputs, phases, channels, phases, *kernel.shape[2:])
    return by_phase.permute(1, 0, 3, 2, 4, 5).reshape(phases * outputs, phases * channels, *kernel.shape[2:])


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # the cached index serves training too, which refuses tensors made in inference mode
def _tap_index(kernel: int, factor: int) -> tuple[Tensor, int]:
    """Return for each (out phase, in phase, coarse row, coarse column) the flat fine tap, or K² where there is none."""
    radius = kernel // 2
    coarse_radius = -(-radius // factor)
    coarse_kernel = 2 * coarse_radius + 1
    offset = torch.arange(-coarse_radius, coarse_radius + 1)
    phase = torch.arange(factor)
    # fine tap = r · coarse offset + in phase − out phase, along one side: (out phase, in phase, coarse offset)
    tap = factor * offset[None, None, :] + phase[None, :, None] - phase[:, None, None] + radius
    is_inside = (tap >= 0) & (tap < kernel)
    row, column = tap[:, None, :, None, :, None], tap[None, :, None, :, None, :]
    row_inside, column_inside = is_inside[:, None, :, None, :, None], is_inside[None, :, None, :, None, :]
    flat = torch.where(row_inside & column_inside, row * kernel + column, kernel * kernel)
    phases = factor * factor
    return flat.reshape(phases, phases, coarse_kernel, coarse_kernel), coarse_kernel

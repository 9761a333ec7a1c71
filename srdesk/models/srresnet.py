"""SRResNet ×4, the generator of Ledig et al. 2017.

C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", CVPR 2017,
section 2.1 and figure 4 (generator network, k9n64s1 … k9n3s1).

Deviations from the paper:
    * Pixels go in and come out in ``[0, 1]``; the paper's HR pictures are in ``[-1, 1]``.
    * The residual blocks end without an activation, as drawn in figure 4, and PReLU has one slope per channel.
    * The network can start as a bilinear enlargement (`start_as_bilinear`) instead of from random numbers only.
    * ``forward(…, rearranged=True)`` computes the last convolution before the last pixel shuffle, and each PReLU before
      the shuffle of its stage: the same numbers from the same parameters, in less time (see `srdesk.models.subpixel`).
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from srdesk.models.activation import PReLU, prelu
from srdesk.models.subpixel import conv_weight_before_shuffle, phases_outermost, shuffle_phases

SHUFFLE_FACTOR = 2
"""Each upscaling stage doubles the size (figure 4, "PixelShuffler x2")."""

BILINEAR_TAPS = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
"""Weights of rows −1, 0, +1 for the first and second half-pixel of a bilinear doubling."""


class SRResNetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of an SRResNet; the defaults are those of the paper."""

    channels: int = 64
    """Feature channels of every layer, n64 in figure 4."""
    blocks: int = 16
    """Residual blocks, B in figure 4."""
    edge_kernel_px: int = 9
    """Kernel of the first and the last convolution, k9 in figure 4; odd."""
    stages: int = 2
    """Upscaling stages, each of which doubles the size."""
    in_channels: int = 3
    """Colour channels in and out."""

    @property
    def scale(self) -> int:
        """Enlargement along each side."""
        return int(SHUFFLE_FACTOR**self.stages)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with BatchNorm around one PReLU, added to their input (figure 4, "B residual blocks")."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block1 = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), PReLU(channels)
        )
        self.conv_block2 = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, channels, H, W)`` features plus their residual."""
        conv1, norm1, activation = self.conv_block1
        conv2, norm2 = self.conv_block2
        return features + _normalised(conv2, norm2, activation(_normalised(conv1, norm1, features)))


class SRResNet(nn.Module):
    """The generator: head, residual blocks, trunk with the long skip, pixel-shuffle stages and tail."""

    def __init__(self, config: SRResNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or SRResNetConfig()
        channels, kernel = self.config.channels, self.config.edge_kernel_px
        self.head = nn.Sequential(
            nn.Conv2d(self.config.in_channels, channels, kernel, padding=kernel // 2), PReLU(channels)
        )
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(self.config.blocks)))
        self.trunk = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.upscale = nn.Sequential(*(_upscale_stage(channels) for _ in range(self.config.stages)))
        self.tail = nn.Conv2d(channels, self.config.in_channels, kernel, padding=kernel // 2)

    @property
    def scale(self) -> int:
        """Enlargement along each side."""
        return self.config.scale

    def forward(self, lr: Tensor, *, rearranged: bool = False) -> Tensor:
        """Enlarge a batch.

        Args:
            lr: `(N, 3, H, W)` low-resolution batch, `[0, 1]`; not modified.
            rearranged: compute the tail before the last shuffle; same result but for rounding.

        Returns:
            `(N, 3, scale·H, scale·W)` super-resolved batch, not clipped.
        """
        shallow: Tensor = self.head(lr)
        features = shallow + _normalised(self.trunk[0], self.trunk[1], self.blocks(shallow))
        if rearranged and len(self.upscale) > 0:
            return self._upscale_rearranged(features)
        sr: Tensor = self.tail(self.upscale(features))
        return sr

    def _upscale_rearranged(self, features: Tensor) -> Tensor:
        *stages, last_stage = self.upscale
        for stage in stages:
            features = shuffle_phases(_before_shuffle(stage, features, SHUFFLE_FACTOR), SHUFFLE_FACTOR)
        features = _before_shuffle(last_stage, features, 1)
        weight = phases_outermost(conv_weight_before_shuffle(self.tail.weight, SHUFFLE_FACTOR), SHUFFLE_FACTOR)
        bias = None if self.tail.bias is None else self.tail.bias.repeat(SHUFFLE_FACTOR**2)
        unshuffled = functional.conv2d(features, weight, bias, padding=weight.shape[-1] // 2)
        return shuffle_phases(unshuffled, SHUFFLE_FACTOR)

    @torch.no_grad()
    def start_as_bilinear(self) -> None:
        """Set the parameters so that the network is a bilinear enlargement, ready to learn the rest.

        Every residual branch ends in a zero BatchNorm gain; the first feature channels carry the colours from the
        head through the shuffle stages to the tail; all other channels keep their random start.
        """
        for block in self.blocks:
            assert isinstance(block, ResidualBlock)
            nn.init.zeros_(_batch_norm(block.conv_block2).weight)
        nn.init.zeros_(_batch_norm(self.trunk).weight)
        centre = self.config.edge_kernel_px // 2
        head = self.head[0]
        assert isinstance(head, nn.Conv2d)
        assert head.bias is not None
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.weight)
        nn.init.zeros_(self.tail.bias)
        for colour in range(self.config.in_channels):
            head.weight[colour] = 0.0
            head.bias[colour] = 0.0
            head.weight[colour, colour, centre, centre] = 1.0
            self.tail.weight[colour, colour, centre, centre] = 1.0
        for stage in self.upscale:
            _carry_colours_bilinearly(_stage_parts(stage)[0], self.config.in_channels)


def _normalised(conv: nn.Module, norm: nn.Module, features: Tensor) -> Tensor:
    """Return ``norm(conv(features))``; where statistics are frozen in training, as one convolution.

    Frozen, the normalisation is a gain and a shift per channel, which the kernel takes over: the same numbers and
    gradients but for rounding, without two walks through all features.
    """
    if not isinstance(norm, nn.BatchNorm2d) or norm.training or not torch.is_grad_enabled():
        normalised: Tensor = norm(conv(features))
        return normalised
    assert isinstance(conv, nn.Conv2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * gain
    return functional.conv2d(features, conv.weight * gain[:, None, None, None], shift, padding=conv.padding)


def _upscale_stage(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels * SHUFFLE_FACTOR**2, 3, padding=1),
        nn.PixelShuffle(SHUFFLE_FACTOR),
        PReLU(channels),
    )


def _stage_parts(stage: nn.Module) -> tuple[nn.Conv2d, nn.PixelShuffle, PReLU]:
    assert isinstance(stage, nn.Sequential)
    conv, shuffle, activation = stage
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(shuffle, nn.PixelShuffle)
    assert isinstance(activation, PReLU)
    return conv, shuffle, activation


def _before_shuffle(stage: nn.Module, features: Tensor, factor: int) -> Tensor:
    """Return a stage's channels as they are before its shuffle, with the PReLU after it already done.

    PReLU works pixel by pixel: before the shuffle each slope simply serves the four channels of its feature. They are
    in the order (phase, feature) where a shuffle by ``factor`` is to follow, in that of the convolution where it is 1.
    """
    conv, _, activation = _stage_parts(stage)
    assert conv.bias is not None
    weight, bias = phases_outermost(conv.weight, factor), phases_outermost(conv.bias, factor)
    slopes = phases_outermost(activation.weight.repeat_interleave(SHUFFLE_FACTOR**2), factor)
    return prelu(functional.conv2d(features, weight, bias, padding=conv.padding), slopes)


def _batch_norm(parts: nn.Sequential) -> nn.BatchNorm2d:
    norm = parts[1]
    assert isinstance(norm, nn.BatchNorm2d)
    return norm


def _carry_colours_bilinearly(conv: nn.Conv2d, colours: int) -> None:
    assert conv.bias is not None
    for colour in range(colours):
        for row in range(SHUFFLE_FACTOR):
            for column in range(SHUFFLE_FACTOR):
                output = (colour * SHUFFLE_FACTOR + row) * SHUFFLE_FACTOR + column
                conv.weight[output] = 0.0
                conv.bias[output] = 0.0
                conv.weight[output, colour] = torch.outer(BILINEAR_TAPS[row], BILINEAR_TAPS[column])

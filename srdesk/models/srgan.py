"""The discriminator of SRGAN; its generator is SRResNet.

C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", CVPR 2017,
section 2.1.1 and figure 4 (discriminator network, k3n64s1 … k3n512s2, dense 1024, dense 1).

Deviations from the paper:
    * Features are averaged to `pooled_px` × `pooled_px` before the dense layers, so that any crop size can be judged;
      for the paper's 96-pixel crops the default leaves them as they are.
    * The last sigmoid is left to the loss, which is then computed without overflow.
"""

from __future__ import annotations

import msgspec
from torch import Tensor, nn

LEAKY_SLOPE = 0.2
"""Slope of LeakyReLU below zero (section 2.1.1)."""


class DiscriminatorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of a discriminator; the defaults are those of the paper."""

    channels: tuple[int, ...] = (64, 128, 256, 512)
    """Feature channels; each width is used by one layer with stride 1 and one with stride 2."""
    pooled_px: int = 6
    """Side of the feature map that the dense layers see: 96 / 2⁴."""
    dense: int = 1024
    """Width of the first dense layer."""
    in_channels: int = 3
    """Colour channels."""


class Discriminator(nn.Module):
    """Tells HR pictures from SR pictures: eight 3×3 convolutions, then two dense layers."""

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or DiscriminatorConfig()
        layers: list[nn.Module] = []
        previous = self.config.in_channels
        for width in self.config.channels:
            for stride in (1, 2):
                layers += _conv_layer(previous, width, stride=stride, is_first=not layers)
                previous = width
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(self.config.pooled_px)
        self.judge = nn.Sequential(
            nn.Flatten(),
            nn.Linear(previous * self.config.pooled_px**2, self.config.dense),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Linear(self.config.dense, 1),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Judge a batch.

        Args:
            pixels: `(N, 3, H, W)` batch, `[0, 1]`, H and W at least 16; not modified.

        Returns:
            `(N, 1)` logits; above zero means "a real HR picture".
        """
        logits: Tensor = self.judge(self.pool(self.features(pixels)))
        return logits


def _conv_layer(inputs: int, outputs: int, *, stride: int, is_first: bool) -> list[nn.Module]:
    conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=is_first)
    norm: list[nn.Module] = [] if is_first else [nn.BatchNorm2d(outputs)]
    return [conv, *norm, nn.LeakyReLU(LEAKY_SLOPE, inplace=True)]

"""SRCNN 9-1-5 on bicubic input.

C. Dong, C. C. Loy, K. He, X. Tang, "Image Super-Resolution Using Deep Convolutional Networks", TPAMI 2016 (ECCV 2014),
section 3: patch extraction 9×9, non-linear mapping 1×1, reconstruction 5×5, ReLU after the first two, without padding,
on the luma of the bicubic enlargement; chroma stays bicubic (section 4.1).

Deviations from the paper:
    * The bicubic picture is extended by its edge pixels, so that the output has the size of the input.
    * The network may start as the identity (`start_as_identity`) instead of from random numbers only.
    * The luma is the full-range BT.601 sum on ``[0, 1]``: a luma change then moves R, G and B by the same amount, which
      is adding it to the bicubic colours.
"""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

BT601_LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the luma (ITU-R BT.601-7, section 2.5.1)."""

CUBIC_A = -0.5
"""Keys' parameter (R. Keys 1981, equation 15, third-order convergence), as in MATLAB's imresize."""

CUBIC_REACH_PX = 2
"""LR pixels on each side that a bicubic enlargement reads."""


class SRCNNConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of an SRCNN; the defaults are those of the paper's 9-1-5 network."""

    features: int = 64
    """Filters of the first layer, n1."""
    mapping: int = 32
    """Filters of the second layer, n2."""
    kernels_px: tuple[int, int, int] = (9, 1, 5)
    """Kernel sizes f1, f2, f3; odd."""
    scale: int = 4
    """Enlargement along each side."""

    @property
    def margin_px(self) -> int:
        """HR pixels on each side that the unpadded network uses up."""
        return sum(kernel // 2 for kernel in self.kernels_px)


class SRCNN(nn.Module):
    """Bicubic enlargement whose luma is replaced by that of three convolutions."""

    def __init__(self, config: SRCNNConfig | None = None) -> None:
        super().__init__()
        self.config = config or SRCNNConfig()
        extract, mapping, reconstruct = self.config.kernels_px
        self.extract = nn.Conv2d(1, self.config.features, extract)
        self.map = nn.Conv2d(self.config.features, self.config.mapping, mapping)
        self.reconstruct = nn.Conv2d(self.config.mapping, 1, reconstruct)

    @property
    def scale(self) -> int:
        """Enlargement along each side."""
        return self.config.scale

    def forward(self, lr: Tensor) -> Tensor:
        """Enlarge a batch.

        Args:
            lr: `(N, 3, H, W)` low-resolution batch, `[0, 1]`; not modified.

        Returns:
            `(N, 3, scale·H, scale·W)` super-resolved batch, not clipped.
        """
        bicubic = upscale_bicubic(lr, self.config.scale)
        bicubic_luma = luma(bicubic)
        margin = self.config.margin_px
        extended = functional.pad(bicubic_luma, (margin, margin, margin, margin), mode="replicate")
        return bicubic + (self.predict_luma(extended) - bicubic_luma)

    def predict_luma(self, bicubic_luma: Tensor) -> Tensor:
        """Run the three layers without padding.

        Args:
            bicubic_luma: `(N, 1, H, W)` luma of the bicubic picture, extended by the margin on every side.

        Returns:
            `(N, 1, H − 2·margin, W − 2·margin)` luma.
        """
        extracted = functional.relu(self.extract(bicubic_luma), inplace=True)
        mapped = functional.relu(self.map(extracted), inplace=True)
        predicted: Tensor = self.reconstruct(mapped)
        return predicted

    @torch.no_grad()
    def start_as_identity(self) -> None:
        """Set the parameters so that the network hands the bicubic luma through, ready to learn the rest.

        The first filter of each layer is what hands it through. The others see what differs from the mean of their
        patch: the mean outweighs it by far, so that of usual random filters nearly half would never be positive, and
        what ReLU never lets through never learns.
        """
        nn.init.zeros_(self.reconstruct.weight)
        filters = self.extract.weight
        if filters[0].numel() > 1:
            filters -= filters.mean(dim=(1, 2, 3), keepdim=True)
        filters /= filters.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        nn.init.kaiming_normal_(self.map.weight)
        self.map.weight[:, 0] = 0.0
        for conv in (self.extract, self.map, self.reconstruct):
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
            centre = conv.kernel_size[0] // 2
            conv.weight[0] = 0.0
            conv.weight[0, 0, centre, centre] = 1.0


def luma(rgb: Tensor) -> Tensor:
    """Return the `(N, 1, H, W)` full-range BT.601 luma of an `(N, 3, H, W)` batch."""
    weights = rgb.new_tensor(BT601_LUMA).view(1, 3, 1, 1)
    return (rgb * weights).sum(dim=1, keepdim=True)


def upscale_bicubic(lr: Tensor, scale: int) -> Tensor:
    """Enlarge by Keys' bicubic convolution with half-pixel centres and mirrored edges (MATLAB's imresize).

    Args:
        lr: `(N, C, H, W)` batch; not modified.
        scale: enlargement along each side.

    Returns:
        `(N, C, scale·H, scale·W)` batch, not clipped; equal to `srdesk.imaging.resample` but for rounding.
    """
    n, c, h, w = lr.shape
    extended = lr[:, :, mirrored_index(h).to(lr.device)][:, :, :, mirrored_index(w).to(lr.device)]
    planes = extended.reshape(n * c, 1, h + 2 * CUBIC_REACH_PX, w + 2 * CUBIC_REACH_PX)
    phases = functional.conv2d(planes, cubic_phase_kernels(scale).to(lr))
    return functional.pixel_shuffle(phases, scale).reshape(n, c, h * scale, w * scale)


def mirrored_index(length: int) -> Tensor:
    """Return the indices that extend ``length`` samples by `CUBIC_REACH_PX` on each side, the edge sample repeated."""
    position = torch.arange(-CUBIC_REACH_PX, length + CUBIC_REACH_PX) % (2 * length)
    return torch.minimum(position, 2 * length - 1 - position)


def cubic_phase_kernels(scale: int) -> Tensor:
    """Return the `(scale², 1, 5, 5)` kernels that compute every sub-pixel of a bicubic enlargement."""
    phase = torch.arange(scale, dtype=torch.float64)
    offset = torch.arange(-CUBIC_REACH_PX, CUBIC_REACH_PX + 1, dtype=torch.float64)
    distance = offset[None, :] - ((phase + 0.5) / scale - 0.5)[:, None]
    taps = _keys_cubic(distance.abs())
    taps = taps / taps.sum(dim=1, keepdim=True)
    kernels = torch.einsum("ai,bj->abij", taps, taps)
    size = 2 * CUBIC_REACH_PX + 1
    return kernels.reshape(scale * scale, 1, size, size).float()


def _keys_cubic(distance: Tensor) -> Tensor:
    """Evaluate Keys 1981, equation 4, at absolute distances in pixels."""
    near = (CUBIC_A + 2) * distance**3 - (CUBIC_A + 3) * distance**2 + 1
    far = CUBIC_A * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, torch.zeros_like(distance)))

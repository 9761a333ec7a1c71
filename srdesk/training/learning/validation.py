"""Measuring averaged weights on held-out pictures, beside bicubic enlargement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srdesk.errors import ImageError
from srdesk.imaging.image import FloatArray
from srdesk.imaging.metrics import psnr_y, ssim_y
from srdesk.imaging.resample import degrade_8bit, resize_bicubic
from srdesk.models.srresnet import SRResNet
from srdesk.training.data.camera import Camera
from srdesk.training.data.pictures import SCALE, Picture
from srdesk.training.learning.features import Vgg
from srdesk.training.learning.losses import feature_loss

BORDER_PX = 4
"""HR pixels along each edge that are left out, as in published tables."""

MAX_PSNR_Y_DB = 100.0
"""Highest PSNR of one picture, told where it is reproduced exactly or almost: infinity has no place in JSON, and would
make every mean infinite. Rounding to 8 bits alone keeps pictures with any detail well below."""


@dataclass(frozen=True, slots=True)
class Score:
    """How well the validation pictures were enlarged."""

    psnrs_y_db: tuple[float, ...]
    """PSNR on luma of each picture, at most `MAX_PSNR_Y_DB`."""
    ssims_y: tuple[float, ...]
    """SSIM on luma of each picture."""
    feature_distances: tuple[float, ...] = ()
    """Mean squared difference of VGG features of each picture; empty where there are no features."""
    strip: dict[int, FloatArray] = field(default_factory=dict, repr=False)
    """Number of the picture → `(H, W, 3)` SR pixels, for the first ones."""

    @property
    def psnr_y_db(self) -> float:
        """Mean PSNR on luma."""
        return float(np.mean(self.psnrs_y_db))

    @property
    def ssim_y(self) -> float:
        """Mean SSIM on luma."""
        return float(np.mean(self.ssims_y))

    @property
    def feature_distance(self) -> float | None:
        """Mean squared difference of VGG features, None where there are no features."""
        return float(np.mean(self.feature_distances)) if self.feature_distances else None


@dataclass(frozen=True, slots=True)
class Pair:
    """One held-out picture in memory."""

    name: str
    """File name."""
    digest: str
    """Identity of the whole picture."""
    lr: FloatArray
    """`(H/4, W/4, 3)` reduced pixels, `[0, 1]`."""
    hr: FloatArray
    """`(H, W, 3)` pixels, `[0, 1]`."""


class ValidationSet:
    """Central crops of the held-out pictures, kept in memory.

    Crops of one colour are left out while there are others: every method reproduces them, so that they tell nothing of
    the network and raise the mean of all.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        *,
        crop_px: int,
        camera_of: Callable[[Picture], Camera | None] = lambda _picture: None,
        features: Vgg | None = None,
        device: torch.device | None = None,
    ) -> None:
        """Read the pictures.

        Args:
            pictures: what to measure on.
            crop_px: side of the central HR crop.
            camera_of: what a picture is seen with before it is reduced; None for as it is.
            features: measure their distance too; moved to the device.
            device: where to compute; the CPU if None.

        Raises:
            ImageError: none of them can be read.
        """
        self._device = device or torch.device("cpu")
        self._features = features.to(self._device) if features is not None else None
        self._hr_features: list[Tensor] = []
        self._readable: list[Pair] = []
        self.unreadable_pictures = 0
        """How many pictures are left out because they cannot be read."""
        last_error: ImageError | None = None
        for picture in pictures:
            try:
                hr = _central_crop(picture.read_rgb8(), crop_px)
            except ImageError as error:
                last_error = error
                self.unreadable_pictures += 1
                continue
            camera = camera_of(picture)
            truth, exposed = (hr, hr) if camera is None else camera.take(hr)
            lr, name = _to_unit(degrade_8bit(exposed, SCALE)), picture.path.name
            self._readable.append(Pair(name, picture.digest, lr, _to_unit(truth)))
        if not self._readable and last_error is not None:
            raise last_error
        self.pairs = [pair for pair in self._readable if not _is_flat(pair)] or self._readable
        """The pictures that are measured; the numbers of the strip count them."""

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def digests(self) -> tuple[str, ...]:
        """Identities of the pictures that are measured, in their order."""
        return tuple(pair.digest for pair in self.pairs)

    @property
    def flat_pictures(self) -> int:
        """How many pictures are left out because they are of one colour."""
        return len(self._readable) - len(self.pairs)

    def measure_as_before(self, pictures: int) -> bool:
        """Measure crops of one colour too if a run has so far, so that its figures can be compared.

        Args:
            pictures: how many the run has measured at its beginning.

        Returns:
            Whether the set has become another one, and what was measured on it is void.
        """
        if not self.flat_pictures or pictures != len(self._readable):
            return False
        self.pairs = self._readable
        self._hr_features.clear()
        return True

    def notices(self) -> Iterator[str]:
        """Yield a sentence for each reason why pictures are left out, if there are any."""
        if self.unreadable_pictures:
            some = "One" if self.unreadable_pictures == 1 else f"{self.unreadable_pictures}"
            are = "is" if self.unreadable_pictures == 1 else "are"
            yield f"{some} of the held-out pictures cannot be read, and {are} left out of the figures."
        if self.flat_pictures:
            yield (
                f"{self.flat_pictures} of the held-out pictures show nothing but one colour where they are measured, "
                "and are left out of the figures: every method enlarges them without a flaw."
            )

    def measure_bicubic(self) -> Score:
        """Return the score of bicubic enlargement."""
        return self._measure(enlarge_bicubic, strip_pictures=0)

    def measure(self, model: nn.Module, *, strip_pictures: int = 0) -> Score:
        """Return the score of a model in evaluation mode, in float32.

        Args:
            model: on the device of this set.
            strip_pictures: of so many pictures the enlargement is returned too.
        """

        def enlarge(lr: FloatArray) -> FloatArray:
            batch = self._batch(lr)
            sr = model(batch, rearranged=True) if isinstance(model, SRResNet) else model(batch)
            pixels: FloatArray = sr[0].permute(1, 2, 0).cpu().numpy()
            return pixels

        with torch.inference_mode():
            return self._measure(enlarge, strip_pictures)

    def references(self, count: int) -> Iterator[tuple[int, dict[str, FloatArray]]]:
        """Return LR, bicubic and HR pixels of the first pictures, with their numbers."""
        for number, pair in enumerate(self.pairs[:count]):
            yield number, {"lr": pair.lr, "bicubic": np.clip(enlarge_bicubic(pair.lr), 0.0, 1.0), "hr": pair.hr}

    def _measure(self, enlarge: Callable[[FloatArray], FloatArray], strip_pictures: int) -> Score:
        psnrs, ssims, distances = [], [], []
        strip: dict[int, FloatArray] = {}
        for number, pair in enumerate(self.pairs):
            sr = (np.rint(np.clip(enlarge(pair.lr), 0.0, 1.0) * 255.0) / 255.0).astype(np.float32)
            psnrs.append(min(psnr_y(sr, pair.hr, BORDER_PX), MAX_PSNR_Y_DB))
            ssims.append(ssim_y(sr, pair.hr, BORDER_PX))
            if self._features is not None:
                distances.append(self._distance(self._features, sr, number))
            if number < strip_pictures:
                strip[number] = sr
        return Score(tuple(psnrs), tuple(ssims), tuple(distances), strip)

    def _distance(self, features: Vgg, sr: FloatArray, number: int) -> float:
        with torch.inference_mode():
            if number == len(self._hr_features):
                self._hr_features.append(features(self._batch(self.pairs[number].hr)))
            return float(feature_loss(features(self._batch(sr)), self._hr_features[number]))

    def _batch(self, pixels: FloatArray) -> Tensor:
        """Return `(H, W, 3)` pixels as a batch of one, `(1, 3, H, W)`."""
        return torch.from_numpy(pixels).to(self._device).permute(2, 0, 1).unsqueeze(0)


def enlarge_bicubic(lr: FloatArray) -> FloatArray:
    """Return `(4·H, 4·W, 3)` pixels, not clipped, of `(H, W, 3)` ones."""
    return resize_bicubic(lr, lr.shape[0] * SCALE, lr.shape[1] * SCALE)


def _central_crop(pixels: NDArray[np.uint8], crop_px: int) -> NDArray[np.uint8]:
    height, width = (min(crop_px, side) // SCALE * SCALE for side in pixels.shape[:2])
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width]


def _is_flat(pair: Pair) -> bool:
    return not np.ptp(pair.hr, axis=(0, 1)).any()


def _to_unit(pixels: NDArray[np.uint8]) -> FloatArray:
    return pixels.astype(np.float32) / np.float32(255.0)

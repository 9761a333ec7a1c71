"""HR pictures → random LR/HR crops, and the split into training and validation pictures.

A batch is a pure function of (configuration, step): nothing has to be saved to resume, and n processes can share the
work without talking to each other.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.errors import DatasetError, ImageError
from srdesk.imaging.formats import SUFFIXES, open_image, probe_image
from srdesk.imaging.resample import degrade_8bit, resize_bicubic
from srdesk.training.config import TrainConfig

SCALE = 4
"""HR pixels per LR pixel along each side."""

DEGRADE_REACH_PX = 8
"""HR pixels beyond a crop that its LR pixels depend on: the antialiased bicubic reaches 2 LR pixels."""

SPLIT_SALT = b"srdesk validation split 1"
"""Makes the split independent of other uses of the same hashes."""

PREFETCHED_BATCHES = 4
"""Batches that are prepared ahead of the step that needs them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One HR picture on the disk."""

    path: Path
    """The file."""
    height: int
    """Rows."""
    width: int
    """Columns."""
    digest: str
    """SHA-256 of the file's bytes, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class Split:
    """The pictures of a run."""

    training: tuple[Picture, ...]
    """Pictures that crops are taken from."""
    validation: tuple[Picture, ...]
    """Pictures that are never trained on."""
    skipped: tuple[tuple[Path, str], ...]
    """Files that were left out, and why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops for one step, 8-bit as in the files."""

    lr: NDArray[np.uint8]
    """`(N, crop, crop, 3)` LR crops."""
    hr: NDArray[np.uint8]
    """`(N, 4·crop, 4·crop, 3)` HR crops."""


def find_pictures(config: TrainConfig, token: CancelToken | None = None) -> Split:
    """List the pictures of all data folders, without duplicates, split by content hash.

    The split depends on each file's content alone: a validation picture stays one when the folder grows or is moved.

    Args:
        config: names the folders, and how large a picture has to be.
        token: looked at before each file, since reading a hundred thousand takes minutes.

    Raises:
        Cancelled: someone asked to stop.
        DatasetError: a folder is missing, or holds no picture that is large enough.
    """
    pictures: dict[str, Picture] = {}
    skipped: list[tuple[Path, str]] = []
    smallest_px = config.crop_px * SCALE
    token = token or CancelToken()
    for path in _picture_files(config.data):
        token.check()
        try:
            probe = probe_image(path)
            if min(probe.height, probe.width) < smallest_px:
                skipped.append((path, f"smaller than {smallest_px} × {smallest_px} pixels"))
                continue
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except (ImageError, OSError) as error:
            skipped.append((path, str(error)))
            continue
        pictures.setdefault(digest, Picture(path, probe.height, probe.width, digest))
    ordered = sorted(pictures.values(), key=lambda picture: picture.digest)
    validation = tuple(picture for picture in ordered if _is_held_out(picture, config.validation_share))
    training = tuple(picture for picture in ordered if not _is_held_out(picture, config.validation_share))
    if ordered and not validation:
        # A handful of pictures may all fall on one side; a run without any measure would be blind.
        validation, training = training[:1], training[1:] or training[:1]
    if not training:
        raise DatasetError(config.data[0], f"it holds no readable picture of at least {smallest_px} pixels a side")
    return Split(training, validation, tuple(skipped))


def _picture_files(folders: Sequence[str]) -> Iterator[Path]:
    for name in folders:
        folder = Path(name)
        if not folder.is_dir():
            raise DatasetError(folder, "it does not exist or is not a folder")
        yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _is_held_out(picture: Picture, share: float) -> bool:
    digest = hashlib.sha256(SPLIT_SALT + bytes.fromhex(picture.digest)).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def read_rgb8(path: Path) -> NDArray[np.uint8]:
    """Return the picture as `(H, W, 3)` 8-bit RGB.

    Raises:
        ImageError: the file cannot be read.
    """
    pixels = np.rint(open_image(path).pixels * 255.0).astype(np.uint8)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


class PictureCache:
    """Decoded pictures, the least recently used ones dropped when they take more than ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._held: OrderedDict[tuple[Path, float], NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, picture: Picture, hr_scale: float) -> NDArray[np.uint8]:
        """Return `(H, W, 3)` 8-bit pixels of the picture, reduced by ``hr_scale``; shared, not to be modified."""
        key = (picture.path, hr_scale)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        pixels = read_rgb8(picture.path)
        if hr_scale != 1.0:
            pixels = _reduced(pixels, hr_scale)
        with self._lock:
            if key not in self._held:
                self._held[key] = pixels
                self._held_bytes += pixels.nbytes
            while self._held_bytes > self._limit_bytes and len(self._held) > 1:
                self._held_bytes -= self._held.popitem(last=False)[1].nbytes
        return pixels


def _reduced(pixels: NDArray[np.uint8], hr_scale: float) -> NDArray[np.uint8]:
    height, width = (round(side * hr_scale) for side in pixels.shape[:2])
    reduced = resize_bicubic(pixels.astype(np.float32) / np.float32(255.0), height, width)
    quantised: NDArray[np.uint8] = np.rint(np.clip(reduced, 0.0, 1.0) * 255.0).astype(np.uint8)
    return quantised


class CropSampler:
    """Draws the crops of each step: which picture, where, how flipped and turned."""

    def __init__(self, pictures: Sequence[Picture], config: TrainConfig) -> None:
        self._pictures = pictures
        self._config = config
        self._cache = PictureCache(config.cache_bytes)
        # Large pictures hold more to see, but a single panorama shall not outweigh a hundred portraits.
        weights = np.sqrt([float(picture.height * picture.width) for picture in pictures])
        self._cumulative = np.cumsum(weights / weights.sum())

    def batch(self, step: int) -> Batch:
        """Return the crops of ``step``; the same for the same configuration and step, on any machine.

        Raises:
            ImageError: a picture that was readable before is not any more.
        """
        crops = [self._crop(step, index) for index in range(self._config.batch_size)]
        return Batch(np.stack([lr for lr, _ in crops]), np.stack([hr for _, hr in crops]))

    def _crop(self, step: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        random = np.random.default_rng((self._config.seed, step, index))
        place = int(np.searchsorted(self._cumulative, random.random(), side="right"))
        picture = self._pictures[min(place, len(self._pictures) - 1)]
        hr_scale = self._config.hr_scales[int(random.integers(len(self._config.hr_scales)))]
        if min(picture.height, picture.width) * hr_scale < self._config.crop_px * SCALE + 1:
            hr_scale = 1.0
        pixels = self._cache.get(picture, hr_scale)
        candidates = [self._draw(pixels, random) for _ in range(2 if self._config.crop_selection == "detail" else 1)]
        lr, hr = max(candidates, key=_gradient_energy) if len(candidates) > 1 else candidates[0]
        turn, is_flipped = int(random.integers(4)), bool(random.integers(2))
        return _turned(lr, turn, is_flipped), _turned(hr, turn, is_flipped)

    def _draw(
        self, pixels: NDArray[np.uint8], random: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Cut one aligned pair; its LR pixels see the HR pixels around the crop, as in a whole degraded picture."""
        height, width = pixels.shape[:2]
        size = self._config.crop_px * SCALE
        top, left = int(random.integers(height - size + 1)), int(random.integers(width - size + 1))
        before_y, before_x = _aligned_margin(top), _aligned_margin(left)
        after_y, after_x = _aligned_margin(height - top - size), _aligned_margin(width - left - size)
        around = pixels[top - before_y : top + size + after_y, left - before_x : left + size + after_x]
        lr = degrade_8bit(around, SCALE)
        row, column, crop = before_y // SCALE, before_x // SCALE, self._config.crop_px
        return lr[row : row + crop, column : column + crop], pixels[top : top + size, left : left + size]


def _aligned_margin(available_px: int) -> int:
    return min(DEGRADE_REACH_PX, available_px // SCALE * SCALE)


def _gradient_energy(pair: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> float:
    green = pair[1][..., 1].astype(np.float32)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _turned(pixels: NDArray[np.uint8], turn: int, is_flipped: bool) -> NDArray[np.uint8]:
    turned: NDArray[np.uint8] = np.rot90(pixels, turn)
    if not is_flipped:
        return turned
    flipped: NDArray[np.uint8] = turned[:, ::-1]
    return flipped


class BatchLoader:
    """Prepares the batches of the coming steps on other threads."""

    def __init__(self, sampler: CropSampler, first_step: int, *, workers: int = 2) -> None:
        self._sampler = sampler
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")
        self._coming: dict[int, Future[Batch]] = {}
        self._request(first_step)

    def take(self, step: int) -> Batch:
        """Return the batch of ``step`` and begin those after it."""
        self._request(step)
        return self._coming.pop(step).result()

    def close(self) -> None:
        """Drop what was begun and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _request(self, step: int) -> None:
        for coming in range(step, step + PREFETCHED_BATCHES):
            if coming not in self._coming:
                self._coming[coming] = self._pool.submit(self._sampler.batch, coming)

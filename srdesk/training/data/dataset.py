"""HR pictures → random LR/HR crops.

A batch is a pure function of (configuration, step): nothing has to be saved to resume, and n processes can share the
work without talking to each other.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import psutil
from numpy.typing import NDArray

from srdesk.errors import DatasetError, ImageError
from srdesk.imaging.image import Box
from srdesk.imaging.resample import degrade_8bit, resize_bicubic_box
from srdesk.training.config import TrainConfig
from srdesk.training.data.camera import Camera, camera_for
from srdesk.training.data.pictures import SCALE, Picture, TooSmallError, check_size, factor_that_fits

DEGRADE_REACH_PX = 8
"""HR pixels beyond a crop that its LR pixels depend on: the antialiased bicubic reaches 2 LR pixels."""

PREFETCHED_BATCHES = 4
"""Batches that are prepared ahead of the step that needs them, or more where more threads prepare them."""

MAX_WORKERS = 8
"""Most threads that prepare batches: a fast GPU takes what they can give, on a CPU two are rarely busy."""


MAX_REDRAWS = 1000
"""Pictures that are drawn for a crop before giving up: a crop may be too large for most."""

MIN_UNREADABLE = 16
"""Unreadable pictures that are put up with however few pictures there are; otherwise a tenth of them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops for one step, 8-bit as in the files."""

    lr: NDArray[np.uint8]
    """`(N, crop, crop, 3)` LR crops."""
    hr: NDArray[np.uint8]
    """`(N, 4·crop, 4·crop, 3)` HR crops."""


class PictureCache:
    """Decoded pictures, the least recently used ones dropped when they take more than ``limit_bytes``."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes = 0
        self._held: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, picture: Picture) -> NDArray[np.uint8]:
        """Return `(H, W, 3)` 8-bit pixels of the picture; shared, not to be modified.

        Raises:
            ImageError: it cannot be read.
        """
        key = picture.digest
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        pixels = picture.read_rgb8()
        with self._lock:
            if key not in self._held:
                self._held[key] = pixels
                self._held_bytes += pixels.nbytes
            while self._held_bytes > self._limit_bytes and len(self._held) > 1:
                self._held_bytes -= self._held.popitem(last=False)[1].nbytes
        return pixels


class CropSampler:
    """Draws the crops of each step: which picture, where, how flipped and turned.

    A picture that turns out to be unusable is left out, and another one drawn in its place: which one depends on seed
    and step alone, as everything else does.
    """

    def __init__(self, pictures: Sequence[Picture], config: TrainConfig, *, rank: int = 0, size: int = 1) -> None:
        """Draw for one of several processes.

        Args:
            pictures: those that are trained on.
            config: what to draw.
            rank: number of the process.
            size: how many there are; each draws every ``size``-th crop of a batch.
        """
        self._indices = range(rank, config.batch_size, size)
        self._pictures = pictures
        self._config = config
        self._cache = PictureCache(min(config.cache_bytes, psutil.virtual_memory().available // 2))
        # Large pictures hold more to see, but a single panorama shall not outweigh a hundred portraits.
        weights = np.sqrt([picture.area_px for picture in pictures])
        self._cumulative = np.cumsum(weights / weights.sum())
        self._lock = threading.Lock()
        self._left_out: dict[int, str] = {}
        self._unreadable = 0
        self._untold: list[str] = []

    def batch(self, step: int) -> Batch:
        """Return the crops of ``step``; the same for the same configuration and step, on any machine.

        Raises:
            DatasetError: too many pictures that were listed cannot be used.
        """
        crops = [self._crop(step, index) for index in self._indices]
        return Batch(np.stack([lr for lr, _ in crops]), np.stack([hr for _, hr in crops]))

    def take_notice(self) -> str | None:
        """Return a sentence about the pictures that were left out since the last call, None if there are none."""
        with self._lock:
            untold, self._untold = self._untold, []
        if not untold:
            return None
        if len(untold) == 1:
            return f"A picture cannot be used and is left out: {untold[0]}"
        return f"{len(untold)} pictures cannot be used and are left out, among them this one: {untold[0]}"

    def _crop(self, step: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        for redraw in range(MAX_REDRAWS):
            random = np.random.default_rng((self._config.seed, step, index, *([redraw] if redraw else [])))
            place = int(np.searchsorted(self._cumulative, random.random(), side="right"))
            pixels = self._pixels(min(place, len(self._pictures) - 1))
            if pixels is not None:
                return self._drawn(pixels, random)
        raise DatasetError(self._config.data[0], f"of {MAX_REDRAWS} pictures in a row none could be used")

    def _pixels(self, place: int) -> NDArray[np.uint8] | None:
        """Return the picture, or None if it cannot be used, which is then remembered."""
        if place in self._left_out:
            return None
        picture = self._pictures[place]
        try:
            pixels = self._cache.get(picture)
            height, width = pixels.shape[:2]
            check_size(picture.path, height, width, self._config.crop_px * SCALE)
        except ImageError as error:
            self._leave_out(place, error)
            return None
        return pixels

    def _leave_out(self, place: int, error: ImageError) -> None:
        with self._lock:
            if place in self._left_out:
                return
            self._left_out[place] = str(error)
            self._untold.append(str(error))
            self._unreadable += not isinstance(error, TooSmallError)
            is_too_much = self._unreadable > max(MIN_UNREADABLE, len(self._pictures) // 10)
        if is_too_much:
            hint = "Check that the disk with the pictures is there, and the pictures with --check."
            raise DatasetError(
                self._config.data[0], f"{self._unreadable} pictures cannot be read", hint=hint
            ) from error

    def _drawn(
        self, pixels: NDArray[np.uint8], random: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Cut one aligned pair from a picture, flipped and turned."""
        size = self._config.crop_px * SCALE
        hr_scale = self._config.hr_scales[int(random.integers(len(self._config.hr_scales)))]
        view = ReducedView(pixels, factor_that_fits(hr_scale, min(pixels.shape[:2]), size))
        boxes = [
            Box(int(random.integers(view.height - size + 1)), int(random.integers(view.width - size + 1)), size, size)
            for _ in range(2 if self._config.crop_selection == "detail" else 1)
        ]
        box = boxes[0] if len(boxes) == 1 else max(boxes, key=lambda place: _gradient_energy(view.read(place)))
        turn, is_flipped = int(random.integers(4)), bool(random.integers(2))
        lr, hr = _pair(view, box, camera_for(self._config, random))
        return _turned(lr, turn, is_flipped), _turned(hr, turn, is_flipped)


class ReducedView:
    """A picture reduced by a factor, of which only the boxes that are asked for are computed."""

    def __init__(self, pixels: NDArray[np.uint8], factor: float) -> None:
        self._source = _Unit(pixels)
        self._is_whole = factor == 1.0
        self._pixels = pixels
        self.height, self.width = (round(side * factor) for side in pixels.shape[:2])

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return `(box.height, box.width, 3)`, that part of the whole picture reduced and rounded, bit for bit."""
        if self._is_whole:
            return self._pixels[box.top : box.bottom, box.left : box.right]
        reduced = resize_bicubic_box(self._source, box, height=self.height, width=self.width)
        quantised: NDArray[np.uint8] = np.rint(np.clip(reduced, 0.0, 1.0) * 255.0).astype(np.uint8)
        return quantised


class _Unit:
    """8-bit pixels as a `Source` of floats, converted where they are read."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.height, self.width, self.channels = pixels.shape
        self._pixels = pixels

    def read(self, box: Box) -> NDArray[np.float32]:
        part = self._pixels[box.top : box.bottom, box.left : box.right]
        return part.astype(np.float32) / np.float32(255.0)


def _pair(view: ReducedView, box: Box, camera: Camera | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return LR and HR of one box; the LR pixels see the HR pixels around it, as in a whole degraded picture."""
    before_y, before_x = _aligned_margin(box.top), _aligned_margin(box.left)
    after_y, after_x = _aligned_margin(view.height - box.bottom), _aligned_margin(view.width - box.right)
    around = view.read(
        Box(box.top - before_y, box.left - before_x, before_y + box.height + after_y, before_x + box.width + after_x)
    )
    truth, exposed = (around, around) if camera is None else camera.take(around)
    lr = degrade_8bit(exposed, SCALE)
    row, column = before_y // SCALE, before_x // SCALE
    return (
        lr[row : row + box.height // SCALE, column : column + box.width // SCALE],
        truth[before_y : before_y + box.height, before_x : before_x + box.width],
    )


def _aligned_margin(available_px: int) -> int:
    return min(DEGRADE_REACH_PX, available_px // SCALE * SCALE)


def _gradient_energy(hr: NDArray[np.uint8]) -> float:
    green = hr[..., 1].astype(np.float32)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _turned(pixels: NDArray[np.uint8], turn: int, is_flipped: bool) -> NDArray[np.uint8]:
    turned: NDArray[np.uint8] = np.rot90(pixels, turn)
    if not is_flipped:
        return turned
    flipped: NDArray[np.uint8] = turned[:, ::-1]
    return flipped


class BatchLoader:
    """Prepares the batches of the coming steps on other threads."""

    def __init__(self, sampler: CropSampler, first_step: int, *, workers: int | None = None) -> None:
        workers = workers or min(MAX_WORKERS, max(2, (os.cpu_count() or 1) // 2))
        self._sampler = sampler
        self._prefetched = max(PREFETCHED_BATCHES, workers + 1)
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
        for coming in range(step, step + self._prefetched):
            if coming not in self._coming:
                self._coming[coming] = self._pool.submit(self._sampler.batch, coming)

"""The look at the pictures before training: what is usable, what is not and why, and what will make the result worse.

Every picture is really decoded, in child processes, so that whatever lies in a folder can end nothing but one of these.

Blockiness follows Z. Wang, H. R. Sheikh, A. C. Bovik, “No-reference perceptual quality assessment of JPEG compressed
images”, ICIP 2002, equations 1 to 4: the mean difference of luma across the borders of 8 × 8 blocks beside the mean
difference within blocks. One thing differs: of the seven places within a block the one with the largest difference
counts, not their mean, so that a picture that was enlarged four times, which has a grid of its own, is not mistaken.
Limits measured on 96 pictures of six kinds (photos, aerial, astronomy, wallpapers): JPEG of quality 20, 30, 50, 75, 90
and 95 is called blocky in 97, 93, 80, 50, 20 and 2 of 100 cases, pictures that were not compressed again in none.
"""

from __future__ import annotations

import hashlib
import os
import queue
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken
from srdesk.errors import ImageError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.image import Box
from srdesk.imaging.stored import StoredImage
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.archive import Member, content_digest
from srdesk.training.data.pictures import (
    ONLY_ONE,
    SCALE,
    TooSmallError,
    check_size,
    factor_that_fits,
    is_held_out,
    open_sources,
    picture_files,
    unfit_factors,
)

BLOCK_PX = 8
"""Side of a JPEG block."""

BLOCKY_RATIO = 1.2
"""Quotient of differences from which a picture counts as blocky, if they also differ by `BLOCKY_STEP`."""

BLOCKY_STEP = 0.5
"""Difference of the two differences, in steps of 255, below which nobody sees blocks, as in a smooth sky."""

MEASURED_SIDE_PX = 2048
"""Of larger pictures the middle of this side is measured."""

FEW_PICTURES = 50
"""Pictures below which a network begins to know them by heart."""

FEW_MEGAPIXELS = 25.0
"""Pixels in all, likewise."""

FEW_VALIDATION_PICTURES = 5
"""Held-out pictures below which their mean says little about others."""

MANY_SHARE = 0.1
"""Share of the pictures from which something is worth a warning."""

REPORT_EVERY_S = 0.25
"""Least time between two events about progress."""

_WORKERS = 4
_CHUNK_BYTES = 2**20


class Blockiness(NamedTuple):
    """How strongly the borders of 8 × 8 blocks stand out."""

    ratio: float
    """Mean difference across borders by the largest one within blocks; at most 1 or so without blocks."""
    step: float
    """The one minus the other, in steps of 255."""

    @property
    def is_visible(self) -> bool:
        """Whether the picture counts as blocky."""
        return self.ratio >= BLOCKY_RATIO and self.step >= BLOCKY_STEP


def blockiness(stored: StoredImage) -> Blockiness:
    """Measure the blocks of JPEG in a picture that was not turned, cut or resized since.

    Args:
        stored: the picture, at least 16 pixels a side; not modified.
    """
    top, left = (max(0, side - MEASURED_SIDE_PX) // 2 // BLOCK_PX * BLOCK_PX for side in (stored.height, stored.width))
    box = Box(top, left, MEASURED_SIDE_PX, MEASURED_SIDE_PX).clipped(stored.height, stored.width)
    luma = _luma(_as_uint8(stored, box))
    across, within = [], []
    for axis in (0, 1):
        differences = np.diff(luma, axis=axis)
        np.abs(differences, out=differences)
        # einsum takes a tenth of the time of mean().
        by_line = np.einsum("ij->i" if axis == 0 else "ij->j", differences) / luma.shape[1 - axis]
        by_phase = by_line[: len(by_line) // BLOCK_PX * BLOCK_PX].reshape(-1, BLOCK_PX).mean(axis=0)
        across.append(float(by_phase[-1]))
        within.append(float(by_phase[:-1].max()))
    ratios = [border / inside if inside else 1.0 for border, inside in zip(across, within, strict=True)]
    return Blockiness(sum(ratios) / 2, (sum(across) - sum(within)) / 2)


def _as_uint8(stored: StoredImage, box: Box) -> NDArray[np.uint8]:
    if stored.numbers.dtype == np.uint8:
        return stored.numbers[box.top : box.bottom, box.left : box.right].view(np.uint8)
    rounded: NDArray[np.uint8] = np.rint(stored.read(box) * np.float32(255.0)).astype(np.uint8)
    return rounded


def _luma(numbers: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return BT.601 luma in steps of 255, rounded to a 256th of a step."""
    if numbers.shape[2] == 1:
        return numbers[:, :, 0].astype(np.float32)
    weighted: NDArray[np.uint16] = numbers[:, :, 0] * np.uint16(77)
    weighted += numbers[:, :, 1] * np.uint16(150)
    weighted += numbers[:, :, 2] * np.uint16(29)
    return weighted * np.float32(1 / 256)


def run_check(config: TrainConfig, tell: Callable[[events.AnyEvent], None], token: CancelToken) -> None:
    """Look at every picture of the configuration's folders and archives.

    Args:
        config: names them, and how large a picture has to be.
        tell: hears `HealthProgress` a few times a second, and at last `HealthReport`.
        token: looked at all the time.

    Raises:
        Cancelled: someone asked to stop.
        DatasetError: a folder or archive cannot be used at all.
    """
    folders, archives = open_sources(config.data)
    files = [_File(path) for path in dict.fromkeys(picture_files(folders))]
    files += [_File(member.path, member) for archive in archives for member in archive.members]
    findings = _Findings(config)
    told_s = time.monotonic()
    tell(events.HealthProgress(done=0, total=len(files)))
    with closing(_looks(files, config.crop_px * SCALE, token)) as looks:
        for done, look in enumerate(looks, start=1):
            token.check()
            findings.add(look)
            if time.monotonic() - told_s >= REPORT_EVERY_S or done == len(files):
                told_s = time.monotonic()
                tell(events.HealthProgress(done=done, total=len(files)))
    tell(findings.report())


@dataclass(frozen=True, slots=True)
class _File:
    """Where a picture may be."""

    path: Path
    member: Member | None = None

    def decoded(self, decoder: Decoder, token: CancelToken) -> StoredImage:
        if self.member is None:
            return decoder.open_stored(self.path, token)
        return decoder.open_stored_bytes(self.member.read(), self.path, token)

    def digests(self) -> tuple[str, str]:
        """Return the identity that the picture is split by, and that which a member of an archive would have."""
        if self.member is not None:
            return self.member.digest, self.member.digest
        sha256, crc, size_bytes = hashlib.sha256(), 0, 0
        with self.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                sha256.update(chunk)
                crc = zlib.crc32(chunk, crc)
                size_bytes += len(chunk)
        return sha256.hexdigest(), content_digest(crc, size_bytes)


@dataclass(frozen=True, slots=True)
class _Look:
    """What was found out about one file."""

    path: Path
    error: str = ""
    is_too_small: bool = False
    digests: tuple[str, str] = ("", "")
    area_px: int = 0
    shorter_px: int = 0
    blockiness: Blockiness | None = None


def _looks(files: list[_File], smallest_px: int, token: CancelToken) -> Generator[_Look, None, None]:
    """Look at the files side by side, and yield what was found in their order."""
    with ExitStack() as stack:
        decoders: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        workers = min(_WORKERS, os.cpu_count() or 1)
        for _ in range(workers):
            decoders.put(stack.enter_context(Decoder()))
        pool = ThreadPoolExecutor(workers, thread_name_prefix="health")
        stack.callback(pool.shutdown, cancel_futures=True)

        def look(file: _File) -> _Look:
            decoder = decoders.get()
            try:
                return _look(file, decoder, smallest_px, token)
            finally:
                decoders.put(decoder)

        yield from pool.map(look, files)


def _look(file: _File, decoder: Decoder, smallest_px: int, token: CancelToken) -> _Look:
    try:
        stored = file.decoded(decoder, token)
        check_size(file.path, stored.height, stored.width, smallest_px)
        digests = file.digests()
    except TooSmallError as error:
        return _Look(file.path, str(error), is_too_small=True)
    except (ImageError, OSError) as error:
        return _Look(file.path, str(error))
    height, width = stored.height, stored.width
    return _Look(
        file.path,
        digests=digests,
        area_px=height * width,
        shorter_px=min(height, width),
        blockiness=blockiness(stored),
    )


class _Findings:
    """Puts together what was found."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._first: dict[str, Path] = {}
        self._usable: list[_Look] = []
        self._too_small: list[str] = []
        self._corrupt: list[tuple[str, str]] = []
        self._duplicates: list[tuple[str, str]] = []

    def add(self, look: _Look) -> None:
        """Count one file."""
        if look.is_too_small:
            self._too_small.append(str(look.path))
        elif look.error:
            self._corrupt.append((str(look.path), look.error))
        elif (first := self._first.get(look.digests[1])) is not None:
            self._duplicates.append((str(look.path), str(first)))
        else:
            self._first[look.digests[1]] = look.path
            self._usable.append(look)

    def report(self) -> events.HealthReport:
        """Return what was found, with a warning for all that is worth one."""
        megapixels = sum(look.area_px for look in self._usable) / 1e6
        held_out = sum(is_held_out(look.digests[0], self._config.validation_share) for look in self._usable)
        held_out = held_out or min(1, len(self._usable))
        blocky = [(look, look.blockiness) for look in self._usable if look.blockiness and look.blockiness.is_visible]
        return events.HealthReport(
            pictures=len(self._usable),
            megapixels=round(megapixels, 3),
            validation_pictures=held_out,
            too_small=tuple(self._too_small),
            corrupt=tuple(self._corrupt),
            duplicates=tuple(self._duplicates),
            blocky=tuple((str(look.path), round(blocks.ratio, 2)) for look, blocks in blocky),
            warnings=tuple(self._warnings(megapixels, held_out, [look.shorter_px for look, _ in blocky])),
        )

    def _warnings(self, megapixels: float, held_out: int, blocky_px: Sequence[int]) -> Iterator[str]:
        usable, small, corrupt = len(self._usable), len(self._too_small), len(self._corrupt)
        smallest_px = self._config.crop_px * SCALE
        if not usable:
            yield "There is no picture to train on: choose a folder with sharp PNG, JPEG, WebP or TIFF pictures."
        elif usable < FEW_PICTURES or megapixels < FEW_MEGAPIXELS:
            yield (
                f"The network may learn {_counted(usable)} of {megapixels:.1f} megapixels together by heart: add more, "
                f"at least {FEW_PICTURES} of {FEW_MEGAPIXELS:.0f} megapixels together, and start from trained weights."
            )
        if usable == 1:
            yield ONLY_ONE
        elif usable and held_out < FEW_VALIDATION_PICTURES:
            yield (
                f"Only {_counted(held_out)} would be held out, so the measured quality says little: add pictures, or "
                "raise validation_share."
            )
        if len(blocky_px) > MANY_SHARE * usable:
            yield (
                f"{len(blocky_px)} of {usable} pictures show the blocks of strong JPEG compression, which the network "
                "would learn to draw: take better originals, or use the pictures at half size (hr_scales = [0.5])"
                f"{self._where_half_size_fits(blocky_px)}."
            )
        yield from unfit_factors(self._config, [look.shorter_px for look in self._usable])
        if small > MANY_SHARE * (usable + small):
            yield (
                f"{_counted(small)} of fewer than {smallest_px} × {smallest_px} pixels will not be used: choose a "
                "smaller crop_px, or larger pictures."
            )
        if corrupt:
            them = "it" if corrupt == 1 else "them"
            yield (
                f"{_counted(corrupt)} cannot be read and will not be used: copy or fetch {them} again, "
                f"or remove {them}."
            )
        if len(self._duplicates) > MANY_SHARE * (usable + len(self._duplicates)):
            yield (
                f"{_counted(len(self._duplicates))} with the content of another will count once: there is less to "
                "learn from than it looks like."
            )

    def _where_half_size_fits(self, shorter_px: Sequence[int]) -> str:
        """Return what has to be known to halve pictures with these shorter sides, empty if they are large enough."""
        crop_px = self._config.crop_px * SCALE
        small = [side_px for side_px in shorter_px if factor_that_fits(0.5, side_px, crop_px) != 0.5]
        if not small:
            return ""
        return f", for which {_counted(len(small))} would be too small with a crop_px above {min(small) // (2 * SCALE)}"


def _counted(count: int) -> str:
    return f"{count} picture" if count == 1 else f"{count} pictures"

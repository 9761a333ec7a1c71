"""How close models come to the truth: PSNR and SSIM over a folder of HR pictures, as papers print them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srdesk.engine.control import Control
from srdesk.errors import DatasetError
from srdesk.imaging.formats import FILE_SYSTEM_NOTE, SUFFIXES
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.metrics import psnr_y, ssim_y
from srdesk.imaging.resample import degrade_8bit
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler

SCALE = 4
"""Scale of every model."""

SSIM_WINDOW_PX = 11
"""Side of the window of SSIM: nothing smaller can be measured."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An HR picture and where its LR picture comes from."""

    hr: Path
    """Ground truth."""
    lr: Path | None
    """Its reduction by the scale; None to make it from the ground truth."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one model did on a set of pictures."""

    model: str
    """Name of the model."""
    images: int
    """Number of pictures."""
    psnr_y_db: float
    """Mean over the pictures of the PSNR on BT.601 luma; infinite if any picture came out without an error."""
    ssim_y: float
    """Mean over the pictures of the SSIM on BT.601 luma."""
    seconds: float
    """Computing time of all pictures, without reading and measuring."""
    feature_distance: float | None = None
    """Mean over the pictures of their distance in the features of a network; None if it was not asked for."""


def find_pairs(hr_folder: Path, lr_folder: Path | None = None) -> list[Pair]:
    """List the HR pictures of a folder in the order of their names, each with the LR picture of the same name.

    ``0801.png`` also goes with ``0801x4.png``, as DIV2K calls it. Suffixes may differ.

    Raises:
        DatasetError: a folder cannot be read, there is no picture in it, or a picture has no partner.
    """
    hr_paths = _pictures(hr_folder)
    if lr_folder is None:
        return [Pair(path, None) for path in hr_paths]
    found = _pictures(lr_folder)
    lr_paths = {path.stem.removesuffix(f"x{SCALE}"): path for path in found}
    # A name that happens to end in x4 by itself belongs to that name first.
    lr_paths |= {path.stem: path for path in found}
    missing = [path.name for path in hr_paths if path.stem not in lr_paths]
    if missing:
        others = f" and {len(missing) - 1} others" if len(missing) > 1 else ""
        raise DatasetError(
            lr_folder,
            f"it has no picture named like “{missing[0]}”{others}",
            hint="Give every HR picture an LR picture of the same name, or leave out --lr to have them made.",
        )
    return [Pair(path, lr_paths[path.stem]) for path in hr_paths]


def evaluate(
    pairs: Sequence[Pair],
    upscalers: Mapping[str, Upscaler | BicubicUpscaler],
    open_image: Callable[[Path], Image],
    control: Control,
    *,
    border_px: int = SCALE,
    feature_distance: Callable[[FloatArray, FloatArray], float] | None = None,
) -> list[Evaluation]:
    """Enlarge every LR picture with every model and compare with the truth.

    HR pictures are cropped at the bottom right to a multiple of the scale. Results are quantised to 8 bit before they
    are measured, as published figures are. An alpha channel is left out of account.

    Args:
        pairs: the pictures.
        upscalers: name → model; the order of the result.
        open_image: reads a file.
        control: progress is reported in pictures.
        border_px: rows and columns left out along every edge.
        feature_distance: measures `(H, W, C)` SR pixels against HR ones, borders included; None to leave it out.

    Raises:
        DatasetError: an LR picture does not fit its HR picture, or one is too small to be measured.
        ImageError: a picture cannot be read.
        DeviceError: a model cannot be run.
        Cancelled: someone asked to stop.
    """
    psnr_db: dict[str, list[float]] = {name: [] for name in upscalers}
    ssim: dict[str, list[float]] = {name: [] for name in upscalers}
    distances: dict[str, list[float]] = {name: [] for name in upscalers}
    seconds = dict.fromkeys(upscalers, 0.0)
    quiet = Control(token=control.token, on_notice=control.on_notice)
    control.start()
    for done, pair in enumerate(pairs):
        lr, hr = _opened(pair, open_image, border_px)
        for name, upscaler in upscalers.items():
            control.token.check()
            sr = StoredImage.empty(lr.height * SCALE, lr.width * SCALE, lr.channels, UINT8, lr.metadata)
            seconds[name] += upscaler.upscale(lr, sr, quiet).seconds
            sr_pixels = sr.read(Box(0, 0, sr.height, sr.width))
            psnr_db[name].append(psnr_y(sr_pixels, hr, border_px))
            ssim[name].append(ssim_y(sr_pixels, hr, border_px))
            if feature_distance is not None:
                distances[name].append(feature_distance(sr_pixels, hr))
        control.report(done + 1, len(pairs))
    return [
        Evaluation(
            model=name,
            images=len(pairs),
            psnr_y_db=float(np.mean(psnr_db[name])),
            ssim_y=float(np.mean(ssim[name])),
            seconds=seconds[name],
            feature_distance=float(np.mean(distances[name])) if distances[name] else None,
        )
        for name in upscalers
    ]


def _opened(pair: Pair, open_image: Callable[[Path], Image], border_px: int) -> tuple[Image, FloatArray]:
    """Return the LR picture and the HR pixels, cropped to a multiple of the scale."""
    hr = open_image(pair.hr)
    height, width = hr.height - hr.height % SCALE, hr.width - hr.width % SCALE
    if min(height, width) < 2 * border_px + SSIM_WINDOW_PX:
        raise DatasetError(
            pair.hr.parent,
            f"“{pair.hr.name}” has {hr.width} × {hr.height} pixels, too few to be measured",
            hint=f"Use pictures of at least {2 * border_px + SSIM_WINDOW_PX + SCALE - 1} pixels on each side.",
        )
    hr_pixels = hr.pixels[:height, :width]
    if pair.lr is None:
        lr_numbers = degrade_8bit(UINT8.from_unit(hr_pixels).astype(np.uint8, copy=False), SCALE)
        return Image(UINT8.to_unit(lr_numbers)), hr_pixels
    lr = open_image(pair.lr)
    if (lr.height, lr.width) != (height // SCALE, width // SCALE):
        raise DatasetError(
            pair.lr.parent,
            f"“{pair.lr.name}” has {lr.width} × {lr.height} pixels, not {width // SCALE} × {height // SCALE}",
            hint=f"LR pictures must be the HR pictures, cropped to a multiple of {SCALE}, reduced {SCALE} times.",
        )
    return Image(lr.pixels), hr_pixels


def _pictures(folder: Path) -> list[Path]:
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise DatasetError(folder, (error.strerror or str(error)).lower()) from error
    names = [path for path in names if not path.name.startswith(FILE_SYSTEM_NOTE)]
    pictures = [path for path in names if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not pictures:
        raise DatasetError(folder, "it holds no pictures")
    return pictures

"""The picture strip: how some held-out pictures look as the run goes on, kept as files for whoever watches."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from srdesk.imaging.formats import save_image
from srdesk.imaging.image import FloatArray, Image
from srdesk.imaging.stored import StoredImage
from srdesk.training.run.runs import PICTURES_FOLDER

MAX_STEPS = 64
"""Most steps that are kept; of more, every second one is dropped."""

_STEP_NAME = re.compile(r"\d+_step-(\d+)\.png")


def keep_references(folder: Path, pictures: Mapping[int, Mapping[str, FloatArray]]) -> None:
    """Write what the enlargements are compared with, as ``00_lr.png``.

    Args:
        folder: the run folder.
        pictures: number of the picture → kind (``lr``, ``bicubic``, ``hr``) → `(H, W, 3)` pixels, `[0, 1]`.

    Raises:
        ImageWriteError: a file cannot be written.
        OSError: the folder for them cannot be made, perhaps because the run folder is gone.
    """
    for number, kinds in pictures.items():
        for kind, pixels in kinds.items():
            _write(folder / PICTURES_FOLDER / f"{number:02}_{kind}.png", pixels)


def kept_references(folder: Path) -> int:
    """Return of how many pictures there is what their enlargements are compared with."""
    return len(list((folder / PICTURES_FOLDER).glob("*_lr.png")))


def keep_step(folder: Path, step: int, pictures: Mapping[int, FloatArray], *, best_step: int = 0) -> None:
    """Write the enlargements of one step, and drop some older ones if there are too many.

    Args:
        folder: the run folder.
        step: steps done.
        pictures: number of the picture → `(H, W, 3)` pixels, clipped to `[0, 1]`.
        best_step: the step of the best weights, whose enlargements stay.

    Raises:
        ImageWriteError: a file cannot be written.
        OSError: the folder for them cannot be made, perhaps because the run folder is gone.
    """
    for number, pixels in pictures.items():
        _write(folder / PICTURES_FOLDER / f"{number:02}_step-{step:08}.png", pixels)
    steps = kept_steps(folder)
    if len(steps) > MAX_STEPS:
        for old in set(steps[1:-1:2]) - {best_step}:  # the first and the latest stay, too
            for path in (folder / PICTURES_FOLDER).glob(f"*_step-{old:08}.png"):
                with contextlib.suppress(OSError):  # it stays: nothing but space is lost
                    path.unlink()


def forget_pictures(folder: Path, *, after_step: int, best_step: int = 0) -> None:
    """Remove the enlargements of later steps, which are void.

    Args:
        folder: the run folder.
        after_step: the last step whose enlargements stay; −1 removes all, and what they are compared with.
        best_step: the step of the best weights, whose enlargements stay.
    """
    for path in (folder / PICTURES_FOLDER).glob("*.png"):
        found = _STEP_NAME.fullmatch(path.name)
        if after_step < 0 or (found is not None and int(found[1]) > after_step and int(found[1]) != best_step):
            with contextlib.suppress(OSError):  # it stays, and is written over when its step is made again
                path.unlink()


def kept_steps(folder: Path) -> list[int]:
    """Return the steps whose enlargements are there, ascending."""
    names = (folder / PICTURES_FOLDER).glob("*_step-*.png")
    return sorted({int(found[1]) for path in names if (found := _STEP_NAME.fullmatch(path.name))})


def _write(path: Path, pixels: FloatArray) -> None:
    path.parent.mkdir(exist_ok=True)  # not the run folder too: one that is gone is not to be replaced by half of one
    save_image(path, StoredImage.from_image(Image(np.ascontiguousarray(pixels, dtype=np.float32))))

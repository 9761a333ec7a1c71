"""Small folders of made-up pictures and a configuration that trains on them in a second."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srdesk.training.config import TrainConfig


def make_picture(path: Path, seed: int, *, height: int = 72, width: int = 80) -> None:
    """Save a smooth, detailed, non-repeating RGB picture."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(coarse).resize((width, height), PIL.Image.Resampling.BICUBIC)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder with six pictures, one of them in a sub-folder."""
    folder = tmp_path / "pictures"
    for number in range(5):
        make_picture(folder / f"{number}.png", number)
    make_picture(folder / "more" / "5.png", 5)
    return folder


@pytest.fixture
def tiny_config(pictures: Path) -> Callable[..., TrainConfig]:
    """Return a maker of configurations for a network of a few hundred parameters."""

    def make(**changes: Any) -> TrainConfig:
        options: dict[str, Any] = {
            "model_options": {"channels": 4, "blocks": 1},
            "data": (str(pictures),),
            "steps": 6,
            "batch_size": 2,
            "crop_px": 8,
            "warmup_steps": 2,
            "validation_share": 0.3,
            "validation_crop_px": 64,
            "validate_every_steps": 3,
            "checkpoint_every_steps": 2,
            "report_every_steps": 2,
            "device": "cpu",
            "precision": "fp32",
            "threads": 1,
        }
        return TrainConfig(**(options | changes))

    return make


def jpeg_bytes(seed: int, *, height: int = 72, width: int = 80, quality: int = 92) -> bytes:
    """Return a smooth, detailed picture as a JPEG file."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
    picture = PIL.Image.fromarray(coarse).resize((width, height), PIL.Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@pytest.fixture
def new_picture() -> Callable[..., None]:
    """Return what makes one more picture."""
    return make_picture


@pytest.fixture
def new_jpeg() -> Callable[..., bytes]:
    """Return what makes one more picture as a JPEG file."""
    return jpeg_bytes


@pytest.fixture(scope="session")
def coco_members() -> dict[str, bytes]:
    """Return names and contents as in COCO's archives, of 300 small pictures."""
    return {f"train2014/COCO_train2014_{number:012}.jpg": jpeg_bytes(number) for number in range(9, 309)}


@pytest.fixture
def coco_archive(tmp_path: Path, coco_members: dict[str, bytes]) -> Path:
    """Return an archive like COCO's."""
    path = tmp_path / "coco" / "train2014.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("train2014")
        for name, content in coco_members.items():
            archive.writestr(name, content)
    return path

"""What is installed with the program: every room, the weights, the icons and three credited sample pictures."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
RESOURCES = ROOT / "resources"
SAMPLES = ("portrait.png", "satellite.png", "astronomy.png")

MAX_SAMPLE_BYTES = 300_000


def test_every_room_and_data_folder_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {".".join(file.parent.relative_to(ROOT).parts) for file in (ROOT / "srdesk").rglob("__init__.py")}

    assert set(project["tool"]["setuptools"]["packages"]) == rooms | {"srdesk.resources", "srdesk.weights"}


@pytest.mark.parametrize("name", SAMPLES)
def test_sample_pictures_are_small_coloured_and_credited(name: str) -> None:
    path = RESOURCES / "samples" / name
    with Image.open(path) as picture:
        width, height = picture.size
        assert picture.mode == "RGB"

    assert 200 <= min(width, height) <= max(width, height) <= 400
    assert path.stat().st_size <= MAX_SAMPLE_BYTES
    assert f"samples/{name}" in (RESOURCES / "CREDITS.md").read_text(encoding="utf-8")


def test_there_are_no_other_samples() -> None:
    assert {path.name for path in (RESOURCES / "samples").iterdir()} == set(SAMPLES)


@pytest.mark.parametrize("size_px", [16, 32, 48, 64, 128, 256])
def test_icons_have_the_size_of_their_name(size_px: int) -> None:
    with Image.open(RESOURCES / "icons" / f"srdesk-{size_px}.png") as icon:
        assert icon.size == (size_px, size_px)
        assert icon.mode == "RGBA"

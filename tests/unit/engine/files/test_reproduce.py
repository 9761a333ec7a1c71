"""Finding what a result was made from, and making it again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import pytest

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.files.file_job import enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.reproduce import Difference, Original, check_output, find_original, reproduce
from srdesk.engine.trust import sidecar
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, ConfigError, SidecarError
from srdesk.imaging.decoder import Decoder


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def record(tmp_path: Path, decoder: Decoder) -> Path:
    """Sidecar of a small result that lies in another folder than its picture."""
    pixels = np.random.default_rng(3).integers(0, 256, (9, 8, 3), np.uint8)
    (tmp_path / "in").mkdir()
    PIL.Image.fromarray(pixels).save(tmp_path / "in" / "photo.png")
    output = tmp_path / "out" / "large.png"
    recipe = FileRecipe(model="bicubic", sidecar=True)
    enlarge_file(tmp_path / "in" / "photo.png", output, recipe, BicubicUpscaler, decoder, Control())
    return sidecar.sidecar_path(output)


def test_the_picture_is_found_where_it_was(record: Path, tmp_path: Path) -> None:
    original = find_original(record, [])
    assert original.source.samefile(tmp_path / "in" / "photo.png")
    assert ".." not in original.source.parts
    assert original.weights is None
    assert original.recipe.model == "bicubic"


def test_an_unchanged_copy_beside_the_record_is_better_than_a_changed_one_elsewhere(
    record: Path, tmp_path: Path
) -> None:
    shutil.copy(tmp_path / "in" / "photo.png", record.parent)
    (tmp_path / "in" / "photo.png").write_bytes(b"changed")
    assert find_original(record, []).source.samefile(record.parent / "photo.png")
    (record.parent / "photo.png").unlink()
    with pytest.raises(SidecarError, match=r"photo\.png” has changed"):
        find_original(record, [])


def test_a_result_is_made_again(record: Path, tmp_path: Path, decoder: Decoder) -> None:
    made = reproduce(find_original(record, []), tmp_path / "again.png", decoder, Control())
    assert made.is_equal
    assert made.differences == ()
    assert (tmp_path / "again.png").read_bytes() == (record.parent / "large.png").read_bytes()


def test_what_is_different_is_listed(record: Path, tmp_path: Path, decoder: Decoder) -> None:
    original = find_original(record, [])
    computing = msgspec.structs.replace(original.computing, libraries={**original.computing.libraries, "numpy": "1.0"})
    told = msgspec.structs.replace(original.provenance, computing=computing, version="0.0.1")
    made = reproduce(replace(original, provenance=told), tmp_path / "again.png", decoder, Control())
    assert made.differences == (
        Difference("SR Desk", "0.0.1", original.provenance.version),
        Difference("numpy", "1.0", np.__version__),
    )
    assert str(made.differences[1]) == f"numpy 1.0 then, {np.__version__} now"


def test_another_format_is_refused_before_anything_is_computed(record: Path, tmp_path: Path, decoder: Decoder) -> None:
    original = find_original(record, [])
    check_output(original, tmp_path / "x.PNG")
    with pytest.raises(ConfigError):
        reproduce(original, tmp_path / "x.webp", decoder, Control())
    assert not (tmp_path / "x.webp").exists()


@pytest.mark.parametrize("name", ["../x.png", "/etc/x.png", "a/b/x.png", "..\\x.png", "C:\\x.png"])
def test_the_name_of_a_result_has_no_folder(record: Path, name: str) -> None:
    told = sidecar.read_sidecar(record)
    assert told.output is not None
    told = msgspec.structs.replace(told, output=msgspec.structs.replace(told.output, name=name))
    assert Original(record, told, record, None).name == "x.png"


def test_looking_for_the_picture_can_be_stopped(record: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        find_original(record, [], check=token.check)

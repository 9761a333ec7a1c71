"""Maps as files: with a legend, and never over another file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srdesk.engine.report.map_files import write_maps
from srdesk.engine.trust.findings import find_out
from srdesk.engine.trust.honesty import Outcome
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts
from srdesk.errors import ImageWriteError
from srdesk.imaging.image import Box, Image
from srdesk.imaging.stored import StoredImage

IMAGE = Image(np.random.default_rng(1).random((12, 15, 3), np.float32))


def outcome(model: str) -> Outcome:
    result = StoredImage(np.random.default_rng(len(model)).integers(0, 256, (48, 60, 3), np.uint8))
    return Outcome(model, result, UpscaleFacts(model, "cpu", "fp32", 0, 0.1, 1.0))


def test_every_map_is_a_file_with_a_legend(tmp_path: Path) -> None:
    box = Box(0, 0, 8, 9)
    found = find_out(
        IMAGE, [outcome("srgan"), outcome("srresnet")], models={"bicubic": BicubicUpscaler()}, regions=[box]
    )
    written = write_maps(tmp_path / "maps", "photo", found)
    assert sorted(path.name for path in written) == [
        "photo_consistency_bicubic.png",
        "photo_consistency_srgan.png",
        "photo_consistency_srresnet.png",
        "photo_invented_bicubic_0-0-9x8.png",
        "photo_srgan-srresnet.png",
    ]
    for path in written:
        with PIL.Image.open(path) as picture:
            assert max(picture.size) >= 320
            legend = np.asarray(picture)[-40:]
            assert legend.max() == 255  # its words


def test_files_that_exist_stay(tmp_path: Path) -> None:
    found = find_out(IMAGE, [])
    first, second = write_maps(tmp_path, "p", found), write_maps(tmp_path, "p", found)
    assert [path.name for path in first] == ["p_consistency_bicubic.png"]
    assert [path.name for path in second] == ["p_consistency_bicubic-2.png"]


def test_no_name_of_a_model_leads_out_of_the_folder(tmp_path: Path) -> None:
    written = write_maps(tmp_path / "maps", "p", find_out(IMAGE, [outcome("../../x")]))
    assert {path.parent for path in written} == {tmp_path / "maps"}
    assert written[1].name == "p_consistency_.._.._x.png"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(ImageWriteError):
        write_maps(tmp_path / "maps", "p", find_out(IMAGE, []))

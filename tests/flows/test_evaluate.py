"""The command `srdesk evaluate`."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srdesk import paths

FEATURES_FILE = paths.features_file()


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    """A folder with two smooth pictures."""
    folder = tmp_path / "hr"
    folder.mkdir()
    rows, columns = np.mgrid[0:45, 0:62]
    for number in (1, 2):
        wave = 127 + 120 * np.sin(rows / (8 + number)) * np.cos(columns / 7)
        PIL.Image.fromarray(np.stack([wave, 255 - wave, wave / 2], 2).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def test_json_has_a_row_for_each_model_the_baseline_first(srdesk: Any, hr: Path, tiny_weights: Path) -> None:
    ended = srdesk("evaluate", "--hr", hr, "--models", "tiny,bicubic", "--precision", "fp32", "--json")
    assert ended.status == 0, ended.err
    assert list(ended.document) == ["scale", "border_px", "results"]
    assert (ended.document["scale"], ended.document["border_px"]) == (4, 4)
    bicubic, tiny = ended.document["results"]
    assert list(bicubic) == ["model", "images", "psnr_y_db", "ssim_y", "seconds"]
    assert (bicubic["model"], tiny["model"]) == ("bicubic", "tiny")
    assert bicubic["images"] == 2
    assert bicubic["psnr_y_db"] > 30 > tiny["psnr_y_db"]
    assert round(bicubic["psnr_y_db"], 4) == bicubic["psnr_y_db"]


def test_without_json_a_table_is_printed(srdesk: Any, hr: Path, no_shipped_weights: None) -> None:
    ended = srdesk("evaluate", "--hr", hr)
    assert ended.status == 0, ended.err
    head, row = ended.out.splitlines()
    assert head.split() == ["model", "images", "PSNR-Y", "SSIM-Y", "time"]
    assert row.split()[:2] == ["bicubic", "2"]


def test_feature_distances_are_told_on_demand(
    srdesk: Any, hr: Path, tiny_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "features_file", lambda: FEATURES_FILE)
    words = ("evaluate", "--hr", hr, "--models", "tiny,bicubic", "--features")
    bicubic, tiny = srdesk(*words, "--json").document["results"]
    assert 0 < bicubic["feature_distance"] < tiny["feature_distance"]
    head, first, _ = srdesk(*words).out.splitlines()
    assert head.split()[-1] == "features"
    assert float(first.split()[-1]) == round(bicubic["feature_distance"], 4)


def test_a_perfect_result_has_no_psnr_in_json(srdesk: Any, tmp_path: Path) -> None:
    PIL.Image.new("RGB", (40, 40), (9, 9, 9)).save(tmp_path / "flat.png")
    ended = srdesk("evaluate", "--hr", tmp_path, "--models", "bicubic", "--json")
    assert ended.document["results"][0]["psnr_y_db"] is None
    assert ended.document["results"][0]["ssim_y"] == 1


def test_the_border_is_told_and_used(srdesk: Any, hr: Path) -> None:
    narrow, wide = (
        srdesk("evaluate", "--hr", hr, "--models", "bicubic", "--border", border, "--json").document
        for border in (0, 10)
    )
    assert (narrow["border_px"], wide["border_px"]) == (0, 10)
    assert narrow["results"][0]["psnr_y_db"] != wide["results"][0]["psnr_y_db"]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([], 2, "--hr"),
        (["--hr", "nowhere"], 1, "nowhere"),
        (["--hr", "{hr}", "--lr", "{hr}"], 1, "pixels, not"),
        (["--hr", "{hr}", "--models", "nonsense"], 1, "none of that name"),
        (["--hr", "{hr}", "--border", "-1"], 2, "--border"),
    ],
)
def test_what_cannot_be_measured_is_said(srdesk: Any, hr: Path, words: list[str], status: int, said: str) -> None:
    ended = srdesk("evaluate", *(word.format(hr=hr) for word in words))
    assert ended.status == status
    assert said in ended.err
    assert ended.out == ""

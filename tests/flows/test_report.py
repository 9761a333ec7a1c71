"""`srdesk report`: one HTML file about results side by side."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest


@pytest.fixture
def photo_path(photo: Any, tmp_path: Path) -> Path:
    path: Path = photo(tmp_path / "photo.png", 40, 48)
    return path


def test_a_report_has_pictures_numbers_hashes_and_the_way_to_make_it_again(
    srdesk: Any, photo_path: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    words = ("--models", "tiny", "--device", "cpu", "--invented", "--region", "4,5,16,12")
    ended = srdesk("report", photo_path, "-o", tmp_path / "r.html", *words)
    assert ended.status == 0, ended.err
    assert ended.out == f"{photo_path} → {tmp_path / 'r.html'}\n"
    text = (tmp_path / "r.html").read_text("utf-8")
    for path in (photo_path, tiny_weights):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert "CC0-1.0" in text
    assert "Region 4,5,16,12" in text
    assert "srdesk report photo.png -o report.html --models tiny --device cpu --precision " in text
    assert "--invented --region 4,5,16,12\n" in text
    assert str(tmp_path) not in text
    assert "http" not in text.replace("http-equiv", "")


def test_the_command_that_it_tells_makes_the_same_numbers(
    srdesk: Any, photo_path: Path, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = srdesk("report", photo_path, "-o", tmp_path / "r.html", "--models", "tiny", "--degrade", "--json")
    assert first.status == 0, first.err
    text = (tmp_path / "r.html").read_text("utf-8")
    command = text.partition("<pre>")[2].partition("</pre>")[0].splitlines()[0].split()
    monkeypatch.chdir(tmp_path)
    second = srdesk(*command[1:], "--json")
    assert second.status == 0, second.err
    assert second.document["parts"] == first.document["parts"]
    assert second.document["output"] == "report.html"


def test_without_a_name_it_is_written_beside_the_picture_and_never_over_another(
    srdesk: Any, photo_path: Path, tmp_path: Path, no_shipped_weights: None
) -> None:
    first, second = (srdesk("report", photo_path, "--json") for _ in range(2))
    assert first.document["output"] == str(tmp_path / "photo_report.html")
    assert second.document["output"] == str(tmp_path / "photo_report-2.html")
    assert second.document["parts"] == first.document["parts"]


def test_a_name_that_is_a_script_stays_a_name(srdesk: Any, tmp_path: Path, no_shipped_weights: None) -> None:
    source = tmp_path / "<script>alert(1)<∕script>.png"
    PIL.Image.fromarray(np.full((30, 30, 3), 9, np.uint8)).save(source)
    ended = srdesk("report", source, "-o", tmp_path / "r.html")
    assert ended.status == 0, ended.err
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [(["-o", "r.png"], "a name that ends in “.html”"), (["-o", "{file}/r.html"], "cannot be made")],
)
def test_an_output_that_cannot_be_is_said_before_anything_is_computed(
    srdesk: Any, photo_path: Path, no_shipped_weights: None, words: list[str], said: str
) -> None:
    ended = srdesk("report", photo_path, *(word.format(file=photo_path) for word in words))
    assert ended.status == 1
    assert said in ended.err
    assert ended.out == ""

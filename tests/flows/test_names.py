"""Names that no file can have are refused with a sentence, by every verb."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    "words",
    [
        ["report", ""],
        ["check", ""],
        ["reproduce", ""],
        ["evaluate", "--hr", "", "--models", "bicubic"],
        ["bench", "--hr", ""],
        ["models", "export", "srcnn", "", "--format", "onnx"],
        ["reproduce", "a.png", "-o", ""],
        ["train", "--data", ""],
        ["train", "--run", ""],
        ["train", "--download-coco", ""],
    ],
    ids=lambda words: "-".join(words[:2]),
)
def test_an_empty_name_is_not_the_current_folder(srdesk: Any, words: list[str]) -> None:
    ended = srdesk(*words)
    assert ended.status == 2
    assert "an empty name" in ended.err


@pytest.mark.parametrize("name", [".", "folder", "/"])
@pytest.mark.parametrize(
    "words",
    [
        ["report", "{}"],
        ["check", "{}"],
        ["reproduce", "{}"],
        *(
            ["models", "export", "tiny", "{}", "--format", "onnx", "--on-collision", to]
            for to in ("number", "overwrite")
        ),
    ],
    ids=lambda words: f"{words[0]}-{words[-1].strip('{}')}",
)
def test_a_folder_is_no_file(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path, words: list[str], name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    before = sorted(tmp_path.iterdir())
    ended = srdesk(*(word.format(name) for word in words))
    assert ended.status not in (0, 2)
    assert "unexpected" not in ended.err
    assert sorted(tmp_path.iterdir()) == before

"""The command `srdesk models`."""

import sys
from pathlib import Path
from typing import Any

import pytest

from srdesk import paths


def test_json_lists_weights_with_what_they_say_about_themselves(srdesk: Any, tiny_weights: Path) -> None:
    ended = srdesk("models", "--json")
    assert ended.status == 0
    assert ended.document == {
        "weights": [
            {
                "name": "tiny",
                "architecture": "srresnet",
                "scale": 4,
                "licence": "CC0-1.0",
                "training_data": "nothing",
                "steps": 12,
                "metrics": {"set5_psnr_y_db": 9.5},
                "path": str(tiny_weights),
                "error": None,
            }
        ]
    }


def test_broken_weights_are_listed_with_the_reason(srdesk: Any, tiny_weights: Path) -> None:
    (tiny_weights.parent / "broken.safetensors").write_bytes(b"\x80\x02 pickle")
    ended = srdesk("models", "--json")
    assert ended.status == 0
    broken, tiny = ended.document["weights"]
    assert (broken["name"], broken["architecture"]) == ("broken", None)
    assert "contains code" in broken["error"]
    assert tiny["error"] is None


def test_the_list_for_people_has_the_same_facts(srdesk: Any, tiny_weights: Path) -> None:
    (tiny_weights.parent / "broken.safetensors").touch()
    out = srdesk("models").out
    assert "broken\n" in out
    assert "tiny\n" in out
    for fact in ("srresnet, 4x, 12 steps", "trained on nothing", "set5_psnr_y_db 9.5", "licence CC0-1.0"):
        assert fact in out


def test_without_weights_it_says_where_they_belong(srdesk: Any, no_shipped_weights: None) -> None:
    assert str(paths.user_weights_folder()) in srdesk("models").out
    assert srdesk("models", "--json").document == {"weights": []}


def test_listing_has_a_name_of_its_own_too(srdesk: Any, tiny_weights: Path) -> None:
    assert srdesk("models", "list").out == srdesk("models").out
    for words in (["list", "--json"], ["--json", "list"]):
        assert srdesk("models", *words).out == srdesk("models", "--json").out


def test_weights_are_exported_for_other_programs(srdesk: Any, tiny_weights: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    target = tmp_path / "new folder" / "tiny.onnx"
    ended = srdesk("models", "export", "tiny", "--format", "onnx", target)
    assert (ended.status, ended.out) == (0, f"{tiny_weights} → {target}\n"), ended.err
    assert target.stat().st_size > 0
    words = ["--format", "onnx", target, "--on-collision", "number", "--json"]
    numbered = srdesk("models", "export", tiny_weights, *words).document["output"]
    assert Path(numbered).read_bytes() == target.read_bytes()
    assert Path(numbered).name == "tiny-2.onnx"


def test_an_existing_file_is_replaced_only_when_asked(srdesk: Any, tiny_weights: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.onnx"
    target.write_bytes(b"mine")
    export = ("models", "export", "tiny", "--format", "onnx", target)
    ended = srdesk(*export)
    assert (ended.status, ended.out) == (1, "")
    assert "exists already" in ended.err
    assert "--on-collision" in ended.err
    assert srdesk(*export, "--on-collision", "skip").status == 0
    assert target.read_bytes() == b"mine"
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    assert srdesk(*export, "--on-collision", "overwrite").status == 0
    assert target.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nonsense", "--format", "onnx"], 1, "there are none of that name"),
        (["srgan", "--format", "onnx"], 1, "no SRGAN weights are installed yet"),
        (["bicubic", "--format", "onnx"], 1, "the name of weights"),
        (["tiny", "--format", "pickle"], 2, "'pickle'"),
        (["tiny"], 2, "--format"),
    ],
)
def test_what_cannot_be_exported_is_said_with_a_remedy(
    srdesk: Any, tiny_weights: Path, tmp_path: Path, words: list[str], status: int, said: str
) -> None:
    ended = srdesk("models", "export", *words, tmp_path / "a.onnx")
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err
    assert ended.err.count("\n") == 2
    assert not (tmp_path / "a.onnx").exists()


def test_weights_are_never_replaced_by_their_own_export(srdesk: Any, tiny_weights: Path) -> None:
    words = ["--format", "onnx", tiny_weights, "--on-collision", "overwrite"]
    ended = srdesk("models", "export", "tiny", *words)
    assert ended.status == 1
    assert "it is the input file itself" in ended.err


def test_without_the_package_for_it_an_export_says_what_to_install(
    srdesk: Any, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # as if it were not installed
    ended = srdesk("models", "export", "tiny", "--format", "onnx", tmp_path / "a.onnx")
    assert ended.status == 1
    assert "needs the package onnx" in ended.err
    assert "pip install onnx" in ended.err

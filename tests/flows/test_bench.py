"""The command `srdesk bench`; what it measures is judged by a person."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest


def test_json_tells_every_way_with_its_time_and_how_they_compare(srdesk: Any, tiny_weights: Path) -> None:
    words = ["--model", "tiny", "--device", "cpu", "--size", 24, "--rounds", 1, "--threads", 1]
    ended = srdesk("bench", *words, "--json")
    assert ended.status == 0, ended.err
    report = ended.document
    assert (report["model"], report["device"], report["threads"]) == ("tiny", "cpu", 1)
    assert (report["size_px"], report["rounds"]) == (24, 1)
    assert report["times_plain"] > 0
    assert report["times_bf16_windows"] > 0
    assert report["bf16_loss_db"] is None
    assert {timing["precision"] for timing in report["timings"]} >= {"fp32", "bf16"}
    assert all(timing["seconds"] >= 0 for timing in report["timings"])


def test_without_json_a_table_is_printed_with_the_loss_on_the_pictures(
    srdesk: Any, tiny_weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "hr").mkdir()
    noise = np.random.default_rng(2).integers(0, 256, (40, 40, 3), np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "hr" / "a.png")
    words = ["--model", "tiny", "--device", "cpu", "--size", 24, "--rounds", 1]
    ended = srdesk("bench", *words, "--hr", tmp_path / "hr")
    assert ended.status == 0, ended.err
    assert "24 × 24 pixels" in ended.out
    assert "times as fast as the plain network" in ended.out
    assert "bf16 loses" in ended.out


def test_training_is_timed_against_plain_training(srdesk: Any, tiny_weights: Path) -> None:
    words = ["--train", "--model", "tiny", "--device", "cpu", "--rounds", 1, "--threads", 1]
    ended = srdesk("bench", *words, "--json")
    assert ended.status == 0, ended.err
    report = ended.document
    assert (report["model"], report["threads"], report["rounds"]) == ("srresnet", 1, 1)
    assert report["times_plain"] > 0
    table = srdesk("bench", *words)
    assert "times as fast as the plain one" in table.out
    assert ("does not multiply bfloat16 in hardware" in table.out) != report["has_fast_bf16"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--rounds", "0"], 2),
        (["--size", "-5"], 2),
        (["--threads", "many"], 2),
        (["--model", "bicubic"], 1),
        (["--model", "nonsense"], 1),
        (["--model", "tiny", "--lr", "folder"], 1),
        (["--model", "tiny", "--train", "--hr", "folder"], 1),
        (["--model", "tiny", "--compile"], 1),
    ],
)
def test_what_cannot_be_measured_is_said(srdesk: Any, tiny_weights: Path, words: list[str], status: int) -> None:
    ended = srdesk("bench", *words)
    assert ended.status == status
    assert ended.err.startswith("srdesk: ")
    assert ended.out == ""

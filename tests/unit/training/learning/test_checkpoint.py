"""A checkpoint is whole, or there is none, or the damage is named."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from srdesk.errors import CheckpointError
from srdesk.training.learning.checkpoint import (
    Checkpoint,
    RunState,
    load_checkpoint,
    save_checkpoint,
    what_differs,
)

STATE = RunState(config_digest="c", threads=1, data_digest="d", step=7, elapsed_s=0.5)
TENSORS = {"model/weight": torch.randn(3, 4), "model/count": torch.tensor(5), "average/weight": torch.randn(3, 4).T}


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, Checkpoint(STATE, TENSORS))
    loaded = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded.state == STATE
    assert loaded.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensor, loaded.tensors[name]) for name, tensor in TENSORS.items())


def test_a_run_without_checkpoint_has_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None


def test_every_cut_is_damage(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, Checkpoint(STATE, TENSORS))
    content = path.read_bytes()
    for length in (0, 1, 8, 9, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    "header", [b"{}", b"[]", b'{"__metadata__":{}}', b'{"__metadata__":{"srdesk_run_state":"{}"}}']
)
def test_a_file_without_the_numbers_of_a_run_is_damage(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "checkpoint.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="damaged"):
        load_checkpoint(tmp_path)


def test_numbers_of_a_later_version_are_not_guessed(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, Checkpoint(STATE, TENSORS))
    known = msgspec.json.encode(msgspec.json.encode(STATE).decode())
    content = path.read_bytes()
    header = content[8 : 8 + int.from_bytes(content[:8], "little")].replace(known[1:3], known[1:3] + rb"\"new\":1,", 1)
    path.write_bytes(len(header).to_bytes(8, "little") + header + content[8 + int.from_bytes(content[:8], "little") :])
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ""),
        ({"step": 9}, ""),
        ({"threads": 4}, "computed with 1 threads and goes on with 4"),
        ({"is_compiled": True}, "goes on with its network compiled"),
        ({"data_digest": "e"}, "goes on with other crops"),
    ],
)
def test_what_keeps_a_run_from_going_on_exactly_is_said(change: dict[str, object], expected: str) -> None:
    sentences = list(what_differs(STATE, msgspec.structs.replace(STATE, **change)))
    assert len(sentences) == bool(expected)
    assert all(expected in sentence for sentence in sentences)


def test_it_is_said_that_a_network_is_no_longer_compiled() -> None:
    (sentence,) = what_differs(msgspec.structs.replace(STATE, is_compiled=True), STATE)
    assert "no longer compiled" in sentence

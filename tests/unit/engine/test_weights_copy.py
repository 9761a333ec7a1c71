"""A copy of weights has another name and is otherwise the same."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

from srdesk.engine.weights import load_model
from srdesk.engine.weights_copy import copy_weights
from srdesk.errors import WeightsError, WeightsFormatError


@pytest.mark.parametrize("name", ["portraits", "a-much-longer-name-than-before", "p"])
def test_the_copy_is_the_same_model_under_another_name(weights_file: Path, tmp_path: Path, name: str) -> None:
    before = weights_file.read_bytes()
    target = tmp_path / "new" / f"{name}.safetensors"
    card = copy_weights(weights_file, target, name=name)
    model, loaded_card = load_model(target)
    original, original_card = load_model(weights_file)
    assert card == loaded_card == msgspec.structs.replace(original_card, name=name)
    assert int.from_bytes(target.read_bytes()[:8], "little") % 8 == 0  # so that tensors begin where they may
    assert weights_file.read_bytes() == before
    tensors = model.state_dict()
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in original.state_dict().items())


def test_damaged_weights_are_not_copied(weights_file: Path, tmp_path: Path) -> None:
    content = bytearray(weights_file.read_bytes())
    content[-1] ^= 1
    weights_file.write_bytes(content)
    with pytest.raises(WeightsFormatError, match="checksum"):
        copy_weights(weights_file, tmp_path / "copy.safetensors", name="copy")
    assert list(tmp_path.glob("copy*")) == []


def test_a_folder_that_cannot_be_made_is_said(weights_file: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be written"):
        copy_weights(weights_file, weights_file / "copy.safetensors", name="copy")

"""Weights files: saved whole, loaded only when sound."""

import contextlib
import functools
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from srdesk.engine.library import CARD_KEY, WeightsCard, read_header
from srdesk.engine.weights import load_model, save_weights
from srdesk.errors import WeightsError, WeightsFormatError, WeightsMismatchError
from srdesk.models.srresnet import SRResNet


def tensors_at(content: bytes | bytearray) -> int:
    """Return where the tensors of a weights file begin."""
    return 8 + int.from_bytes(content[:8], "little")


def edited(path: Path, where: str, value: object) -> Path:
    """Change one value in the header of a weights file; the tensors stay as they are."""
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["card"] = json.loads(header["__metadata__"][CARD_KEY])
    *parents, key = where.split("/")
    functools.reduce(dict.__getitem__, parents, header)[key] = value
    header["__metadata__"][CARD_KEY] = json.dumps(header.pop("card"))
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
    return path


def test_what_is_saved_is_loaded_bit_for_bit(weights_file: Path, srresnet: SRResNet) -> None:
    model, card = load_model(weights_file)
    assert isinstance(model, SRResNet)
    assert not model.training
    assert model.config == srresnet.config
    assert (card.name, card.steps) == ("narrow", 7)
    loaded = model.state_dict()
    assert loaded.keys() == srresnet.state_dict().keys()
    for name, tensor in srresnet.state_dict().items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_loaded_parameters_can_be_trained_further(weights_file: Path) -> None:
    model, _ = load_model(weights_file)
    model(torch.zeros(1, 3, 2, 2)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_saving_tells_the_checksum_that_is_in_the_file(tmp_path: Path, srresnet: SRResNet) -> None:
    path = tmp_path / "a.safetensors"
    card = WeightsCard(name="a", architecture="srresnet", config=msgspec.to_builtins(srresnet.config))
    written = save_weights(path, srresnet, card)
    assert written == read_header(path).card
    assert len(written.sha256) == 64


def test_a_failed_save_leaves_the_old_file_and_nothing_else(weights_file: Path, srresnet: SRResNet) -> None:
    before = weights_file.read_bytes()
    missing = weights_file.parent / "missing" / "a.safetensors"
    with pytest.raises(WeightsError, match="cannot be written"):
        save_weights(missing, srresnet, read_header(weights_file).card)
    assert weights_file.read_bytes() == before
    assert list(weights_file.parent.iterdir()) == [weights_file]


@pytest.mark.hostile
@given(data=st.data())
def test_every_flipped_bit_among_the_tensors_is_noticed(
    data: st.DataObject, srresnet: SRResNet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("flip") / "a.safetensors"
    config = msgspec.to_builtins(srresnet.config)
    save_weights(path, srresnet, WeightsCard(name="a", architecture="srresnet", config=config))
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(tensors_at(content), len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(WeightsFormatError, match="checksum"):
        load_model(path)


@pytest.mark.hostile
@given(data=st.data())
def test_whatever_is_cut_off_or_overwritten_a_load_fails_with_a_sentence_or_gives_sound_weights(
    data: st.DataObject, srresnet: SRResNet, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.safetensors"
    config = msgspec.to_builtins(srresnet.config)
    save_weights(path, srresnet, WeightsCard(name="a", architecture="srresnet", config=config))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        start = data.draw(st.integers(0, tensors_at(content)))
        junk = data.draw(st.binary(min_size=1, max_size=16))
        content[start : start + len(junk)] = junk
    path.write_bytes(content)
    with contextlib.suppress(WeightsError):  # nothing else may leave
        model, _ = load_model(path)
        assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())


@pytest.mark.hostile
@pytest.mark.parametrize(
    "dump",
    [
        lambda file, model: torch.save(model.state_dict(), file),
        lambda file, model: torch.save(model, file),
        lambda file, model: torch.jit.save(torch.jit.script(torch.nn.Identity()), file),
        lambda file, model: pickle.dump({"a": 1}, file),
    ],
    ids=["torch state", "torch module", "TorchScript", "pickle"],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # the point is what other programs write
def test_files_that_can_run_code_are_not_loaded(
    tmp_path: Path, srresnet: SRResNet, dump: Callable[[io.BufferedWriter, SRResNet], None]
) -> None:
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        dump(file, srresnet)
    with pytest.raises(WeightsFormatError, match="it contains code; not loaded"):
        load_model(path)


@pytest.mark.hostile
def test_a_small_file_that_claims_a_huge_tensor_is_refused_from_its_header(tmp_path: Path) -> None:
    card = WeightsCard(name="a", architecture="srresnet", config={})
    slot = {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}
    header = {"__metadata__": {CARD_KEY: msgspec.json.encode(card).decode()}, "head.0.weight": slot}
    text = json.dumps(header).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(100))
    with pytest.raises(WeightsFormatError, match="fill the file exactly"):
        load_model(path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("card/architecture", "vgg", "architecture “vgg” is not known"),
        ("card/scale", 2, "does not enlarge 2 times"),
        ("card/sha256", "", "checksum"),
        ("card/config/channels", "eight", "configuration is not possible"),
        ("card/config/depth", 3, "configuration is not possible"),
        ("card/config/channels", -8, "configuration is not possible"),
        ("card/config/channels", 0, "configuration is not possible"),
        ("card/config/channels", 16, "has the shape"),
        ("card/config/blocks", 10**9, "configuration is not possible"),
        ("card/config/blocks", 4, "“blocks.3.conv_block1.0.weight” is missing"),
        ("card/config/blocks", 2, "does not belong to the model"),
        ("tail.bias/dtype", "I32", "number type I32 instead of F32"),
        ("tail.bias/shape", [4], "“tail.bias” has the shape"),
    ],
)
def test_a_header_that_does_not_fit_its_model_is_refused(
    weights_file: Path, where: str, value: object, reason: str
) -> None:
    with pytest.raises(WeightsError, match=reason):
        load_model(edited(weights_file, where, value))


@pytest.mark.hostile
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, srresnet: SRResNet, value: float) -> None:
    model = SRResNet(srresnet.config)
    with torch.no_grad():
        assert model.tail.bias is not None
        model.tail.bias[1] = value
    path = tmp_path / "a.safetensors"
    config = msgspec.to_builtins(srresnet.config)
    save_weights(path, model, WeightsCard(name="a", architecture="srresnet", config=config))
    with pytest.raises(WeightsMismatchError, match=r"“tail\.bias” holds numbers that are not finite"):
        load_model(path)


def test_safetensors_of_other_programs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(save({"weight": torch.zeros(3)}))
    with pytest.raises(WeightsFormatError, match="no card"):
        load_model(path)

"""The weights file: save a model atomically, load one only after every check."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from safetensors import torch as safetensors
from torch import Tensor, nn

from srdesk.engine.library import CARD_KEY, TensorSlot, WeightsCard, open_weights, read_open_header
from srdesk.errors import WeightsError, WeightsFormatError, WeightsMismatchError
from srdesk.imaging.atomic import atomic_write
from srdesk.models import CATALOGUE

MAX_CONFIG_NUMBER = 1024
"""Largest number in a configuration: a file must not ask for a network of a million layers."""

_SLOT_DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""Number types of our parameters and counters, as safetensors calls them."""


def save_weights(path: Path, model: nn.Module, card: WeightsCard) -> WeightsCard:
    """Write the parameters of ``model`` and its card to ``path``: the old file stays until the whole new one is there.

    Returns:
        The card as written, with the checksum of the tensors.

    Raises:
        WeightsError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    card = msgspec.structs.replace(card, sha256=_sha256(_after_header(safetensors.save(tensors))))
    content = safetensors.save(tensors, {CARD_KEY: msgspec.json.encode(card).decode()})
    try:
        with atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        hint = "Choose a folder that you can write to and that has enough free space."
        raise WeightsError(path, f"they cannot be written ({error.strerror})", hint=hint) from error
    return card


def load_model(path: Path) -> tuple[nn.Module, WeightsCard]:
    """Build the model that a weights file names and fill it.

    Nothing is allocated before the header fits the model, and nothing is used before the checksum fits the header.

    Returns:
        The model, float32 on the CPU, in evaluation mode, and the card of the file.

    Raises:
        WeightsFormatError: the file is damaged, no weights file, or contains code.
        WeightsMismatchError: names, shapes, number types or values do not fit the model that the file names.
    """
    with open_weights(path) as file:
        header = read_open_header(path, file)
        model = _empty_model(path, header.card)
        _check_slots(path, header.tensors, model.state_dict())
        data = file.read()
    if _sha256(data) != header.card.sha256:
        raise WeightsFormatError(path, "its tensors are damaged (the checksum does not fit)")
    # The header has been compared with the model, so every slot lies inside the data and has one of the two types.
    tensors = {name: _tensor(data, slot) for name, slot in header.tensors.items()}
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsMismatchError(path, f"“{name}” holds numbers that are not finite")
    model.load_state_dict(tensors, assign=True)
    return model.eval(), header.card


def _empty_model(path: Path, card: WeightsCard) -> nn.Module:
    """Return the model of ``card`` without memory for its parameters."""
    architecture = CATALOGUE.get(card.architecture)
    if architecture is None:
        raise WeightsMismatchError(path, f"the architecture “{card.architecture}” is not known")
    try:
        config = msgspec.convert(card.config, architecture.config_type)
        if not _has_small_numbers(card.config):
            raise ValueError(f"numbers outside 1 to {MAX_CONFIG_NUMBER}")
        with torch.device("meta"):
            model = architecture.build(config)
    except (ValueError, RuntimeError) as error:
        raise WeightsMismatchError(path, f"its configuration is not possible ({error})") from error
    if getattr(model, "scale", card.scale) != card.scale:
        raise WeightsMismatchError(path, f"its network does not enlarge {card.scale} times")
    return model


def _has_small_numbers(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(map(_has_small_numbers, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_has_small_numbers, value))
    return not isinstance(value, int | float) or 1 <= value <= MAX_CONFIG_NUMBER


def _check_slots(path: Path, slots: Mapping[str, TensorSlot], expected: Mapping[str, Tensor]) -> None:
    for name in expected:
        if name not in slots:
            raise WeightsMismatchError(path, f"“{name}” is missing")
    for name, slot in slots.items():
        if name not in expected:
            raise WeightsMismatchError(path, f"“{name}” does not belong to the model")
        shape, dtype = tuple(expected[name].shape), expected[name].dtype
        if slot.shape != shape:
            raise WeightsMismatchError(path, f"“{name}” has the shape {slot.shape} instead of {shape}")
        if slot.dtype != _SLOT_DTYPES[dtype]:
            raise WeightsMismatchError(
                path, f"“{name}” has the number type {slot.dtype} instead of {_SLOT_DTYPES[dtype]}"
            )
        if slot.data_offsets[1] - slot.data_offsets[0] != math.prod(shape) * dtype.itemsize:
            raise WeightsFormatError(path, f"“{name}” does not have as many bytes as its shape needs")


def _tensor(data: bytes, slot: TensorSlot) -> Tensor:
    dtype = next(dtype for dtype, name in _SLOT_DTYPES.items() if name == slot.dtype)
    start, end = slot.data_offsets
    return torch.frombuffer(bytearray(data[start:end]), dtype=dtype).reshape(slot.shape)


def _after_header(content: bytes) -> bytes:
    return content[8 + int.from_bytes(content[:8], "little") :]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""The resumable state of a run: one safetensors file, written atomically, free of code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from srdesk.errors import CheckpointError
from srdesk.imaging.atomic import atomic_write

CHECKPOINT_NAME = "checkpoint.safetensors"
"""File in a run folder."""

STATE_KEY = "srdesk_run_state"
"""Metadata key under which the numbers of `RunState` are stored as JSON."""


class RunState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of a run beside its tensors."""

    config_digest: str
    """SHA-256 of the configuration that the tensors belong to."""
    threads: int
    """CPU threads that computed them; other numbers of threads round differently."""
    data_digest: str
    """SHA-256 of the training pictures' own digests."""
    step: int = 0
    """Steps done."""
    best_psnr_y_db: float | None = None
    """Best validation PSNR so far, None before the first validation."""
    best_step: int = 0
    """Step of the best validation."""
    steps_before: int = 0
    """Steps behind the weights that the run started from."""
    data_before: str = ""
    """What those weights had learnt from."""
    elapsed_s: float = 0.0
    """Computing time of all sessions of the run."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything from which a run goes on as if it had never stopped."""

    state: RunState
    """The numbers."""
    tensors: Mapping[str, Tensor] = field(repr=False)
    """Model, average and optimiser tensors under slash-separated names."""


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Replace the checkpoint of a run folder; a crash at any moment leaves the old or the new one whole.

    Raises:
        CheckpointError: the file cannot be written; the old one is intact.
    """
    path = folder / CHECKPOINT_NAME
    metadata = {STATE_KEY: msgspec.json.encode(checkpoint.state).decode()}
    content = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}, metadata
    )
    try:
        with atomic_write(path) as stream:
            stream.write(content)
    except OSError as error:
        raise CheckpointError(
            path,
            f"it cannot be written ({error.strerror})",
            hint="See that its folder is there, writable and has free space, then resume the run.",
        ) from error
    return path


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the checkpoint of a run folder, or None where the run has not saved one yet.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            state = msgspec.json.decode((stored.metadata() or {})[STATE_KEY], type=RunState)
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, KeyError, msgspec.MsgspecError) as error:
        raise CheckpointError(path, "it is damaged") from error
    return Checkpoint(state, tensors)


def digest_of(config: msgspec.Struct, *, without: tuple[str, ...] = ()) -> str:
    """Return the SHA-256 of a configuration, leaving out the fields that do not change what is computed.

    Fields with their default are left out too: a run stays resumable when later versions know more fields.
    """
    usual = type(config)()
    plain = {
        name: value
        for name, value in msgspec.to_builtins(config).items()
        if name not in without and getattr(config, name) != getattr(usual, name)
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()

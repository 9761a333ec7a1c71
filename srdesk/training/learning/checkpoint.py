"""The resumable state of a run: one safetensors file, written atomically, free of code."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from srdesk.errors import CheckpointError, CheckpointWriteError, TrainingError
from srdesk.imaging.atomic import atomic_write
from srdesk.training.data.sources import STATE_KEY
from srdesk.training.learning import parallel
from srdesk.training.learning.guard import GuardState
from srdesk.training.run.runs import CHECKPOINT_NAME, GOOD_CHECKPOINT_NAME

BYTES_PER_BYTE = {"model": 5, "average": 1, "discriminator": 3}
"""What a run writes for each byte of its tensors: Adam keeps two more of a parameter, two weights files one each."""

SPACE_FACTOR = 2
"""Free space that a run wants for each byte that it writes: old files stay until the new ones are there."""


class Scores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One validation, picture by picture; empty before the first."""

    psnrs_y_db: tuple[float, ...] = ()
    """PSNR on luma of each picture."""
    feature_distances: tuple[float, ...] = ()
    """Mean squared difference of VGG features of each picture; empty where there are no features."""
    pictures: tuple[str, ...] = ()
    """Digests of the pictures; empty in checkpoints of earlier versions."""

    @property
    def psnr_y_db(self) -> float | None:
        """Mean PSNR, None before the first validation."""
        return sum(self.psnrs_y_db) / len(self.psnrs_y_db) if self.psnrs_y_db else None

    @property
    def feature_distance(self) -> float | None:
        """Mean distance of features, None where there are none."""
        return sum(self.feature_distances) / len(self.feature_distances) if self.feature_distances else None

    def is_better_than(self, other: Scores) -> bool:
        """Compare by features where they were part of the training, else by PSNR."""
        if self.feature_distance is not None and other.feature_distance is not None:
            return self.feature_distance < other.feature_distance
        if self.psnr_y_db is None or other.psnr_y_db is None:
            return self.psnr_y_db is not None
        return self.psnr_y_db > other.psnr_y_db


class _Header(msgspec.Struct):
    """What a safetensors file says before its tensors."""

    metadata: dict[str, str] = msgspec.field(name="__metadata__")


class RunState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of a run beside its tensors."""

    config_digest: str
    """SHA-256 of the configuration that the tensors belong to."""
    threads: int
    """CPU threads that computed them; other numbers of threads round differently."""
    data_digest: str
    """SHA-256 of the training pictures' own digests."""
    is_compiled: bool = False
    """Whether the network was compiled, which rounds differently too."""
    step: int = 0
    """Steps done."""
    start_scores: Scores = Scores()
    """How each validation picture was enlarged by the weights that the run started from."""
    best_scores: Scores = Scores()
    """The same with the best weights so far."""
    best_step: int = 0
    """Step of the best validation."""
    rate_factor: float = 1.0
    """What the learning rates are multiplied by; less than one after a roll-back."""
    rollbacks: int = 0
    """How often the run went back to a good state."""
    guard: GuardState = GuardState()
    """What the guard against divergence remembers."""
    steps_before: int = 0
    """Steps behind the weights that the run started from."""
    data_before: str = ""
    """What those weights had learnt from."""
    data: str = ""
    """What the run learns from, in words; empty in checkpoints of earlier versions."""
    data_earlier: tuple[str, ...] = ()
    """What it learnt from in earlier sessions that had other pictures."""
    elapsed_s: float = 0.0
    """Computing time of all sessions of the run."""


def what_differs(then: RunState, now: RunState) -> Iterator[str]:
    """Yield a sentence for everything that keeps a run from going on as if it had never stopped.

    Args:
        then: how the run was computed before.
        now: how it will be computed.
    """
    if then.threads != now.threads:
        yield (
            f"The run was computed with {then.threads} threads and goes on with {now.threads}: "
            "the result will differ in rounding."
        )
    if then.is_compiled != now.is_compiled:
        yield (
            f"The run goes on with its network {'compiled' if now.is_compiled else 'no longer compiled'}: "
            "the result will differ in rounding."
        )
    if then.data_digest != now.data_digest:
        yield "The pictures have changed since the run was stopped: it goes on with other crops."


@dataclass(frozen=True)
class Checkpoint:
    """Everything from which a run goes on as if it had never stopped."""

    state: RunState
    """The numbers."""
    tensors: Mapping[str, Tensor] = field(repr=False)
    """Model, average and optimiser tensors under slash-separated names."""
    name: str = CHECKPOINT_NAME
    """Of the file that it was read from."""


def require_space(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """See that a run has room for its checkpoint and its weights.

    Args:
        folder: the run folder.
        tensors: what its checkpoint would hold before the first step.

    Raises:
        TrainingError: the disk is too full.
    """
    needed_bytes = SPACE_FACTOR * sum(
        tensor.nbytes * BYTES_PER_BYTE.get(name.partition("/")[0], 1) for name, tensor in tensors.items()
    )
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        needed, free = (f"{size / 1e6:,.0f} MB" for size in (needed_bytes, free_bytes))
        raise TrainingError(
            f"The run needs {needed}, and the disk of its folder “{folder}” has {free} left.",
            hint="Free some space, or name a run folder on another disk with --run.",
        )


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Replace the checkpoint of a run folder; a crash at any moment leaves the old or the new one whole.

    The first one that bears signs of divergence leaves the one before it as `GOOD_CHECKPOINT_NAME`, and the first
    without signs removes that.

    Raises:
        CheckpointWriteError: the file cannot be written; the old one is intact.
    """
    path, good_path = folder / CHECKPOINT_NAME, folder / GOOD_CHECKPOINT_NAME
    metadata = {STATE_KEY: msgspec.json.encode(checkpoint.state).decode()}
    content = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}, metadata
    )
    is_worried = checkpoint.state.guard.is_worried
    try:
        if is_worried and path.exists() and not good_path.exists():
            with atomic_write(good_path) as stream:
                stream.write(path.read_bytes())
        with atomic_write(path) as stream:
            stream.write(content)
        if not is_worried:
            good_path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointWriteError(path, f"{error.strerror}") from error
    return path


def load_good_checkpoint(folder: Path) -> Checkpoint | None:
    """Return the latest checkpoint of a run folder without signs of divergence, or else the latest, if there is one.

    Raises:
        CheckpointError: the file is damaged.
    """
    good = load_checkpoint(folder, GOOD_CHECKPOINT_NAME)
    return load_checkpoint(folder) if good is None else good


def load_checkpoint(folder: Path, name: str = CHECKPOINT_NAME) -> Checkpoint | None:
    """Return the checkpoint of a run folder, or None where the run has not saved one yet.

    Args:
        folder: the run folder.
        name: `CHECKPOINT_NAME` or `GOOD_CHECKPOINT_NAME`.

    Raises:
        CheckpointError: the file is damaged.
    """
    path = folder / name
    (is_there,) = parallel.any_of(parallel.is_main() and path.exists())
    if not is_there:
        return None
    try:
        content = parallel.shared(path.read_bytes() if parallel.is_main() else b"")
        header_bytes = int.from_bytes(content[:8], "little")
        metadata = msgspec.json.decode(content[8 : 8 + header_bytes], type=_Header).metadata
        state = msgspec.json.decode(metadata[STATE_KEY], type=RunState)
        return Checkpoint(state, safetensors.torch.load(content), name)
    except (SafetensorError, OSError, KeyError, msgspec.MsgspecError) as error:
        raise CheckpointError(path, "it is damaged") from error

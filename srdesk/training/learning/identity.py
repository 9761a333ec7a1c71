"""What makes a run the same run: the part of its configuration that its checkpoint goes with.

Where the pictures, the start weights and the features lie is no part of it: folders move, and a checkpoint needs no
start weights. Pictures have digests of their own, and whoever goes on with others is told.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from srdesk.errors import ConfigError
from srdesk.training.config import STARTS, TrainConfig
from srdesk.training.learning.checkpoint import RunState
from srdesk.training.learning.features import BUNDLED
from srdesk.training.run.runs import Run

NOT_COMPUTED_WITH = (
    "report_every_steps",
    "checkpoint_every_steps",
    "cache_bytes",
    "threads",
    "compile",
    "rollbacks",
    "strip_pictures",
    "tensorboard",
    "start_sha256",
    "name",
    "licence",
    "notes",
)
"""Fields of a configuration that a resumed run may change."""


def digest_at(config: TrainConfig, step: int) -> str:
    """Return the digest of what the first ``step`` steps were computed with."""
    return _digest(_without_places(config), step)


def goes_with(state: RunState, config: TrainConfig, folder: Path) -> bool:
    """Tell whether a run may go on with a configuration.

    Earlier versions took the paths of the features into the digest, and still earlier ones those of the start weights
    and of the pictures too. They are compared as the configuration in the run folder has them, which is that of the
    session that wrote the checkpoint.

    Args:
        state: that of the run's checkpoint.
        config: what to go on with.
        folder: the run folder.
    """
    if state.config_digest == digest_at(config, state.step):
        return True
    try:
        stored = Run(folder).config()
    except ConfigError:
        stored = config
    here, there = _without_places(config), _without_places(stored)
    if (here.start, here.features) != (there.start, there.features):
        return False
    with_old_features = msgspec.structs.replace(here, features=stored.features)
    with_old_paths = msgspec.structs.replace(with_old_features, start=stored.start, data=stored.data)
    return state.config_digest in (_digest(with_old_features, state.step), _digest(with_old_paths, state.step))


def _without_places(config: TrainConfig) -> TrainConfig:
    """Return the configuration with the names of its files instead of their paths, and without its pictures."""
    return msgspec.structs.replace(
        config,
        start=config.start if config.start in STARTS else Path(config.start).name,
        features=config.features if config.features == BUNDLED else Path(config.features).name,
        data=(),
    )


def _digest(config: TrainConfig, step: int) -> str:
    still_open: list[str] = []
    if not config.knows_its_end(step):
        still_open += ("steps", "decay_steps")
    if step <= config.freeze_batch_norm_at:
        still_open.append("freeze_batch_norm_at")
    return digest_of(config, without=(*NOT_COMPUTED_WITH, *still_open))


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

"""A run that goes on under another name."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from srdesk.engine.weights_copy import copy_weights
from srdesk.errors import ConfigError
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run


def rename_best_weights(folder: Path, config: TrainConfig, path: Path) -> None:
    """See that the best weights of a run have the name of now.

    Args:
        folder: the run folder.
        config: the configuration of now.
        path: where the best weights belong by that.

    Raises:
        WeightsError: they cannot be copied.
        OSError: the old ones cannot be removed.
    """
    if path.exists():
        return
    run = Run(folder)
    with contextlib.suppress(ConfigError):  # of a run without a configuration nobody knows the name of before
        stored = run.config()
        earlier = path.with_name(f"{stored.weights_name}.safetensors")
        if earlier.is_file():
            copy_weights(earlier, path, name=config.weights_name)
            run.store(msgspec.structs.replace(stored, name=config.weights_name))  # wherever this session is stopped
            earlier.unlink()

"""What the weights that a run starts from say about its configuration. Reads headers only, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec

from srdesk.engine.library import WeightsCard, read_header
from srdesk.errors import ConfigError, WeightsMismatchError
from srdesk.training.config import STARTS, TrainConfig

Options = dict[str, int | tuple[int, ...]]

_SRRESNET: Mapping[str, int | tuple[int, ...]] = MappingProxyType(
    {"channels": 64, "blocks": 16, "edge_kernel_px": 9, "stages": 2, "in_channels": 3}
)
_SRCNN: Mapping[str, int | tuple[int, ...]] = MappingProxyType(
    {"features": 64, "mapping": 32, "kernels_px": (9, 1, 5), "scale": 4}
)

USUAL_OPTIONS: Mapping[str, Mapping[str, int | tuple[int, ...]]] = MappingProxyType(
    {"srresnet": _SRRESNET, "srgan": _SRRESNET, "srcnn": _SRCNN}
)
"""Defaults of each architecture's configuration, which itself cannot be looked at without torch."""


def with_options_of_start(config: TrainConfig) -> TrainConfig:
    """Return the configuration with the options of the network whose weights it starts from, unless it has some.

    Options with their default are left out: what a configuration of the usual size computes keeps its digest.

    Args:
        config: its start is the path of a weights file, or no weights.

    Raises:
        WeightsError: the file cannot be read, or its card is not possible.
    """
    if config.model_options or config.start in STARTS:
        return config
    path = Path(config.start)
    card = read_header(path).card
    if USUAL_OPTIONS.get(card.architecture) is not USUAL_OPTIONS[config.model]:
        return config  # another network: the trainer says so
    try:
        return msgspec.structs.replace(config, model_options=options_of(card))
    except msgspec.ValidationError as error:
        raise WeightsMismatchError(path, f"its configuration is not possible ({error})") from error


def require_demanded_start(config: TrainConfig) -> None:
    """Make sure that the weights at the start are those that a configuration demands by their checksum, if it does.

    A name or a path may lead to others by now: runs call their weights as the shipped ones are called.

    Raises:
        ConfigError: they are others.
        WeightsError: the file cannot be read.
    """
    if config.start in STARTS or not config.start_sha256:
        return
    if read_header(Path(config.start)).card.sha256 != config.start_sha256:
        hint = (
            f"Use the weights with the SHA-256 {config.start_sha256}, from which the run was made that is to be "
            "repeated, or choose others on purpose with --start."
        )
        raise ConfigError("start", config.start, "the weights that are demanded", hint=hint)


def options_of(card: WeightsCard) -> Options:
    """Return what differs in the network of some weights from the usual one.

    Raises:
        msgspec.ValidationError: the card holds things that are no options.
    """
    usual = USUAL_OPTIONS.get(card.architecture, {})
    options = msgspec.convert(card.config, Options)
    return {name: value for name, value in options.items() if usual.get(name) != value}

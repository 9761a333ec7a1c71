"""Which networks can be trained: the options of a configuration, checked before anything is built from them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from srdesk.engine.weights import MAX_CONFIG_NUMBER
from srdesk.errors import ConfigError
from srdesk.models import CATALOGUE
from srdesk.models.srcnn import SRCNNConfig
from srdesk.models.srgan import DiscriminatorConfig
from srdesk.models.srresnet import SRResNetConfig
from srdesk.training.config import TrainConfig
from srdesk.training.data.pictures import SCALE

COLOURS = 3
"""Channels of the pictures that are learnt from."""


def model_config_of(config: TrainConfig) -> msgspec.Struct:
    """Return the configuration of the architecture, that of a network that can learn and whose weights can be used.

    Raises:
        ConfigError: `model_options` does not fit the architecture, or there is no such network.
    """
    try:
        model_config = msgspec.convert(config.model_options, CATALOGUE[config.model].config_type)
    except msgspec.ValidationError as error:
        raise ConfigError("model_options", config.model_options, f"fields of {config.model} ({error})") from error
    is_interpolation = config.start == "interpolation"
    for demand in (*_numbers_out_of_range(model_config), *_unmet(model_config, is_interpolation=is_interpolation)):
        raise ConfigError("model_options", config.model_options, demand)
    return model_config


def discriminator_config_of(config: TrainConfig) -> DiscriminatorConfig:
    """Return the configuration of the discriminator, one that can judge the crops.

    Raises:
        ConfigError: `discriminator_options` does not fit it.
    """
    try:
        discriminator_config = msgspec.convert(config.discriminator_options, DiscriminatorConfig)
    except msgspec.ValidationError as error:
        allowed = f"fields of the discriminator ({error})"
        raise ConfigError("discriminator_options", config.discriminator_options, allowed) from error
    demands = list(_numbers_out_of_range(discriminator_config))
    if not discriminator_config.channels:
        demands.append("at least one number for channels")
    if discriminator_config.in_channels != COLOURS:
        demands.append(f"{COLOURS} for in_channels")
    for demand in demands:
        raise ConfigError("discriminator_options", config.discriminator_options, demand)
    return discriminator_config


def _numbers_out_of_range(model_config: msgspec.Struct) -> Iterator[str]:
    """Yield which numbers any network would need in place of impossible ones."""
    for name, value in msgspec.structs.asdict(model_config).items():
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(1 <= number <= MAX_CONFIG_NUMBER for number in numbers):  # weights of others are not opened
            yield f"numbers from 1 to {MAX_CONFIG_NUMBER} for {name}"
        if "kernel" in name and not all(number % 2 for number in numbers):
            yield f"odd numbers for {name}"


def _unmet(model_config: msgspec.Struct, *, is_interpolation: bool) -> Iterator[str]:
    """Yield what a network would need to be to be possible, and is not."""
    match model_config:
        case SRResNetConfig():
            if model_config.scale != SCALE:
                yield f"stages that enlarge {SCALE} times together, of which there are 2"
            if model_config.in_channels != COLOURS:
                yield f"{COLOURS} for in_channels"
            if is_interpolation and model_config.channels < COLOURS:
                yield f"at least {COLOURS} channels, which carry the colours at the start, or the start “random”"
        case SRCNNConfig():
            if model_config.scale != SCALE:
                yield f"{SCALE} for scale"
        case _:
            pass

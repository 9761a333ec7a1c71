"""The catalogue of architectures: name → configuration and builder, written out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from torch import nn

from srdesk.models.srcnn import SRCNN, SRCNNConfig
from srdesk.models.srresnet import SRResNet, SRResNetConfig


@dataclass(frozen=True, slots=True)
class Architecture:
    """What is needed to make a model from the description in a weights file."""

    name: str
    """Name in weights files and on the command line."""
    paper: str
    """Where the architecture was published."""
    config_type: type[msgspec.Struct]
    """Type of its configuration."""
    build: Callable[[Any], nn.Module]
    """Make a model with random parameters from a configuration of that type."""


CATALOGUE: Mapping[str, Architecture] = MappingProxyType(
    {
        "srresnet": Architecture("srresnet", "Ledig et al. 2017", SRResNetConfig, SRResNet),
        "srgan": Architecture("srgan", "Ledig et al. 2017", SRResNetConfig, SRResNet),
        "srcnn": Architecture("srcnn", "Dong et al. 2016", SRCNNConfig, SRCNN),
    }
)
"""Every architecture that a weights file can name. SRGAN's generator is an SRResNet; its discriminator is
used in training only."""

"""Weights files name architectures by the keys of the catalogue."""

from __future__ import annotations

import msgspec
import pytest
import torch

from srdesk.models import CATALOGUE


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_architecture_can_be_built_from_a_stored_configuration(name: str) -> None:
    architecture = CATALOGUE[name]
    stored = msgspec.json.encode(architecture.config_type())
    model = architecture.build(msgspec.json.decode(stored, type=architecture.config_type)).eval()
    with torch.no_grad():
        assert model(torch.rand(1, 3, 4, 5)).shape == (1, 3, 16, 20)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_an_unknown_option_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"colour": 1}, CATALOGUE[name].config_type)

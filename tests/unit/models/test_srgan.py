"""The discriminator is that of Ledig et al. 2017, figure 4."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from srdesk.models.srgan import Discriminator, DiscriminatorConfig


def test_default_network_has_the_layers_of_figure_4() -> None:
    convolutions = [module for module in Discriminator().modules() if isinstance(module, nn.Conv2d)]
    assert [(conv.out_channels, conv.stride[0]) for conv in convolutions] == [
        (64, 1), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2),
    ]  # fmt: skip
    dense = [module for module in Discriminator().modules() if isinstance(module, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in dense] == [(512 * 6 * 6, 1024), (1024, 1)]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in Discriminator().modules()) == 7


@pytest.mark.parametrize("size", [(16, 16), (96, 96), (50, 33)])
def test_one_logit_for_a_crop_of_any_size(size: tuple[int, int]) -> None:
    model = Discriminator(DiscriminatorConfig(channels=(4, 6), dense=8)).eval()
    with torch.no_grad():
        logits = model(torch.rand(3, 3, *size))
    assert logits.shape == (3, 1)
    assert len(set(logits.flatten().tolist())) == 3

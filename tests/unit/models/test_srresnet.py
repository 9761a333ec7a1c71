"""SRResNet is the network of Ledig et al. 2017, and can start as a bilinear enlargement."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from srdesk.models.srresnet import ResidualBlock, SRResNet, SRResNetConfig


def with_random_parameters(model: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(3)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.01)
    return model.eval()


def test_default_network_has_the_layers_of_figure_4() -> None:
    model = SRResNet()
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    assert [type(block) for block in model.blocks] == [ResidualBlock] * 16
    assert len(convolutions) == 1 + 16 * 2 + 1 + 2 + 1
    assert convolutions[0].kernel_size == convolutions[-1].kernel_size == (9, 9)
    assert {conv.kernel_size for conv in convolutions[1:-1]} == {(3, 3)}
    assert [conv.out_channels for conv in convolutions[-3:]] == [256, 256, 3]
    assert sum(isinstance(module, nn.BatchNorm2d) for module in model.modules()) == 33
    assert sum(isinstance(module, nn.PReLU) for module in model.modules()) == 1 + 16 + 2


def test_parameters_are_as_many_as_the_paper_s_layers_have() -> None:
    head, block, trunk = 9 * 9 * 3 * 64 + 64 + 64, 2 * 9 * 64 * 64 + 4 * 64 + 64, 9 * 64 * 64 + 2 * 64
    stages, tail = 2 * (9 * 64 * 256 + 256 + 64), 9 * 9 * 64 * 3 + 3
    expected = head + 16 * block + trunk + stages + tail
    assert sum(parameter.numel() for parameter in SRResNet().parameters()) == expected == 1_548_547


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5)])
def test_output_is_four_times_as_large(size: tuple[int, int]) -> None:
    model = SRResNet(SRResNetConfig(channels=4, blocks=1)).eval()
    with torch.no_grad():
        assert model(torch.rand(2, 3, *size)).shape == (2, 3, 4 * size[0], 4 * size[1])


@pytest.mark.parametrize(
    "config",
    [
        SRResNetConfig(channels=8, blocks=2),
        SRResNetConfig(channels=4, blocks=1, stages=1),
        SRResNetConfig(channels=3, blocks=1, stages=0),
        SRResNetConfig(channels=3, blocks=1, stages=3),
    ],
)
def test_tail_before_the_shuffle_gives_the_same_picture(config: SRResNetConfig) -> None:
    model = with_random_parameters(SRResNet(config))
    lr = torch.rand(2, 3, 11, 6)
    with torch.no_grad():
        plain, rearranged = model(lr), model(lr, rearranged=True)
    assert plain.std() > 0
    torch.testing.assert_close(rearranged, plain, rtol=1e-4, atol=1e-5 * plain.abs().max().item())


def test_tail_before_the_shuffle_gives_the_same_gradients() -> None:
    model = with_random_parameters(SRResNet(SRResNetConfig(channels=6, blocks=1))).double()
    lr, hr = torch.rand(1, 3, 7, 9, dtype=torch.double), torch.rand(1, 3, 28, 36, dtype=torch.double)
    gradients = []
    for rearranged in (False, True):
        model.zero_grad()
        functional.mse_loss(model(lr, rearranged=rearranged), hr).backward()
        gradients.append({name: parameter.grad.clone() for name, parameter in model.named_parameters()})
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, msg=name)


def test_frozen_normalisation_trains_with_the_same_values_and_gradients() -> None:
    model = with_random_parameters(SRResNet(SRResNetConfig(channels=6, blocks=2))).double()
    lr, hr = torch.rand(2, 3, 7, 9, dtype=torch.double), torch.rand(2, 3, 28, 36, dtype=torch.double)
    with torch.no_grad():
        expected = functional.mse_loss(model(lr), hr)
    loss = functional.mse_loss(model(lr), hr)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    for name in ("blocks.0.conv_block1.0.weight", "blocks.1.conv_block2.1.weight", "trunk.1.bias"):
        parameter = model.get_parameter(name)
        assert parameter.grad is not None
        place = (0,) * parameter.dim()
        losses = []
        for nudge in (1e-5, -2e-5):
            with torch.no_grad():
                parameter[place] += nudge
                losses.append(functional.mse_loss(model(lr), hr).item())
        assert parameter.grad[place].item() == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4)
        with torch.no_grad():
            parameter[place] += 1e-5


def test_looking_at_a_picture_first_does_not_spoil_training_later() -> None:
    model = SRResNet(SRResNetConfig(channels=3, blocks=1, edge_kernel_px=7))
    with torch.inference_mode():
        model.eval()(torch.rand(1, 3, 6, 6), rearranged=True)
    model.train()(torch.rand(1, 3, 6, 6), rearranged=True).sum().backward()
    assert model.tail.weight.grad is not None


def test_bilinear_start_enlarges_bilinearly_away_from_the_border() -> None:
    model = SRResNet(SRResNetConfig(channels=16, blocks=3)).eval()
    model.start_as_bilinear()
    lr = torch.rand(1, 3, 16, 12)
    doubled = functional.interpolate(lr, scale_factor=2, mode="bilinear")
    expected = functional.interpolate(doubled, scale_factor=2, mode="bilinear")
    with torch.no_grad():
        sr = model(lr)
    torch.testing.assert_close(sr[..., 8:-8, 8:-8], expected[..., 8:-8, 8:-8], rtol=0, atol=1e-5)


def test_every_layer_learns_soon_after_the_bilinear_start() -> None:
    torch.manual_seed(0)
    model = SRResNet(SRResNetConfig(channels=8, blocks=2))
    model.start_as_bilinear()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    lr, hr = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
    for _ in range(3):
        optimizer.zero_grad()
        functional.mse_loss(model(lr), hr).backward()
        optimizer.step()
    unchanged = [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]
    assert unchanged == []

"""The project's PReLU is torch's, but for the time that its gradient takes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from srdesk.models.activation import PReLU, prelu


def features_with_zeros(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    torch.manual_seed(1)
    features = torch.randn(shape, dtype=dtype).to(memory_format=torch.channels_last)
    features[0, 0] = 0.0
    return features


def gradients(activation: nn.PReLU, features: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    leaf = features.clone().requires_grad_()
    activation(leaf).backward(upstream)
    assert leaf.grad is not None
    assert activation.weight.grad is not None
    return leaf.grad, activation.weight.grad


@pytest.mark.parametrize("slopes", [1, 5])
def test_its_gradients_are_the_derivatives_of_its_values(slopes: int) -> None:
    features = features_with_zeros(2, 5, 3, 4, dtype=torch.double) + 0.01  # away from the kink
    slope = torch.linspace(-0.5, 1.5, slopes, dtype=torch.double)
    assert torch.autograd.gradcheck(prelu, (features.requires_grad_(), slope.requires_grad_()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_those_of_torch_at_zero_too(dtype: torch.dtype) -> None:
    features = features_with_zeros(3, 6, 8, 8, dtype=dtype)
    upstream = torch.randn_like(features)
    ours, theirs = PReLU(6, init=-0.3, dtype=dtype), nn.PReLU(6, init=-0.3, dtype=dtype)
    for_features, for_slope = gradients(ours, features, upstream)
    expected_features, expected_slope = gradients(theirs, features, upstream)
    assert torch.equal(for_features, expected_features)
    assert for_features.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(for_slope, expected_slope)


def test_values_are_those_of_torch_bit_for_bit() -> None:
    features = features_with_zeros(2, 4, 7, 5)
    expected = nn.PReLU(4)(features)
    assert torch.equal(PReLU(4)(features), expected)
    with torch.inference_mode():
        assert torch.equal(PReLU(4)(features), expected)


def test_it_learns_under_autocast() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), PReLU(4), nn.Conv2d(4, 1, 3))
    with torch.autocast("cpu", torch.bfloat16):
        result = layers(torch.rand(2, 3, 8, 8))
    assert result.dtype == torch.bfloat16
    result.float().square().mean().backward()
    slope = layers[2].weight
    assert isinstance(slope, Tensor)
    assert slope.grad is not None
    assert slope.grad.dtype == torch.float32
    assert slope.grad.abs().max() > 0


def test_its_state_has_the_names_of_torch_s() -> None:
    assert PReLU(7).state_dict().keys() == nn.PReLU(7).state_dict().keys()

"""Small networks whose parameters are all random, and pictures for them."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.imaging.image import FloatArray, Image
from srdesk.models.srcnn import SRCNN, SRCNNConfig
from srdesk.models.srresnet import SRResNet, SRResNetConfig


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every parameter and every BatchNorm statistic a random value, so that nothing folds to nothing."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.running_mean is not None
                assert layer.running_var is not None
                layer.running_mean.normal_(0.0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 1.5, generator=generator)
                layer.weight.uniform_(0.1, 0.6, generator=generator)
                layer.bias.normal_(0.0, 0.1, generator=generator)
            elif isinstance(layer, nn.PReLU):
                layer.weight.uniform_(-0.3, 1.3, generator=generator)
            elif isinstance(layer, nn.Conv2d):
                spread = layer.weight[0].numel() ** -0.5
                layer.weight.normal_(0.0, spread, generator=generator)
                if layer.bias is not None:
                    layer.bias.normal_(0.0, 0.1, generator=generator)
    return model.eval()


@pytest.fixture(scope="session")
def make_srresnet() -> Callable[..., SRResNet]:
    """Make an SRResNet of the given configuration with random parameters."""

    def make(**config: int) -> SRResNet:
        model = randomise(SRResNet(SRResNetConfig(**config)))
        assert isinstance(model, SRResNet)
        return model

    return make


@pytest.fixture(scope="session")
def srresnet(make_srresnet: Callable[..., SRResNet]) -> SRResNet:
    """A narrow SRResNet of three blocks."""
    return make_srresnet(channels=8, blocks=3)


@pytest.fixture(scope="session")
def srcnn() -> SRCNN:
    """A narrow SRCNN."""
    model = randomise(SRCNN(SRCNNConfig(features=6, mapping=5)))
    assert isinstance(model, SRCNN)
    return model


@pytest.fixture(scope="session")
def picture() -> Callable[..., Image]:
    """Make a picture of random pixels."""

    def make(height: int, width: int, channels: int = 3) -> Image:
        rng = np.random.default_rng((height, width, channels))
        return Image(rng.random((height, width, channels), np.float32))

    return make


@pytest.fixture(scope="session")
def plain_result() -> Callable[[nn.Module, Image], FloatArray]:
    """What the plain network gives for a whole picture, not clipped."""

    def run(model: nn.Module, image: Image) -> FloatArray:
        rgb = np.repeat(image.pixels, 3 // image.channels, axis=2)
        with torch.inference_mode():
            sr = model(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
        result: FloatArray = sr.mean(axis=2, keepdims=True) if image.channels == 1 else sr
        return result

    return run


@pytest.fixture
def weights_file(tmp_path: Path, srresnet: SRResNet) -> Path:
    """A sound weights file of the narrow SRResNet."""
    path = tmp_path / "narrow.safetensors"
    config = msgspec.to_builtins(srresnet.config)
    save_weights(path, srresnet, WeightsCard(name="narrow", architecture="srresnet", config=config, steps=7))
    return path

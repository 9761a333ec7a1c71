"""A network that cannot be is refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from srdesk.errors import ConfigError
from srdesk.training.config import TrainConfig
from srdesk.training.learning.adversary import Adversary
from srdesk.training.learning.learner import build_model
from srdesk.training.runner import main


@pytest.mark.parametrize(
    ("model", "options", "hint"),
    [
        ("srresnet", {"stages": 1}, "stages that enlarge 4 times"),
        ("srresnet", {"stages": 10**6}, "from 1 to 1024 for stages"),
        ("srresnet", {"channels": 2}, "at least 3 channels"),
        ("srresnet", {"channels": 0}, "from 1 to 1024 for channels"),
        ("srgan", {"in_channels": 1}, "3 for in_channels"),
        ("srresnet", {"edge_kernel_px": 8}, "odd numbers for edge_kernel_px"),
        ("srresnet", {"blocks": -1}, "from 1 to 1024 for blocks"),
        ("srresnet", {"colours": 3}, "fields of srresnet"),
        ("srcnn", {"kernels_px": (9, 2, 5)}, "odd numbers for kernels_px"),
        ("srcnn", {"kernels_px": (9, 1)}, "fields of srcnn"),
        ("srcnn", {"scale": 2}, "4 for scale"),
        ("srcnn", {"features": 2000}, "from 1 to 1024 for features"),
    ],
)
def test_what_is_impossible_is_named_with_what_is_possible(model: str, options: dict[str, int], hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_model(TrainConfig(model=model, model_options=options))  # type: ignore[arg-type]
    assert caught.value.field == "model_options"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"channels": ()}, "at least one number for channels"),
        ({"channels": (8, 0)}, "from 1 to 1024 for channels"),
        ({"pooled_px": 0}, "from 1 to 1024 for pooled_px"),
        ({"dense": -3}, "from 1 to 1024 for dense"),
        ({"in_channels": 1}, "3 for in_channels"),
        ({"width": 8}, "fields of the discriminator"),
    ],
)
def test_so_is_an_impossible_discriminator(options: dict[str, int | tuple[int, ...]], hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Adversary(TrainConfig(model="srgan", discriminator_options=options), torch.device("cpu"))
    assert caught.value.field == "discriminator_options"
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("model", "options", "start"),
    [
        ("srresnet", {"channels": 3, "blocks": 1, "edge_kernel_px": 1}, "interpolation"),
        ("srresnet", {"channels": 1, "blocks": 1}, "random"),
        ("srcnn", {"features": 1, "mapping": 1, "kernels_px": (1, 3, 1)}, "interpolation"),
        ("srcnn", {"features": 3, "mapping": 2, "kernels_px": (1, 1, 1)}, "interpolation"),
    ],
)
def test_the_smallest_networks_enlarge_four_times(model: str, options: dict[str, int], start: str) -> None:
    network = build_model(TrainConfig(model=model, model_options=options, start=start)).eval()  # type: ignore[arg-type]
    enlarged = network(torch.rand(1, 3, 5, 6))
    assert enlarged.shape == (1, 3, 20, 24)
    assert enlarged.isfinite().all()


def test_the_command_line_says_so_too(pictures: Path, tmp_path: Path) -> None:
    words = ["--data", str(pictures), "--set", 'model_options={"stages":1}', "crop_px=8", "validation_crop_px=64"]
    with pytest.raises(ConfigError, match="model_options"):
        main(words, runs_folder=tmp_path)

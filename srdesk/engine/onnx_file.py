"""Weights for other programs: an ONNX file (https://onnx.ai) that computes what the network computes.

The graph is written operator by operator instead of by tracing the model, so that torch's exporters, of which one is
deprecated and the other needs more packages, play no part. BatchNorm is folded in float64.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from srdesk import __version__
from srdesk.engine.library import WeightsCard
from srdesk.engine.streaming.folding import fold_layer
from srdesk.engine.weights import load_model
from srdesk.errors import ExportError
from srdesk.imaging.atomic import atomic_write
from srdesk.models.srcnn import BT601_LUMA, CUBIC_REACH_PX, SRCNN, cubic_phase_kernels
from srdesk.models.srresnet import SHUFFLE_FACTOR, ResidualBlock, SRResNet

OPSET = 13
"""Version of the operators: of 2020, and so known to every runtime in use (ONNX Runtime since 1.6)."""

IR_VERSION = 7
"""Version of the file format that goes with it."""

INPUT = "lr"
"""Name of the network's input."""

OUTPUT = "sr"
"""Name of the network's output."""

_HEIGHT_AXIS, _WIDTH_AXIS = 2, 3


def export_onnx(weights: Path, target: Path) -> WeightsCard:
    """Write the network of a weights file as ONNX: whole, or not at all; what was there is replaced.

    Input `lr` is `(N, 3, H, W)` float32, RGB in `[0, 1]`, of any size; output `sr` is `(N, 3, scale·H, scale·W)`, not
    clipped. The card of the weights stands in the file's metadata, field by field. The same weights, the same bytes.

    Returns:
        The card.

    Raises:
        ExportError: the package onnx is missing, or the file cannot be written.
        WeightsError: the weights cannot be used.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        hint = f"Install it with `{sys.executable} -m pip install onnx`."
        raise ExportError(target, "that needs the package onnx, which is not installed", hint=hint) from error
    model, card = load_model(weights)
    content = _onnx_model(onnx, model, card).SerializeToString(deterministic=True)
    try:
        with atomic_write(target) as file:
            file.write(content)
    except OSError as error:
        raise ExportError(target, error.strerror or str(error)) from error
    return card


def _onnx_model(onnx: Any, model: nn.Module, card: WeightsCard) -> Any:
    graph = _Graph(onnx)
    if isinstance(model, SRResNet):
        colours = model.config.in_channels
        sr = _srresnet(graph, model)
    else:
        assert isinstance(model, SRCNN)
        colours = len(BT601_LUMA)
        sr = _srcnn(graph, model)
    graph.add("Identity", sr, output=OUTPUT)
    shapes = {
        INPUT: ["batch", colours, "height", "width"],
        OUTPUT: ["batch", colours, f"{card.scale}*height", f"{card.scale}*width"],
    }
    texts = {INPUT: "Low-resolution RGB in [0, 1].", OUTPUT: "Super-resolved RGB in [0, 1], not clipped."}
    tensors = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shapes[name], texts[name])
        for name in (INPUT, OUTPUT)
    ]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, card.architecture, tensors[:1], tensors[1:], graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="SR Desk",
        producer_version=__version__,
        doc_string=f"{card.name}: enlarges RGB pictures {card.scale} times. {texts[INPUT]} {texts[OUTPUT]}",
    )
    onnx.helper.set_model_props(proto, _properties(card))
    return proto


def _properties(card: WeightsCard) -> dict[str, str]:
    """Return the card as texts: what is no text is written as JSON, what says nothing is left out."""
    fields = msgspec.to_builtins(card)
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in fields.items()
        if value not in ("", None, {})
    }


class _Graph:
    """The nodes and constants of an ONNX graph; whatever adds a node returns the name of what it computes."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, numbers: NDArray[Any], name: str | None = None) -> str:
        name = name or f"constant_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(numbers, name))
        return name

    def convolve(self, features: str, *parts: nn.Module, name: str, is_padded: bool = True) -> str:
        """Add a convolution with the BatchNorm and PReLU that follow it."""
        layer = fold_layer(*parts)
        weight = self.constant(_float32(layer.weight), f"{name}.weight")
        bias = self.constant(_float32(layer.bias), f"{name}.bias")
        pads = [layer.radius_px if is_padded else 0] * 4
        output = self.add("Conv", features, weight, bias, kernel_shape=layer.weight.shape[2:], pads=pads)
        if layer.slope is None:
            return output
        return self.activate(output, layer.slope, name=name)

    def activate(self, features: str, slope: torch.Tensor, *, name: str) -> str:
        """Add a PReLU with `(C,)` slopes."""
        slopes = _float32(slope)[:, None, None]
        return self.add("PRelu", features, self.constant(slopes, f"{name}.slope"))

    def shuffle(self, features: str, factor: int) -> str:
        """Add torch's pixel shuffle."""
        return self.add("DepthToSpace", features, blocksize=factor, mode="CRD")


def _float32(tensor: torch.Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = tensor.detach().float().numpy()
    return numbers


def _srresnet(graph: _Graph, model: SRResNet) -> str:
    shallow = graph.convolve(INPUT, *model.head, name="head")
    features = shallow
    for index, block in enumerate(model.blocks):
        assert isinstance(block, ResidualBlock)
        hidden = graph.convolve(features, *block.conv_block1, name=f"blocks.{index}.conv_block1")
        residual = graph.convolve(hidden, *block.conv_block2, name=f"blocks.{index}.conv_block2")
        features = graph.add("Add", features, residual)
    features = graph.add("Add", shallow, graph.convolve(features, *model.trunk, name="trunk"))
    for index, stage in enumerate(model.upscale):
        assert isinstance(stage, nn.Sequential)
        conv, _, activation = stage
        assert isinstance(activation, nn.PReLU)
        fine = graph.shuffle(graph.convolve(features, conv, name=f"upscale.{index}"), SHUFFLE_FACTOR)
        features = graph.activate(fine, activation.weight, name=f"upscale.{index}")
    return graph.convolve(features, model.tail, name="tail")


def _srcnn(graph: _Graph, model: SRCNN) -> str:
    bicubic = _bicubic(graph, model.scale)
    luma_weight = graph.constant(np.array(BT601_LUMA, np.float32).reshape(1, -1, 1, 1), "luma.weight")
    luma = graph.add("Conv", bicubic, luma_weight, kernel_shape=[1, 1])
    margin = model.config.margin_px
    pads = graph.constant(np.array([0, 0, margin, margin] * 2, np.int64))
    features = graph.add("Pad", luma, pads, mode="edge")
    features = graph.add("Relu", graph.convolve(features, model.extract, name="extract", is_padded=False))
    features = graph.add("Relu", graph.convolve(features, model.map, name="map", is_padded=False))
    predicted = graph.convolve(features, model.reconstruct, name="reconstruct", is_padded=False)
    return graph.add("Add", bicubic, graph.add("Sub", predicted, luma))


def _bicubic(graph: _Graph, scale: int) -> str:
    """Add `srdesk.models.srcnn.upscale_bicubic`; the operator Resize would repeat the edge instead of mirroring it."""
    colours = len(BT601_LUMA)
    kernels = _float32(cubic_phase_kernels(scale))
    weight = graph.constant(np.tile(kernels, (colours, 1, 1, 1)), "bicubic.weight")
    mirrored = INPUT
    for axis in (_HEIGHT_AXIS, _WIDTH_AXIS):
        mirrored = graph.add("Gather", mirrored, _mirrored_index(graph, axis), axis=axis)
    phases = graph.add("Conv", mirrored, weight, kernel_shape=kernels.shape[2:], group=colours)
    return graph.shuffle(phases, scale)


def _mirrored_index(graph: _Graph, axis: int) -> str:
    """Add `srdesk.models.srcnn.mirrored_index` of one side of the input."""

    def integer(value: int) -> str:
        return graph.constant(np.array(value, np.int64))

    length = graph.add("Gather", graph.add("Shape", INPUT), integer(axis), axis=0)
    end = graph.add("Add", length, integer(CUBIC_REACH_PX))
    period = graph.add("Add", length, length)
    position = graph.add("Mod", graph.add("Range", integer(-CUBIC_REACH_PX), end, integer(1)), period)
    from_end = graph.add("Sub", graph.add("Sub", period, integer(1)), position)
    return graph.add("Min", position, from_end)

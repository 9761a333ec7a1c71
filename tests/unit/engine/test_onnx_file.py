"""Weights as ONNX compute what torch computes, at every size, and say whose they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from srdesk.engine.library import WeightsCard
from srdesk.engine.onnx_file import IR_VERSION, OPSET, export_onnx
from srdesk.engine.weights import save_weights
from srdesk.errors import ExportError, WeightsFormatError
from srdesk.models.srcnn import SRCNN
from srdesk.models.srresnet import SRResNet

needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="the extra onnx is not installed")
"""The package is an extra: what does without it is tested without it."""


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Write a model into a weights file."""

    def write(model: SRResNet | SRCNN, architecture: str, **facts: Any) -> Path:
        path = tmp_path / f"{architecture}.safetensors"
        config = msgspec.to_builtins(model.config)
        save_weights(path, model, WeightsCard(name="mine", architecture=architecture, config=config, **facts))
        return path

    return write


def same_as_torch(model: nn.Module, file: Path, shape: tuple[int, int, int, int]) -> None:
    """Compare the file, run by the reference implementation of the format, with the model."""
    from onnx.reference import ReferenceEvaluator

    lr = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = model(lr)
    (actual,) = ReferenceEvaluator(str(file)).run(None, {"lr": lr.numpy()})
    torch.testing.assert_close(torch.from_numpy(np.array(actual)), expected, rtol=0, atol=2e-5)


@needs_onnx
@pytest.mark.parametrize("architecture", ["srresnet", "srgan"])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 11)])
def test_an_exported_srresnet_or_srgan_is_the_network(
    save: Callable[..., Path], srresnet: SRResNet, tmp_path: Path, architecture: str, size: tuple[int, int]
) -> None:
    export_onnx(save(srresnet, architecture), tmp_path / "a.onnx")
    same_as_torch(srresnet, tmp_path / "a.onnx", (2, 3, *size))


@needs_onnx
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (5, 3), (8, 11)])
def test_an_exported_srcnn_is_the_network_with_its_bicubic(
    save: Callable[..., Path], srcnn: SRCNN, tmp_path: Path, size: tuple[int, int]
) -> None:
    export_onnx(save(srcnn, "srcnn"), tmp_path / "a.onnx")
    same_as_torch(srcnn, tmp_path / "a.onnx", (2, 3, *size))


@needs_onnx
@pytest.mark.parametrize("config", [{"stages": 1}, {"in_channels": 1}, {"edge_kernel_px": 5, "stages": 3}])
def test_other_configurations_can_be_exported_as_well(
    save: Callable[..., Path], make_srresnet: Callable[..., SRResNet], tmp_path: Path, config: dict[str, int]
) -> None:
    model = make_srresnet(channels=8, blocks=1, **config)
    export_onnx(save(model, "srresnet", scale=model.scale), tmp_path / "a.onnx")
    same_as_torch(model, tmp_path / "a.onnx", (1, model.config.in_channels, 4, 7))


@needs_onnx
def test_the_file_is_valid_for_old_runtimes_and_takes_any_size(
    save: Callable[..., Path], srcnn: SRCNN, srresnet: SRResNet, tmp_path: Path
) -> None:
    import onnx

    for model, architecture in ((srcnn, "srcnn"), (srresnet, "srresnet")):
        export_onnx(save(model, architecture), tmp_path / "a.onnx")
        proto = onnx.load(tmp_path / "a.onnx")
        onnx.checker.check_model(proto, full_check=True)
        assert ([opset.version for opset in proto.opset_import], proto.ir_version) == ([OPSET], IR_VERSION)
        assert {node.op_type for node in proto.graph.node}.isdisjoint({"BatchNormalization", "Resize"})
        (lr,), (sr,) = proto.graph.input, proto.graph.output
        assert (lr.name, sr.name) == ("lr", "sr")
        sizes = [[side.dim_param or side.dim_value for side in end.type.tensor_type.shape.dim] for end in (lr, sr)]
        assert sizes == [["batch", 3, "height", "width"], ["batch", 3, "4*height", "4*width"]]
        assert "not clipped" in proto.doc_string
        constants = {constant.name: constant.dims for constant in proto.graph.initializer}
        ranges = [node for node in proto.graph.node if node.op_type == "Range"]
        # Strict runtimes want scalars here; the checker does not look.
        assert all(not constants.get(name) for node in ranges for name in node.input)


@needs_onnx
def test_the_card_travels_with_the_weights(save: Callable[..., Path], srcnn: SRCNN, tmp_path: Path) -> None:
    import onnx

    metrics = {"set5_psnr_y_db": 30.5}
    source = save(srcnn, "srcnn", training_data="my pictures", licence="CC0-1.0", steps=7, metrics=metrics)
    card = export_onnx(source, tmp_path / "a.onnx")
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "a.onnx").metadata_props}
    for text in ("name", "architecture", "training_data", "licence", "sha256"):
        assert said.pop(text) == getattr(card, text)
    for value in ("config", "metrics", "scale", "steps"):
        assert msgspec.json.decode(said.pop(value)) == msgspec.to_builtins(getattr(card, value))
    assert not said, "what the card does not say is left out"


@needs_onnx
def test_the_same_weights_give_the_same_bytes(save: Callable[..., Path], srresnet: SRResNet, tmp_path: Path) -> None:
    source = save(srresnet, "srresnet")
    export_onnx(source, tmp_path / "a.onnx")
    export_onnx(source, tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


@needs_onnx
def test_a_failure_leaves_the_old_file(save: Callable[..., Path], srcnn: SRCNN, tmp_path: Path) -> None:
    source, target = save(srcnn, "srcnn"), tmp_path / "a.onnx"
    target.write_bytes(b"old")
    source.write_bytes(source.read_bytes()[:-1] + b"?")
    with pytest.raises(WeightsFormatError):
        export_onnx(source, target)
    assert target.read_bytes() == b"old"
    with pytest.raises(ExportError, match=r"“a\.onnx” cannot be written: No such file"):
        export_onnx(save(srcnn, "srcnn"), tmp_path / "missing" / "a.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"a.onnx", "srcnn.safetensors"}


def test_without_the_package_it_says_what_to_install(
    save: Callable[..., Path], srcnn: SRCNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)  # as if it were not installed
    with pytest.raises(ExportError, match="needs the package onnx") as caught:
        export_onnx(save(srcnn, "srcnn"), tmp_path / "a.onnx")
    assert caught.value.hint.endswith("-m pip install onnx`.")
    assert not (tmp_path / "a.onnx").exists()

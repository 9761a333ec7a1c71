"""Whole networks as streams."""

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from srdesk.engine.streaming.flow import ALONE, flow
from srdesk.engine.streaming.rows import Layer, RowBuffer
from srdesk.engine.streaming.stream import StreamedNetwork, streamed
from srdesk.errors import Cancelled
from srdesk.models.srcnn import SRCNN, SRCNNConfig
from srdesk.models.srresnet import SRResNet

CPU = torch.device("cpu")


def no_check() -> None:
    """Let everything go on."""


@torch.inference_mode()
def run(network: StreamedNetwork, lr: Tensor, strip_px: int) -> Tensor:
    height, width, _ = lr.shape
    stations = network.stations(height, width, strip_px=strip_px, check=no_check)
    strips = (lr[top : top + strip_px] for top in range(0, height, strip_px))
    return torch.cat(list(flow(stations, strips, ALONE)))


@torch.inference_mode()
def plain(model: nn.Module, lr: Tensor) -> Tensor:
    sr: Tensor = model(lr.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    return sr


@settings(max_examples=60)
@given(height=st.integers(1, 70), width=st.integers(1, 70), strip_px=st.integers(2, 70), is_srcnn=st.booleans())
def test_a_streamed_picture_equals_the_plain_network_on_the_whole(
    srresnet: SRResNet, srcnn: SRCNN, height: int, width: int, strip_px: int, is_srcnn: bool
) -> None:
    model: nn.Module = srcnn if is_srcnn else srresnet
    torch.manual_seed(height * 100 + width)
    lr = torch.rand(height, width, 3)
    sr = run(streamed(model, CPU, torch.float32), lr, strip_px)
    torch.testing.assert_close(sr, plain(model, lr), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"channels": 64, "blocks": 16},
        {"channels": 4, "blocks": 0},
        {"channels": 5, "blocks": 2, "stages": 1},
        {"channels": 5, "blocks": 2, "stages": 3, "edge_kernel_px": 7},
        {"channels": 4, "blocks": 1, "stages": 0, "edge_kernel_px": 5},
    ],
)
def test_every_configuration_of_srresnet_streams(
    make_srresnet: Callable[..., SRResNet], config: dict[str, int]
) -> None:
    model = make_srresnet(**config)
    lr = torch.rand(45, 19, 3)
    sr = run(streamed(model, CPU, torch.float32), lr, 16)
    torch.testing.assert_close(sr, plain(model, lr), rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [SRCNNConfig(), SRCNNConfig(5, 4, (7, 3, 5), 2), SRCNNConfig(3, 2, (1, 1, 1), 3)])
def test_every_configuration_of_srcnn_streams(config: SRCNNConfig) -> None:
    model = SRCNN(config).eval()
    lr = torch.rand(29, 17, 3)
    sr = run(streamed(model, CPU, torch.float32), lr, 8)
    torch.testing.assert_close(sr, plain(model, lr), rtol=0, atol=1e-5)


@pytest.mark.parametrize("is_srcnn", [False, True])
def test_the_halo_is_wide_enough_and_not_a_pixel_wider(srresnet: SRResNet, srcnn: SRCNN, is_srcnn: bool) -> None:
    model: nn.Module = srcnn if is_srcnn else srresnet
    network = streamed(model, CPU, torch.float32)
    halo, scale = network.halo_px, network.scale
    lr = torch.rand(2 * halo + 9, 7, 3)
    changed = lr.clone()
    middle = halo + 4
    changed[middle] = 1 - changed[middle]
    differs = (run(network, lr, 16) - run(network, changed, 16)).abs().amax(dim=(1, 2)) > 0
    reached = differs.nonzero()
    assert reached.min() >= (middle - halo) * scale
    assert reached.min() < (middle - halo + 1) * scale
    assert reached.max() < (middle + halo + 1) * scale


@pytest.mark.parametrize("is_srcnn", [False, True])
def test_no_row_of_any_layer_is_computed_twice(
    srresnet: SRResNet, srcnn: SRCNN, is_srcnn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of: Counter[int] = Counter()
    compute = Layer.compute

    def counting(layer: Layer, rows: Tensor, *, side_padding_px: int) -> Tensor:
        output = compute(layer, rows, side_padding_px=side_padding_px)
        rows_of[id(layer)] += output.shape[0]
        return output

    monkeypatch.setattr(Layer, "compute", counting)
    run(streamed(srcnn if is_srcnn else srresnet, CPU, torch.float32), torch.rand(50, 9, 3), 8)
    around_the_last_layer = 2
    expected = {50, 50 + around_the_last_layer} if is_srcnn else {50, 100}
    assert set(rows_of.values()) == expected


@pytest.mark.parametrize("is_srcnn", [False, True])
def test_memory_follows_the_width_and_not_the_height_and_is_foretold(
    make_srresnet: Callable[..., SRResNet], is_srcnn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = streamed(SRCNN() if is_srcnn else make_srresnet(channels=16, blocks=4), CPU, torch.float32)
    buffers: list[RowBuffer] = []
    initialise = RowBuffer.__init__

    def noted(buffer: RowBuffer, *args: int, **options: object) -> None:
        initialise(buffer, *args, **options)  # type: ignore[arg-type]
        buffers.append(buffer)

    monkeypatch.setattr(RowBuffer, "__init__", noted)

    def most_held_bytes(height: int, width: int) -> int:
        buffers.clear()
        stations = network.stations(height, width, strip_px=8, check=no_check)
        strips = (torch.rand(8, width, 3) for _ in range(height // 8))
        with torch.inference_mode():
            return max(sum(buffer.held_bytes for buffer in buffers) for _ in flow(stations, strips, ALONE))

    short, tall = most_held_bytes(80, 64), most_held_bytes(240, 64)
    assert tall <= 1.1 * short
    assert tall <= network.peak_bytes(64, strip_px=8) <= 10 * tall


def test_the_check_can_stop_a_stream_before_every_layer(srresnet: SRResNet) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise Cancelled

    stations = streamed(srresnet, CPU, torch.float32).stations(64, 8, strip_px=64, check=check)
    with pytest.raises(Cancelled):
        list(flow(stations, [torch.rand(64, 8, 3)], ALONE))
    assert calls == 5


def test_bfloat16_is_close_to_float32(srresnet: SRResNet) -> None:
    lr = torch.rand(20, 20, 3)
    difference = run(streamed(srresnet, CPU, torch.bfloat16), lr, 8) - plain(srresnet, lr)
    assert 0 < difference.abs().max() < 0.05


def test_other_models_are_refused() -> None:
    with pytest.raises(TypeError, match="Linear"):
        streamed(nn.Linear(1, 1), CPU, torch.float32)

"""BatchNorm folded away, channels reordered."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from srdesk.engine.streaming.folding import fold_srcnn, fold_srresnet
from srdesk.models.srcnn import SRCNN
from srdesk.models.srresnet import ResidualBlock, SRResNet

CPU = torch.device("cpu")


@torch.inference_mode()
def test_a_folded_block_is_the_block_with_its_batch_norm(srresnet: SRResNet) -> None:
    block = srresnet.blocks[1]
    assert isinstance(block, ResidualBlock)
    first, second = fold_srresnet(srresnet, CPU, torch.float32).blocks[1]
    features = torch.randn(7, 6, 8)
    padded = functional.pad(features, (0, 0, 0, 0, 2, 2))
    hidden = first.compute(padded, side_padding_px=1)
    inner = functional.pad(hidden[1:-1], (0, 0, 0, 0, 1, 1))
    expected = block(features.permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    torch.testing.assert_close(features + second.compute(inner, side_padding_px=1), expected)


def test_folding_leaves_the_model_as_it_was(srresnet: SRResNet) -> None:
    before = {name: tensor.clone() for name, tensor in srresnet.state_dict().items()}
    fold_srresnet(srresnet, CPU, torch.bfloat16)
    for name, tensor in srresnet.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_layers_that_meet_the_picture_stay_in_float32(srresnet: SRResNet, srcnn: SRCNN) -> None:
    half = fold_srresnet(srresnet, CPU, torch.bfloat16)
    assert half.head.weight.dtype == torch.float32
    assert half.trunk.weight.dtype == torch.bfloat16
    luma = fold_srcnn(srcnn, CPU, torch.bfloat16)
    assert {layer.weight.dtype for layer in (luma.bicubic, luma.reconstruct)} == {torch.float32}
    assert (luma.extract.weight.dtype, luma.luma_parts) == (torch.bfloat16, 2)
    assert fold_srcnn(srcnn, CPU, torch.float32).luma_parts == 1
    assert luma.map.weight.dtype == torch.bfloat16


def test_kernels_keep_their_sums_in_bfloat16(srresnet: SRResNet) -> None:
    exact = fold_srresnet(srresnet, CPU, torch.float32).trunk.weight.double()
    folded = fold_srresnet(srresnet, CPU, torch.bfloat16).trunk.weight.double()
    last_bit = 2.0**-8 * exact.abs().amax(dim=(2, 3))
    assert ((folded - exact).sum(dim=(2, 3)).abs() <= last_bit).all()
    assert ((folded - exact).abs().amax(dim=(2, 3)) <= 2 * last_bit).all()


def test_residuals_are_added_up_in_float32_where_the_layers_are_bfloat16(srresnet: SRResNet) -> None:
    assert fold_srresnet(srresnet, CPU, torch.bfloat16).sum_dtype == torch.float32
    assert fold_srresnet(srresnet, CPU, torch.float16).sum_dtype == torch.float16


@pytest.mark.parametrize("stages", [0, 1, 2, 3])
def test_the_last_stage_gives_all_pixels_in_full_groups_of_channels(
    make_srresnet: Callable[..., SRResNet], stages: int
) -> None:
    model = make_srresnet(channels=4, blocks=1, stages=stages)
    last = fold_srresnet(model, CPU, torch.float32).stages[-1]
    assert last.scale * last.factor == model.scale
    assert last.layer.weight.shape[0] == 16
    assert not last.layer.weight[3 * last.factor**2 :].any()

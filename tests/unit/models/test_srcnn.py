"""SRCNN is the 9-1-5 network of Dong et al. 2016 on the luma of the bicubic enlargement."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from srdesk.imaging.resample import resize_bicubic
from srdesk.models.srcnn import SRCNN, SRCNNConfig, luma, upscale_bicubic


def random_srcnn() -> SRCNN:
    torch.manual_seed(5)
    return SRCNN(SRCNNConfig(features=6, mapping=4)).eval()


def test_default_network_has_the_paper_s_layers() -> None:
    convolutions = [module for module in SRCNN().modules() if isinstance(module, nn.Conv2d)]
    assert [conv.kernel_size[0] for conv in convolutions] == [9, 1, 5]
    assert [conv.out_channels for conv in convolutions] == [64, 32, 1]
    assert sum(p.numel() for p in SRCNN().parameters()) == 9 * 9 * 64 + 64 + 64 * 32 + 32 + 25 * 32 + 1


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (13, 8)])
def test_its_bicubic_is_the_baseline_that_people_compare_with(size: tuple[int, int]) -> None:
    lr = np.random.default_rng(1).random((*size, 3), dtype=np.float32)
    expected = resize_bicubic(lr, size[0] * 4, size[1] * 4)
    actual = upscale_bicubic(torch.from_numpy(lr).permute(2, 0, 1).unsqueeze(0), 4)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(actual, expected, atol=2e-6)


def test_identity_start_hands_the_bicubic_picture_through() -> None:
    model = random_srcnn()
    model.start_as_identity()
    lr = 0.2 + 0.6 * torch.rand(1, 3, 9, 7)  # its bicubic enlargement does not fall below zero, where ReLU would cut it
    with torch.no_grad():
        torch.testing.assert_close(model(lr), upscale_bicubic(lr, 4), rtol=0, atol=1e-6)


def test_no_filter_of_the_identity_start_is_deaf_to_structure() -> None:
    torch.manual_seed(5)
    model = SRCNN(SRCNNConfig(features=64, mapping=32)).eval()
    model.start_as_identity()
    light = 0.5 + 0.05 * torch.randn(1, 1, 64, 64)  # a textured grey: ReLU passes what is positive only
    with torch.no_grad():
        extracted = torch.relu(model.extract(light))
        mapped = torch.relu(model.map(extracted))
    for layer in (extracted, mapped):
        assert (layer > 0).any(dim=3).any(dim=2).all()
        assert (layer[:, 1:] == 0).any(dim=3).any(dim=2).all()


def test_chroma_stays_that_of_the_bicubic_picture() -> None:
    lr = torch.rand(1, 3, 9, 7)
    with torch.no_grad():
        sr, bicubic = random_srcnn()(lr), upscale_bicubic(lr, 4)
    assert not torch.allclose(luma(sr), luma(bicubic), atol=1e-2)
    torch.testing.assert_close(sr - luma(sr), bicubic - luma(bicubic), rtol=0, atol=1e-5)


def test_inner_pixels_do_not_depend_on_the_border() -> None:
    model, lr = random_srcnn(), torch.rand(1, 3, 20, 20)
    with torch.no_grad():
        whole, part = model(lr), model(lr[..., 4:16, 4:16])
    reach_px = 4 * (2 + 2)
    torch.testing.assert_close(
        part[..., reach_px:-reach_px, reach_px:-reach_px],
        whole[..., 16 + reach_px : 64 - reach_px, 16 + reach_px : 64 - reach_px],
        rtol=0,
        atol=1e-5,
    )

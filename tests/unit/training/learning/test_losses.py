"""Each term of the loss is the formula of its paper."""

from __future__ import annotations

import math

import pytest
import torch

from srdesk.training.config import LossWeights
from srdesk.training.learning.losses import (
    PSNR_FLOOR_MSE,
    Terms,
    adversarial_loss,
    discriminator_loss,
    grid_bias,
    pixel_loss,
    total_variation,
)


@pytest.fixture
def crops() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    return torch.rand(2, 3, 6, 8, generator=random), torch.rand(2, 3, 6, 8, generator=random)


def test_the_pixel_loss_is_the_mean_squared_or_absolute_error(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = crops
    assert float(pixel_loss(sr, hr, channels="rgb")) == pytest.approx(float(((sr - hr) ** 2).mean()))
    assert float(pixel_loss(sr, hr, channels="rgb", kind="l1")) == pytest.approx(float((sr - hr).abs().mean()))


def test_the_psnr_loss_is_the_error_of_the_mean_psnr(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    sr, hr = crops
    sr = torch.stack([sr[0], hr[1] + 0.01])  # one crop of about 8 dB, one of 40 dB
    psnrs_db = [-10 * math.log10(float(((sr[crop] - hr[crop]) ** 2).mean()) + PSNR_FLOOR_MSE) for crop in range(2)]
    loss = float(pixel_loss(sr, hr, channels="rgb", kind="psnr"))
    assert -10 * math.log10(loss) == pytest.approx(sum(psnrs_db) / 2, abs=1e-4)


def test_the_psnr_loss_pulls_at_each_crop_by_its_share(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    hr = crops[1]
    offsets = torch.tensor([0.1, 0.2]).view(2, 1, 1, 1)
    sr = (hr + offsets).requires_grad_()
    pixel_loss(sr, hr, channels="rgb", kind="psnr").backward()  # type: ignore[no-untyped-call]
    assert sr.grad is not None
    # d/dx of log x² is 2/x: half the error pulls twice as strongly, where the squared error has it the other way.
    assert float(sr.grad[0].sum() / sr.grad[1].sum()) == pytest.approx(2.0, rel=1e-2)


def test_a_perfect_crop_has_a_finite_psnr_loss(crops: tuple[torch.Tensor, torch.Tensor]) -> None:
    assert float(pixel_loss(crops[1], crops[1], channels="rgb", kind="psnr")) == pytest.approx(PSNR_FLOOR_MSE)


def test_the_luma_loss_does_not_see_a_change_of_colour_alone() -> None:
    grey = torch.full((1, 3, 4, 4), 0.5)
    tinted = grey.clone()
    tinted[:, 0] += 0.1 / 65.481  # BT.601: red and green weigh 65.481 and 128.553
    tinted[:, 1] -= 0.1 / 128.553
    assert float(pixel_loss(tinted, grey, channels="luma")) < 1e-12
    assert float(pixel_loss(tinted, grey, channels="rgb")) > 1e-7


def test_an_unsure_discriminator_costs_the_generator_log_two() -> None:
    assert float(adversarial_loss(torch.zeros(4, 1))) == pytest.approx(math.log(2))


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_a_sure_discriminator_gives_a_finite_loss_and_the_right_judgement(logit: float) -> None:
    logits = torch.full((3, 1), logit)
    assert float(adversarial_loss(logits)) == pytest.approx(max(0.0, -logit))
    assert float(discriminator_loss(logits, logits)) == pytest.approx(200.0)


def test_the_discriminator_loss_is_the_cross_entropy_of_its_two_answers() -> None:
    real, fake = torch.tensor([[0.3], [1.2]]), torch.tensor([[-0.4], [0.9]])
    expected = -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean())
    assert float(discriminator_loss(real, fake)) == pytest.approx(float(expected))


def test_total_variation_of_a_ramp_is_its_steps() -> None:
    ramp = torch.arange(5.0).view(1, 1, 1, 5).expand(1, 3, 4, 5) * 0.1
    assert float(total_variation(ramp)) == pytest.approx(0.1)
    assert float(total_variation(torch.full((1, 3, 4, 4), 0.7))) == 0.0


def test_terms_are_added_by_their_weights() -> None:
    terms = Terms(pixel=torch.tensor(2.0), adversarial=torch.tensor(5.0))
    assert float(terms.weighted(LossWeights(pixel=0.5, adversarial=0.01))) == pytest.approx(1.05)
    assert float(Terms(pixel=torch.tensor(2.0)).weighted(LossWeights())) == 2.0
    assert list(terms.named()) == ["pixel", "adversarial"]


@pytest.fixture
def dots() -> torch.Tensor:
    """A dot in the first of sixteen places of every LR pixel, of 16 × 16 LR pixels in all."""
    dots = torch.zeros(1, 3, 64, 64)
    dots[..., ::4, ::4] = 0.1
    return dots


def test_dots_of_the_network_s_grid_cost_their_square_where_they_are(dots: torch.Tensor) -> None:
    hr = torch.rand(dots.shape, generator=torch.Generator().manual_seed(1))
    assert float(grid_bias(hr + dots, hr, 4)) == pytest.approx(0.1**2 / 16, rel=1e-4)


def test_a_cast_of_colour_costs_its_square() -> None:
    hr = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    cast = torch.tensor([0.1, 0.0, 0.0]).view(1, 3, 1, 1)
    assert float(grid_bias(hr + cast, hr, 4)) == pytest.approx(0.1**2 / 3, rel=1e-4)


def test_detail_that_favours_no_place_hardly_counts() -> None:
    detail = 0.1 * torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    assert float(grid_bias(detail, torch.zeros_like(detail), 4)) == pytest.approx(0.1**2 / 8**2, rel=0.2)


def test_crops_smaller_than_the_neighbourhood_are_measured_too(dots: torch.Tensor) -> None:
    small = dots[..., :16, :12]
    assert float(grid_bias(small, torch.zeros_like(small), 4)) == pytest.approx(0.1**2 / 16, rel=1e-4)

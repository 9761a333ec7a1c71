"""SOAP is Adam in the eigenbasis of Shampoo's covariances (Vyas et al. 2025)."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from srdesk.training.learning import parallel
from srdesk.training.learning.soap import BASIS_EVERY_STEPS, MAX_SIDE, Soap


def kernel(seed: int = 3) -> nn.Parameter:
    return nn.Parameter(torch.randn(6, 2, 3, 3, generator=torch.Generator().manual_seed(seed)))


def stepped(optimizer: Soap, parameter: nn.Parameter, gradients: list[Tensor]) -> None:
    for gradient in gradients:
        parameter.grad = gradient.reshape(parameter.shape)
        optimizer.step()


def random_gradients(count: int, *, shape: tuple[int, ...] = (6, 2, 3, 3)) -> list[Tensor]:
    generator = torch.Generator().manual_seed(7)
    return [torch.randn(shape, generator=generator) for _ in range(count)]


def test_a_vector_is_stepped_as_by_adam() -> None:
    gradients = random_gradients(25, shape=(5,))
    ours, adams = nn.Parameter(torch.ones(5)), nn.Parameter(torch.ones(5))
    adam = torch.optim.Adam([adams], lr=0.01, betas=(0.95, 0.95))
    before = ours.detach().clone()
    soap = Soap([ours], lr=0.01)
    stepped(soap, ours, gradients[:1])
    assert torch.equal(ours, before)  # the first step learns only what gradients are like
    adams.grad = gradients[0]
    adam.step()
    with torch.no_grad():
        adams.copy_(before)
    stepped(soap, ours, gradients[1:])
    for gradient in gradients[1:]:
        adams.grad = gradient
        adam.step()
    torch.testing.assert_close(ours, adams, rtol=1e-4, atol=1e-6)


def test_turned_gradients_lead_to_steps_turned_likewise() -> None:
    """What Adam does not: the course does not depend on the directions in which a problem is written down."""
    gradients = random_gradients(34, shape=(5, 5))
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(9)))[0]
    plain, turned = nn.Parameter(torch.zeros(5, 5)), nn.Parameter(torch.zeros(5, 5))
    stepped(Soap([plain], lr=0.01), plain, gradients)
    stepped(Soap([turned], lr=0.01), turned, [gradient @ turn for gradient in gradients])
    torch.testing.assert_close(turned @ turn.T, plain, rtol=0, atol=1e-4)
    assert float(plain.detach().abs().mean()) > 0.01


def test_a_badly_conditioned_problem_is_solved_where_adam_is_still_far() -> None:
    generator = torch.Generator().manual_seed(11)
    inputs = torch.randn(512, 81, generator=generator) @ torch.diag(torch.logspace(0, -2, 81))
    inputs = inputs @ torch.linalg.qr(torch.randn(81, 81, generator=generator))[0]
    truth = inputs @ (0.2 * torch.randn(81, 16, generator=generator))
    losses = {}
    for name in ("adam", "soap"):
        weight = nn.Parameter(torch.zeros(16, 81))
        optimizer = torch.optim.Adam([weight], lr=0.02) if name == "adam" else Soap([weight], lr=0.02)
        for step in range(300):
            optimizer.param_groups[0]["lr"] = 0.02 * (1.0 - step / 300)
            optimizer.zero_grad()
            loss = (inputs @ weight.T - truth).square().mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        losses[name] = float(loss.detach())
    assert losses["soap"] < losses["adam"] / 5


def test_bases_stay_orthogonal_and_near_the_eigenvectors() -> None:
    parameter = kernel()
    soap = Soap([parameter], lr=1e-3)
    axes = torch.diag(torch.tensor([4.0, 3.0, 2.0, 1.0, 0.5, 0.25]))
    stepped(soap, parameter, [axes @ gradient.reshape(6, 18) for gradient in random_gradients(20 * BASIS_EVERY_STEPS)])
    state = soap.state[parameter]
    for side, length in (("left", 6), ("right", 18)):
        basis = state[f"{side}_basis"]
        torch.testing.assert_close(basis.T @ basis, torch.eye(length), rtol=0, atol=1e-5)
    seen = state["left_basis"].T @ state["left_covariance"] @ state["left_basis"]
    outside = seen - torch.diag(torch.diag(seen))
    assert float(outside.norm()) < 0.1 * float(torch.diag(seen).norm())


def test_long_sides_have_no_basis() -> None:
    parameter = nn.Parameter(torch.ones(2, MAX_SIDE + 1))
    soap = Soap([parameter], lr=0.01)
    assert "left_basis" in soap.state[parameter]
    assert "right_basis" not in soap.state[parameter]
    stepped(soap, parameter, random_gradients(3, shape=(2, MAX_SIDE + 1)))
    assert not torch.equal(parameter, torch.ones(2, MAX_SIDE + 1))


def test_all_of_its_state_is_there_from_the_start() -> None:
    """A checkpoint before the first step says how large the later ones are."""
    parameter = kernel()
    soap = Soap([parameter], lr=0.01)
    before = {key: value.shape for key, value in soap.state[parameter].items()}
    stepped(soap, parameter, random_gradients(BASIS_EVERY_STEPS + 1))
    assert {key: value.shape for key, value in soap.state[parameter].items()} == before
    assert all(isinstance(value, Tensor) for value in soap.state[parameter].values())


def test_the_order_of_memory_changes_nothing() -> None:
    gradients = random_gradients(12)
    plain, other = kernel(), nn.Parameter(kernel().detach().contiguous(memory_format=torch.channels_last))
    stepped(Soap([plain], lr=0.01), plain, gradients)
    for_other = [gradient.contiguous(memory_format=torch.channels_last) for gradient in gradients]
    stepped(Soap([other], lr=0.01), other, for_other)
    assert torch.equal(plain, other)


def test_processes_that_train_together_step_in_the_directions_of_the_main_one(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Tensor] = []
    monkeypatch.setattr(parallel, "take_from_main", taken.extend)
    parameter = kernel()
    soap = Soap([parameter], lr=0.01)
    stepped(soap, parameter, random_gradients(1))
    state = soap.state[parameter]
    of_main = [state["left_basis"], state["right_basis"], state["exp_avg_sq"]]
    assert [id(tensor) for tensor in taken[:2]] == [id(tensor) for tensor in of_main[:2]]
    assert taken[2].shape == of_main[2].shape
    stepped(soap, parameter, random_gradients(BASIS_EVERY_STEPS - 2))
    assert len(taken) == 3
    stepped(soap, parameter, random_gradients(1))
    of_main = [state["left_basis"], state["right_basis"], state["exp_avg_sq"]]
    assert [id(tensor) for tensor in taken[3:]] == [id(tensor) for tensor in of_main]

"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner.

N. Vyas, D. Morwani, R. Zhao, M. Kwun, I. Shapira, D. Brandfonbrener, L. Janson, S. Kakade, "SOAP: Improving and
Stabilizing Shampoo using Adam", ICLR 2025, algorithm 3.

Neighbouring pixels are much alike, and so are the gradients of the weights that read them: a step that Adam takes along
each weight alone is far too long in the direction that all share, and far too short in those that tell detail. SOAP
turns gradients into directions that are not alike, and makes Adam's step there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from srdesk.training.learning import parallel

BETAS = (0.95, 0.95)
"""What moments and covariances keep of themselves at each step, as in the paper's experiments."""

BASIS_EVERY_STEPS = 10
"""Steps between two turns of a basis towards that of its covariance, as in the paper's experiments."""

MAX_SIDE = 1024
"""Sides of a matrix that are longer are left as they are: a basis costs the cube of its side."""


class Soap(torch.optim.Optimizer):
    """SOAP for networks of convolutions.

    A kernel `(out, in, k, k)` is taken as a matrix `(out, in·k·k)`: the pixels that it reads are the ones that are
    alike. Biases and slopes of activations are stepped as by Adam.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, *, eps: float = 1e-8) -> None:
        """Prepare to step.

        Args:
            parameters: what is stepped; all are dense.
            lr: step size; as with Adam the usual change of a value, here along the directions of the bases.
            eps: added to the root of the second moment.
        """
        super().__init__(parameters, {"lr": lr, "eps": eps})
        for parameter in (parameter for group in self.param_groups for parameter in group["params"]):
            self.state[parameter] = _started(_matrix(parameter.detach()), has_bases=parameter.dim() > 1)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Make one step along the gradients; the very first only learns the bases (as the authors' own code)."""
        assert closure is None, "the gradients are computed by the caller"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._step_one(parameter, parameter.grad, lr=group["lr"], eps=group["eps"])

    def _step_one(self, parameter: nn.Parameter, gradient: Tensor, *, lr: float, eps: float) -> None:
        matrix, state = _matrix(gradient), self.state[parameter]
        state["step"] = state["step"].cpu() + 1  # a count on an accelerator would be waited for at each step
        step = int(state["step"])
        is_first = step == 1
        _follow(state, matrix)
        if is_first:
            for side in _sides(state):
                state[f"{side}_basis"].copy_(_eigenbasis(state[f"{side}_covariance"]))
            _agree(state)
        change = _adam(state, matrix, step=step, eps=eps)
        if not is_first:
            parameter.add_(change.reshape(parameter.shape), alpha=-lr)
        if step % BASIS_EVERY_STEPS == 0:
            for side in _sides(state):
                _turn_basis(state, side)
            _agree(state)


def _matrix(values: Tensor) -> Tensor:
    """Return a kernel as `(out, in·k·k)`, a vector as `(n, 1)`."""
    return values.reshape(values.shape[0], -1) if values.dim() else values.reshape(1, 1)


def _started(matrix: Tensor, *, has_bases: bool) -> dict[str, Any]:
    """Return the state before the first step of a parameter, all of it tensors."""
    state = {"step": torch.tensor(0.0), "exp_avg": torch.zeros_like(matrix), "exp_avg_sq": torch.zeros_like(matrix)}
    for side, length in zip(("left", "right"), matrix.shape, strict=True):
        if has_bases and 1 < length <= MAX_SIDE:
            state[f"{side}_covariance"] = matrix.new_zeros(length, length)
            state[f"{side}_basis"] = matrix.new_zeros(length, length)
    return state


def _sides(state: dict[str, Any]) -> list[str]:
    return [side for side in ("left", "right") if f"{side}_basis" in state]


def _follow(state: dict[str, Any], matrix: Tensor) -> None:
    """Take a gradient into the covariances and into the first moment, which is kept unturned."""
    state["exp_avg"].lerp_(matrix, 1.0 - BETAS[0])
    for side in _sides(state):
        square = matrix @ matrix.T if side == "left" else matrix.T @ matrix
        state[f"{side}_covariance"].lerp_(square, 1.0 - BETAS[1])


def _adam(state: dict[str, Any], matrix: Tensor, *, step: int, eps: float) -> Tensor:
    """Return Adam's direction, computed in the bases and turned back (Kingma & Ba 2015, algorithm 1)."""
    state["exp_avg_sq"].lerp_(_turned_in(state, matrix).square(), 1.0 - BETAS[1])
    scale = (state["exp_avg_sq"] / (1.0 - BETAS[1] ** step)).sqrt_().add_(eps)
    return _turned_back(state, _turned_in(state, state["exp_avg"]) / (1.0 - BETAS[0] ** step) / scale)


def _turned_in(state: dict[str, Any], matrix: Tensor) -> Tensor:
    if "left_basis" in state:
        matrix = state["left_basis"].T @ matrix
    return matrix @ state["right_basis"] if "right_basis" in state else matrix


def _turned_back(state: dict[str, Any], matrix: Tensor) -> Tensor:
    if "left_basis" in state:
        matrix = state["left_basis"] @ matrix
    return matrix @ state["right_basis"].T if "right_basis" in state else matrix


def _eigenbasis(covariance: Tensor) -> Tensor:
    """Return the eigenvectors as columns, that of the largest eigenvalue first."""
    # On the CPU: not every device has such decompositions, and these matrices are small.
    vectors: Tensor = torch.linalg.eigh(covariance.cpu().double())[1]
    return vectors.flip(1).to(covariance)


def _turn_basis(state: dict[str, Any], side: str) -> None:
    """Bring a basis closer to the eigenvectors by one power iteration and a QR decomposition (algorithm 4).

    Its columns are put in the order of what they explain first, and the second moment with them.
    """
    basis, covariance = state[f"{side}_basis"], state[f"{side}_covariance"]
    explained = ((covariance @ basis) * basis).sum(dim=0)
    order = torch.argsort(explained, descending=True, stable=True)
    state["exp_avg_sq"] = state["exp_avg_sq"].index_select(0 if side == "left" else 1, order)
    basis.copy_(torch.linalg.qr((covariance @ basis[:, order]).cpu())[0])


def _agree(state: dict[str, Any]) -> None:
    """Take the bases of the main process: between directions that gradients hardly tell apart, rounding decides."""
    if bases := [state[f"{side}_basis"] for side in _sides(state)]:
        parallel.take_from_main([*bases, state["exp_avg_sq"]])

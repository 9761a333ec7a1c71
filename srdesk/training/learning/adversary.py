"""The other player of SRGAN: a discriminator that learns beside the generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srdesk.models.srgan import Discriminator
from srdesk.training.config import TrainConfig
from srdesk.training.learning import parallel
from srdesk.training.learning.losses import adversarial_loss, discriminator_loss
from srdesk.training.learning.network_options import discriminator_config_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the discriminator did in one step."""

    loss: float
    """Its loss."""
    real_probability: float
    """Mean probability of being real that it gave to HR crops, D(real)."""
    fake_probability: float
    """The same for SR crops, D(fake)."""


class Adversary:
    """A discriminator and its optimiser (Ledig et al. 2017, section 2.1.1 and equation 2)."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        """Make a discriminator with random weights.

        Raises:
            ConfigError: `discriminator_options` does not fit it.
        """
        options = discriminator_config_of(config)
        self._config = config
        torch.manual_seed(config.seed + 1)  # not the same numbers as the generator's
        discriminator = Discriminator(options).to(device)
        self.model: nn.Module = discriminator.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        parallel.synchronise_batch_norm(self.model)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.discriminator_learning_rate, fused=device.type != "mps"
        )

    def set_rate(self, step: int, rate_factor: float) -> None:
        """Let the step size follow the generator's schedule."""
        share = self._config.learning_rate_at(step) / self._config.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = self._config.discriminator_learning_rate * share * rate_factor

    def loss(self, hr: Tensor, sr: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Judge `(N, 3, H, W)` real and made crops; both are judged in batches of their own, as BatchNorm needs it.

        Returns:
            The discriminator's loss, and its mean probabilities for the real and for the made crops.
        """
        hr_logits, sr_logits = self.model(hr).float(), self.model(sr.detach()).float()
        loss = discriminator_loss(hr_logits, sr_logits)
        return loss, hr_logits.detach().sigmoid().mean(), sr_logits.detach().sigmoid().mean()

    def generator_loss(self, sr: Tensor) -> Tensor:
        """Return the generator's adversarial loss; the discriminator itself gets no gradients from it."""
        with self._fixed():
            return adversarial_loss(self.model(sr).float())

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return what the optimiser changes."""
        return self.model.parameters()

    def _fixed(self) -> _Fixed:
        return _Fixed(self.model)


class _Fixed:
    """While it is entered, a module passes gradients through and collects none."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def __enter__(self) -> None:
        self._module.requires_grad_(requires_grad=False)

    def __exit__(self, *_: object) -> None:
        self._module.requires_grad_(requires_grad=True)

"""One model that learns: its optimiser, its moving average, its adversary if it has one, and one step of all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import load_model
from srdesk.errors import CheckpointError, ConfigError, TrainingDivergedError
from srdesk.models import CATALOGUE
from srdesk.models.srcnn import SRCNN
from srdesk.models.srresnet import SRResNet
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import Batch
from srdesk.training.data.pictures import SCALE
from srdesk.training.learning import parallel
from srdesk.training.learning.adversary import Adversary, Judgement
from srdesk.training.learning.compiled import compiled
from srdesk.training.learning.features import Vgg
from srdesk.training.learning.losses import Terms, feature_loss, grid_bias, pixel_loss, total_variation
from srdesk.training.learning.network_options import model_config_of
from srdesk.training.learning.soap import Soap
from srdesk.training.start import options_of

AUTOCAST_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Types of the reduced precisions; float32 runs without autocast."""

ADVERSARY_GRADIENT_CLIP = 10.0
"""Largest norm of the discriminator's gradients: only outbreaks are shortened."""


def build_model(config: TrainConfig) -> nn.Module:
    """Return the model of a configuration with its start values.

    Raises:
        ConfigError: `model_options` does not fit the architecture, or there is no such network.
    """
    model_config = model_config_of(config)
    torch.manual_seed(config.seed)
    model = CATALOGUE[config.model].build(model_config)
    if config.start == "interpolation":
        if isinstance(model, SRResNet):
            model.start_as_bilinear()
        elif isinstance(model, SRCNN):
            model.start_as_identity()
    return model


def channels_last(model: nn.Module, device: torch.device) -> nn.Module:
    """Return the model on the device, its kernels in the order of memory that convolutions are fastest with."""
    # torch documents `memory_format` for `Module.to`, but its type stubs leave it out.
    return model.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What one step measured."""

    loss: float
    """The generator's loss."""
    gradient_norm: float
    """Norm of the generator's gradients before clipping."""
    terms: Mapping[str, float] = field(default_factory=dict)
    """The terms of the loss before their weights, where there are several."""
    judgement: Judgement | None = None
    """How the discriminator did, where there is one."""


def warm_start(learner: Learner, config: TrainConfig) -> WeightsCard | None:
    """Give a learner the weights that the configuration says to start from.

    Returns:
        The card of those weights; None where the start is no weights file.

    Raises:
        WeightsError: the file cannot be used.
        ConfigError: the weights are those of another network.
    """
    if config.start in ("interpolation", "random"):
        return None
    model, card = load_model(Path(config.start))
    # SRGAN begins with the weights of SRResNet, whose network its generator is (section 3.2 of the paper).
    if CATALOGUE[card.architecture].build is not CATALOGUE[config.model].build:
        raise ConfigError("start", config.start, f"weights of {config.model}, not {card.architecture}")
    try:
        learner.start_from(model.state_dict())
    except RuntimeError as error:
        options = msgspec.json.encode(options_of(card)).decode()
        raise ConfigError("model_options", config.model_options, f"those of “{card.name}”: {options}") from error
    return card


class Learner:
    """A model in training, with its optimiser and an exponential moving average of its weights."""

    def __init__(
        self,
        model: nn.Module,
        config: TrainConfig,
        *,
        device: torch.device,
        precision: str,
        features: Vgg | None = None,
    ) -> None:
        """Prepare the model for training.

        Args:
            model: moved to the device, and changed by each step.
            config: names the terms of the loss, and the rates.
            device: where to compute.
            precision: ``fp32``, ``bf16`` or ``fp16``.
            features: what the feature loss compares; needed where the configuration gives it a weight.
        """
        self._config = config
        self._device = device
        self._autocast_dtype = AUTOCAST_DTYPES.get(precision)
        self.rate_factor = 1.0
        """What all step sizes are multiplied by; less than one after a roll-back."""
        self.model = channels_last(model, device).train()
        self._has_frozen_batch_norm = False
        self._set_batch_norm(0)
        parallel.synchronise_batch_norm(self.model)
        self._network = compiled(self.model, device) if config.compile else self.model
        self._weights = config.loss_weights
        self._features = None if features is None else channels_last(features, device)
        self._adversary = Adversary(config, device) if self._weights.adversarial else None
        self._named = dict(self.model.named_parameters())
        self._optimizer = _optimizer_for(config, self._named.values(), device)
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    @torch.no_grad()
    def _set_batch_norm(self, step: int) -> None:
        """Let BatchNorm normalise in this step as the configuration says."""
        config = self._config
        is_frozen = config.freeze_batch_norm or 0 < config.freeze_batch_norm_at <= step
        if is_frozen and step == config.freeze_batch_norm_at > 0:
            for name, statistic in self.model.named_buffers():
                statistic.copy_(self._average[name])  # less noisy than those of the latest batches
        if is_frozen != self._has_frozen_batch_norm:
            self._has_frozen_batch_norm = is_frozen
            for module in self.model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.train(not is_frozen)

    def step(self, batch: Batch, step: int) -> StepFigures:
        """Make optimiser step number ``step``, counted from 0.

        Raises:
            TrainingDivergedError: a loss or the gradients are not finite; the tensors may be useless from then on.
        """
        self._set_rates(step)
        self._set_batch_norm(step)
        lr, hr = self._to_device(batch.lr), self._to_device(batch.hr)
        self._optimizer.zero_grad(set_to_none=True)
        sr = self._enlarged(lr)
        judgement = self._teach_adversary(self._adversary, hr, sr, step) if self._adversary else None
        terms = self._terms(sr, hr)
        loss = terms.weighted(self._weights)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        parallel.average_gradients(self._named.values())
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(self._named.values(), self._config.gradient_clip))
        value = parallel.average(loss).item()
        self._require_finite(value, norm, step)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._update_average(step)
        named = terms.named()
        told = {name: parallel.average(term).item() for name, term in named.items()} if len(named) > 1 else {}
        return StepFigures(value, norm, told, judgement)

    @torch.no_grad()
    def loss(self, batch: Batch) -> float:
        """Return the loss of the weights as they are, without learning from it."""
        lr, hr = self._to_device(batch.lr), self._to_device(batch.hr)
        return self._terms(self._enlarged(lr), hr).weighted(self._weights).item()

    def _enlarged(self, lr: Tensor) -> Tensor:
        with self._autocast():
            sr: Tensor = self._network(lr, rearranged=True) if isinstance(self.model, SRResNet) else self._network(lr)
        return sr

    def _set_rates(self, step: int) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate_at(step) * self.rate_factor
        if self._adversary is not None:
            self._adversary.set_rate(step, self.rate_factor)

    def _teach_adversary(self, adversary: Adversary, hr: Tensor, sr: Tensor, step: int) -> Judgement:
        adversary.optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            loss, real, fake = adversary.loss(hr, sr)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        parallel.average_gradients(adversary.parameters())
        self._scaler.unscale_(adversary.optimizer)
        norm = float(nn.utils.clip_grad_norm_(adversary.parameters(), ADVERSARY_GRADIENT_CLIP))
        value = parallel.average(loss).item()
        self._require_finite(value, norm, step)
        self._scaler.step(adversary.optimizer)
        return Judgement(value, parallel.average(real).item(), parallel.average(fake).item())

    def _terms(self, sr: Tensor, hr: Tensor) -> Terms:
        """Return the terms that have a weight."""
        config, weights = self._config, self._weights
        pixel = feature = adversarial = variation = grid = None
        if weights.pixel:
            pixel = pixel_loss(sr.float(), hr, channels=config.loss_channels, kind=config.pixel_loss)
        with self._autocast():
            if weights.feature and self._features is not None:
                with torch.no_grad():
                    hr_features = self._features(hr)
                feature = feature_loss(self._features(sr).float(), hr_features.float())
            if self._adversary is not None:
                adversarial = self._adversary.generator_loss(sr)
        if weights.total_variation:
            variation = total_variation(sr.float())
        if weights.grid:
            grid = grid_bias(sr.float(), hr, SCALE)
        return Terms(pixel, feature, adversarial, variation, grid)

    def _require_finite(self, loss: float, norm: float, step: int) -> None:
        # Gradients that overflow in float16 are usual: the scaler leaves out the step and lowers its factor.
        if not math.isfinite(loss) or (not math.isfinite(norm) and not self._scaler.is_enabled()):
            raise TrainingDivergedError(f"The loss is no longer a finite number at step {step + 1}.")

    def averaged_weights(self) -> dict[str, Tensor]:
        """Return the averaged weights, by the names of the model's state; shared, not to be modified."""
        return self._average

    def tensors(self) -> dict[str, Tensor]:
        """Return copies of all tensors that the next step depends on, on the CPU, under slash-separated names."""
        named = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"average/{name}": tensor for name, tensor in self._average.items()}
        named |= _optimizer_tensors(self._optimizer, self._named, "optimizer/")
        if self._adversary is not None:
            model = self._adversary.model
            named |= {f"discriminator/{name}": tensor for name, tensor in model.state_dict().items()}
            named |= _optimizer_tensors(
                self._adversary.optimizer, dict(model.named_parameters()), "discriminator_optimizer/"
            )
        if self._scaler.is_enabled():
            state = self._scaler.state_dict()
            named["scaler/scale"] = torch.tensor(state["scale"], dtype=torch.double)
            named["scaler/growth_tracker"] = torch.tensor(state["_growth_tracker"])
        return {name: tensor.detach().to("cpu", copy=True) for name, tensor in named.items()}

    def load_tensors(self, tensors: Mapping[str, Tensor], path: str) -> None:
        """Go on from what `tensors` returned.

        Raises:
            CheckpointError: names or shapes do not fit; ``path`` is named in the message.
        """
        try:
            self.model.load_state_dict({name: tensors[f"model/{name}"] for name in self.model.state_dict()})
            for name, tensor in self._average.items():
                tensor.copy_(tensors[f"average/{name}"])
            _load_optimizer(self._optimizer, self._named, tensors, "optimizer/")
            if self._adversary is not None:
                model = self._adversary.model
                model.load_state_dict({name: tensors[f"discriminator/{name}"] for name in model.state_dict()})
                _load_optimizer(
                    self._adversary.optimizer, dict(model.named_parameters()), tensors, "discriminator_optimizer/"
                )
            if self._scaler.is_enabled() and "scaler/scale" in tensors:
                tracker = tensors.get("scaler/growth_tracker", torch.tensor(0))
                self._scaler = torch.amp.GradScaler(self._device.type)
                self._scaler.load_state_dict(
                    self._scaler.state_dict()
                    | {"scale": tensors["scaler/scale"].item(), "_growth_tracker": int(tracker.item())}
                )
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(path, "its tensors do not fit this configuration") from error

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of another model of the same configuration, as a warm start."""
        self.model.load_state_dict(weights)
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def _autocast(self) -> AbstractContextManager[None]:
        is_reduced = self._autocast_dtype is not None
        return torch.autocast(self._device.type, self._autocast_dtype or torch.bfloat16, enabled=is_reduced)

    def _to_device(self, pixels: NDArray[np.uint8]) -> Tensor:
        # (N, H, W, 3) → (N, 3, H, W) is a change of strides only: exactly the channels-last order of memory.
        batch = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
        return batch.float().div_(255.0)

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        # The average follows quickly at first, so that it does not remember the start.
        decay = min(self._config.ema_decay, (1.0 + step) / (10.0 + step))
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1.0 - decay)
            else:
                self._average[name].copy_(tensor)


def _optimizer_for(
    config: TrainConfig, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    match config.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, lr=config.learning_rate, fused=device.type != "mps")
        case "soap":
            return Soap(parameters, lr=config.learning_rate)


def _optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], prefix: str
) -> dict[str, Tensor]:
    return {
        f"{prefix}{name}/{key}": value
        for name, parameter in parameters.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _load_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    prefix: str,
) -> None:
    for name, parameter in parameters.items():
        start = f"{prefix}{name}/"
        stored = {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
        optimizer.state[parameter] = {
            # Adam counts steps on the CPU unless it is fused on an accelerator, where the count lives there. Moments
            # lie in the file rows first; the optimiser must see the parameter's own order of memory.
            key: torch.empty_like(parameter).copy_(value)
            if value.shape == parameter.shape
            else value.to(parameter.device)
            for key, value in stored.items()
        }

"""One model that learns: its optimiser, its moving average, and one step of both."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srdesk.errors import CheckpointError, ConfigError, TrainingDivergedError
from srdesk.models import CATALOGUE
from srdesk.models.srcnn import SRCNN
from srdesk.models.srresnet import SRResNet
from srdesk.training.config import TrainConfig
from srdesk.training.dataset import Batch
from srdesk.training.losses import pixel_loss

AUTOCAST_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Types of the reduced precisions; float32 runs without autocast."""


def build_model(config: TrainConfig) -> nn.Module:
    """Return the model of a configuration with its start values.

    Raises:
        ConfigError: `model_options` does not fit the architecture.
    """
    architecture = CATALOGUE[config.model]
    try:
        model_config = msgspec.convert(config.model_options, architecture.config_type)
    except msgspec.ValidationError as error:
        raise ConfigError("model_options", config.model_options, f"fields of {config.model} ({error})") from error
    torch.manual_seed(config.seed)
    model = architecture.build(model_config)
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


class Learner:
    """A model in training, with Adam (Kingma & Ba 2015) and an exponential moving average of its weights."""

    def __init__(self, model: nn.Module, config: TrainConfig, *, device: torch.device, precision: str) -> None:
        self._config = config
        self._device = device
        self._autocast_dtype = AUTOCAST_DTYPES.get(precision)
        self.model = channels_last(model, device).train()
        if config.freeze_batch_norm:
            for module in self.model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        self._named = dict(self.model.named_parameters())
        self._optimizer = torch.optim.Adam(self._named.values(), lr=config.learning_rate, fused=device.type != "mps")
        self._scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def step(self, batch: Batch, step: int) -> tuple[float, float]:
        """Make optimiser step number ``step``, counted from 0.

        Returns:
            The loss, and the norm of the gradients before clipping.

        Raises:
            TrainingDivergedError: the loss or the gradients are not finite.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate_at(step)
        lr, hr = self._to_device(batch.lr), self._to_device(batch.hr)
        self._optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            sr = self.model(lr, rearranged=True) if isinstance(self.model, SRResNet) else self.model(lr)
        loss = pixel_loss(sr.float(), hr, channels=self._config.loss_channels)
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self._scaler.unscale_(self._optimizer)
        norm = float(nn.utils.clip_grad_norm_(self._named.values(), self._config.gradient_clip))
        value = loss.item()
        if not np.isfinite(value) or (not np.isfinite(norm) and not self._scaler.is_enabled()):
            raise TrainingDivergedError(f"The loss is no longer a finite number at step {step + 1}.")
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._update_average(step)
        return value, norm

    def averaged_weights(self) -> dict[str, Tensor]:
        """Return the averaged weights, by the names of the model's state; shared, not to be modified."""
        return self._average

    def tensors(self) -> dict[str, Tensor]:
        """Return copies of all tensors that the next step depends on, on the CPU, under slash-separated names."""
        named = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"average/{name}": tensor for name, tensor in self._average.items()}
        for name, parameter in self._named.items():
            for key, value in self._optimizer.state.get(parameter, {}).items():
                named[f"optimizer/{name}/{key}"] = value
        if self._scaler.is_enabled():
            named["scaler/scale"] = torch.tensor(self._scaler.get_scale())
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
            for name, parameter in self._named.items():
                prefix = f"optimizer/{name}/"
                stored = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
                self._optimizer.state[parameter] = {
                    # Adam counts steps on the CPU unless it is fused on an accelerator, where the count lives there.
                    key: self._like(value, parameter) if value.dim() else value.to(self._device)
                    for key, value in stored.items()
                }
            if self._scaler.is_enabled() and "scaler/scale" in tensors:
                self._scaler = torch.amp.GradScaler(self._device.type, init_scale=float(tensors["scaler/scale"]))
        except (KeyError, RuntimeError) as error:
            raise CheckpointError(path, "its tensors do not fit this configuration") from error

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of another model of the same configuration, as a warm start."""
        self.model.load_state_dict(weights)
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def _like(self, value: Tensor, parameter: Tensor) -> Tensor:
        # The file holds rows first; the optimiser must see the parameter's own order of memory.
        return torch.empty_like(parameter).copy_(value)

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

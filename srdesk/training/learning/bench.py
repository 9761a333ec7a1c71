"""How fast the trainer's step is, beside the same network trained plainly: all in one run, in interleaved rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from torch import nn

from srdesk.engine.control import Control
from srdesk.engine.device import (
    compute_threads,
    has_fast_bfloat16,
    precision_name,
    resolve_device,
    resolve_precision,
)
from srdesk.engine.weights import load_model
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import Batch
from srdesk.training.data.pictures import SCALE
from srdesk.training.learning.learner import Learner, build_model
from srdesk.training.learning.losses import pixel_loss
from srdesk.training.learning.memory import kept_memory

PLAIN = "plain float32 trainer, rows first"
"""Name of the rival: torch's own layers and loops as tutorials write them."""

TRAINER = "trainer"
"""Name of ours."""

COMPILED = "trainer, compiled"
"""Name of ours with the network compiled."""

STEPS_A_ROUND = 2
"""Steps of each way that are timed in a round, after one that is not."""

_SEED = 0


@dataclass(frozen=True, slots=True)
class TrainTiming:
    """One way of training the network."""

    way: str
    """What was run."""
    precision: str
    """Number type of the convolutions: fp32, bf16 or fp16."""
    steps_per_second: float
    """From the median time of a step."""
    times_plain: float
    """How many times as fast as the plain trainer."""


@dataclass(frozen=True, slots=True)
class TrainBenchReport:
    """What `run_training_bench` measured."""

    model: str
    """Architecture that was trained."""
    device: str
    """Where it ran."""
    threads: int
    """CPU threads."""
    batch_size: int
    """Crops a step."""
    crop_px: int
    """Side of an LR crop."""
    rounds: int
    """Interleaved rounds; every way made `STEPS_A_ROUND` timed steps in each."""
    timings: list[TrainTiming]
    """One entry for each way."""
    times_plain: float
    """The trainer in automatic precision against the plain float32 trainer."""
    has_fast_bf16: bool
    """Whether the device multiplies bfloat16 in hardware; elsewhere it is not measured, since nothing chooses it."""


def run_training_bench(
    weights: Path,
    control: Control | None = None,
    *,
    rounds: int = 5,
    device: str = "auto",
    threads: int | None = None,
    batch_size: int = 16,
    crop_px: int = 24,
    with_compiled: bool = False,
) -> TrainBenchReport:
    """Time training steps of the architecture in a weights file on noise, ours against plain ones.

    Both make the same step: mean squared error, clipped gradients, Adam, and the moving average of the weights.

    Args:
        weights: weights file that names the architecture and its size; its numbers are not used.
        control: how to stop and where to report; progress counts steps.
        rounds: interleaved rounds, over whose steps the median is taken.
        device: one of `srdesk.engine.device.DEVICES`.
        threads: CPU threads; None for torch's own choice.
        batch_size: crops a step.
        crop_px: side of an LR crop.
        with_compiled: time the network compiled as well, in automatic precision; compiling it is not timed.

    Raises:
        ConfigError: it is to be compiled where there is no compiler.
        WeightsError: the weights cannot be used.
        DeviceUnavailableError: the device is not in this machine.
        Cancelled: the token was raised.
    """
    chosen = resolve_device(device)
    _, card = load_model(weights)
    config = TrainConfig(
        model="srcnn" if card.architecture == "srcnn" else "srresnet",  # of SRGAN the generator
        model_options=msgspec.convert(card.config, dict[str, int | tuple[int, ...]]),
        loss_channels="luma" if card.architecture == "srcnn" else "rgb",
        batch_size=batch_size,
        crop_px=crop_px,
    )
    auto = precision_name(resolve_precision("auto", chosen))
    with compute_threads(threads):
        ways = _ways(config, chosen, auto, with_compiled=with_compiled)
        seconds = _time(ways, _noise(config), rounds, control or Control())
        used_threads = torch.get_num_threads()
    plain_s = seconds[PLAIN, "fp32"]
    return TrainBenchReport(
        model=config.model,
        device=chosen.type,
        threads=used_threads,
        batch_size=batch_size,
        crop_px=crop_px,
        rounds=rounds,
        timings=[TrainTiming(way, precision, 1 / s, plain_s / s) for (way, precision), s in seconds.items()],
        times_plain=plain_s / seconds[TRAINER, auto],
        has_fast_bf16=_has_fast_bfloat16(chosen),
    )


class PlainTrainer:
    """The same mathematics as `srdesk.training.learning.learner.Learner`, the way that tutorials write it."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config = config
        self._device = device
        self.model = _with_torch_activations(build_model(config)).to(device).train()
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        self._average = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}

    def step(self, batch: Batch, step: int) -> float:
        """Make optimiser step number ``step``, counted from 0, and return the loss."""
        lr, hr = (
            torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2).contiguous().float() / 255.0
            for pixels in (batch.lr, batch.hr)
        )
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate_at(step)
        self._optimizer.zero_grad()
        loss = pixel_loss(self.model(lr), hr, channels=self._config.loss_channels)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.model.parameters(), self._config.gradient_clip)
        self._optimizer.step()
        self._update_average(min(self._config.ema_decay, (1.0 + step) / (10.0 + step)))
        return loss.item()

    @torch.no_grad()
    def _update_average(self, decay: float) -> None:
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].mul_(decay).add_(tensor, alpha=1.0 - decay)
            else:
                self._average[name].copy_(tensor)


@dataclass(frozen=True, slots=True)
class _Way:
    step: Callable[[Batch, int], object]
    surroundings: Callable[[], AbstractContextManager[None]]


def _ways(config: TrainConfig, device: torch.device, auto: str, *, with_compiled: bool) -> dict[tuple[str, str], _Way]:
    """Return what is timed, by name and precision."""
    ways: dict[tuple[str, str], _Way] = {(PLAIN, "fp32"): _Way(PlainTrainer(config, device).step, nullcontext)}
    for precision in dict.fromkeys((auto, "fp32", *(("bf16",) if _has_fast_bfloat16(device) else ()))):
        learner = Learner(build_model(config), config, device=device, precision=precision)
        ways[TRAINER, precision] = _Way(learner.step, kept_memory)
    if with_compiled:
        faster = msgspec.structs.replace(config, compile=True)
        learner = Learner(build_model(config), faster, device=device, precision=auto)
        learner.step(_noise(config), 0)
        ways[COMPILED, auto] = _Way(learner.step, kept_memory)
    return ways


def _time(
    ways: dict[tuple[str, str], _Way], batch: Batch, rounds: int, control: Control
) -> dict[tuple[str, str], float]:
    """Return the median seconds of a step of each way."""
    control.start()
    seconds: dict[tuple[str, str], list[float]] = {name: [] for name in ways}
    done, total = 0, rounds * len(ways) * (1 + STEPS_A_ROUND)
    for number in range(rounds):
        for name, way in ways.items():
            with way.surroundings():
                for repetition in range(1 + STEPS_A_ROUND):
                    control.token.check()
                    started_s = time.perf_counter()
                    way.step(batch, number * (1 + STEPS_A_ROUND) + repetition)
                    if repetition > 0:  # the first finds caches and memory as another way left them
                        seconds[name].append(time.perf_counter() - started_s)
                    done += 1
                    control.report(done, total)
    return {name: statistics.median(measured) for name, measured in seconds.items()}


def _with_torch_activations(model: nn.Module) -> nn.Module:
    """Put torch's own PReLU in the places of ours."""
    for parts in list(model.modules()):
        for name, part in list(parts.named_children()):
            if isinstance(part, nn.PReLU):
                activation = nn.PReLU(part.num_parameters)
                activation.load_state_dict(part.state_dict())
                setattr(parts, name, activation)
    return model


def _noise(config: TrainConfig) -> Batch:
    random = np.random.default_rng(_SEED)
    lr_px, hr_px = config.crop_px, config.crop_px * SCALE
    lr, hr = (random.integers(0, 256, (config.batch_size, side, side, 3), np.uint8) for side in (lr_px, hr_px))
    return Batch(lr, hr)


def _has_fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and has_fast_bfloat16()

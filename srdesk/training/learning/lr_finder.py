"""The learning-rate finder: which rate to train with, found by trying rising ones.

L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, section 3.3: let the rate rise from step
to step, and watch the loss.

Deviations from the paper:
    * The rate rises exponentially, over six orders of magnitude in a hundred steps.
    * Crops differ far more in difficulty than a few steps change the model. So the loss of each step is compared with
      that of the start weights on the same crops, and the ratio is smoothed.
    * The rate is chosen by a rule, not by eye: see `suggested_rate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import torch

from srdesk.engine.control import CancelToken
from srdesk.engine.device import precision_name, resolve_device, resolve_precision
from srdesk.errors import TrainingDivergedError, TrainingError
from srdesk.training import events
from srdesk.training.config import TrainConfig, validate
from srdesk.training.data.dataset import BatchLoader, CropSampler
from srdesk.training.data.pictures import find_pictures
from srdesk.training.learning.features import load_features
from srdesk.training.learning.learner import Learner, build_model, warm_start
from srdesk.training.learning.memory import kept_memory

LOWEST_RATE, HIGHEST_RATE = 1e-7, 1e-1
"""Rates of the first and of the last step."""

STEPS = 100
"""Steps of a search that does not diverge before its end."""

SMOOTHING = 0.8
"""Share of the smoothed ratio that stays at each step."""

DIVERGED_RATIO = 4.0
"""A loss so many times the lowest smoothed one has diverged; the search ends."""

LEVEL_TOLERANCE = 0.01
"""Smoothed ratios that differ by this share are the same to the rule."""

SAFETY_FACTOR = 10.0
"""What the rate at the edge is divided by: a run of many steps must bear it."""


def find_learning_rate(
    config: TrainConfig, token: CancelToken, *, features_file: Path | None = None
) -> Iterator[events.RateTried | events.RateFound]:
    """Try rising rates on a model that is thrown away, and suggest one; nothing is written.

    The model begins as the run would: with its start weights, and frozen BatchNorm where the configuration says so. Of
    SRGAN's loss the adversarial term is left out, which says nothing as long as the discriminator has learnt nothing.

    Args:
        config: what would be trained; its rate and schedule play no part.
        token: looked at before each step.
        features_file: the VGG features that come with the program; needed where the loss compares features.

    Raises:
        Cancelled: someone asked to stop.
        ConfigError, DatasetError, ImageError, WeightsError, DeviceUnavailableError: as of a run.
        TrainingError: the loss diverges at the lowest rate already.
    """
    config = validate(
        msgspec.structs.replace(
            config, learning_rate=LOWEST_RATE, warmup_steps=0, schedule="constant", adversarial_weight=0.0
        )
    )
    if config.threads:
        torch.set_num_threads(config.threads)
    sampler = CropSampler(find_pictures(config, token).training, config)
    learner, start = (_learner(config, features_file) for _ in range(2))
    loader = BatchLoader(sampler, 0)
    tried: list[events.RateTried] = []
    try:
        with kept_memory():
            for event in _sweep(learner, start, loader, token):
                tried.append(event)
                yield event
    finally:
        loader.close()
    if not tried:
        raise TrainingError(
            "The loss is no finite number even before anything was learnt.",
            hint="Look at the start weights and the weights of the loss terms.",
        )
    yield events.RateFound(learning_rate=suggested_rate(tried))


def suggested_rate(tried: Sequence[events.RateTried]) -> float:
    """Return a tenth of the highest rate at which the smoothed loss is still at its lowest.

    A model that has much to learn shows a valley, and the rule takes its far side; one that is trained already shows a
    plain that ends in a slope, and the rule takes the edge. There training is about to become unstable: hence a tenth,
    as fast.ai's finder takes of the valley's bottom.
    """
    lowest = min(attempt.loss for attempt in tried)
    edge = max(attempt.learning_rate for attempt in tried if attempt.loss <= lowest * (1 + LEVEL_TOLERANCE))
    return float(f"{max(LOWEST_RATE, edge / SAFETY_FACTOR):.1e}")


def rate_of(step: int) -> float:
    """Return the rate of a step of the search, counted from 0."""
    return float(LOWEST_RATE * (HIGHEST_RATE / LOWEST_RATE) ** (step / (STEPS - 1)))


def _learner(config: TrainConfig, features_file: Path | None) -> Learner:
    device = resolve_device(config.device)
    features = None
    if config.loss_weights.feature:
        bundled_file = features_file or Path("vgg16.safetensors")
        features = load_features(config.features, config.feature_layer, bundled_file=bundled_file)
    precision = precision_name(resolve_precision(config.precision, device))
    learner = Learner(build_model(config), config, device=device, precision=precision, features=features)
    warm_start(learner, config)
    return learner


def _sweep(learner: Learner, start: Learner, loader: BatchLoader, token: CancelToken) -> Iterator[events.RateTried]:
    """Make the steps, and yield the smoothed loss of each rate until it diverges.

    A step tells the loss before it moves the weights: what a rate did is seen at the next one.
    """
    scale = ratio = weight = 0.0
    lowest = math.inf
    for step in range(STEPS + 1):
        token.check()
        batch = loader.take(step)
        rate = rate_of(step)
        learner.rate_factor = rate / LOWEST_RATE
        reference = start.loss(batch)
        try:
            loss = learner.step(batch, step).loss
        except TrainingDivergedError:
            return
        scale = scale or reference
        if step == 0:
            continue
        # As in Adam (Kingma & Ba 2015, section 3), dividing by the weights' sum makes up for the start at zero.
        ratio = SMOOTHING * ratio + (1 - SMOOTHING) * loss / max(reference, 1e-30)
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        smoothed = ratio / weight
        lowest = min(lowest, smoothed)
        yield events.RateTried(learning_rate=rate_of(step - 1), loss=smoothed * scale)
        if loss > DIVERGED_RATIO * lowest * reference:
            return

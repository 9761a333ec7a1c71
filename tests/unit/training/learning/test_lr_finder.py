"""The learning-rate finder suggests a rate that training bears, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from srdesk.engine.control import CancelToken
from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.errors import Cancelled, ConfigError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import CropSampler
from srdesk.training.data.pictures import find_pictures
from srdesk.training.learning import lr_finder
from srdesk.training.learning.learner import Learner, build_model
from srdesk.training.learning.lr_finder import (
    HIGHEST_RATE,
    LOWEST_RATE,
    STEPS,
    find_learning_rate,
    rate_of,
    suggested_rate,
)

MakeConfig = Callable[..., TrainConfig]


def attempts(losses: list[float], rates: list[float] | None = None) -> list[events.RateTried]:
    rates = rates or [10.0 ** (number - len(losses)) for number in range(len(losses))]
    return [events.RateTried(learning_rate=rate, loss=loss) for rate, loss in zip(rates, losses, strict=True)]


def search(config: TrainConfig) -> tuple[list[events.RateTried], float]:
    *tried, found = find_learning_rate(config, CancelToken())
    assert isinstance(found, events.RateFound)
    assert all(isinstance(attempt, events.RateTried) for attempt in tried)
    return [attempt for attempt in tried if isinstance(attempt, events.RateTried)], found.learning_rate


def loss_after_training(config: TrainConfig, rate: float, steps: int = 30) -> tuple[float, float]:
    """Return the loss on the same crops before and after some steps at a rate."""
    trained = msgspec.structs.replace(config, learning_rate=rate, schedule="constant", warmup_steps=0)
    sampler = CropSampler(find_pictures(trained).training, trained)
    learner = Learner(build_model(trained), trained, device=torch.device("cpu"), precision="fp32")
    judged = sampler.batch(1000)
    before = learner.loss(judged)
    for step in range(steps):
        learner.step(sampler.batch(step), step)
    return before, learner.loss(judged)


@pytest.fixture
def toy(tiny_config: MakeConfig) -> TrainConfig:
    return tiny_config(batch_size=4, start="random", model_options={"channels": 8, "blocks": 1})


def test_the_suggested_rate_trains_and_a_much_higher_one_does_not(toy: TrainConfig) -> None:
    tried, rate = search(toy)
    before, after = loss_after_training(toy, rate)
    assert after < 0.5 * before
    _, ruined = loss_after_training(toy, 100 * rate)
    assert not ruined < 10 * before  # NaN has diverged too
    assert [attempt.learning_rate for attempt in tried] == pytest.approx([rate_of(step) for step in range(len(tried))])


def test_rates_rise_from_the_lowest_to_the_highest() -> None:
    assert rate_of(0) == pytest.approx(LOWEST_RATE)
    assert rate_of(STEPS - 1) == pytest.approx(HIGHEST_RATE)


def test_the_search_ends_where_the_loss_diverges(toy: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lr_finder, "HIGHEST_RATE", 1e6)
    tried, rate = search(toy)
    assert len(tried) < STEPS
    assert rate < tried[-1].learning_rate / 10


def test_of_a_valley_a_tenth_of_its_far_side_is_suggested() -> None:
    assert suggested_rate(attempts([5.0, 5.0, 3.0, 1.0, 1.005, 9.0])) == pytest.approx(1e-3)


def test_of_a_plain_a_tenth_of_its_edge_is_suggested() -> None:
    assert suggested_rate(attempts([1.0, 1.002, 0.998, 1.003, 2.0, 9.0])) == pytest.approx(1e-4)


def test_it_begins_with_the_weights_of_the_run_and_its_frozen_statistics(
    tiny_config: MakeConfig, tmp_path: Path
) -> None:
    weights = tmp_path / "good.safetensors"
    config = tiny_config(freeze_batch_norm=True, start=str(weights))
    model = build_model(tiny_config(seed=4))
    card = WeightsCard(name="good", architecture="srresnet", config=dict(config.model_options))
    save_weights(weights, model, card)
    tried, rate = search(config)
    sampler = CropSampler(find_pictures(config).training, config)
    learner = Learner(model, config, device=torch.device("cpu"), precision="fp32")
    assert tried[0].loss == pytest.approx(learner.loss(sampler.batch(0)), rel=0.02)
    assert LOWEST_RATE <= rate < HIGHEST_RATE


def test_weights_of_another_network_are_refused(tiny_config: MakeConfig, tmp_path: Path) -> None:
    weights = tmp_path / "other.safetensors"
    config = tiny_config(model_options={"channels": 6, "blocks": 1})
    card = WeightsCard(name="other", architecture="srresnet", config=dict(config.model_options))
    save_weights(weights, build_model(config), card)
    with pytest.raises(ConfigError, match="model_options"):
        list(find_learning_rate(tiny_config(start=str(weights)), CancelToken()))


def test_nothing_is_written_and_it_can_be_stopped(toy: TrainConfig, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    token = CancelToken()
    searching = find_learning_rate(toy, token)
    next(searching)
    token.cancel()
    with pytest.raises(Cancelled):
        list(searching)
    assert sorted(tmp_path.rglob("*")) == before

"""The bench of training compares two ways that learn the same; how fast they are is judged by a person."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.errors import Cancelled
from srdesk.models.activation import PReLU
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import Batch
from srdesk.training.learning import learner
from srdesk.training.learning.bench import COMPILED, PLAIN, TRAINER, PlainTrainer, run_training_bench
from srdesk.training.learning.learner import Learner, build_model

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def weights(tmp_path: Path, tiny_config: MakeConfig) -> Path:
    path = tmp_path / "tiny.safetensors"
    card = WeightsCard(name="tiny", architecture="srresnet", config={"channels": 4, "blocks": 1})
    save_weights(path, build_model(tiny_config()), card)
    return path


def test_the_plain_trainer_learns_the_same_numbers(tiny_config: MakeConfig) -> None:
    config = tiny_config(crop_px=8, warmup_steps=0)
    plain = PlainTrainer(config, torch.device("cpu"))
    ours = Learner(build_model(config), config, device=torch.device("cpu"), precision="fp32")
    assert not any(isinstance(part, PReLU) for part in plain.model.modules())
    assert any(isinstance(part, nn.PReLU) for part in plain.model.modules())
    random = np.random.default_rng(5)
    for step in range(4):
        batch = Batch(
            random.integers(0, 256, (2, 8, 8, 3), np.uint8), random.integers(0, 256, (2, 32, 32, 3), np.uint8)
        )
        assert plain.step(batch, step) == pytest.approx(ours.step(batch, step).loss, rel=1e-4)


def test_every_way_is_timed_and_compared(weights: Path) -> None:
    seen: list[Progress] = []
    control = Control(on_progress=seen.append)
    report = run_training_bench(weights, control, rounds=1, device="cpu", threads=1, batch_size=2, crop_px=8)
    assert (report.model, report.device, report.threads, report.rounds) == ("srresnet", "cpu", 1, 1)
    ways = {(timing.way, timing.precision) for timing in report.timings}
    assert ways >= {(PLAIN, "fp32"), (TRAINER, "fp32")}
    assert ((TRAINER, "bf16") in ways) == report.has_fast_bf16
    assert all(timing.steps_per_second > 0 for timing in report.timings)
    assert report.times_plain in [timing.times_plain for timing in report.timings if timing.way == TRAINER]
    assert seen[-1].done == seen[-1].total


def test_the_compiled_network_is_timed_where_that_is_asked_for(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []
    monkeypatch.setattr(learner, "compiled", lambda model, device: compiled.append(device) or model)
    report = run_training_bench(weights, rounds=1, device="cpu", batch_size=2, crop_px=8, with_compiled=True)
    assert len(compiled) == 1
    assert [timing.way for timing in report.timings].count(COMPILED) == 1


def test_it_can_be_stopped(weights: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run_training_bench(weights, Control(token=token), rounds=1, device="cpu", batch_size=2, crop_px=8)

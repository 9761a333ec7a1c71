"""A learner goes on exactly where its tensors were taken, in every precision."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import Batch
from srdesk.training.learning.learner import Learner, build_model

MakeConfig = Callable[..., TrainConfig]


def learner_for(config: TrainConfig, precision: str) -> Learner:
    return Learner(build_model(config), config, device=torch.device("cpu"), precision=precision)


def batch_of(step: int) -> Batch:
    random = np.random.default_rng(step)
    return Batch(random.integers(0, 256, (2, 8, 8, 3), np.uint8), random.integers(0, 256, (2, 32, 32, 3), np.uint8))


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("freeze_at", [0, 2, 3, 4])
def test_it_goes_on_bit_for_bit(tiny_config: MakeConfig, precision: str, freeze_at: int) -> None:
    config = tiny_config(freeze_batch_norm_at=freeze_at)
    first = learner_for(config, precision)
    for step in range(3):
        first.step(batch_of(step), step)
    second = learner_for(config, precision)
    second.load_tensors(first.tensors(), "checkpoint")
    for step in range(3, 6):
        assert first.step(batch_of(step), step) == second.step(batch_of(step), step)
    expected, resumed = first.tensors(), second.tensors()
    assert expected.keys() == resumed.keys()
    assert all(torch.equal(expected[name], resumed[name]) for name in expected)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_learns_about_the_same(tiny_config: MakeConfig, precision: str) -> None:
    config = tiny_config(warmup_steps=0, learning_rate=1e-3)
    exact, reduced = learner_for(config, "fp32"), learner_for(config, precision)
    losses = [(exact.step(batch_of(0), step).loss, reduced.step(batch_of(0), step).loss) for step in range(20)]
    assert losses[-1][0] < losses[0][0]
    assert [one for one, _ in losses] == pytest.approx([other for _, other in losses], rel=0.05)
    assert all(tensor.dtype == torch.float32 for tensor in reduced.averaged_weights().values() if tensor.dim())


def test_the_scaler_s_memory_of_good_steps_is_part_of_the_tensors(tiny_config: MakeConfig) -> None:
    learner = learner_for(tiny_config(), "fp16")
    for step in range(3):
        learner.step(batch_of(step), step)
    tensors = learner.tensors()
    assert tensors["scaler/growth_tracker"].item() == 3
    assert not any(name.startswith("scaler/") for name in learner_for(tiny_config(), "fp32").tensors())


def test_a_step_that_overflows_float16_is_left_out_and_the_scale_lowered(tiny_config: MakeConfig) -> None:
    learner = learner_for(tiny_config(), "fp16")
    learner.step(batch_of(0), 0)
    before = learner.tensors()
    huge = before | {"scaler/scale": torch.tensor(2.0**100, dtype=torch.double)}
    learner.load_tensors(huge, "checkpoint")
    learner.step(batch_of(1), 1)
    after = learner.tensors()
    assert after["scaler/scale"] == 2.0**99
    assert after["scaler/growth_tracker"] == 0
    assert torch.equal(after["model/tail.weight"], before["model/tail.weight"])


def test_the_loss_can_be_looked_at_without_learning(tiny_config: MakeConfig) -> None:
    learner = learner_for(tiny_config(freeze_batch_norm=True), "fp32")
    before = learner.tensors()
    loss = learner.loss(batch_of(0))
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.tensors().items())
    assert learner.step(batch_of(0), 0).loss == pytest.approx(loss, rel=1e-5)


def test_batch_norm_freezes_with_its_averaged_statistics(tiny_config: MakeConfig) -> None:
    learner = learner_for(tiny_config(freeze_batch_norm_at=3), "fp32")

    def statistics() -> dict[str, torch.Tensor]:
        return {name: buffer.clone() for name, buffer in learner.model.named_buffers()}

    seen = [statistics()]
    for step in range(5):
        if step == 3:
            average = {name: learner.averaged_weights()[name].clone() for name in seen[0]}
        learner.step(batch_of(step), step)
        seen.append(statistics())
    assert not any(torch.equal(seen[2][name], seen[3][name]) for name in seen[0])
    for later in seen[4:]:
        assert all(torch.equal(later[name], average[name]) for name in average)


def test_going_back_before_the_freezing_thaws(tiny_config: MakeConfig) -> None:
    config = tiny_config(freeze_batch_norm_at=2)
    learner, never_back = learner_for(config, "fp32"), learner_for(config, "fp32")
    start = learner.tensors()
    for step in range(4):
        learner.step(batch_of(step), step)
    learner.load_tensors(start, "checkpoint")
    assert learner.step(batch_of(0), 0) == never_back.step(batch_of(0), 0)
    assert all(torch.equal(tensor, learner.tensors()[name]) for name, tensor in never_back.tensors().items())

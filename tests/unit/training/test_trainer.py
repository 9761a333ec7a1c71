"""A run learns, tells what it does, and goes on after a stop as if there had been none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from srdesk.engine.control import CancelToken
from srdesk.engine.weights import load_model
from srdesk.errors import CheckpointError, ConfigError, TrainingDivergedError
from srdesk.training import events
from srdesk.training.checkpoint import CHECKPOINT_NAME, load_checkpoint
from srdesk.training.config import TrainConfig
from srdesk.training.learner import Learner
from srdesk.training.trainer import WEIGHTS_FOLDER, train

MakeConfig = Callable[..., TrainConfig]


E = TypeVar("E", bound=events.Event)


def run(config: TrainConfig, folder: Path, *, stop_at_step: int | None = None) -> list[events.AnyEvent]:
    folder.mkdir(exist_ok=True)
    token, told = CancelToken(), []
    for event in train(config, folder, token):
        told.append(event)
        if isinstance(event, events.Step) and event.step == stop_at_step:
            token.cancel()
    return told


def of_kind(told: list[events.AnyEvent], kind: type[E]) -> list[E]:
    return [event for event in told if isinstance(event, kind)]


@pytest.mark.parametrize("steps_before", [0, 2])
def test_a_run_that_is_stopped_while_it_prepares_is_left_as_it_was(
    tiny_config: MakeConfig, tmp_path: Path, steps_before: int
) -> None:
    folder = tmp_path / "run"
    if steps_before:
        run(tiny_config(), folder, stop_at_step=steps_before)
    token = CancelToken()
    token.cancel()
    (last,) = train(tiny_config(), folder, token)
    assert isinstance(last, events.Finished)
    assert (last.reason, last.step) == ("stopped", steps_before)
    assert of_kind(run(tiny_config(), folder), events.Started)[0].first_step == steps_before


def test_a_run_tells_its_course_in_order(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = run(tiny_config(), tmp_path / "run")
    assert isinstance(told[0], events.Started)
    assert told[0].first_step == 0
    assert told[0].bicubic_psnr_y_db > 10
    assert [event.step for event in of_kind(told, events.Step)] == [2, 4, 6]
    assert [event.step for event in of_kind(told, events.Validated)] == [0, 3, 6]
    assert [event.step for event in of_kind(told, events.Saved)] == [2, 4, 6]
    assert isinstance(told[-1], events.Finished)
    assert told[-1].reason == "done"


@pytest.mark.parametrize("model", ["srresnet", "srcnn"])
def test_training_lowers_the_loss_and_raises_the_score(tiny_config: MakeConfig, tmp_path: Path, model: str) -> None:
    options = {"channels": 8, "blocks": 1} if model == "srresnet" else {"features": 8, "mapping": 4}
    config = tiny_config(
        model=model, model_options=options, steps=60, batch_size=4, learning_rate=3e-3, validate_every_steps=60,
        ema_decay=0.9, loss_channels="luma",
    )  # fmt: skip
    told = run(config, tmp_path / "run")
    first, last = of_kind(told, events.Validated)[0], of_kind(told, events.Validated)[-1]
    assert last.psnr_y_db > first.psnr_y_db + 0.1
    losses = [event.loss for event in of_kind(told, events.Step)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("changes", [{}, {"model": "srcnn", "model_options": {"features": 4, "mapping": 2}}])
def test_a_stopped_run_goes_on_bit_for_bit(tiny_config: MakeConfig, tmp_path: Path, changes: dict[str, object]) -> None:
    config = tiny_config(**changes)
    run(config, tmp_path / "whole")
    stopped = run(config, tmp_path / "parts", stop_at_step=2)
    assert stopped[-1] == events.Finished(
        reason="stopped", step=2, best_psnr_y_db=stopped[-1].best_psnr_y_db, elapsed_s=stopped[-1].elapsed_s
    )
    resumed = run(config, tmp_path / "parts")
    assert of_kind(resumed, events.Started)[0].first_step == 2
    whole, parts = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    assert whole.tensors.keys() == parts.tensors.keys()
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []
    assert whole.state.step == parts.state.step == 6
    assert whole.state.best_psnr_y_db == parts.state.best_psnr_y_db


def test_the_weights_are_the_best_ones_and_describe_themselves(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = run(tiny_config(name="mine", seed=4, licence="CC0"), tmp_path / "run")
    written = of_kind(told, events.Weights)[-1]
    model, card = load_model(Path(written.path))
    assert Path(written.path) == tmp_path / "run" / WEIGHTS_FOLDER / "mine.safetensors"
    assert (card.name, card.architecture, card.seed, card.licence) == ("mine", "srresnet", 4, "CC0")
    assert card.steps == written.step
    assert card.metrics["validation_psnr_y_db"] == pytest.approx(written.psnr_y_db, abs=1e-3)
    assert "pictures (" in card.training_data
    assert str(tmp_path) not in card.training_data
    assert model(torch.rand(1, 3, 5, 5)).shape == (1, 3, 20, 20)


def test_a_run_can_start_from_weights(tiny_config: MakeConfig, tmp_path: Path) -> None:
    first = run(tiny_config(), tmp_path / "first")
    start = of_kind(first, events.Weights)[-1].path
    second = run(tiny_config(start=start, steps=2), tmp_path / "second")
    at_start = of_kind(second, events.Validated)[0]
    assert at_start.psnr_y_db == pytest.approx(of_kind(first, events.Weights)[-1].psnr_y_db, abs=1e-6)
    assert any("Started from the weights" in notice.message for notice in of_kind(second, events.Notice))


def test_weights_tell_what_their_start_had_learnt_from(tiny_config: MakeConfig, tmp_path: Path, pictures: Path) -> None:
    start = of_kind(run(tiny_config(), tmp_path / "first"), events.Weights)[-1]
    changes = {"start": start.path, "data": (str(pictures / "more"),), "steps": 60, "learning_rate": 1e-2}
    written = of_kind(run(tiny_config(**changes, ema_decay=0.5), tmp_path / "second"), events.Weights)[-1]
    _, card = load_model(Path(written.path))
    assert card.steps == start.step + written.step
    assert card.training_data == f"more (1 picture); before that: {load_model(Path(start.path))[1].training_data}"


def test_frozen_batch_norm_keeps_its_statistics_and_still_learns(tiny_config: MakeConfig, tmp_path: Path) -> None:
    start = of_kind(run(tiny_config(steps=20), tmp_path / "first"), events.Weights)[-1].path
    run(tiny_config(start=start, freeze_batch_norm=True), tmp_path / "second")
    before, after = load_model(Path(start))[0].state_dict(), load_checkpoint(tmp_path / "second")
    assert after is not None
    for name, tensor in before.items():
        is_statistic = "running_" in name or "num_batches" in name
        assert torch.equal(tensor, after.tensors[f"model/{name}"]) == is_statistic, name


def test_weights_of_another_size_are_refused_as_a_start(tiny_config: MakeConfig, tmp_path: Path) -> None:
    start = of_kind(run(tiny_config(), tmp_path / "first"), events.Weights)[-1].path
    with pytest.raises(ConfigError, match="model_options"):
        run(tiny_config(start=start, model_options={"channels": 6, "blocks": 1}), tmp_path / "second")


def test_a_folder_of_another_run_is_refused(tiny_config: MakeConfig, tmp_path: Path) -> None:
    run(tiny_config(), tmp_path / "run")
    with pytest.raises(CheckpointError, match="another configuration"):
        run(tiny_config(seed=9), tmp_path / "run")


def test_a_damaged_checkpoint_is_refused(tiny_config: MakeConfig, tmp_path: Path) -> None:
    run(tiny_config(), tmp_path / "run")
    path = tmp_path / "run" / CHECKPOINT_NAME
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        run(tiny_config(), tmp_path / "run")


def test_more_pictures_are_noticed_when_a_run_goes_on(tiny_config: MakeConfig, tmp_path: Path, pictures: Path) -> None:
    run(tiny_config(), tmp_path / "run", stop_at_step=2)
    shutil.rmtree(pictures / "more")
    (pictures / "0.png").unlink()
    told = run(tiny_config(), tmp_path / "run")
    assert any("pictures have changed" in notice.message for notice in of_kind(told, events.Notice))


def test_divergence_ends_the_run_and_keeps_the_last_checkpoint(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest_step = Learner.step

    def poisoned(self: Learner, batch: object, step: int) -> tuple[float, float]:
        if step == 4:
            with torch.no_grad():
                next(self.model.parameters()).fill_(float("nan"))
        return honest_step(self, batch, step)

    monkeypatch.setattr(Learner, "step", poisoned)
    with pytest.raises(TrainingDivergedError, match="step 5"):
        run(tiny_config(), tmp_path / "run")
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.state.step == 4
    assert all(torch.isfinite(tensor).all() for tensor in checkpoint.tensors.values() if tensor.is_floating_point())

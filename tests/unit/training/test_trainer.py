"""A run learns, tells what it does, and goes on after a stop as if there had been none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from srdesk import paths
from srdesk.engine.control import CancelToken
from srdesk.engine.weights import load_model
from srdesk.errors import CheckpointError, ConfigError, TrainingDivergedError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.learning import learner
from srdesk.training.learning.checkpoint import CHECKPOINT_NAME, load_checkpoint
from srdesk.training.learning.learner import Learner
from srdesk.training.trainer import WEIGHTS_FOLDER, train

MakeConfig = Callable[..., TrainConfig]


E = TypeVar("E", bound=events.Event)


def run(config: TrainConfig, folder: Path, *, stop_at_step: int | None = None) -> list[events.AnyEvent]:
    folder.mkdir(exist_ok=True)
    token, told = CancelToken(), []
    for event in train(config, folder, token, features_file=paths.features_file()):
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


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"precision": "bf16"},
        {"optimizer": "soap"},
        {"model": "srcnn", "model_options": {"features": 4, "mapping": 2}},
    ],
)
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
    assert whole.state.best_scores == parts.state.best_scores


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


def test_a_trapezoid_can_be_made_longer_until_it_falls(tiny_config: MakeConfig, tmp_path: Path) -> None:
    def trapezoid(steps: int) -> TrainConfig:
        return tiny_config(schedule="trapezoid", decay_steps=2, steps=steps)

    run(trapezoid(8), tmp_path / "whole")
    run(trapezoid(6), tmp_path / "parts", stop_at_step=4)
    run(trapezoid(8), tmp_path / "parts")
    whole, parts = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []
    assert whole.state.config_digest == parts.state.config_digest


@pytest.mark.parametrize("freeze_at", [4, 5])
def test_when_batch_norm_freezes_can_be_decided_until_then(
    tiny_config: MakeConfig, tmp_path: Path, freeze_at: int
) -> None:
    run(tiny_config(freeze_batch_norm_at=freeze_at), tmp_path / "whole")
    run(tiny_config(), tmp_path / "parts", stop_at_step=4)
    run(tiny_config(freeze_batch_norm_at=freeze_at), tmp_path / "parts")
    whole, parts = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []


@pytest.mark.parametrize(("first", "then"), [(0, 3), (3, 0), (3, 5)])
def test_when_batch_norm_froze_cannot_be_changed_afterwards(
    tiny_config: MakeConfig, tmp_path: Path, first: int, then: int
) -> None:
    run(tiny_config(freeze_batch_norm_at=first), tmp_path / "run", stop_at_step=4)
    with pytest.raises(CheckpointError, match="another configuration"):
        run(tiny_config(freeze_batch_norm_at=then), tmp_path / "run")


def test_a_run_may_go_on_compiled_and_says_so_once(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "compiled", lambda model, device: model)
    run(tiny_config(), tmp_path / "run", stop_at_step=2)
    for stop_at_step, expected in ((4, 1), (None, 0)):
        told = run(tiny_config(compile=True), tmp_path / "run", stop_at_step=stop_at_step)
        sentences = [notice.message for notice in of_kind(told, events.Notice)]
        assert sum("goes on with its network compiled" in sentence for sentence in sentences) == expected


@pytest.mark.parametrize(("first", "then"), [(6, 8), (10, 6)])
def test_a_trapezoid_that_falls_keeps_its_length(
    tiny_config: MakeConfig, tmp_path: Path, first: int, then: int
) -> None:
    changes = {"schedule": "trapezoid", "decay_steps": 2}
    run(tiny_config(**changes, steps=first), tmp_path / "run", stop_at_step=5)
    with pytest.raises(CheckpointError, match="another configuration"):
        run(tiny_config(**changes, steps=then), tmp_path / "run")


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


SRGAN: dict[str, object] = {
    "model": "srgan",
    "crop_px": 8,
    "features": "vgg16",
    "feature_layer": "conv1_2",
    "discriminator_options": {"channels": (4, 8), "dense": 8, "pooled_px": 2},
}


def test_srgan_starts_from_srresnet_and_tells_how_both_players_do(tiny_config: MakeConfig, tmp_path: Path) -> None:
    run(tiny_config(), tmp_path / "first")
    start = tmp_path / "first" / WEIGHTS_FOLDER / "srresnet_x4.safetensors"
    told = run(tiny_config(**SRGAN, start=str(start)), tmp_path / "run")
    steps = of_kind(told, events.Step)
    assert set(steps[-1].terms) == {"pixel", "feature", "adversarial", "total_variation", "grid"}
    assert steps[-1].discriminator_loss is not None
    assert steps[-1].discriminator_loss > 0
    assert 0 < (steps[-1].fake_probability or 0) < 1
    assert 0 < (steps[-1].real_probability or 0) < 1
    assert all((event.feature_distance or 0) > 0 for event in of_kind(told, events.Validated))
    _, card = load_model(tmp_path / "run" / WEIGHTS_FOLDER / "srgan_x4.safetensors")
    assert card.architecture == "srgan"
    assert card.metrics["validation_feature_distance"] > 0


def test_srgan_goes_on_bit_for_bit(tiny_config: MakeConfig, tmp_path: Path) -> None:
    config = tiny_config(**SRGAN)
    run(config, tmp_path / "whole")
    run(config, tmp_path / "parts", stop_at_step=2)
    run(config, tmp_path / "parts")
    whole, parts = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    assert any(name.startswith("discriminator_optimizer/") for name in whole.tensors)
    assert whole.tensors.keys() == parts.tensors.keys()
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []
    assert whole.state.best_scores == parts.state.best_scores


def test_the_losses_can_be_combined_freely(tiny_config: MakeConfig, tmp_path: Path) -> None:
    changes = {"pixel_weight": 0.0, "feature_weight": 1.0, "feature_layer": "conv1_2"}
    changes |= {"total_variation_weight": 0.1, "grid_weight": 2.0}
    told = run(tiny_config(**changes), tmp_path / "run")
    (last,) = of_kind(told, events.Step)[-1:]
    assert set(last.terms) == {"feature", "total_variation", "grid"}
    expected = last.terms["feature"] + 0.1 * last.terms["total_variation"] + 2.0 * last.terms["grid"]
    assert last.loss == pytest.approx(expected, rel=1e-4)
    assert last.discriminator_loss is None


def fail_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the learner diverge whenever it makes ``step`` at the full rate; return the rate factors of all steps."""
    factors = []
    make_step = Learner.step

    def diverge(learner: Learner, batch: object, number: int) -> object:
        factors.append(learner.rate_factor)
        if number == step and learner.rate_factor == 1.0:
            raise TrainingDivergedError("The loss is no longer a finite number.")
        return make_step(learner, batch, number)  # type: ignore[arg-type]

    monkeypatch.setattr(Learner, "step", diverge)
    return factors


@pytest.mark.parametrize(("step", "good_step"), [(1, 0), (5, 4)])
def test_a_run_that_diverges_goes_back_to_its_last_good_state_with_half_the_rate(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, good_step: int
) -> None:
    factors = fail_at(step, monkeypatch)
    told = run(tiny_config(), tmp_path / "run")
    (back,) = of_kind(told, events.RolledBack)
    assert (back.step, back.to_step, back.rate_factor) == (step + 1, good_step, 0.5)
    assert "finite" in back.reason
    assert factors == [1.0] * (step + 1) + [0.5] * (6 - good_step)
    assert told[-1] == events.Finished(
        reason="done", step=6, best_psnr_y_db=told[-1].best_psnr_y_db, elapsed_s=told[-1].elapsed_s
    )
    stored = load_checkpoint(tmp_path / "run")
    assert stored is not None
    assert (stored.state.rollbacks, stored.state.rate_factor) == (1, 0.5)


def test_a_run_gives_up_after_its_last_roll_back(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object) -> None:
        raise TrainingDivergedError("The loss is no longer a finite number.")

    monkeypatch.setattr(Learner, "step", diverge)
    told: list[events.AnyEvent] = []
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(TrainingDivergedError):
        told.extend(train(tiny_config(rollbacks=2), folder, CancelToken()))
    assert [event.rate_factor for event in of_kind(told, events.RolledBack)] == [0.5, 0.25]


def test_a_run_ends_by_comparing_its_best_weights_with_the_start(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = run(tiny_config(steps=30, learning_rate=3e-3, validate_every_steps=10, ema_decay=0.5), tmp_path / "run")
    validated = of_kind(told, events.Validated)
    (compared,) = of_kind(told, events.Compared)
    best = max(event.psnr_y_db for event in validated)
    assert compared.difference_db == pytest.approx(best - validated[0].psnr_y_db, abs=1e-6)
    assert compared.is_better == (compared.difference_db > 0)
    assert len(compared.pictures) == of_kind(told, events.Started)[0].validation_pictures
    assert compared.better_pictures == sum(picture.best_db > picture.start_db for picture in compared.pictures)
    assert load_model(tmp_path / "run" / "start.safetensors")[1].architecture == "srresnet"


def test_pictures_of_every_validation_are_kept(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = run(tiny_config(strip_pictures=1), tmp_path / "run")
    assert [event.step for event in of_kind(told, events.Pictured)] == [0, 3, 6]
    names = {path.name for path in (tmp_path / "run" / "pictures").iterdir()}
    steps = {f"00_step-{step:08}.png" for step in (0, 3, 6)}
    assert names == steps | {"00_lr.png", "00_bicubic.png", "00_hr.png"}


def test_the_length_of_a_run_is_estimated_after_twenty_steps(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = run(tiny_config(steps=21, report_every_steps=7), tmp_path / "run")
    (estimated,) = of_kind(told, events.Estimated)
    assert estimated.remaining_s > 0
    assert estimated.peak_memory_bytes > 10_000_000
    assert [event for event in told if isinstance(event, events.Step)][1].step == 14
    assert told.index(estimated) < told.index(of_kind(told, events.Step)[2])

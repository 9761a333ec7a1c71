"""A run goes on wherever its pictures and its start weights are by then, also one of an earlier version."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch

from srdesk.engine.library import read_header
from srdesk.errors import CheckpointError, ConfigError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.learning import identity
from srdesk.training.learning.checkpoint import Checkpoint, load_checkpoint
from srdesk.training.run.runs import START_NAME, Run
from srdesk.training.runner import main

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def start_weights(tiny_config: MakeConfig, tmp_path: Path) -> Path:
    """Return weights to start from, in a folder of their own."""
    first = begun(tiny_config(steps=1, validate_every_steps=1), tmp_path / "first")
    main(["--run", str(first.folder)], runs_folder=tmp_path)
    path = tmp_path / "weights" / "before.safetensors"
    path.parent.mkdir()
    shutil.copy(first.folder / START_NAME, path)
    return path


def begun(config: TrainConfig, folder: Path) -> Run:
    run = Run(folder)
    run.make_folder()
    run.store(config)
    return run


def stopped_early(config: TrainConfig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a run of ``config`` whose process was killed after its first checkpoint."""
    run = begun(config, folder)
    with monkeypatch.context() as killed:
        killed.setattr("srdesk.training.journal.Journal.tell", _end_after_a_checkpoint)
        with pytest.raises(KeyboardInterrupt):
            main(["--run", str(folder)], runs_folder=folder)
    return run


def _end_after_a_checkpoint(_self: object, event: events.AnyEvent) -> None:
    if isinstance(event, events.Saved):
        raise KeyboardInterrupt


def saved(run: Run) -> Checkpoint:
    checkpoint = load_checkpoint(run.folder)
    assert checkpoint is not None
    return checkpoint


def assert_equal(one: Checkpoint, other: Checkpoint) -> None:
    assert one.state.step == other.state.step
    assert [name for name in one.tensors if not torch.equal(one.tensors[name], other.tensors[name])] == []


def earlier_digest(config: TrainConfig, step: int) -> str:
    """Return what versions wrote that took the paths for a part of the configuration."""
    return identity.digest_of(config, without=identity.NOT_COMPUTED_WITH)


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
def test_a_run_goes_on_bit_for_bit_when_everything_has_moved(
    tiny_config: MakeConfig,
    tmp_path: Path,
    pictures: Path,
    start_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_of_earlier_version: bool,
) -> None:
    config = tiny_config(start=str(start_weights))
    whole = begun(config, tmp_path / "whole")
    main(["--run", str(whole.folder)], runs_folder=tmp_path)
    with monkeypatch.context() as earlier:
        if is_of_earlier_version:
            earlier.setattr("srdesk.training.trainer.digest_at", earlier_digest)
        run = stopped_early(config, tmp_path / "parts", monkeypatch)
    if is_of_earlier_version:
        assert saved(run).state.config_digest == earlier_digest(config, 2)
    start_weights.rename(tmp_path / "elsewhere.safetensors")
    moved = tmp_path / "moved"
    pictures.rename(moved)
    assert main(["--run", str(run.folder), "--data", str(moved)], runs_folder=tmp_path) == 0
    assert_equal(saved(run), saved(whole))
    assert run.config().data == (str(moved),)
    assert main(["--run", str(run.folder)], runs_folder=tmp_path) == 0


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
@pytest.mark.parametrize("start", ["random", "others.safetensors"])
def test_a_run_cannot_be_told_afterwards_that_it_began_otherwise(
    tiny_config: MakeConfig,
    tmp_path: Path,
    start_weights: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_of_earlier_version: bool,
    start: str,
) -> None:
    with monkeypatch.context() as earlier:
        if is_of_earlier_version:
            earlier.setattr("srdesk.training.trainer.digest_at", earlier_digest)
        run = stopped_early(tiny_config(start=str(start_weights)), tmp_path / "run", monkeypatch)
    with pytest.raises(CheckpointError, match="another configuration"):
        main(["--run", str(run.folder), "--start", start], runs_folder=tmp_path)


def test_a_checkpoint_of_an_earlier_version_is_renewed_before_the_new_folders_are_written_down(
    tiny_config: MakeConfig, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config()
    with monkeypatch.context() as earlier:
        earlier.setattr("srdesk.training.trainer.digest_at", earlier_digest)
        run = stopped_early(config, tmp_path / "run", monkeypatch)
    moved = msgspec.structs.replace(config, data=(str(pictures.rename(tmp_path / "moved")),))
    with monkeypatch.context() as killed:
        killed.setattr("srdesk.training.journal.Journal.tell", _end_after_a_checkpoint)
        with pytest.raises(KeyboardInterrupt):
            main(["--run", str(run.folder), "--data", *moved.data], runs_folder=tmp_path)
    assert saved(run).state.step == 2
    assert saved(run).state.config_digest == identity.digest_at(moved, 2)
    assert run.config() == config


def test_the_path_of_start_weights_does_not_depend_on_where_one_is(
    tiny_config: MakeConfig, tmp_path: Path, start_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(start_weights.parent)
    run = begun(tiny_config(steps=1), tmp_path / "run")
    assert main(["--run", str(run.folder), "--start", start_weights.name], runs_folder=tmp_path) == 0
    assert run.config().start == str(start_weights)


def test_a_run_without_a_checkpoint_still_needs_its_start_weights(tiny_config: MakeConfig, tmp_path: Path) -> None:
    run = begun(tiny_config(start=str(tmp_path / "gone.safetensors")), tmp_path / "run")
    with pytest.raises(ConfigError, match="start"):
        main(["--run", str(run.folder)], runs_folder=tmp_path)


def test_a_run_that_goes_on_under_another_name_keeps_its_best_weights(tiny_config: MakeConfig, tmp_path: Path) -> None:
    run = begun(tiny_config(start="random", steps=2, validate_every_steps=1, name="before"), tmp_path / "run")
    main(["--run", str(run.folder)], runs_folder=tmp_path)
    best = run.best_weights()
    assert best is not None
    main(["--run", str(run.folder), "--name", "after"], runs_folder=tmp_path)
    renamed = run.best_weights()
    assert renamed == best.with_name("after.safetensors")
    assert read_header(renamed).card.name == "after"
    assert not best.exists()


def test_a_run_that_is_stopped_as_it_gets_another_name_has_its_best_weights(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_run: object) -> None:
        raise KeyboardInterrupt

    run = begun(tiny_config(start="random", steps=2, validate_every_steps=1, name="before"), tmp_path / "run")
    main(["--run", str(run.folder)], runs_folder=tmp_path)
    with monkeypatch.context() as stopped:
        stopped.setattr("srdesk.training.trainer._Run._measure_again", stop)
        with pytest.raises(KeyboardInterrupt):
            main(["--run", str(run.folder), "--name", "after"], runs_folder=tmp_path)
    assert run.best_weights() is not None
    main(["--run", str(run.folder), "--name", "before"], runs_folder=tmp_path)
    best = run.best_weights()
    assert best is not None
    assert best.stem == "before"

"""The verb `train`: options beat files, mistakes are named before torch is loaded."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import msgspec
import pytest
import torch

from srdesk.errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    OutOfMemoryError,
    RunInUseError,
    SrDeskError,
    TrainingDivergedError,
    TrainingError,
)
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, TrainConfig, read_config
from srdesk.training.data.dataset import Batch
from srdesk.training.journal import Journal
from srdesk.training.learning import parallel
from srdesk.training.learning.checkpoint import Scores
from srdesk.training.learning.learner import Learner, StepFigures
from srdesk.training.run.runs import EVENTS_NAME, Run
from srdesk.training.runner import main
from srdesk.training.runner_options import configuration, parse
from srdesk.training.tensorboard import TensorBoardLog

TINY = ["--set", 'model_options={"channels": 4, "blocks": 1}', "batch_size=2", "crop_px=8", "validation_crop_px=64"]


def raiser(error: Exception) -> Callable[..., NoReturn]:
    """Make what raises ``error`` whatever it is called with."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def test_a_run_leaves_its_configuration_events_and_weights_in_its_folder(pictures: Path, tmp_path: Path) -> None:
    code = main(["--data", str(pictures), "--steps", "2", "--name", "first", *TINY], runs_folder=tmp_path / "runs")
    (run,) = (tmp_path / "runs").iterdir()
    last = events.decode((run / EVENTS_NAME).read_bytes().splitlines()[-1])
    assert code == 0
    assert run.name.endswith("_first")
    assert read_config(run / CONFIG_NAME).data == (str(pictures),)
    assert isinstance(last, events.Finished)


def test_whoever_sees_events_of_a_run_can_read_its_configuration(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    open_journal = Journal.open

    def look(self: Journal, run: Run, *, total_steps: int, board: TensorBoardLog | None) -> None:
        read.append(run.config().steps)
        open_journal(self, run, total_steps=total_steps, board=board)

    monkeypatch.setattr(Journal, "open", look)
    main(["--data", str(pictures), "--steps", "1", "--run", str(tmp_path / "run"), *TINY], runs_folder=tmp_path)
    assert read == [1]


def test_an_existing_run_folder_is_gone_on_with_from_its_own_configuration(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    main(["--data", str(pictures), "--steps", "2", "--run", str(run), *TINY], runs_folder=tmp_path)
    assert main(["--run", str(run)], runs_folder=tmp_path) == 0
    told = [events.decode(line) for line in (run / EVENTS_NAME).read_bytes().splitlines()]
    assert [event.first_step for event in told if isinstance(event, events.Started)] == [0, 2]


def test_options_win_over_the_configuration_file(pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text('steps = 50\nseed = 5\nbatch_size = 2\ncrop_px = 8\nvalidation_crop_px = 64\nmodel = "srcnn"\n')
    run = tmp_path / "run"
    main(["--config", str(file), "--data", str(pictures), "--steps", "1", "--run", str(run)], runs_folder=tmp_path)
    config = read_config(run / CONFIG_NAME)
    assert (config.steps, config.seed, config.model) == (1, 5, "srcnn")


def test_srcnn_is_trained_on_luma_unless_told_otherwise(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["--model", "srcnn", "--data", str(pictures), "--steps", "1", "--run", str(run), "--set"]
    main([*arguments, "batch_size=2", "crop_px=8", "validation_crop_px=64"], runs_folder=tmp_path)
    assert read_config(run / CONFIG_NAME).loss_channels == "luma"


def test_options_with_several_values_may_be_given_several_times() -> None:
    words = ["--data", "one", "two", "--data", "three", "--set", "noise=0.1", "--set", "grey_share=0.2", "threads=1"]
    config = configuration(parse(words))
    assert [Path(folder).name for folder in config.data] == ["one", "two", "three"]
    assert (config.noise, config.grey_share, config.threads) == (0.1, 0.2, 1)


def test_the_path_of_features_does_not_depend_on_where_one_is(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text('features = "vgg19.pth"\n')
    words = ["--data", str(pictures)]
    for given in (["--set", "features=vgg19.pth"], ["--config", "recipe.toml"]):
        assert configuration(parse([*words, *given])).features == str(tmp_path / "vgg19.pth")
    for given in ([], ["--set", "features=vgg16"]):
        assert configuration(parse([*words, *given])).features == "vgg16"


def test_a_preset_begins_with_the_weights_of_its_network_by_their_name(pictures: Path, tmp_path: Path) -> None:
    main(["--data", str(pictures), "--steps", "2", "--run", str(tmp_path / "first"), *TINY], runs_folder=tmp_path)
    weights = tmp_path / "first"
    run = tmp_path / "run"
    words = ["--preset", "quick", "--data", str(pictures), "--steps", "1", "--run", str(run), *TINY]
    assert main(words, runs_folder=tmp_path, weights_folders=[weights]) == 0
    config = read_config(run / CONFIG_NAME)
    assert config.start == str(weights / "start.safetensors")
    assert (config.name, config.freeze_batch_norm, config.steps) == ("srresnet_quick_x4", True, 1)


def test_weights_that_nobody_knows_are_named(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        main(["--data", str(pictures), "--start", "nobody"], runs_folder=tmp_path / "runs", weights_folders=[tmp_path])
    assert (caught.value.field, caught.value.value) == ("start", "nobody")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--set", "colour=1"], "--set"),
        (["--set", "steps"], "--set"),
        (["--set", "schedule=zigzag"], "schedule"),
        (["--set", "warmup_steps=1.5"], "warmup_steps"),
        (["--steps", "0"], "steps"),
        (["--config", "missing.toml"], "config"),
    ],
)
def test_a_wrong_option_is_named(pictures: Path, tmp_path: Path, arguments: list[str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        main(["--data", str(pictures), *arguments], runs_folder=tmp_path / "runs")
    assert caught.value.field == field
    assert not (tmp_path / "runs").exists()


def test_the_choices_are_told_to_who_mistypes_one() -> None:
    with pytest.raises(ConfigError) as caught:
        configuration(parse(["--set", "pixel_loss=mean"]))
    assert caught.value.hint == "Use mse, l1 or psnr."


@pytest.mark.parametrize("words", [["--data", "one"], ["--set", 'data=["one"]'], ["--config", "recipe.toml"]])
def test_pictures_are_found_again_wherever_a_run_is_resumed_from(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.toml").write_text('data = ["one"]\n')
    assert configuration(parse(words)).data == (str(tmp_path / "one"),)


def test_text_may_look_like_a_number() -> None:
    config = configuration(parse(["--data", "one", "--set", "notes=2026", "name=4"]))
    assert (config.notes, config.name) == ("2026", "4")


def test_text_may_be_quoted() -> None:
    assert configuration(parse(["--data", "one", "--set", 'notes="of my roofs"'])).notes == "of my roofs"


def test_no_data_is_a_mistake_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="data"):
        main([], runs_folder=tmp_path)


def test_a_mistyped_data_folder_leaves_no_run_behind(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone"):
        main(["--data", str(tmp_path / "gone")], runs_folder=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_failure_is_the_last_event_of_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        main(["--data", str(tmp_path / "empty"), "--run", str(run)], runs_folder=tmp_path)
    last = events.decode((run / EVENTS_NAME).read_bytes().splitlines()[-1])
    assert isinstance(last, events.Failed)
    assert last.kind == "DatasetError"
    assert last.hint


@pytest.mark.parametrize(
    ("field", "kind"), [("data", DatasetError), ("start", ConfigError)], ids=["pictures", "start weights"]
)
def test_what_a_run_lacks_that_the_desk_begins_is_told_in_its_folder(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path, field: str, kind: type[SrDeskError]
) -> None:
    gone = str(tmp_path / "gone")
    run = Run(tmp_path / "run")
    run.make_folder()
    run.store(tiny_config(**{field: (gone,) if field == "data" else gone}))
    with pytest.raises(kind) as caught:
        main(["--run", str(run.folder)], runs_folder=tmp_path)
    assert run.events() == [
        events.Failed(kind=kind.__name__, message=str(caught.value), hint=caught.value.hint),
    ]
    assert gone in str(caught.value)


def test_a_mistyped_option_is_no_failure_of_the_run(pictures: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    main(["--data", str(pictures), "--steps", "1", "--run", str(run.folder), *TINY], runs_folder=tmp_path)
    told = run.events()
    with pytest.raises(ConfigError):
        main(["--run", str(run.folder), "--set", "colour=1"], runs_folder=tmp_path)
    assert run.events() == told


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: no memory")])
def test_a_run_that_needs_too_much_memory_says_so(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Learner, "step", raiser(error))
    run = Run(tmp_path / "run")
    with pytest.raises(OutOfMemoryError, match="Memory ran out"):
        main(["--data", str(pictures), "--run", str(run.folder), *TINY], runs_folder=tmp_path)
    last = run.events()[-1]
    assert isinstance(last, events.Failed)
    assert last.kind == "OutOfMemoryError"
    assert "batch" in last.hint


def test_rates_that_cannot_be_tried_for_want_of_memory_say_so(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "step", raiser(torch.OutOfMemoryError("CUDA")))
    with pytest.raises(OutOfMemoryError, match="Memory ran out"):
        main(["--find-learning-rate", "--data", str(pictures), *TINY], runs_folder=tmp_path)


def test_a_process_that_helps_says_too_that_it_needs_too_much_memory(
    tiny_config: Callable[..., TrainConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    shared = [msgspec.json.encode(tiny_config()), b""]
    monkeypatch.setattr(parallel, "joined", contextlib.nullcontext)
    monkeypatch.setattr("srdesk.training.trainer.train", raiser(torch.OutOfMemoryError("CUDA")))
    monkeypatch.setattr(parallel, "shared", lambda _content: shared.pop(0))
    with pytest.raises(OutOfMemoryError, match="Memory ran out"):
        main([], runs_folder=tmp_path)


@pytest.mark.parametrize("made_weights", [False, True])
def test_what_is_advised_after_a_run_has_given_up_works(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_weights: bool
) -> None:
    honest_step = Learner.step

    def diverge(learner: Learner, batch: Batch, step: int) -> StepFigures:
        if step == 4 and learner.rate_factor > 0.25:
            raise TrainingDivergedError("The loss is no longer a finite number.")
        return honest_step(learner, batch, step)

    monkeypatch.setattr(Learner, "step", diverge)
    monkeypatch.setattr(Scores, "is_better_than", lambda self, other: made_weights)
    run = Run(tmp_path / "my run")
    words = ["--data", str(pictures), "--steps", "6", "--run", str(run.folder), "--learning-rate", "1e-3", *TINY]
    words += ["rollbacks=1", "validate_every_steps=4", "checkpoint_every_steps=4"]
    with pytest.raises(TrainingDivergedError) as caught:
        main(words, runs_folder=tmp_path)
    command = re.search("`srdesk train (.+)`", caught.value.hint)
    weights = re.search("“(.+)”", caught.value.hint)
    assert command is not None
    assert main(shlex.split(command[1]), runs_folder=tmp_path) == 0
    assert (weights is not None) == made_weights
    if weights is not None:
        again = ["--data", str(pictures), "--start", weights[1], "--learning-rate", "1e-3", "--steps", "2", *TINY]
        assert main(again, runs_folder=tmp_path / "runs") == 0


def test_every_field_has_a_default_that_is_allowed(tmp_path: Path) -> None:
    config = TrainConfig()
    assert msgspec.convert(msgspec.to_builtins(config), TrainConfig) == config


def test_a_run_that_is_being_trained_is_refused_and_left_as_it_is(pictures: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    main(["--data", str(pictures), "--steps", "2", "--run", str(run.folder), *TINY], runs_folder=tmp_path)
    told, config = run.events(), run.config()
    with run.hold(), pytest.raises(RunInUseError, match="“run” is already being trained"):
        main(["--run", str(run.folder), "--steps", "4"], runs_folder=tmp_path)
    assert (run.events(), run.config()) == (told, config)


def test_a_folder_with_other_things_in_it_is_no_run_folder(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds other things than a run"):
        main(["--data", str(pictures), "--run", str(pictures)], runs_folder=tmp_path)
    assert not (pictures / "config.json").exists()


def test_what_a_killed_trainer_left_half_written_is_removed(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    main(["--data", str(pictures), "--steps", "2", "--run", str(run), *TINY], runs_folder=tmp_path)
    (run / "checkpoint.safetensors.part").write_bytes(b"half")
    (run / "pictures" / "00_hr.png.1.part").write_bytes(b"half")
    main(["--run", str(run)], runs_folder=tmp_path)
    assert list(run.rglob("*.part")) == []


def test_runs_are_listed_with_how_far_they_came(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    assert main(["--list"], runs_folder=runs) == 0
    assert capsys.readouterr().out == f"There are no runs in “{runs}”.\n"
    main(["--data", str(pictures), "--steps", "2", "--run", str(runs / "first"), *TINY], runs_folder=runs)
    (runs / "second").mkdir()
    (runs / "second" / "config.json").write_text("{")
    capsys.readouterr()
    assert main(["--list"], runs_folder=runs) == 0
    broken, first = capsys.readouterr().out.splitlines()
    best_db = Run(runs / "first").overview().best_psnr_y_db
    assert broken.split() == ["second", "unreadable"]
    assert first.split() == ["first", "done", "2/2", f"{best_db:.3f}", "dB"]


def test_options_that_do_not_go_with_the_checkpoint_leave_the_run_as_it_is(pictures: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    main(["--data", str(pictures), "--steps", "2", "--run", str(run.folder), *TINY], runs_folder=tmp_path)
    config = run.config()
    with pytest.raises(CheckpointError, match="another configuration"):
        main(["--run", str(run.folder), "--learning-rate", "0.1"], runs_folder=tmp_path)
    assert run.config() == config
    assert main(["--run", str(run.folder), "--set", "notes=better"], runs_folder=tmp_path) == 0
    assert run.config().notes == "better"

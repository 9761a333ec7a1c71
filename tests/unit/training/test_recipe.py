"""What a run did is written down, and doing it again gives the same weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from srdesk.errors import CheckpointError, ConfigError, TrainingError
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, read_config
from srdesk.training.learning.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from srdesk.training.learning.identity import digest_at
from srdesk.training.recipe import CurvePoint, best_of, curve_of, read_curve, thinned, write_recipe
from srdesk.training.run.runs import CHECKPOINT_NAME, START_NAME, Run
from srdesk.training.runner import main

TINY = ["--set", 'model_options={"channels": 4, "blocks": 1}', "batch_size=2", "crop_px=8", "validation_crop_px=64",
        "validate_every_steps=2", "warmup_steps=2", "threads=1"]  # fmt: skip


def step_event(step: int, *, loss: float = 1.0, speed: float = 1.0) -> events.Step:
    return events.Step(
        step=step, loss=loss, learning_rate=1e-3, gradient_norm=1.0, steps_per_second=speed, data_wait_share=0.0,
        remaining_s=0.0, memory_bytes=0,
    )  # fmt: skip


def validated(step: int, psnr_y_db: float) -> events.Validated:
    return events.Validated(step=step, psnr_y_db=psnr_y_db, ssim_y=0.8, is_best=False)


def started(first_step: int) -> events.Started:
    return events.Started(
        run_folder="", model="srresnet", device="cpu", precision="fp32", threads=1, parameters=1, training_pictures=1,
        validation_pictures=1, skipped_pictures=0, first_step=first_step, steps=9, bicubic_psnr_y_db=20.0,
        bicubic_ssim_y=0.5,
    )  # fmt: skip


def points(*psnrs_y_db: float) -> list[CurvePoint]:
    return [CurvePoint(step=step, hours=0.0, psnr_y_db=db, ssim_y=0.5) for step, db in enumerate(psnrs_y_db)]


@pytest.fixture
def run(pictures: Path, tmp_path: Path) -> Run:
    folder = tmp_path / "run"
    main(["--data", str(pictures), "--steps", "6", "--run", str(folder), *TINY], runs_folder=tmp_path)
    return Run(folder)


def write(run: Run, file: Path) -> int:
    return main(["--run", str(run.folder), "--recipe", str(file)], runs_folder=run.folder.parent)


def test_doing_it_again_gives_the_same_course(run: Run, pictures: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert write(run, file) == 0
    again = tmp_path / "again"
    words = ["--config", str(file), "--data", str(pictures), "--run", str(again), "--set", "threads=1"]
    main(words, runs_folder=tmp_path)
    first, second = (
        [(point.step, point.psnr_y_db, point.loss) for point in curve_of(one.events())] for one in (run, Run(again))
    )
    assert first == second
    assert [step for step, *_ in first] == [0, 2, 4, 6]


def test_the_configuration_names_no_place_of_this_machine(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    write(run, file)
    told = "".join(path.read_text() for path in (*tmp_path.glob("mine.*"), *tmp_path.glob("*.txt")))
    assert str(tmp_path) not in told
    config = read_config(file)
    assert config.data == ()
    assert (config.model_options, config.steps) == (run.config().model_options, 6)


def test_weights_to_start_from_are_called_by_their_name(run: Run, pictures: Path, tmp_path: Path) -> None:
    weights = run.best_weights()
    assert weights is not None
    second = tmp_path / "second"
    words = ["--data", str(pictures), "--steps", "2", "--run", str(second), "--start", str(weights), *TINY]
    main(words, runs_folder=tmp_path)
    write(Run(second), tmp_path / "second.toml")
    assert read_config(tmp_path / "second.toml").start == "srresnet_x4"


def test_features_of_ones_own_are_called_by_the_name_of_their_file(run: Run, tmp_path: Path) -> None:
    config = msgspec.structs.replace(run.config(), features=str(tmp_path / "vgg19.pth"))
    (run.folder / CONFIG_NAME).write_bytes(msgspec.json.encode(config))
    write(run, tmp_path / "mine.toml")
    assert read_config(tmp_path / "mine.toml").features == "vgg19.pth"


@pytest.fixture
def fine_tuning(run: Run, pictures: Path, tmp_path: Path) -> Path:
    """Return the recipe of a run from weights that are called as other weights are."""
    weights = tmp_path / "before" / "srresnet_x4.safetensors"
    weights.parent.mkdir()
    shutil.copy(run.folder / START_NAME, weights)
    second = tmp_path / "second"
    words = ["--data", str(pictures), "--steps", "2", "--run", str(second), "--start", str(weights), *TINY]
    main(words, runs_folder=tmp_path)
    weights.write_bytes(b"others")  # what the recipe says is what the run began with
    assert write(Run(second), tmp_path / "second.toml") == 0
    shutil.copy(run.folder / START_NAME, weights)
    return tmp_path / "second.toml"


def test_a_recipe_does_not_start_from_other_weights_of_that_name(
    run: Run, fine_tuning: Path, pictures: Path, tmp_path: Path
) -> None:
    own, others = tmp_path / "before", tmp_path / "others"
    words = ["--data", str(pictures), "--steps", "5", "--run", str(tmp_path / "other run"), *TINY, "seed=7"]
    main(words, runs_folder=tmp_path)
    others.mkdir()
    shutil.copy(tmp_path / "other run" / "weights" / "srresnet_x4.safetensors", others)
    words = ["--config", str(fine_tuning), "--data", str(pictures), "--set", "threads=1"]
    with pytest.raises(ConfigError) as caught:
        main(words, runs_folder=tmp_path / "runs", weights_folders=[others])
    assert caught.value.field == "start"
    assert read_config(fine_tuning).start_sha256 in caught.value.hint
    assert not (tmp_path / "runs").exists()
    assert main([*words, "--run", str(tmp_path / "c")], runs_folder=tmp_path, weights_folders=[own, others]) == 0
    assert Run(tmp_path / "c").config().start == str(own / "srresnet_x4.safetensors")
    on_purpose = [*words, "--run", str(tmp_path / "d"), "--start", str(others / "srresnet_x4.safetensors")]
    assert main(on_purpose, runs_folder=tmp_path) == 0
    assert Run(tmp_path / "d").config().start_sha256 == ""


def test_recipes_of_earlier_versions_start_from_what_has_the_name(
    fine_tuning: Path, pictures: Path, tmp_path: Path
) -> None:
    lines = fine_tuning.read_text().splitlines(keepends=True)
    fine_tuning.write_text("".join(line for line in lines if not line.startswith("start_sha256")))
    config = read_config(fine_tuning)
    assert config.start_sha256 == ""
    assert digest_at(config, 1) == digest_at(msgspec.structs.replace(config, start_sha256="ab"), 1)
    words = ["--config", str(fine_tuning), "--data", str(pictures), "--run", str(tmp_path / "e")]
    assert main(words, runs_folder=tmp_path, weights_folders=[tmp_path / "before"]) == 0


def test_a_run_that_is_to_go_on_says_so(run: Run, tmp_path: Path) -> None:
    write(run, tmp_path / "done.toml")
    assert "# 6 steps in " in (tmp_path / "done.toml").read_text()
    (run.folder / CONFIG_NAME).write_bytes(msgspec.json.encode(msgspec.structs.replace(run.config(), steps=9)))
    write(run, tmp_path / "unfinished.toml")
    assert "# 6 of 9 steps in " in (tmp_path / "unfinished.toml").read_text()


def test_every_picture_is_listed_with_what_it_was_used_for(run: Run, pictures: Path, tmp_path: Path) -> None:
    write(run, tmp_path / "mine.toml")
    (listed,) = tmp_path.glob("pictures-*.txt")
    assert listed.name in (tmp_path / "mine.toml").read_text()
    lines = listed.read_text().splitlines()[1:]
    assert {line.split()[1] for line in lines} == {"train", "held-out"}
    assert len({line.split()[0] for line in lines}) == len(lines)
    assert {Path(line.split()[2]).name for line in lines} <= {path.name for path in pictures.rglob("*")}


def test_nothing_is_doubted_while_the_pictures_are_the_same(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    write(run, tmp_path / "mine.toml")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
def test_pictures_that_have_changed_since_are_told_as_such(
    run: Run, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_of_earlier_version: bool
) -> None:
    if is_of_earlier_version:
        checkpoint = load_checkpoint(run.folder)
        assert checkpoint is not None
        state = msgspec.structs.replace(checkpoint.state, data="")
        save_checkpoint(run.folder, Checkpoint(state, checkpoint.tensors))
    shutil.rmtree(pictures / "more")
    capsys.readouterr()
    write(run, tmp_path / "mine.toml")
    told = capsys.readouterr().err
    assert "they are no longer those that the run has learnt from" in told
    assert ("more (1 picture)" in told) != is_of_earlier_version
    comment = " ".join(line[2:] for line in (tmp_path / "mine.toml").read_text().splitlines() if line[:1] == "#")
    assert told.strip() in comment
    assert read_config(tmp_path / "mine.toml").steps == 6


def test_pictures_of_earlier_sessions_are_told(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = load_checkpoint(run.folder)
    assert checkpoint is not None
    state = msgspec.structs.replace(checkpoint.state, data_earlier=("roofs (3 pictures)", "fields (1 picture)"))
    save_checkpoint(run.folder, Checkpoint(state, checkpoint.tensors))
    capsys.readouterr()
    write(run, tmp_path / "mine.toml")
    told = capsys.readouterr().err
    assert "no longer those" not in told
    assert "which are not listed: roofs (3 pictures); fields (1 picture)." in told
    assert "# In earlier sessions" in (tmp_path / "mine.toml").read_text()


def test_a_run_without_a_checkpoint_has_nothing_to_doubt(run: Run, pictures: Path, tmp_path: Path) -> None:
    (run.folder / CHECKPOINT_NAME).unlink()
    shutil.rmtree(pictures / "more")
    assert write_recipe(run, tmp_path / "mine.toml").doubts == ()


def test_a_damaged_checkpoint_is_named(run: Run, tmp_path: Path) -> None:
    (run.folder / CHECKPOINT_NAME).write_bytes(b"\x10" + bytes(20))
    with pytest.raises(CheckpointError, match="damaged"):
        write(run, tmp_path / "mine.toml")


def test_the_curve_can_be_read_again(run: Run, tmp_path: Path) -> None:
    write(run, tmp_path / "mine.toml")
    assert read_curve(tmp_path / "mine.curve.jsonl") == curve_of(run.events())


def test_steps_that_were_made_again_count_as_time_but_not_as_course() -> None:
    curve = curve_of([
        started(0), validated(0, 20.0), step_event(2, loss=9.0, speed=2.0), validated(2, 25.0), step_event(4, loss=7.0),
        started(2), step_event(4, loss=5.0), validated(4, 30.0),
    ])  # fmt: skip
    assert [(point.step, point.psnr_y_db, point.loss) for point in curve] == [
        (0, 20.0, None),
        (2, 25.0, 9.0),
        (4, 30.0, 5.0),
    ]
    assert curve[-1].hours == pytest.approx((1 + 2 + 2) / 3600, abs=1e-4)


def test_a_thinned_curve_keeps_its_ends_and_its_best() -> None:
    curve = points(*range(100), 500, *range(100, 0, -1))
    few = thinned(curve, 12)
    assert len(few) <= 12
    assert (few[0], few[-1]) == (curve[0], curve[-1])
    assert best_of(curve) in few
    assert thinned(curve, 300) == curve


def test_a_run_of_features_is_judged_by_them() -> None:
    better, worse = (
        CurvePoint(step=step, hours=0.0, psnr_y_db=db, ssim_y=0.5, feature_distance=distance)
        for step, db, distance in ((1, 20.0, 0.1), (2, 30.0, 0.2))
    )
    assert best_of([better, worse]) == better


def test_a_run_without_a_measure_has_no_recipe(run: Run, tmp_path: Path) -> None:
    run.events_path.write_bytes(b"")
    with pytest.raises(TrainingError, match="no curve yet"):
        write(run, tmp_path / "mine.toml")


def test_a_run_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="There is no run in"):
        write(Run(tmp_path / "missing"), tmp_path / "mine.toml")


def test_a_folder_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be written"):
        write(run, tmp_path / "missing" / "mine.toml")


def test_a_recipe_needs_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--recipe", str(tmp_path / "mine.toml")], runs_folder=tmp_path)
    assert "--run" in capsys.readouterr().err


def test_the_file_is_toml(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--run", str(tmp_path), "--recipe", str(tmp_path / "mine.json")], runs_folder=tmp_path)

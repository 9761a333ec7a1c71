"""Run folders: who is at work in them, what they told, and what may be deleted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from srdesk.errors import ConfigError, RunInUseError, TrainingError
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.overview import RunStatus
from srdesk.training.run.runs import EventFollower, Request, Run, list_runs


def started(first_step: int = 0) -> events.Started:
    return events.Started(
        run_folder="run", model="srcnn", device="cpu", precision="fp32", threads=1, parameters=1, training_pictures=1,
        validation_pictures=1, skipped_pictures=0, first_step=first_step, steps=100, bicubic_psnr_y_db=25.0,
        bicubic_ssim_y=0.8,
    )  # fmt: skip


def stepped(step: int) -> events.Step:
    return events.Step(
        step=step, loss=1.0, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=1.0, data_wait_share=0.0,
        remaining_s=1.0, memory_bytes=1,
    )  # fmt: skip


def validated(step: int, psnr_y_db: float, *, is_best: bool = True) -> events.Validated:
    return events.Validated(step=step, psnr_y_db=psnr_y_db, ssim_y=0.8, is_best=is_best)


def finished(reason: Literal["done", "stopped"]) -> events.Finished:
    return events.Finished(reason=reason, step=100, best_psnr_y_db=30.0, elapsed_s=1.0)


FAILED = events.Failed(kind="DatasetError", message="No.", hint="Yes.")
PAUSED = events.Paused(step=4, reason="")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "runs" / "first")


def make_run(folder: Path, *told: events.AnyEvent) -> Run:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_bytes(msgspec.json.encode(TrainConfig(data=("pictures",), steps=100)))
    with (folder / "events.jsonl").open("ab") as file:
        file.writelines(map(events.encode, told))
    return Run(folder)


def test_only_one_trainer_is_at_work_in_a_run(run: Run) -> None:
    assert not run.is_running()
    with run.hold():
        assert run.is_running()
        assert run.pid() == os.getpid()
        sentence = f"“first” is already being trained by another process {os.getpid()}"
        with pytest.raises(RunInUseError, match=sentence), Run(run.folder).hold():
            pytest.fail("two at once")
    assert not run.is_running()
    assert run.pid() is None


def test_asking_whether_it_runs_leaves_no_file(run: Run) -> None:
    before = set(run.folder.iterdir())
    assert not run.is_running()
    assert set(run.folder.iterdir()) == before


@pytest.mark.parametrize("request_", ["pause", "resume", "stop"])
def test_a_request_is_heard_once(run: Run, request_: Request) -> None:
    run.ask("pause")
    run.ask(request_)
    assert run.take_request() == request_
    assert run.take_request() is None
    assert {path.name for path in run.folder.iterdir()} == {"config.json", "events.jsonl"}


def test_a_word_that_is_no_request_is_passed_over(run: Run) -> None:
    (run.folder / "request").write_bytes(b"\xff\n")
    assert run.take_request() is None
    assert not (run.folder / "request").exists()


def test_what_was_asked_of_an_earlier_trainer_is_forgotten(run: Run) -> None:
    run.ask("stop")
    with run.hold():
        assert run.take_request() is None


def test_a_request_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be written"):
        Run(tmp_path / "gone").ask("stop")


def test_a_run_is_kept_running_until_it_is_not(run: Run) -> None:
    run.keep_running(True)
    assert run.is_kept_running()
    run.keep_running(False)
    run.keep_running(False)
    assert not run.is_kept_running()


@pytest.mark.parametrize(
    ("told", "at_work", "gone"),
    [
        ([], "running", "interrupted"),
        ([started(), stepped(4)], "running", "interrupted"),
        ([started(), stepped(4), PAUSED], "paused", "interrupted"),
        ([started(), PAUSED, events.Notice(message="Hm.")], "paused", "interrupted"),
        ([started(), PAUSED, events.Resumed(step=4)], "running", "interrupted"),
        ([started(), finished("stopped")], "running", "stopped"),
        ([started(), finished("stopped"), started(4)], "running", "interrupted"),
        ([started(), finished("done")], "running", "done"),
        ([started(), FAILED], "running", "failed"),
    ],
)
def test_the_state_is_what_was_told_last_and_whether_someone_is_at_work(
    tmp_path: Path, told: list[events.AnyEvent], at_work: RunStatus, gone: RunStatus
) -> None:
    run = make_run(tmp_path / "run", *told)
    assert run.state() == gone
    with run.hold():
        assert run.state() == at_work


def test_the_end_of_a_session_knows_best_how_good_the_weights_are(tmp_path: Path) -> None:
    """It measured them again where other pictures were held out in the meantime."""
    ended = events.Finished(reason="stopped", step=10, best_psnr_y_db=27.5, elapsed_s=1.0)
    run = make_run(tmp_path / "run", started(), validated(0, 26.0), validated(10, 28.0), ended)
    assert run.overview().best_psnr_y_db == 27.5
    run = make_run(run.folder, started(first_step=10), validated(15, 27.8))
    assert run.overview().best_psnr_y_db == 27.8


def test_what_was_told_of_steps_that_are_made_again_is_void(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", started(), validated(0, 26.0), stepped(10), validated(10, 28.0), stepped(12))
    assert (run.overview().step, run.overview().best_psnr_y_db) == (12, 28.0)
    run = make_run(run.folder, started(first_step=5))
    assert (run.overview().step, run.overview().best_psnr_y_db) == (5, 26.0)
    run = make_run(run.folder, stepped(10), validated(10, 28.0), validated(15, 27.0, is_best=False))
    assert (run.overview().step, run.overview().steps, run.overview().best_psnr_y_db) == (10, 100, 28.0)
    run = make_run(run.folder, events.RolledBack(step=15, to_step=9, reason="Hm.", rate_factor=0.5))
    assert (run.overview().step, run.overview().best_psnr_y_db) == (9, 28.0)


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    follower = EventFollower(path)
    assert follower.read() == []
    line = events.encode(PAUSED)
    path.write_bytes(line + line[:7])
    assert follower.read() == [PAUSED]
    assert follower.read() == []
    with path.open("ab") as file:
        file.write(line[7:] + b'{"event": "of a later version"}\n' + line)
    assert follower.read() == [PAUSED, PAUSED]


def test_runs_are_listed_with_the_last_started_first(tmp_path: Path) -> None:
    for name, seconds in (("old", 100), ("new", 300), ("middle", 200)):
        run = make_run(tmp_path / name)
        os.utime(run.folder / "config.json", (seconds, seconds))
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").touch()
    assert [run.name for run in list_runs(tmp_path)] == ["new", "middle", "old"]
    assert list_runs(tmp_path / "gone") == []


def test_best_weights_are_there_once_they_were_written(run: Run) -> None:
    assert run.best_weights() is None
    path = run.folder / "weights" / "srresnet_x4.safetensors"
    path.parent.mkdir()
    path.touch()
    assert run.best_weights() == path


def test_a_run_without_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Run(tmp_path).overview()


def test_a_discarded_run_is_gone(run: Run) -> None:
    (run.folder / "weights").mkdir()
    (run.folder / "weights" / "srresnet_x4.safetensors").touch()
    (run.folder / "checkpoint.safetensors.part").touch()
    with run.hold():
        pass
    run.discard()
    assert not run.folder.exists()


def test_what_else_lies_in_a_run_folder_is_never_deleted(run: Run) -> None:
    (run.folder / "holiday.png").touch()
    run.discard()
    assert [path.name for path in run.folder.iterdir()] == ["holiday.png"]


def test_unfinished_files_of_others_stay_when_a_trainer_begins(run: Run) -> None:
    theirs = ["scene.tif.part", "mine/movie.mkv.part", "folder.part/photo.png"]
    own = ["checkpoint.safetensors.part", "config.json.1.part", "weights/srresnet_x4.safetensors.part"]
    for name in (*theirs, *own):
        (run.folder / name).parent.mkdir(exist_ok=True)
        (run.folder / name).touch()
    with run.hold():
        pass
    assert all((run.folder / name).exists() for name in theirs)
    assert not any((run.folder / name).exists() for name in own)


def test_a_run_at_work_is_not_discarded(run: Run) -> None:
    with run.hold():
        with pytest.raises(RunInUseError):
            run.discard()
        assert (run.folder / "config.json").exists()


def test_the_best_weights_stay_the_best_after_a_run_went_back(tmp_path: Path) -> None:
    back = events.RolledBack(step=25, to_step=10, reason="Hm.", rate_factor=0.5)
    told = (started(), validated(0, 29.0), validated(10, 30.0), validated(20, 31.0), back)
    run = make_run(tmp_path / "run", *told, validated(15, 30.5, is_best=False))
    assert run.overview().best_psnr_y_db == 31.0
    run = make_run(run.folder, started(first_step=12))
    assert run.overview().best_psnr_y_db == 31.0


@pytest.mark.parametrize("reason", ["done", "stopped"])
def test_a_session_that_is_refused_leaves_a_run_as_it_was(tmp_path: Path, reason: Literal["done", "stopped"]) -> None:
    run = make_run(tmp_path / "run", started(), stepped(100), finished(reason), FAILED)
    assert run.state() == reason
    assert make_run(run.folder, started(first_step=100), FAILED).state() == "failed"


def test_what_a_session_says_of_the_best_weights_counts(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", started(), validated(0, 26.0), validated(10, 28.0))
    run = make_run(run.folder, msgspec.structs.replace(started(first_step=10), best_psnr_y_db=25.5))
    assert run.overview().best_psnr_y_db == 25.5
    run = make_run(run.folder, validated(15, 25.0, is_best=False), validated(20, 26.5))
    assert run.overview().best_psnr_y_db == 26.5

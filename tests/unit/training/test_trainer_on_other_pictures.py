"""A run goes on after its held-out pictures have changed: every score stays with its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import PIL.Image
import pytest

from srdesk.engine.control import CancelToken
from srdesk.engine.weights import load_model
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.pictures import LEARNT_FROM, file_digest, is_held_out, pictures_of_run
from srdesk.training.learning.card import earlier_sources
from srdesk.training.learning.checkpoint import Checkpoint, RunState, load_checkpoint, save_checkpoint
from srdesk.training.learning.validation import ValidationSet
from srdesk.training.run.runs import MEASURED_NAME, PICTURES_FOLDER, START_NAME
from srdesk.training.trainer import WEIGHTS_FOLDER, train

MakeConfig = Callable[..., TrainConfig]
E = TypeVar("E", bound=events.Event)
COURSE = {"start": "random", "steps": 8, "learning_rate": 3e-3, "validate_every_steps": 2, "ema_decay": 0.5}


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


def sentences(told: list[events.AnyEvent]) -> list[str]:
    return [event.message for event in of_kind(told, events.Notice) if "no longer the same" in event.message]


@pytest.fixture
def config(tiny_config: MakeConfig, pictures: Path, new_picture: Callable[..., None]) -> TrainConfig:
    """Return a run that measures three of at least four held-out pictures."""
    config = tiny_config(**COURSE, validation_pictures=3)
    for seed in range(10, 100):
        if sum(is_held_out(file_digest(file.read_bytes()), 0.3) for file in pictures.rglob("*.png")) > 4:
            return config
        new_picture(pictures / f"{seed}.png", seed)
    raise AssertionError


def begun(config: TrainConfig, folder: Path, *, forgets_pictures: bool = False) -> None:
    """Run until there are best weights, and let the first of the measured pictures be gone."""
    told = run(config, folder, stop_at_step=4)
    assert any(event.is_best and event.step for event in of_kind(told, events.Validated))
    first = msgspec.json.decode((folder / MEASURED_NAME).read_bytes())[0]
    for file in Path(config.data[0]).rglob("*.png"):
        if file_digest(file.read_bytes()) == first:
            file.unlink()
    if forgets_pictures:
        checkpoint = load_checkpoint(folder)
        assert checkpoint is not None
        start, best = (
            msgspec.structs.replace(scores, pictures=())
            for scores in (checkpoint.state.start_scores, checkpoint.state.best_scores)
        )
        state = msgspec.structs.replace(checkpoint.state, start_scores=start, best_scores=best)
        save_checkpoint(folder, Checkpoint(state, checkpoint.tensors))


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
def test_scores_stay_with_their_pictures(config: TrainConfig, tmp_path: Path, is_of_earlier_version: bool) -> None:
    folder = tmp_path / "run"
    begun(config, folder, forgets_pictures=is_of_earlier_version)
    told = run(config, folder)
    assert len(sentences(told)) == 1
    assert "were measured again" in sentences(told)[0]
    (table,) = of_kind(told, events.Compared)
    pictures = ValidationSet(pictures_of_run(config, folder).validation[:3], crop_px=config.validation_crop_px)
    expected: dict[str, list[float]] = {}
    for path in (folder / START_NAME, folder / WEIGHTS_FOLDER / "srresnet_x4.safetensors"):
        score = pictures.measure(load_model(path)[0])
        for pair, psnr_db in zip(pictures.pairs, score.psnrs_y_db, strict=True):
            expected.setdefault(pair.name, []).append(psnr_db)
    assert {row.name: [row.start_db, row.best_db] for row in table.pictures} == {
        name: pytest.approx(both, abs=1e-4) for name, both in expected.items()
    }
    assert len(table.pictures) == 3
    assert sentences(run(config, folder)) == []


def test_weights_are_the_best_where_they_are_on_the_present_pictures(config: TrainConfig, tmp_path: Path) -> None:
    begun(config, tmp_path / "run")
    told = run(config, tmp_path / "run")
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    state = checkpoint.state
    later = [event.psnr_y_db for event in of_kind(told, events.Validated)]
    assert state.best_scores.psnr_y_db is not None
    assert state.best_scores.psnr_y_db >= max(later)
    assert state.best_scores.pictures == state.start_scores.pictures != ()


@pytest.mark.parametrize(("gone", "said"), [("start", "are not compared"), ("best", "take their place")])
def test_what_is_gone_is_not_compared(config: TrainConfig, tmp_path: Path, gone: str, said: str) -> None:
    folder = tmp_path / "run"
    begun(config, folder)
    path = folder / START_NAME if gone == "start" else folder / WEIGHTS_FOLDER / "srresnet_x4.safetensors"
    path.unlink()
    told = run(config, folder)
    assert said in sentences(told)[0]
    assert len(of_kind(told, events.Compared)) == (gone == "best")
    if gone == "best":
        assert of_kind(told, events.Validated)[0].is_best
        assert path.exists()


@pytest.mark.parametrize("is_of_earlier_version", [False, True])
def test_weights_name_the_pictures_of_all_sessions(
    config: TrainConfig, tmp_path: Path, new_picture: Callable[..., None], is_of_earlier_version: bool
) -> None:
    folder, other, third = tmp_path / "run", tmp_path / "other", tmp_path / "third"
    run(config, folder, stop_at_step=2)
    checkpoint = load_checkpoint(folder)
    assert checkpoint is not None
    first = checkpoint.state.data
    assert "more (" in first
    if is_of_earlier_version:
        save_checkpoint(folder, Checkpoint(msgspec.structs.replace(checkpoint.state, data=""), checkpoint.tensors))
    for new, stop_at_step in ((other, 4), (third, 6), (third, None)):
        for seed in range(3):
            new_picture(new / f"{seed}.png", 200 + seed + (new == third) * 10)
        told = run(msgspec.structs.replace(config, data=(str(new),)), folder, stop_at_step=stop_at_step)
        written = of_kind(told, events.Weights)
    assert written
    sources = load_model(Path(written[-1].path))[1].training_data.split("; earlier in the run: ")
    assert [source.partition(" (")[0] for source in sources[:2]] == ["third", first.partition(" (")[0]]
    assert sources[1] == first
    assert sources[2].startswith("other (")
    assert len(sources) == 3


def test_pictures_that_nothing_was_learnt_from_are_no_source(tmp_path: Path) -> None:
    begun = RunState(config_digest="c", threads=1, data_digest="one", data="one")
    now = msgspec.structs.replace(begun, data_digest="two", data="two")
    assert earlier_sources(begun, now, tmp_path / "gone") == ()
    learnt = msgspec.structs.replace(begun, step=5)
    assert earlier_sources(learnt, now, tmp_path / "gone") == ("one",)
    unknown = msgspec.structs.replace(learnt, data="")
    assert earlier_sources(unknown, now, tmp_path / "gone") == ("pictures that are not known any more",)
    assert earlier_sources(msgspec.structs.replace(learnt, data_earlier=("one",)), now, tmp_path) == ("one",)


def test_nothing_is_said_where_the_same_pictures_are_measured(config: TrainConfig, tmp_path: Path) -> None:
    run(config, tmp_path / "run", stop_at_step=4)
    told = run(config, tmp_path / "run")
    assert sentences(told) == []
    assert len(of_kind(told, events.Compared)) == 1


def test_the_strip_shows_the_pictures_of_now(config: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun(config, folder)
    run(config, folder)
    pictures = ValidationSet(pictures_of_run(config, folder).validation[:3], crop_px=config.validation_crop_px)
    score = pictures.measure(load_model(folder / START_NAME)[0], strip_pictures=config.strip_pictures)
    for number, kinds in pictures.references(config.strip_pictures):
        for kind, expected in (*kinds.items(), ("step-00000000", score.strip[number])):
            shown = np.asarray(PIL.Image.open(folder / PICTURES_FOLDER / f"{number:02}_{kind}.png"), np.float32) / 255
            np.testing.assert_allclose(shown, expected, rtol=0, atol=1.01 / 255)


def test_a_strip_of_more_pictures_is_drawn_as_a_whole(config: TrainConfig, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(msgspec.structs.replace(config, strip_pictures=1), folder, stop_at_step=4)
    run(msgspec.structs.replace(config, strip_pictures=3), folder)
    for kind in ("lr", "bicubic", "hr", "step-00000000", "step-00000008"):
        assert len(list((folder / PICTURES_FOLDER).glob(f"*_{kind}.png"))) == 3, kind


def test_pictures_that_are_gone_are_given_up_once_and_for_all(config: TrainConfig, tmp_path: Path) -> None:
    begun(config, tmp_path / "run")
    gone = [
        [event.message for event in of_kind(run(config, tmp_path / "run", stop_at_step=step), events.Notice)]
        for step in (5, 6, 7)
    ]
    assert ["are gone or cannot be read" in " ".join(said) for said in gone] == [True, False, False]


def test_a_picture_that_was_learnt_from_is_measured_with_a_warning(
    tiny_config: MakeConfig, pictures: Path, tmp_path: Path
) -> None:
    config, folder = tiny_config(**COURSE, validation_share=0.0), tmp_path / "run"
    run(config, folder, stop_at_step=4)
    (measured,) = msgspec.json.decode((folder / MEASURED_NAME).read_bytes())
    next(file for file in pictures.rglob("*.png") if file_digest(file.read_bytes()) == measured).unlink()
    told = run(config, folder)
    assert LEARNT_FROM in [event.message for event in of_kind(told, events.Notice)]

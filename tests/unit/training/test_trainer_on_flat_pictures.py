"""A run whose held-out pictures are partly of one colour tells numbers that can be read again, and can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from srdesk.engine.control import CancelToken
from srdesk.engine.weights import load_model
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data.pictures import file_digest, is_held_out
from srdesk.training.learning import validation
from srdesk.training.learning.checkpoint import load_checkpoint
from srdesk.training.trainer import train

MakeConfig = Callable[..., TrainConfig]

SRCNN = {"model": "srcnn", "model_options": {"features": 4, "mapping": 2}}


@pytest.fixture
def flat_picture(pictures: Path) -> Path:
    """Add a picture of one colour that falls on the side of the held-out ones."""
    path = pictures / "flat.png"
    for level in range(256):
        PIL.Image.new("RGB", (80, 72), (level, level, level)).save(path)
        if is_held_out(file_digest(path.read_bytes()), 0.3):
            break
    return path


def session(config: TrainConfig, folder: Path, *, stop_at_step: int | None = None) -> list[events.AnyEvent]:
    folder.mkdir(exist_ok=True)
    token, told = CancelToken(), []
    for event in train(config, folder, token):
        told.append(event)
        if isinstance(event, events.Step) and event.step == stop_at_step:
            token.cancel()
    return told


@pytest.mark.usefixtures("flat_picture")
def test_everything_that_is_told_and_written_can_be_read_again(tiny_config: MakeConfig, tmp_path: Path) -> None:
    told = session(tiny_config(**SRCNN), tmp_path / "run", stop_at_step=4)
    assert [events.decode(events.encode(event)) for event in told] == told
    assert any("one colour" in event.message for event in told if isinstance(event, events.Notice))
    load_model(tmp_path / "run" / "start.safetensors")
    resumed = session(tiny_config(**SRCNN), tmp_path / "run")
    assert isinstance(resumed[0], events.Started)
    assert resumed[0].first_step == 4


def test_a_run_with_nothing_but_one_colour_held_out_can_be_resumed(
    tiny_config: MakeConfig, tmp_path: Path, pictures: Path, flat_picture: Path
) -> None:
    share = next(
        share / 1000 for share in range(1, 1000) if is_held_out(file_digest(flat_picture.read_bytes()), share / 1000)
    )
    for path in pictures.rglob("*.png"):
        if path != flat_picture and is_held_out(file_digest(path.read_bytes()), share):
            path.unlink()
    told = session(tiny_config(**SRCNN, validation_share=share), tmp_path / "run", stop_at_step=4)
    assert [events.decode(events.encode(event)) for event in told] == told
    assert isinstance(told[0], events.Started)
    assert told[0].bicubic_psnr_y_db == validation.MAX_PSNR_Y_DB
    session(tiny_config(**SRCNN, validation_share=share), tmp_path / "run")


@pytest.mark.usefixtures("flat_picture")
def test_a_run_that_measured_it_from_its_beginning_goes_on_with_the_same_pictures(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(validation, "_is_flat", lambda pair: False)
        session(tiny_config(**SRCNN), tmp_path / "run", stop_at_step=2)
    before = load_checkpoint(tmp_path / "run")
    told = session(tiny_config(**SRCNN), tmp_path / "run")
    assert before is not None
    assert isinstance(told[0], events.Started)
    assert told[0].validation_pictures == len(before.state.start_scores.psnrs_y_db)
    (compared,) = [event for event in told if isinstance(event, events.Compared)]
    assert "flat.png" in [picture.name for picture in compared.pictures]

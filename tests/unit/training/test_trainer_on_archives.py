"""Training straight out of a zip file: a damaged picture is told of and passed over, in a resumed run as well."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from srdesk.engine.control import CancelToken
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.trainer import train

MakeConfig = Callable[..., TrainConfig]


@pytest.fixture
def archive(tmp_path: Path, new_jpeg: Callable[..., bytes]) -> Path:
    """Return an archive a third of whose pictures look like pictures and are none."""
    path = tmp_path / "val2014.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(30):
            content = new_jpeg(number)
            content = content[: len(content) // 2] if number % 3 == 0 else content
            archive.writestr(f"val2014/COCO_val2014_{number:012}.jpg", content)
    return path


def test_a_run_passes_over_damaged_members_and_says_so(tiny_config: MakeConfig, archive: Path, tmp_path: Path) -> None:
    config = tiny_config(data=(str(archive),), steps=8, batch_size=4)
    told = list(train(config, tmp_path / "run", CancelToken()))
    last = told[-1]
    assert isinstance(last, events.Finished)
    assert last.reason == "done"
    notices = [event.message for event in told if isinstance(event, events.Notice)]
    assert any("damaged or cut off" in message and "left out" in message for message in notices)


def test_a_stopped_run_goes_on_bit_for_bit(tiny_config: MakeConfig, archive: Path, tmp_path: Path) -> None:
    config = tiny_config(data=(str(archive),), steps=8, batch_size=4, checkpoint_every_steps=100)
    list(train(config, tmp_path / "whole", CancelToken()))
    token = CancelToken()
    for event in train(config, tmp_path / "parts", token):
        if isinstance(event, events.Step) and event.step >= 4:
            token.cancel()
    list(train(config, tmp_path / "parts", CancelToken()))
    whole, parts = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    assert all((whole[name] == parts[name]).all() for name in whole)

"""A run is the same run wherever its files lie, and another one with other settings."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from srdesk.training.config import TrainConfig
from srdesk.training.learning.checkpoint import RunState
from srdesk.training.learning.identity import NOT_COMPUTED_WITH, digest_at, digest_of, goes_with
from srdesk.training.run.runs import Run

CONFIG = TrainConfig(data=("/here/pictures",), start="/here/before.safetensors", features="/here/vgg19.pth")


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"data": ("/there/pictures", "/there/more.zip")}, True),
        ({"start": "/there/before.safetensors"}, True),
        ({"features": "/there/vgg19.pth"}, True),
        ({"notes": "of my roofs"}, True),
        ({"start": "/here/after.safetensors"}, False),
        ({"start": "random"}, False),
        ({"features": "/here/vgg.pth"}, False),
        ({"features": "vgg16"}, False),
        ({"learning_rate": 1e-5}, False),
    ],
)
def test_what_belongs_to_a_run(tmp_path: Path, changes: dict[str, object], is_same: bool) -> None:
    state = RunState(config_digest=digest_at(CONFIG, 7), threads=1, data_digest="d", step=7)
    changed = msgspec.structs.replace(CONFIG, **changes)
    assert (digest_at(changed, 7) == digest_at(CONFIG, 7)) == is_same
    assert goes_with(state, changed, tmp_path) == is_same


def test_a_checkpoint_of_an_earlier_version_needs_no_stored_configuration_where_nothing_moved(tmp_path: Path) -> None:
    digest = digest_of(CONFIG, without=NOT_COMPUTED_WITH)
    state = RunState(config_digest=digest, threads=1, data_digest="d", step=7)
    assert goes_with(state, CONFIG, tmp_path)
    assert not goes_with(state, msgspec.structs.replace(CONFIG, seed=1), tmp_path)


def test_a_checkpoint_goes_on_that_took_the_path_of_the_features_for_a_part_of_the_run(tmp_path: Path) -> None:
    stored = msgspec.structs.replace(CONFIG, features="vgg19.pth")
    named = msgspec.structs.replace(stored, start="before.safetensors", data=())
    state = RunState(config_digest=digest_of(named, without=NOT_COMPUTED_WITH), threads=1, data_digest="d", step=7)
    Run(tmp_path).store(stored)
    assert goes_with(state, CONFIG, tmp_path)
    assert goes_with(state, msgspec.structs.replace(CONFIG, start="/there/before.safetensors"), tmp_path)
    assert not goes_with(state, msgspec.structs.replace(CONFIG, features="/here/vgg.pth"), tmp_path)
    assert not goes_with(state, msgspec.structs.replace(CONFIG, start="random"), tmp_path)
    assert not goes_with(state, msgspec.structs.replace(CONFIG, seed=1), tmp_path)

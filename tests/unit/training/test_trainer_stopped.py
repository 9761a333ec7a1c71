"""A run that is stopped or paused, wherever that is, ends with the bits of one that nobody disturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srdesk.engine.control import CancelToken
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.learning.checkpoint import Checkpoint, load_checkpoint
from srdesk.training.run import requests as requests_module
from srdesk.training.run.requests import Requests
from srdesk.training.run.runs import Request
from srdesk.training.trainer import train

MakeConfig = Callable[..., TrainConfig]

MODELS: dict[str, dict[str, Any]] = {
    "srresnet": {"model_options": {"channels": 4, "blocks": 1}},
    "srcnn": {"model_options": {"features": 4, "mapping": 2}, "loss_channels": "luma"},
    "srgan": {
        "model_options": {"channels": 4, "blocks": 1},
        "discriminator_options": {"channels": (4, 4, 4, 4), "dense": 8},
        "feature_weight": 0.0,
    },
}


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests_module, "LOOK_EVERY_S", 0.0)


@pytest.fixture(params=MODELS)
def config(request: pytest.FixtureRequest, tiny_config: MakeConfig) -> TrainConfig:
    return tiny_config(
        model=request.param, **MODELS[request.param], steps=11, report_every_steps=1, checkpoint_every_steps=4,
        crop_selection="detail", hr_scales=(1.0, 0.75),
    )  # fmt: skip


def session(config: TrainConfig, folder: Path, asked: dict[int, Request]) -> list[events.AnyEvent]:
    """Train until the end or a stop; ask for something after some steps, and go on after each pause."""
    folder.mkdir(exist_ok=True)
    requests, told = Requests(CancelToken()), []
    for event in train(config, folder, requests.token, requests=requests):
        told.append(event)
        if isinstance(event, events.Step) and event.step in asked:
            requests.ask(asked[event.step])
        if isinstance(event, events.Paused):
            assert saved(folder).state.step == event.step
            requests.ask("resume")
    return told


def saved(folder: Path) -> Checkpoint:
    checkpoint = load_checkpoint(folder)
    assert checkpoint is not None
    return checkpoint


def assert_equal(one: Path, other: Path) -> None:
    a, b = saved(one), saved(other)
    assert a.tensors.keys() == b.tensors.keys()
    assert [name for name in a.tensors if not torch.equal(a.tensors[name], b.tensors[name])] == []
    assert (a.state.step, a.state.best_step, a.state.best_scores) == (
        b.state.step,
        b.state.best_step,
        b.state.best_scores,
    )


def test_stops_between_any_two_steps_change_no_bit(config: TrainConfig, tmp_path: Path) -> None:
    session(config, tmp_path / "whole", {})
    for step in (1, 6, 7, 10):
        last = session(config, tmp_path / "parts", {step: "stop"})[-1]
        assert isinstance(last, events.Finished)
        assert (last.reason, last.step) == ("stopped", step)
    session(config, tmp_path / "parts", {})
    assert_equal(tmp_path / "whole", tmp_path / "parts")


def test_pauses_change_no_bit(config: TrainConfig, tmp_path: Path) -> None:
    session(config, tmp_path / "whole", {})
    told = session(config, tmp_path / "paused", {3: "pause", 8: "pause"})
    waits = [(type(event), event.step) for event in told if isinstance(event, events.Paused | events.Resumed)]
    assert waits == [(events.Paused, 3), (events.Resumed, 3), (events.Paused, 8), (events.Resumed, 8)]
    assert_equal(tmp_path / "whole", tmp_path / "paused")

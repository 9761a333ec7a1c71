"""One task at a time, and its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from srdesk.gui.training.latest_task import LatestTask, arguments_for
from srdesk.gui.training.outcome import Stopped
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.runner_options import configuration, parse


@pytest.fixture
def latest(qtbot: QtBot, tasks: Any) -> Iterator[LatestTask]:
    latest = LatestTask(tasks)
    yield latest
    latest.shutdown()


def test_what_the_task_says_is_passed_on(latest: LatestTask, tasks: Any) -> None:
    heard: list[object] = []
    latest.progressed.connect(heard.append)
    latest.ended.connect(heard.append)
    latest.start("--check")
    said = events.HealthProgress(done=1, total=2)
    tasks[0].tell(said)
    assert latest.is_going_on
    tasks[0].end()
    assert heard[0] == said
    assert len(heard) == 2
    assert not latest.is_going_on


def test_a_newer_task_silences_the_one_before(latest: LatestTask, tasks: Any) -> None:
    heard: list[object] = []
    latest.progressed.connect(heard.append)
    latest.ended.connect(heard.append)
    latest.start("--check", "a")
    latest.start("--check", "b")
    assert tasks[0].was_cancelled
    tasks[0].tell(events.HealthProgress(done=1, total=2))
    tasks[0].end(Stopped())
    assert heard == []
    assert latest.is_going_on


def test_the_end_of_the_desk_ends_cancelled_tasks_too(latest: LatestTask, tasks: Any) -> None:
    latest.start("--check", "a")
    latest.start("--check", "b")
    latest.shutdown()
    assert [task.was_killed for task in tasks] == [True, True]


@pytest.mark.parametrize(
    "config",
    [
        TrainConfig(data=("/a folder", "/b.zip")),
        TrainConfig(data=("/a",), model="srcnn", loss_channels="luma", learning_rate=3e-5, hr_scales=(1.0, 0.5)),
        TrainConfig(data=("/a",), start=str(Path(__file__)), name="roofs", freeze_batch_norm=True),
        TrainConfig(data=("/a",), pixel_weight=0.5, model_options={"blocks": 4}, licence="CC “BY” 4.0"),
    ],
)
def test_the_arguments_stand_for_the_configuration(config: TrainConfig) -> None:
    assert configuration(parse(arguments_for(config))) == config

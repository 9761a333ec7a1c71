"""What is said of scenes that go from disk to disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from srdesk.engine.control import Progress
from srdesk.engine.scenes.scene_forecast import SceneForecast
from srdesk.gui import scene_words
from srdesk.gui.work.requests import Recipe
from srdesk.gui.work.scene_requests import SceneOrder
from srdesk.gui.work.scene_runs import SceneRun

ORDER = SceneOrder(
    pane="srresnet",
    source=Path("/data/tile.tif"),
    output=Path("/data/tile_x4.tif"),
    recipe=Recipe(model="srresnet", weights=None),
)
FORECAST = SceneForecast(
    height=80_000,
    width=40_000,
    passes=2,
    steps=100,
    finished_steps=0,
    expected_bytes=19_200_000_000,
    free_bytes=78_000_000_000,
)
DOCUMENT: Any = SimpleNamespace(scene=object(), path=ORDER.source)


def test_a_forecast_says_size_place_room_and_time() -> None:
    said = scene_words.of_forecast(ORDER, FORECAST, whole_s=3000.0).splitlines()
    assert said[2:6] == [
        "Size: 40,000 × 80,000 pixels",
        f"Place: tile_x4.tif in {ORDER.output.parent}",
        "Room: about 19.2 GB; 78.0 GB are free",
        "Time: about 1 h 40 min",
    ]


def test_what_is_finished_already_takes_no_time() -> None:
    said = scene_words.of_forecast(ORDER, replace(FORECAST, finished_steps=90), whole_s=3000.0)
    assert "Time: about 10 min 0 s" in said
    assert "Finished already: 90%" in said
    assert "90% of it is finished and kept" in scene_words.of_unfinished(ORDER, replace(FORECAST, finished_steps=90))


def test_panes_say_what_is_being_done_for_them_and_for_no_other() -> None:
    run = SceneRun(ORDER, Progress(60, 100, 1.0), waiting=(replace(ORDER, pane="srgan"),))
    assert scene_words.of_pane(run, DOCUMENT, "srresnet") == ("Into a file 60%", 0.6)
    assert scene_words.of_pane(run, DOCUMENT, "srgan") == ("Waiting for the run before it", None)
    assert scene_words.of_pane(run, DOCUMENT, "bicubic") is None
    assert scene_words.of_pane(None, DOCUMENT, "srresnet") is None
    other: Any = SimpleNamespace(scene=object(), path=Path("/data/other.tif"))
    assert scene_words.of_pane(run, other, "srresnet") is None
    paused = SceneRun(ORDER, is_paused=True)
    assert scene_words.of_pane(paused, DOCUMENT, "srresnet") == ("Paused…", None)


def test_the_status_line_says_what_goes_on_and_what_comes() -> None:
    assert scene_words.of_run(SceneRun(ORDER)) == "Enlarging “tile.tif” with SRResNet"
    assert scene_words.of_run(SceneRun(ORDER, is_paused=True, waiting=(ORDER,))) == (
        "Paused: “tile.tif” with SRResNet, 1 more to come"
    )


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(0, "1 MB"), (5_400_000, "5 MB"), (999_000_000, "999 MB"), (1_500_000_000, "1.5 GB")]
)
def test_sizes_are_said_in_few_digits(size_bytes: int, words: str) -> None:
    assert scene_words.gigabytes(size_bytes) == words

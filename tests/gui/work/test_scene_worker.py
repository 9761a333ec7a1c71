"""Scenes are enlarged as the command line does it; what is broken off is noted, what is finished is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.cli.command import main as cli
from srdesk.engine.scenes import scene as scenes
from srdesk.errors import Cancelled, ImageReadError
from srdesk.gui.work import scene_worker
from srdesk.gui.work.requests import Progressed, Recipe
from srdesk.gui.work.scene_ledger import SceneLedger
from srdesk.gui.work.scene_requests import SceneEnlarged, SceneOrder, SceneRunRequest
from srdesk.gui.work.scene_worker import SceneWorker

MakeGeoTiff = Callable[..., Path]


@pytest.fixture
def order(make_geotiff: MakeGeoTiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneOrder:
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", 64)
    monkeypatch.setattr(scene_worker, "REPORTS_HZ", float("inf"))
    numbers = np.random.default_rng(1).integers(0, 4000, (3, 300, 90), np.uint16)
    source = make_geotiff("scene.tif", numbers, photometric="RGB")
    return SceneOrder(
        pane="bicubic", source=source, output=tmp_path / "out.tif", recipe=Recipe(model="bicubic", weights=None)
    )


@pytest.fixture
def worker(qtbot: QtBot) -> SceneWorker:
    return SceneWorker()


def stop_in_the_middle(worker: SceneWorker, order: SceneOrder) -> None:
    request = SceneRunRequest(order=order)

    def stop(report: object) -> None:
        if isinstance(report, Progressed) and report.progress.fraction > 0.5:
            request.token.cancel()

    worker.reported.connect(stop)
    with pytest.raises(Cancelled):
        worker.answer(request)


def test_the_result_is_that_of_the_command_line(order: SceneOrder, worker: SceneWorker, tmp_path: Path) -> None:
    answer = worker.answer(SceneRunRequest(order=order))
    assert isinstance(answer, SceneEnlarged)
    assert (answer.facts.height, answer.facts.width) == (1200, 360)
    by_command = tmp_path / "command.tif"
    assert cli(["upscale", str(order.source), "-o", str(by_command), "--model", "bicubic"]) == 0
    assert by_command.read_bytes() == order.output.read_bytes()
    assert SceneLedger().unfinished(order.source) == []


def test_a_run_that_was_stopped_is_noted_and_goes_on_to_the_same_bytes(
    order: SceneOrder, worker: SceneWorker, tmp_path: Path
) -> None:
    stop_in_the_middle(worker, order)
    assert SceneLedger().unfinished(order.source) == [order]
    answer = worker.answer(SceneRunRequest(order=order))
    assert isinstance(answer, SceneEnlarged)
    assert 0 < answer.facts.resumed_windows < (answer.facts.windows or 0)
    again = SceneOrder(pane="bicubic", source=order.source, output=tmp_path / "again.tif", recipe=order.recipe)
    worker.answer(SceneRunRequest(order=again))
    assert order.output.read_bytes() == again.output.read_bytes()
    assert SceneLedger().unfinished(order.source) == []


def test_a_run_that_fails_leaves_no_note(order: SceneOrder, worker: SceneWorker) -> None:
    order.source.unlink()
    with pytest.raises(ImageReadError):
        worker.answer(SceneRunRequest(order=order))
    assert not list(order.output.parent.glob("out.tif*"))

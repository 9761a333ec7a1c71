"""A desk that is killed while it enlarges a scene: the next one finds the run, and ends it in the same bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.scenes import scene as scenes
from srdesk.gui.work.requests import Recipe
from srdesk.gui.work.scene_ledger import SceneLedger
from srdesk.gui.work.scene_requests import SceneEnlarged, SceneOrder, SceneRunRequest
from srdesk.gui.work.scene_worker import SceneWorker

pytestmark = [pytest.mark.process, pytest.mark.slow]

PATIENCE_S = 60.0
WINDOW_ROWS_PX = 128

CHILD = f"""
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from srdesk.engine.scenes import scene
from srdesk.gui.work.requests import Recipe
from srdesk.gui.work.scene_requests import SceneOrder, SceneRunRequest
from srdesk.gui.work.scene_worker import SceneWorker
scene._WINDOW_ROWS_PX = {WINDOW_ROWS_PX}
application = QCoreApplication([])
source, output = (Path(name) for name in sys.argv[1:])
order = SceneOrder(pane="bicubic", source=source, output=output, recipe=Recipe(model="bicubic", weights=None))
SceneWorker().answer(SceneRunRequest(order=order))
"""
"""What the scene thread of a desk does."""


def finished_windows(output: Path) -> int:
    """Count the whole lines of the journal behind its first."""
    try:
        return max(0, Path(f"{output}.part.journal").read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return 0


def test_a_run_of_a_killed_desk_is_found_and_goes_on_to_the_same_bytes(
    qtbot: QtBot, make_geotiff: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "_WINDOW_ROWS_PX", WINDOW_ROWS_PX)
    pixels = np.random.default_rng(2).integers(0, 4000, (1, 1600, 200), np.uint16)
    source, output = make_geotiff("scene.tif", pixels, compress="deflate"), tmp_path / "out.tif"
    desk = subprocess.Popen([sys.executable, "-c", CHILD, str(source), str(output)])
    give_up_at = time.monotonic() + PATIENCE_S
    while finished_windows(output) < 3:
        assert desk.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.002)
    desk.kill()
    desk.wait()
    assert not output.exists()

    (order,) = SceneLedger().unfinished(source)
    recipe = Recipe(model="bicubic", weights=None)
    assert order == SceneOrder(pane="bicubic", source=source, output=output, recipe=recipe)
    answer = SceneWorker().answer(SceneRunRequest(order=order))
    assert isinstance(answer, SceneEnlarged)
    assert answer.facts.resumed_windows >= 3
    whole = SceneOrder(pane="bicubic", source=source, output=tmp_path / "whole.tif", recipe=recipe)
    SceneWorker().answer(SceneRunRequest(order=whole))
    assert output.read_bytes() == whole.output.read_bytes()
    assert SceneLedger().unfinished(source) == []

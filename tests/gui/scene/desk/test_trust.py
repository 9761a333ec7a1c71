"""What is said about trust is said of results in memory; a scene that is not held offers none of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import PIL.Image
from pytestqt.qtbot import QtBot

from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.session import Session

WAIT_MS = 20_000


def test_a_scene_that_is_not_held_offers_no_maps_and_takes_the_strip_away(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    open_scene: Callable[[], ScenePyramid],
    tmp_path: Path,
) -> None:
    PIL.Image.new("RGB", (24, 16), "teal").save(tmp_path / "photo.png")
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([tmp_path / "photo.png"])
    actions = window.desk_actions
    actions.back_projection.trigger()
    assert window.strength_bar.isVisible()
    open_scene()
    assert not window.strength_bar.isVisible()
    for action in (actions.consistency_map, actions.spread_map, actions.degrade, actions.export_report):
        assert not action.isEnabled()
    assert honesty.appraiser.found("bicubic") is None

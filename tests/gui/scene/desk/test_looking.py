"""A scene too large for memory is seen, its visible part previewed first, and nothing of it kept too long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from numpy.testing import assert_array_equal
from pytestqt.qtbot import QtBot

from srdesk.errors import ImageReadError
from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box
from srdesk.imaging.stored import Numbers

WAIT_MS = 20_000
SIDE_PX = 300


def test_a_scene_is_seen_and_its_visible_part_is_previewed_first(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    with qtbot.waitSignal(session.renderer.previewed, timeout=WAIT_MS) as told:
        pyramid = open_scene()
        window.view.zoom_to(100)
    assert (pyramid.height, pyramid.width) == (SIDE_PX, SIDE_PX)
    assert isinstance(told.args[0].display, DisplayImage)
    assert session.document is not None
    assert session.document.geolocation is not None
    assert session.document.geolocation.lonlat(0, 0) is not None
    assert session.document.shown_bands == (1, 2, 3)
    assert len(session.document.bands) == 3
    assert window.windowTitle() == "scene.tif – SR Desk"
    assert f"{SIDE_PX} × {SIDE_PX} → {4 * SIDE_PX} × {4 * SIDE_PX} px" in window.status.text


def test_tiles_get_sharp_when_they_are_read(
    qtbot: QtBot, window: MainWindow, open_scene: Callable[[], ScenePyramid], pixels: Numbers
) -> None:
    pyramid = open_scene()
    window.view.zoom_to(400)
    box = Box(128, 128, 128, 128)
    qtbot.waitUntil(lambda: pyramid.tile(0, box) is not None, timeout=WAIT_MS)
    assert_array_equal(pyramid.tile(0, box), pixels[:, 128:256, 128:256].transpose(1, 2, 0))


def test_another_picture_lets_go_of_the_scene(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid], picture: Path
) -> None:
    pyramid = open_scene()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([picture])
    assert pyramid.scene.closed.is_cancelled
    assert session.document is not None
    assert session.document.scene is None


def test_nothing_of_a_scene_is_copied(window: MainWindow, open_scene: Callable[[], ScenePyramid]) -> None:
    open_scene()
    window.desk_actions.copy.trigger()
    assert window.status.text == "This result is too large for the clipboard; save it instead."


def test_a_damaged_part_is_said_once_and_overviews_say_how_far_they_are(
    qtbot: QtBot, window: MainWindow, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    pyramid = open_scene()
    failures: list[object] = []
    window.scene_board.failed.connect(failures.append)
    error = ImageReadError(scene, "it is damaged or cut off")
    canvas = window.view.findChild(Canvas)
    assert canvas is not None
    for _ in range(3):
        pyramid.tiles.tell(error=error)
    pyramid.tiles.tell(built=0.5)
    qtbot.waitUntil(lambda: canvas.accessibleDescription() == "Overview 50%", timeout=WAIT_MS)
    assert len(failures) == 1
    assert window.banner.message is not None
    assert window.banner.message.text == str(error)
    pyramid.tiles.tell(built=1.0)
    qtbot.waitUntil(lambda: canvas.accessibleDescription() == "", timeout=WAIT_MS)

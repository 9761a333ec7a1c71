"""Opening, looking at and closing scenes again and again leaves no file open and no thread behind."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.scene.pyramid import ScenePyramid
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Box

WAIT_MS = 20_000
TILE = Box(128, 128, 128, 128)


def open_files_of(scene: Path) -> int:
    """Count how often a scene and levels of it are open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # another thread has closed it meanwhile
            link = entry.readlink()
            count += link.name == scene.name or link.suffix == ".pyramid"
    return count


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="nobody says which files are open")
def test_rounds_of_opening_and_closing_a_scene_leave_nothing_open(
    qtbot: QtBot, window: MainWindow, session: Session, open_scene: Callable[[], ScenePyramid], scene: Path
) -> None:
    threads = 0
    for turn in range(6):
        pyramid = open_scene()
        window.view.zoom_to(400)
        qtbot.waitUntil(lambda shown=pyramid: shown.tile(0, TILE) is not None, timeout=WAIT_MS)
        session.close_document()
        qtbot.waitUntil(lambda: open_files_of(scene) == 0, timeout=WAIT_MS)
        QApplication.processEvents()
        gc.collect()
        threads = threads if turn else threading.active_count()
        assert threading.active_count() <= threads

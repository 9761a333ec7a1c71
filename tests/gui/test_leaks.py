"""Opening, enlarging and closing again and again leaves nothing behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.work.session import Session

WARM_UP_ROUNDS, ROUNDS = 10, 40
"""By hand 200."""

MAX_DRIFT_BYTES = 20 << 20


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0


@pytest.mark.slow
def test_forty_rounds_of_open_enlarge_and_close_leave_nothing_behind(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_in_window: Callable[[Path], None],
    save_picture: Callable[..., Path],
) -> None:
    picture = save_picture(size=(160, 120))

    def rounds(count: int) -> tuple[int, int, int, int]:
        for _ in range(count):
            open_in_window(picture)
            session.close_document()
        QApplication.processEvents()
        gc.collect()
        memory_bytes = psutil.Process(os.getpid()).memory_info().rss
        return len(QApplication.allWidgets()), threading.active_count(), descriptors(), memory_bytes

    before = rounds(WARM_UP_ROUNDS)
    after = rounds(ROUNDS)
    assert after[:3] == before[:3]
    assert after[3] - before[3] < MAX_DRIFT_BYTES

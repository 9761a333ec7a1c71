"""Files that are dropped are copied in: a program that is told that they were moved away deletes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from srdesk.gui.main_window import MainWindow
from srdesk.gui.queue.queue_table import QueueTable
from srdesk.gui.training.train_dialog import TrainDialog
from srdesk.gui.training.training import Training

ACTION = Qt.DropAction
BUTTON, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(params=["window", "queue", "train"])
def target(request: pytest.FixtureRequest, window: MainWindow, training: Training) -> Iterator[QWidget]:
    """Where files can be dropped."""
    dialog = TrainDialog(training, window)
    window.desk_actions.queue.trigger()
    table = window.queue.dock.findChild(QueueTable)
    yield {"window": window, "queue": table, "train": dialog}[request.param]
    dialog.shutdown()


@pytest.mark.parametrize(
    ("possible", "answered"),
    [
        (ACTION.MoveAction | ACTION.CopyAction, ACTION.CopyAction),
        (ACTION.MoveAction | ACTION.LinkAction, ACTION.LinkAction),
        (ACTION.MoveAction, ACTION.IgnoreAction),
    ],
)
def test_dropped_files_are_never_moved(
    target: QWidget, tmp_path: Path, possible: Qt.DropAction, answered: Qt.DropAction
) -> None:
    mime, folder = QMimeData(), tmp_path / "pictures"
    folder.mkdir()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    dropped = QDropEvent(QPointF(20, 20), possible, mime, BUTTON, SHIFT)
    assert dropped.proposedAction() == ACTION.MoveAction
    target.dropEvent(dropped)
    assert dropped.isAccepted()
    assert dropped.dropAction() == answered

"""The table of the queue: cells, and rows that stay themselves when others come, go and move."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPersistentModelIndex, Qt, QUrl
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from srdesk.engine.batch.queue import Queue, QueueItem
from srdesk.engine.control import CancelToken, Progress
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.inputs import InputFile
from srdesk.errors import ImageReadError
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.queue.queue_model import ITEM_ROLE, PROGRESS_ROLE, Column, QueueModel


@pytest.fixture
def queue() -> Queue:
    """Four files, which need not exist."""
    queue = Queue()
    files = [InputFile(Path(f"/in/p{number}.png"), Path("/out")) for number in range(4)]
    queue.add_files(files, FileRecipe(model="srresnet"), template="{stem}{ext}", on_collision="number")
    return queue


@pytest.fixture
def model(qapp, queue: Queue) -> QueueModel:
    """Shows the queue, and is watched for breaches of what Qt wants of a model."""
    model = QueueModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    model.show(queue.items())
    return model


def begin(queue: Queue) -> QueueItem:
    taken = queue.take(CancelToken())
    assert taken is not None
    return taken[0]


def cell(model: QueueModel, row: int, column: Column, role: int = Qt.ItemDataRole.DisplayRole):
    return model.index(row, column).data(role)


def test_a_waiting_file_shows_what_will_become_of_it(model: QueueModel, queue: Queue) -> None:
    queue.measured({1: 12.6})
    model.show(queue.items())
    model.show_arrivals({1: 70.0})
    row = [cell(model, 0, column) for column in Column]
    assert row == ["p0.png", "PNG", "13 MPix", "SRResNet", "Waiting", "", "1 min 10 s", ""]
    assert cell(model, 0, Column.FILE, Qt.ItemDataRole.ToolTipRole) == str(Path("/in/p0.png"))
    assert cell(model, 0, Column.RESULT, Qt.ItemDataRole.ToolTipRole) == f"Will be saved in {Path('/out')}"


def test_a_running_file_shows_how_far_it_is(model: QueueModel, queue: Queue) -> None:
    item = begin(queue)
    model.show(queue.items())
    assert cell(model, 0, Column.STATE, PROGRESS_ROLE) == 0
    model.show_progress(item.id, Progress(1, 4, 1.0))
    assert cell(model, 0, Column.STATE, PROGRESS_ROLE) == 0.25
    queue.end(item.id, "done", output=Path("/out/p0.png"), seconds=2.0)
    model.show(queue.items())
    assert cell(model, 0, Column.STATE, PROGRESS_ROLE) is None
    assert cell(model, 0, Column.STATE) == "Done"
    assert (cell(model, 0, Column.TIME), cell(model, 0, Column.RESULT)) == ("2 s", "p0.png")


def test_a_failed_file_is_red_and_says_why_and_what_to_do(model: QueueModel, queue: Queue) -> None:
    error = ImageReadError("/in/p0.png", "it is damaged")
    queue.end(begin(queue).id, "failed", error=error)
    model.show(queue.items())
    assert str(error) == "“p0.png” cannot be opened: it is damaged."
    assert cell(model, 0, Column.STATE) == "Cannot be opened: it is damaged."
    assert cell(model, 0, Column.FILE, Qt.ItemDataRole.ToolTipRole) == f"{error}\n{error.hint}"
    scheme = current_scheme()
    assert cell(model, 0, Column.STATE, Qt.ItemDataRole.BackgroundRole).name() == scheme.error_panel
    assert cell(model, 0, Column.STATE, Qt.ItemDataRole.ForegroundRole).name() == scheme.error
    assert cell(model, 1, Column.STATE, Qt.ItemDataRole.BackgroundRole) is None


def test_remarks_are_kept_for_who_looks_closer(model: QueueModel, queue: Queue) -> None:
    item = begin(queue)
    model.show_remark(item.id, "Smaller windows were used.")
    model.show_remark(item.id, "The profile was left out.")
    queue.end(item.id, "done", output=Path("/out/p0.png"))
    model.show(queue.items())
    assert cell(model, 0, Column.STATE) == "Done, with a remark"
    tip = cell(model, 0, Column.STATE, Qt.ItemDataRole.ToolTipRole)
    assert tip == "Smaller windows were used.\nThe profile was left out."


@pytest.mark.parametrize("seed", range(5))
def test_rows_stay_themselves_whatever_happens_to_others(model: QueueModel, queue: Queue, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(60):
        ids = [item.id for item in queue.items()]
        kept = {item_id: QPersistentModelIndex(model.index(row, 0)) for row, item_id in enumerate(ids)}
        chosen = [item_id for item_id in ids if chance.random() < 0.3]
        match chance.randrange(4):
            case 0:
                queue.remove(chosen)
            case 1:
                queue.move(chosen, chance.randrange(-3, 4))
            case 2:
                queue.place(chosen, chance.randrange(len(ids) + 1))
            case 3:
                files = [InputFile(Path(f"/in/n{n}.png"), Path("/out")) for n in range(chance.randrange(4))]
                queue.add_files(files, FileRecipe(model="m"), template="{stem}", on_collision="skip")
        model.show(queue.items())
        now = [item.id for item in queue.items()]
        assert [cell(model, row, Column.FILE, ITEM_ROLE).id for row in range(model.rowCount())] == now
        for item_id, index in kept.items():
            assert index.isValid() is (item_id in now)
            if index.isValid():
                assert index.row() == now.index(item_id)


def test_dropped_rows_and_files_are_wishes(qtbot: QtBot, model: QueueModel) -> None:
    rows = model.mimeData([model.index(2, 0), model.index(1, 0), model.index(1, 3)])
    move = Qt.DropAction.MoveAction
    with qtbot.waitSignal(model.move_requested) as moved:
        assert not model.dropMimeData(rows, move, 0, 0, QModelIndex())
    assert moved.args == [[2, 3], 0]
    with qtbot.waitSignal(model.move_requested) as moved:
        model.dropMimeData(rows, move, -1, -1, QModelIndex())
    assert moved.args == [[2, 3], 4]
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile("/in/x.png"), QUrl("https://example.org/y.png")])
    with qtbot.waitSignal(model.files_dropped) as dropped:
        assert model.dropMimeData(files, Qt.DropAction.CopyAction, -1, -1, QModelIndex())
    assert dropped.args == [[Path("/in/x.png")]]


def test_ten_thousand_rows_are_no_trouble(model: QueueModel, queue: Queue) -> None:
    files = [InputFile(Path(f"/in/n{n}.png"), Path("/out")) for n in range(10_000)]
    queue.add_files(files, FileRecipe(model="m"), template="{stem}", on_collision="skip")
    changes: list[int] = []
    model.show(queue.items())
    model.dataChanged.connect(lambda first, last: changes.append(last.row() - first.row() + 1))
    queue.end(begin(queue).id, "done")
    model.show(queue.items())
    assert changes == [1]  # only what has changed is painted again

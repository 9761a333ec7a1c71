"""Files for the queue, and what the window shows of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.gui.main_window import MainWindow
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.orders import Order
from srdesk.gui.queue.queue_dock import QueueDock

WAIT_MS = 20_000


@pytest.fixture
def order() -> Order:
    """Bicubic, beside each picture."""
    return Order(FileRecipe(model="bicubic"), None, "{stem}_{model}_x{scale}{ext}", "number")


@pytest.fixture
def pictures(save_picture: Callable[..., Path]) -> list[Path]:
    """Three small pictures."""
    return [save_picture(f"p{number}.png", (8 + number, 6)) for number in range(3)]


@pytest.fixture
def added(qtbot: QtBot, desk_queue: DeskQueue, order: Order, pictures: list[Path]) -> DeskQueue:
    """A queue with three files, none of which is begun."""
    with qtbot.waitSignal(desk_queue.added, timeout=WAIT_MS):
        desk_queue.add(pictures, order)
    return desk_queue


@pytest.fixture
def states(desk_queue: DeskQueue) -> Callable[[], list[str]]:
    """Tell how the items stand."""
    return lambda: [item.state for item in desk_queue.items]


@pytest.fixture
def dock(window: MainWindow, make_weights: Callable[..., Path], tmp_path: Path) -> QueueDock:
    """The dock of a whole window, with weights to choose from."""
    make_weights(tmp_path / "shipped" / "srresnet_x4.safetensors", name="srresnet_x4")
    make_weights(tmp_path / "own" / "mine.safetensors", name="mine")
    window.desk_actions.queue.trigger()
    return window.queue.dock

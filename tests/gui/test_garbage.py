"""Cyclic garbage with Qt objects in it is collected on the thread of the window, whoever makes the garbage."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.garbage import GuiGarbage

WAIT_MS = 10_000


class Ring:
    """Something that only the cyclic collector can destroy."""

    def __init__(self, content: object = None) -> None:
        self.content = content
        self.itself = self


@pytest.fixture
def python_collects() -> Iterator[None]:
    """Let Python collect on any thread, as it does of its own accord."""
    was_enabled = gc.isenabled()
    gc.enable()
    yield
    if not was_enabled:
        gc.disable()


@pytest.fixture
def garbage(qapp: object, python_collects: None) -> Iterator[GuiGarbage]:
    keeper = GuiGarbage()
    yield keeper
    keeper.close()


@pytest.fixture
def drop_widget(qapp: object) -> Callable[[], list[int]]:
    """Return what makes a widget garbage, and gives the list to which the thread that destroys it is added."""

    def drop() -> list[int]:
        widget = QWidget()
        died_on: list[int] = []
        weakref.finalize(widget, lambda: died_on.append(threading.get_ident()))
        Ring(widget)
        return died_on

    return drop


def make_garbage_elsewhere() -> int:
    """Make more garbage on another thread than Python bears; return that thread's number."""
    thread = threading.Thread(target=lambda: [Ring() for _ in range(200_000)])
    thread.start()
    thread.join()
    assert thread.ident is not None
    return thread.ident


@pytest.mark.usefixtures("python_collects")
def test_python_alone_collects_on_any_thread() -> None:
    died_on: list[int] = []
    content = Ring.__new__(Ring)
    weakref.finalize(content, lambda: died_on.append(threading.get_ident()))
    Ring(content)
    del content
    assert died_on == [make_garbage_elsewhere()]


def test_a_widget_is_destroyed_on_the_thread_of_the_window(
    qtbot: QtBot, garbage: GuiGarbage, drop_widget: Callable[[], list[int]]
) -> None:
    died_on = drop_widget()
    make_garbage_elsewhere()
    assert died_on == []
    qtbot.waitUntil(lambda: died_on == [threading.get_ident()], timeout=WAIT_MS)


def test_garbage_from_before_settling_is_left_and_that_from_after_it_is_not(
    garbage: GuiGarbage, drop_widget: Callable[[], list[int]]
) -> None:
    before = drop_widget()
    garbage.settle()
    after = drop_widget()
    gc.collect()
    assert (before, after) == ([], [threading.get_ident()])
    gc.unfreeze()
    gc.collect()
    assert before == [threading.get_ident()]


def test_closing_gives_python_its_way_again(garbage: GuiGarbage) -> None:
    assert not gc.isenabled()
    garbage.close()
    assert gc.isenabled()


@pytest.mark.usefixtures("qapp")
def test_closing_does_not_turn_on_what_was_off() -> None:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        GuiGarbage().close()
        assert not gc.isenabled()
    finally:
        if was_enabled:
            gc.enable()

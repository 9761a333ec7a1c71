"""A person who looks elsewhere is told, and one who looks at the window is not."""

from __future__ import annotations

from typing import ClassVar

import pytest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.queue import notifier
from srdesk.gui.queue.notifier import Notifier


class Tray(QSystemTrayIcon):
    """A tray on a screen that has none."""

    shown: ClassVar[list[tuple[str, str]]] = []

    @staticmethod
    def isSystemTrayAvailable() -> bool:
        return True

    @staticmethod
    def supportsMessages() -> bool:
        return True

    def show(self) -> None:
        pass

    def showMessage(self, title: str, text: str, *_: object) -> None:
        Tray.shown.append((title, text))


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> QWidget:
    monkeypatch.setattr(notifier, "QSystemTrayIcon", Tray)
    Tray.shown = []
    window = QWidget()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def alerts(monkeypatch: pytest.MonkeyPatch) -> list[QWidget]:
    """Windows that asked for attention."""
    asked: list[QWidget] = []
    monkeypatch.setattr(QApplication, "alert", asked.append)
    return asked


def test_who_looks_elsewhere_is_told(window: QWidget, alerts: list[QWidget]) -> None:
    Notifier(window).notify("SR Desk", "The queue is done.")
    assert alerts == [window]
    assert Tray.shown == [("SR Desk", "The queue is done.")]


def test_who_looks_at_the_window_is_not(
    window: QWidget, alerts: list[QWidget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "isActiveWindow", lambda: True)
    Notifier(window).notify("SR Desk", "The queue is done.")
    assert (alerts, Tray.shown) == ([], [])


def test_without_a_tray_the_task_bar_is_what_is_left(
    window: QWidget, alerts: list[QWidget], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tray, "isSystemTrayAvailable", staticmethod(lambda: False))
    Notifier(window).notify("SR Desk", "The queue is done.")
    assert (alerts, Tray.shown) == ([window], [])


def test_a_click_on_the_notification_brings_the_window_to_the_front(
    window: QWidget, alerts: list[QWidget], qtbot: QtBot
) -> None:
    said = Notifier(window)
    said.notify("SR Desk", "The queue is done.")
    window.showMinimized()
    assert said._tray is not None
    said._tray.messageClicked.emit()
    assert window.isVisible()
    assert not window.isMinimized()

"""A window opens no larger than its screen."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QScreen
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.look.window_size import open_at


@pytest.mark.parametrize(("screen", "expected"), [((1024, 700), (1008, 652)), ((2560, 1440), (1200, 760))])
def test_a_window_opens_inside_its_screen(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, screen: tuple[int, int], expected: tuple[int, int]
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda _: QRect(0, 0, *screen))
    open_at(window, 1200, 760)
    assert (window.width(), window.height()) == expected

"""Whatever is clicked and typed, nothing is raised and Qt does not complain (the fixtures of the suite see to both)."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.training.training import Training

STEPS = 250
"""By hand 30 minutes of them."""

KEYS = [
    *(Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_G, Qt.Key.Key_S, Qt.Key.Key_K),
    *(
        Qt.Key.Key_D,
        Qt.Key.Key_B,
        Qt.Key.Key_Escape,
        Qt.Key.Key_F5,
        Qt.Key.Key_Tab,
        Qt.Key.Key_Return,
        Qt.Key.Key_Space,
    ),
    *(Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Plus, Qt.Key.Key_Minus),
]


class Monkey(QObject):
    """Clicks and types from timers, so that it goes on inside menus and dialogs that wait for it."""

    finished = Signal()

    def __init__(self, window: MainWindow, seed: int, deeds: list[Callable[[], None]]) -> None:
        super().__init__()
        self._window = window
        self._random = random.Random(seed)
        self._deeds = deeds
        self._left = STEPS
        QTimer.singleShot(0, self._step)

    @Slot()
    def _step(self) -> None:
        self._left -= 1
        front = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if self._left <= 0:
            if front is None:
                self.finished.emit()
                return
            front.close()
        # Before the deed: if that opens a menu or a dialog, the next step happens inside of it.
        QTimer.singleShot(2, self._step)
        if self._left <= 0:
            return
        chance = self._random.random()
        if front is not None and chance < 0.3:
            front.close()
        elif chance < 0.6:
            self._click(front or self._window)
        elif chance < 0.9 or front is not None:
            QTest.keyClick(QApplication.focusWidget() or front or self._window, self._random.choice(KEYS))
        else:
            self._random.choice(self._deeds)()

    def _click(self, top: QWidget) -> None:
        widgets = [widget for widget in top.findChildren(QWidget) if widget.isVisible() and widget.isEnabled()]
        target = top if isinstance(top, QMenu) or not widgets else self._random.choice(widgets)
        place = QPoint(self._random.randrange(max(1, target.width())), self._random.randrange(max(1, target.height())))
        click = self._random.choice([QTest.mouseClick, QTest.mouseClick, QTest.mouseDClick])
        click(target, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


@pytest.mark.slow
@pytest.mark.qt_log_ignore("This plugin does not support")  # what only windows on a screen can do
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_clicks_and_keys_raise_nothing(
    qtbot: QtBot,
    window: MainWindow,
    training: Training,
    answers,
    save_picture: Callable[..., Path],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: True)
    pictures = [save_picture("a.png"), save_picture("b.png", (60, 40), "RGBA"), save_picture("c.jpg", (33, 31))]
    truth = tmp_path_factory.mktemp("truth") / "truth.png"  # not beside the others, which may be trained on
    save_picture("sharp.png", (96, 64)).rename(truth)
    answers.given = {
        "open_paths": pictures[:1],
        "truth_path": truth,
        "save_path": tmp_path / "saved.png",
        "folder": tmp_path,
        "collision": "number",
        "background": (0, 0, 0),
        "format_instead": True,
        "size": "20x20",
        "confirm_closing": (False, True),
        "folder_to_open": tmp_path,
        "results_folder": None,
        "close_during_queue": (False, True),
        "training_folder": tmp_path,
        "weights_file": None,
        "confirm_deletion": False,
        "close_during_training": "stay",
    }
    actions = window.desk_actions
    deeds = [lambda path=path: window.open_flow.open([path]) for path in (*pictures, tmp_path / "missing.png")]
    deeds += [action.trigger for action in window.actions() if action not in (actions.quit, actions.full_screen)]
    window.open_flow.open(pictures[:1])
    monkey = Monkey(window, seed, deeds)
    with qtbot.waitSignal(monkey.finished, timeout=60_000):
        pass
    window.close_unasked()
    if training.current is not None and training.current.is_alive:  # one that they began, and that nobody waits for
        training.current.discard()
        qtbot.waitUntil(lambda: training.current is None or not training.current.is_alive, timeout=30_000)

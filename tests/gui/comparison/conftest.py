"""A comparison of small pictures, and a person who looks at it and takes hold of it."""

from __future__ import annotations

import numpy as np
import pytest
import qimage2ndarray
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.comparison import PaneSpec
from srdesk.gui.compare.pane import Pane
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.view import CompareView
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8


class Person:
    """Looks at a comparison, and uses mouse and keys on it."""

    KEYS = ("lr", "bicubic", "srcnn", "srresnet", "srgan")
    HEIGHT, WIDTH = 45, 61
    LR = np.dstack([*np.mgrid[0:45, 0:61].astype(np.uint8), np.full((45, 61), 200, np.uint8)])
    """Every LR pixel has a colour of its own: row, column, 200."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot

    def enlarged(self) -> np.ndarray:
        """Return LR with each pixel repeated 4 × 4 times."""
        return np.kron(self.LR, np.ones((4, 4, 1), np.uint8))

    def display(self, pixels: np.ndarray, scale: int) -> DisplayImage:
        return DisplayImage.build(StoredImage(pixels, UINT8), scale)

    def panes(self, view: CompareView) -> list[Pane]:
        return view._stage.panes()

    def pane(self, view: CompareView, key: str) -> Pane:
        return next(pane for pane in self.panes(view) if pane.canvas.contents[0].key == key)

    def seen(self, canvas: Canvas) -> np.ndarray:
        """Return what ``canvas`` shows when it is sharp, `(H, W, 3)`."""
        canvas.grab()
        self._qtbot.waitUntil(lambda: canvas.is_sharp)
        image = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        return qimage2ndarray.rgb_view(image).copy()

    def wheel(self, canvas: Canvas, point: QPointF, notches: float) -> None:
        nothing, turned = QPoint(), QPoint(0, round(120 * notches))
        event = QWheelEvent(
            point,
            canvas.mapToGlobal(point),
            nothing,
            turned,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)

    def mouse(
        self, widget: QWidget, kind: QEvent.Type, point: QPointF, button: Qt.MouseButton = Qt.MouseButton.LeftButton
    ) -> None:
        held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
        pressed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
        event = QMouseEvent(kind, point, widget.mapToGlobal(point), pressed, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(widget, event)

    def drag(self, widget: QWidget, start: QPointF, end: QPointF) -> None:
        self.mouse(widget, QEvent.Type.MouseButtonPress, start)
        self.mouse(widget, QEvent.Type.MouseMove, end)
        self.mouse(widget, QEvent.Type.MouseButtonRelease, end)

    def hover(self, widget: QWidget, point: QPointF) -> None:
        self.mouse(widget, QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton)

    def key(self, widget: QWidget, kind: QEvent.Type, which: Qt.Key) -> None:
        QApplication.sendEvent(widget, QKeyEvent(kind, which, Qt.KeyboardModifier.NoModifier))


@pytest.fixture
def person(qtbot: QtBot) -> Person:
    return Person(qtbot)


@pytest.fixture
def view(qtbot: QtBot, person: Person) -> CompareView:
    """Show the LR picture in five panes that have no results yet."""
    view = CompareView()
    qtbot.addWidget(view)
    view.resize(1000, 700)
    view.set_panes([PaneSpec(key, key.upper()) for key in person.KEYS])
    view.set_document(person.display(person.LR, 1))
    with qtbot.waitExposed(view):
        view.show()
    return view


@pytest.fixture
def compared(view: CompareView, person: Person) -> CompareView:
    """Compare a picture of 100 with one of 104 in all channels, at a zoom at which they fill the stage."""
    view.set_result("bicubic", person.display(np.full_like(person.enlarged(), 100), 4))
    view.set_result("srresnet", person.display(np.full_like(person.enlarged(), 104), 4))
    view.set_compared("bicubic", "srresnet")
    view.zoom_to(800)
    return view

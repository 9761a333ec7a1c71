"""Exchanging two pictures in place: while B is held, or by itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

BLINK_EVERY_MS = 700
"""Time that each of two blinking pictures is seen."""


class Blinker(QObject):
    """Says when the second picture shall be seen in the place of the first.

    Args:
        view: Widget whose keys are listened to, those included that its children leave to it.
    """

    swapped = Signal()
    """`is_swapped` has changed."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.is_swapped = False
        """Whether the second picture shall be seen."""
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_EVERY_MS)
        self._timer.timeout.connect(self._blink)
        view.installEventFilter(self)

    @property
    def is_running(self) -> bool:
        """Whether it blinks by itself."""
        return self._timer.isActive()

    def run(self, *, running: bool) -> None:
        """Begin or stop to blink by itself."""
        if running and not self.is_running:
            self._timer.start()
        elif not running and self.is_running:
            self._timer.stop()
            self.swap(swapped=False)

    def swap(self, *, swapped: bool) -> None:
        """Show the second picture, or the first."""
        if swapped != self.is_swapped:
            self.is_swapped = swapped
            self.swapped.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Listen to B, and to the window going away, since the release of a key is then not seen."""
        match event.type():
            case QEvent.Type.KeyPress | QEvent.Type.KeyRelease if isinstance(event, QKeyEvent):
                is_pressed = event.type() == QEvent.Type.KeyPress
                # Another key may be down by the time that B is released.
                is_plain = event.modifiers() == Qt.KeyboardModifier.NoModifier or not is_pressed
                is_b = event.key() == Qt.Key.Key_B and is_plain
                if is_b and not event.isAutoRepeat():
                    self.swap(swapped=is_pressed)
                return is_b
            case QEvent.Type.WindowDeactivate:
                self.swap(swapped=False)
        return False

    def _blink(self) -> None:
        self.swap(swapped=not self.is_swapped)

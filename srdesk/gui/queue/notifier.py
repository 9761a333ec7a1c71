"""Says that the queue is done to a person who is looking at something else."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

_SHOWN_MS = 10_000


class Notifier(QObject):
    """Notifies through the system where it can, and otherwise asks for attention in the task bar.

    Args:
        window: what is brought to the front when the person answers the notification.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        self._leaving = QTimer(self, singleShot=True, interval=2 * _SHOWN_MS)
        self._leaving.timeout.connect(self._leave)

    def notify(self, title: str, text: str) -> None:
        """Say ``text``, unless the person is looking at the window."""
        if self._window.isActiveWindow():
            return
        QApplication.alert(self._window)
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
            self._tray.setToolTip(title)
            self._tray.messageClicked.connect(self._on_clicked)
            self._tray.activated.connect(self._on_clicked)
        self._tray.show()  # a message needs an icon to come from; both leave soon
        self._tray.showMessage(title, text, self._window.windowIcon(), _SHOWN_MS)
        self._leaving.start()

    @Slot()
    def _on_clicked(self) -> None:
        self._leave()
        self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    @Slot()
    def _leave(self) -> None:
        if self._tray is not None:
            self._tray.hide()

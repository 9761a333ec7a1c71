"""The composition root: makes every part of the desk once, connects them, and takes them apart again in order."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from PySide6.QtCore import QObject, QSettings, QSocketNotifier, Qt, QTimer, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

import srdesk
from srdesk import paths
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.garbage import GuiGarbage
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.honesty_worker import HonestyWorker
from srdesk.gui.look.theme import Theme
from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.logbook import ExceptionHook, start_log, stop_log
from srdesk.gui.messages.message_list import Loudness, Message, Messages
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.sleep_guard import SleepGuard
from srdesk.gui.training.training import Training
from srdesk.gui.work.file_worker import FileWorker
from srdesk.gui.work.pane_weights import PaneWeights
from srdesk.gui.work.request_thread import RequestThread
from srdesk.gui.work.requests import WarmedUp
from srdesk.gui.work.session import Session
from srdesk.gui.work.upscale_worker import UpscaleWorker
from srdesk.settings import Settings, load_settings

log = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.001
"""How soon a thread that runs Python has to let the window have its turn (Python's default is five times as long)."""

LOOK_AROUND_MS = 300
"""When runs of earlier desks are looked for: after the window has answered its first events."""

SHUTDOWN_S = 1.2
"""How long each thread gets to notice that it should end; a network notices within 0.3 s."""

_MOST_SIGNALS = 4096
"""Signals that are answered together."""

_SAMPLES = ("portrait", "satellite", "astronomy")
_ICON_SIDES_PX = (16, 32, 48, 64, 128, 256)


def main(arguments: Sequence[str]) -> int:
    """Open the desk and stay until it is closed.

    Args:
        arguments: files to open.

    Returns:
        The exit status.
    """
    prepare_process()
    application = make_application()
    hook = ExceptionHook()
    hook.install()
    complaint = start_log()
    desk = Desk(application, hook)
    if complaint:
        desk.messages.tell(Message(complaint, Loudness.NOTICE, is_about_picture=False))
    signals = _Signals(desk.window)
    desk.window.show()
    desk.open([Path(name) for name in arguments])
    status = application.exec()
    signals.close()
    has_ended = desk.shutdown()
    hook.uninstall()
    log.info("closed with status %d", status)
    stop_log()
    if not has_ended:
        # A thread is stuck in a foreign call, such as the import of torch from a slow disk. Nothing is lost by leaving
        # it, but a running QThread would abort the process while Python takes itself apart.
        for unfinished in desk.session.saves.unfinished_files:
            unfinished.unlink(missing_ok=True)
        os._exit(status)
    return status


def prepare_process() -> None:
    """Set what torch and Python read only once."""
    # Threads that spin while they wait would take the window's turn: 810 ms instead of 347 ms for a window of pixels.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def make_application() -> QApplication:
    """Return the application with its name and icon."""
    application = QApplication(["srdesk"])
    application.setApplicationName("srdesk")
    application.setApplicationDisplayName("SR Desk")
    application.setApplicationVersion(srdesk.__version__)
    application.setDesktopFileName("srdesk")
    icon = QIcon()
    for side_px in _ICON_SIDES_PX:
        icon.addFile(str(paths.resources_folder() / "icons" / f"srdesk-{side_px}.png"))
    application.setWindowIcon(icon)
    return application


class Desk(QObject):
    """All parts of the desk, connected. Whoever makes one calls `shutdown`."""

    def __init__(self, application: QApplication, hook: ExceptionHook | None = None) -> None:
        super().__init__()
        self._garbage = GuiGarbage(self)
        loaded = load_settings()
        self.messages = Messages()
        """Says things, also before the window is there."""
        for notice in loaded.notices:
            self.messages.tell(Message(notice, Loudness.NOTICE, is_about_picture=False))
        self.preferences = Preferences(loaded.settings)
        """The settings."""
        self._weights = PaneWeights(paths.weights_folders(), loaded.settings.pane_weights)
        files = RequestThread(FileWorker(), "files")
        self.session = Session(
            files=files,
            upscaling=RequestThread(UpscaleWorker(), "upscaling"),
            weights_for=self._weights,
        )
        """What is open, and what is computed of it."""
        self.honesty = Honesty(self.session, files=files, thread=RequestThread(HonestyWorker(), "honesty"))
        """How far that can be trusted."""
        self.training = Training(
            self.preferences, runs_folder=paths.runs_folder(), weights_folders=paths.weights_folders(), parent=self
        )
        """The run that is going on, and those of before."""
        self.queue = DeskQueue(
            paths.queue_journal(), weights_folders=paths.weights_folders(), sleep=SleepGuard(), parent=self
        )
        """The files that are to be enlarged one after the other."""
        theme = Theme(application)
        theme.choose(loaded.settings.theme)
        self.window = MainWindow(
            self.session,
            self.preferences,
            self.messages,
            theme,
            training=self.training,
            queue=self.queue,
            honesty=self.honesty,
            samples=sample_pictures(),
            geometry=QSettings(str(paths.state_folder() / "window.ini"), QSettings.Format.IniFormat),
        )
        """The one window."""
        application.applicationStateChanged.connect(self._on_state_changed)
        self.window.first_painted.connect(self._on_first_painted)
        self.window.closing.connect(application.quit)
        self.session.warmed_up.connect(self._on_warmed_up)
        self.training.weights_changed.connect(self._use_weights)
        self.preferences.changed.connect(self._on_preferences_changed)
        self._use_weights()
        if hook is not None:
            hook.caught.connect(self.window.reporter.on_error)

    def open(self, files: list[Path]) -> None:
        """Open files that were named on the command line."""
        self.window.open_flow.open(files)

    def shutdown(self) -> bool:
        """End the threads.

        Returns:
            Whether they have ended.
        """
        self.training.shutdown()
        has_ended = self.honesty.shutdown(SHUTDOWN_S)
        has_ended = self.queue.shutdown(SHUTDOWN_S) and has_ended
        has_ended = self.session.shutdown(SHUTDOWN_S) and has_ended
        if has_ended:  # else a thread could still collect
            self._garbage.close()
        return has_ended

    @Slot()
    def _on_first_painted(self) -> None:
        log.info("first paint after %.2f s", time.perf_counter() - srdesk.STARTED_S)
        # Not at once: the window shall have answered its first events before anything competes with it.
        QTimer.singleShot(0, self.session.warm_up)
        QTimer.singleShot(LOOK_AROUND_MS, self.training.look_around)
        QTimer.singleShot(LOOK_AROUND_MS, self.queue.look_around)

    @Slot(object)
    def _on_warmed_up(self, answer: WarmedUp) -> None:
        devices = ", ".join(device.title for device in answer.devices)
        log.info("torch is ready after %.2f s on %s", time.perf_counter() - srdesk.STARTED_S, devices)
        self._garbage.settle()

    @Slot(Qt.ApplicationState)
    def _on_state_changed(self, state: Qt.ApplicationState) -> None:
        # The person may come back from a file manager, with new weights in the folder.
        if state is Qt.ApplicationState.ApplicationActive:
            self._use_weights()

    @Slot(object)
    def _on_preferences_changed(self, settings: Settings) -> None:
        if settings.pane_weights != self._chosen_weights:
            self._use_weights()

    @Slot()
    def _use_weights(self) -> None:
        """Let each pane use the weights that were chosen for it, as the folders are now, and say so in its title."""
        self._chosen_weights = self.preferences.settings.pane_weights
        self._weights.choose(self._chosen_weights)
        missing = self._weights.missing
        if missing:
            for pane, name in missing.items():
                sentence = self.tr("The weights “{}” are gone; {} uses those of the program.")
                said = sentence.format(name, PANE_TITLES[pane])
                self.messages.tell(Message(said, Loudness.NOTICE, is_about_picture=False))
            left = {pane: name for pane, name in self._chosen_weights.items() if pane not in missing}
            self.preferences.change(pane_weights=left)  # which leads here again
            return
        self.window.board.show_weights(self._chosen_weights)
        self.session.renderer.look_again()


def sample_pictures() -> list[Path]:
    """Return the sample pictures that are there."""
    folder = paths.resources_folder() / "samples"
    return [path for name in _SAMPLES if (path := folder / f"{name}.png").is_file()]


class _Signals(QObject):
    """Lets Ctrl-C and SIGTERM close the window in order. Python sees a signal only while it runs, so Qt wakes it up."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)}
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    @Slot()
    def _on_signal(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(_MOST_SIGNALS)  # else Qt would call again and again
        log.info("asked to end by a signal")
        self._window.close_unasked()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the byte that the signal wrote does the rest."""

"""Where the desk writes down what happens: a rotating file, into which Qt and lost exceptions speak as well."""

from __future__ import annotations

import logging
import logging.handlers
import sys
import threading
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from srdesk.errors import UnexpectedError
from srdesk.gui.messages.diagnostics import log_file

log = logging.getLogger("srdesk.desk")
qt_log = logging.getLogger("srdesk.qt")

_FILE_BYTES = 1 << 20
_OLD_FILES = 3
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def start_log() -> str:
    """Send everything from level INFO on to the log file.

    Returns:
        Empty, or a sentence about why there is no log file.
    """
    logger = logging.getLogger("srdesk")
    logger.setLevel(logging.INFO)
    qInstallMessageHandler(_on_qt_message)
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        return f"No log is written, because “{path}” cannot be opened: {error.strerror}."
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    return ""


def stop_log() -> None:
    """Close the log file."""
    qInstallMessageHandler(None)
    logger = logging.getLogger("srdesk")
    for handler in list(logger.handlers):
        if isinstance(handler, logging.handlers.RotatingFileHandler):
            logger.removeHandler(handler)
            handler.close()


class ExceptionHook(QObject):
    """Takes what nobody caught. May be called on any thread, so it touches no widget: it logs, and emits a signal."""

    caught = Signal(object)
    """`UnexpectedError`; connect a slot of a QObject, which then runs on the thread of that object."""

    def install(self) -> None:
        """Become the hook of this process."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def uninstall(self) -> None:
        """Put back what was there before."""
        sys.excepthook, threading.excepthook = self._before

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("nobody caught this", exc_info=(kind, error, trace))
        report = UnexpectedError(f"Something unexpected went wrong: {kind.__name__}, {error}.")
        report.__cause__ = error
        self.caught.emit(report)

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self._on_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    qt_log.log(_LEVELS.get(kind, logging.INFO), "%s", text)
    del context

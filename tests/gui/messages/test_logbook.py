"""What nobody caught is written down, on whatever thread it happened, and reported on the main one."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject, QThread, Slot
from pytestqt.qtbot import QtBot

from srdesk.gui.messages.diagnostics import log_file
from srdesk.gui.messages.logbook import ExceptionHook, start_log, stop_log


class Listener(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.reports: list[str] = []
        self.was_main = True

    @Slot(object)
    def hear(self, error: Exception) -> None:
        self.reports.append(str(error))
        self.was_main &= QThread.currentThread() is self.thread()


@pytest.fixture
def logbook() -> Iterator[None]:
    assert start_log() == ""
    yield
    stop_log()


@pytest.mark.expects_warning_log("nobody caught this")
def test_an_exception_on_another_thread_is_logged_and_reported_on_the_main_one(qtbot: QtBot, logbook: None) -> None:
    hook, listener = ExceptionHook(), Listener()
    before = sys.excepthook
    hook.caught.connect(listener.hear)
    hook.install()
    try:
        thread = threading.Thread(target=[].pop)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: bool(listener.reports), timeout=10_000)
    finally:
        hook.uninstall()
    assert "IndexError" in listener.reports[0]
    assert listener.was_main
    assert "nobody caught this" in log_file().read_text(encoding="utf-8")
    assert sys.excepthook is before


def test_a_log_that_cannot_be_written_is_a_sentence_and_no_reason_to_stop(qtbot: QtBot, srdesk_home) -> None:
    srdesk_home.mkdir(parents=True)
    (srdesk_home / "log").write_text("in the way")
    complaint = start_log()
    stop_log()
    assert "No log is written" in complaint
    assert logging.getLogger("srdesk").handlers == []

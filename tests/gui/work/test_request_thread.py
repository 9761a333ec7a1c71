"""The facts about Qt's threads that the desk rests on, and what `RequestThread` makes of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QObject, QThread, Signal, Slot
from pytestqt.qtbot import QtBot

from srdesk.errors import ImageReadError
from srdesk.gui.work.request_thread import RequestThread, Worker
from srdesk.gui.work.requests import Answer, Failed, Request, Saved, WasCancelled

WAIT_MS = 10_000


class Speaker(QObject):
    said = Signal(object)

    @Slot()
    def speak(self) -> None:
        self.said.emit(np.zeros(4))


class Listener(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[object, bool]] = []

    @Slot(object)
    def hear(self, what: object) -> None:
        self.heard.append((what, QThread.currentThread() is self.thread()))


class Caller(QObject):
    called = Signal()


@pytest.fixture
def thread() -> Iterator[QThread]:
    thread = QThread()
    thread.start()
    yield thread
    end(thread)


def end(thread: QThread) -> None:
    """End a thread. A test does so itself before it drops an object that lives there and may still be in use."""
    thread.quit()
    assert thread.wait(WAIT_MS)


def test_a_lambda_runs_on_the_thread_of_the_signal_and_a_slot_on_the_thread_of_its_object(
    qtbot: QtBot, thread: QThread
) -> None:
    speaker, listener, caller = Speaker(), Listener(), Caller()
    speaker.moveToThread(thread)
    threads_of_lambda: list[threading.Thread] = []
    speaker.said.connect(lambda _: threads_of_lambda.append(threading.current_thread()))
    speaker.said.connect(listener.hear)
    caller.called.connect(speaker.speak)
    caller.called.emit()
    qtbot.waitUntil(lambda: bool(listener.heard), timeout=WAIT_MS)
    assert listener.heard[0][1], "the slot ran on a foreign thread"
    end(thread)
    assert threads_of_lambda[0] is not threading.main_thread()


def test_an_array_goes_through_a_signal_without_a_copy(qtbot: QtBot) -> None:
    answer = Saved(1, ())
    speaker, listener = Speaker(), Listener()
    speaker.said.connect(listener.hear)
    speaker.said.emit(answer)
    assert listener.heard[0][0] is answer


def test_an_exception_in_a_slot_reaches_the_hook_on_the_thread_of_the_slot(
    qtbot: QtBot, thread: QThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty(QObject):
        @Slot()
        def fail(self) -> None:
            raise ValueError("on purpose")

    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        sys,
        "excepthook",
        lambda kind, error, trace: seen.append((str(error), threading.current_thread() is threading.main_thread())),
    )
    faulty, caller = Faulty(), Caller()
    faulty.moveToThread(thread)
    caller.called.connect(faulty.fail)
    caller.called.emit()
    qtbot.waitUntil(lambda: bool(seen), timeout=WAIT_MS)
    end(thread)
    assert seen == [("on purpose", False)]


def test_a_busy_thread_sees_an_event_but_no_queued_slot(qtbot: QtBot, thread: QThread) -> None:
    class Busy(QObject):
        done = Signal(object)

        def __init__(self) -> None:
            super().__init__()
            self.flag = threading.Event()
            self.was_called = False

        @Slot()
        def work(self) -> None:
            saw_flag = self.flag.wait(WAIT_MS / 1000)
            self.done.emit((saw_flag, self.was_called))

        @Slot()
        def cancel(self) -> None:
            self.was_called = True

    busy, start, cancel, listener = Busy(), Caller(), Caller(), Listener()
    busy.done.connect(listener.hear)
    busy.moveToThread(thread)
    start.called.connect(busy.work)
    cancel.called.connect(busy.cancel)
    start.called.emit()
    cancel.called.emit()
    busy.flag.set()
    qtbot.waitUntil(lambda: bool(listener.heard), timeout=WAIT_MS)
    end(thread)
    assert listener.heard[0][0] == (True, False)


@pytest.mark.process
def test_dropping_a_running_thread_aborts_the_process() -> None:
    script = """
        from PySide6.QtCore import QCoreApplication, QThread
        application = QCoreApplication([])
        thread = QThread()
        thread.start()
        del thread
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, timeout=60)
    assert run.returncode != 0


class ByName(Worker):
    """Does what the test wants for each request."""

    def __init__(self) -> None:
        super().__init__()
        self.deeds: dict[int, object] = {}
        self.threads: set[int] = set()
        self.has_released = False
        self.started = threading.Event()

    def answer(self, request: Request) -> Answer:
        self.threads.add(threading.get_ident())
        self.started.set()
        deed = self.deeds.get(request.id)
        if isinstance(deed, Exception):
            raise deed
        if deed == "wait":
            while True:
                request.token.check()
                time.sleep(0.001)
        return Saved(request.id, ())

    def release(self) -> None:
        self.has_released = True


class Gatherer(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []

    @Slot(object)
    def gather(self, answer: Answer) -> None:
        assert QThread.currentThread() is self.thread()
        self.answers.append(answer)


@pytest.fixture
def worker() -> ByName:
    return ByName()


@pytest.fixture
def requests(qtbot: QtBot, worker: ByName) -> Iterator[RequestThread]:
    requests = RequestThread(worker, "test")
    yield requests
    requests.shutdown(5.0)


@pytest.mark.expects_warning_log("failed unexpectedly")
def test_every_request_gets_exactly_one_answer_whatever_happens(
    qtbot: QtBot, worker: ByName, requests: RequestThread
) -> None:
    gatherer = Gatherer()
    requests.answered.connect(gatherer.gather)
    good, bad, broken, cancelled, last = (Request() for _ in range(5))
    worker.deeds = {bad.id: ImageReadError("a.png", "it is empty"), broken.id: ZeroDivisionError("oops")}
    cancelled.token.cancel()
    for request in (good, bad, broken, cancelled, last):
        requests.submit(request)
    qtbot.waitUntil(lambda: len(gatherer.answers) >= 5, timeout=WAIT_MS)
    assert [(type(answer), answer.id) for answer in gatherer.answers] == [
        (Saved, good.id),
        (Failed, bad.id),
        (Failed, broken.id),
        (WasCancelled, cancelled.id),
        (Saved, last.id),
    ]
    assert "oops" in str(gatherer.answers[2].error)  # type: ignore[attr-defined]
    assert threading.get_ident() not in worker.threads


def test_a_token_stops_a_request_that_is_under_way(qtbot: QtBot, worker: ByName, requests: RequestThread) -> None:
    request = Request()
    worker.deeds = {request.id: "wait"}
    requests.submit(request)
    assert worker.started.wait(10)
    with qtbot.waitSignal(requests.answered, timeout=WAIT_MS) as answered:
        request.token.cancel()
    assert answered.args == [WasCancelled(request.id)]


def test_shutting_down_stops_the_thread_and_nothing_is_answered_any_more(qtbot: QtBot) -> None:
    worker, gatherer = ByName(), Gatherer()
    requests = RequestThread(worker, "test")
    requests.answered.connect(gatherer.gather)
    busy = Request()
    worker.deeds = {busy.id: "wait"}
    requests.submit(busy)
    requests.submit(Request())
    assert worker.started.wait(10)
    assert requests.shutdown(5.0)
    qtbot.wait(1)
    assert (gatherer.answers, worker.has_released) == ([], True)


def test_a_thread_that_does_not_end_is_reported_instead_of_waited_for(qtbot: QtBot) -> None:
    class Stuck(Worker):
        started = threading.Event()
        gate = threading.Event()

        def answer(self, request: Request) -> Answer:
            self.started.set()
            self.gate.wait(30)
            return Saved(request.id, ())

    requests = RequestThread(Stuck(), "stuck")
    requests.submit(Request())
    assert Stuck.started.wait(10)
    assert not requests.shutdown(0.02)
    Stuck.gate.set()
    assert requests.shutdown(10.0)

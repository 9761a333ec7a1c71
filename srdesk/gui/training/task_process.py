"""A short task of the trainer, such as a health check of pictures: a child process that tells events on stdout."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QProcess, QTimer, Signal, Slot

from srdesk.errors import TrainingProcessError
from srdesk.gui.training.outcome import Failed, RunOutcome, outcome_of
from srdesk.gui.training.run_process import STOP_PATIENCE_MS, TERMINATE_PATIENCE_MS
from srdesk.gui.training.trainer import stand_back, trainer_command, trainer_environment
from srdesk.training import events

_LOG_TAIL_BYTES = 4000


class TaskProcess(QObject):
    """Runs `srdesk train` with some arguments; its end is that of the desk at the latest."""

    progressed = Signal(object)
    """One event of `srdesk.training.events`."""
    ended = Signal(object)
    """`RunOutcome`: nothing more will come."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.outcome: RunOutcome | None = None
        """How the task ended, None until then."""
        self._last_word: events.Finished | events.Failed | None = None
        self._log = b""
        self._was_asked_to_end = False
        self._rungs: list[Callable[[], None]] = []
        self._ladder = QTimer(self, singleShot=True)
        self._ladder.timeout.connect(self._climb)
        self._process = QProcess(self)
        self._process.started.connect(self._on_started)
        self._process.readyReadStandardOutput.connect(self._on_output)
        self._process.readyReadStandardError.connect(self._on_log)
        self._process.errorOccurred.connect(self._on_error)
        self._process.finished.connect(self._on_finished)

    def start(self, *arguments: str) -> None:
        """Start the task; call it once.

        Args:
            arguments: what follows ``srdesk train``, but for ``--events``.
        """
        program, *rest = trainer_command(*arguments, "--events")
        self._process.setEnvironment([f"{name}={value}" for name, value in trainer_environment().items()])
        self._process.start(program, rest)

    @property
    def is_alive(self) -> bool:
        """Whether the process is starting or running."""
        return self._process.state() is not QProcess.ProcessState.NotRunning

    @Slot()
    def cancel(self) -> None:
        """Ask the task to end; if it does not hear, it is terminated, and killed at last."""
        if self.is_alive and not self._was_asked_to_end:
            self._was_asked_to_end = True
            self._process.write(b"stop\n")
            self._rungs = [self._process.terminate, self._process.kill]
            self._ladder.start(STOP_PATIENCE_MS)

    def end_now(self) -> None:
        """Kill the process and wait until it is gone; a task holds nothing that could be lost."""
        self._was_asked_to_end = True
        self._process.kill()
        self._process.waitForFinished()

    @Slot()
    def _climb(self) -> None:
        if self._rungs:
            self._rungs.pop(0)()
            self._ladder.start(TERMINATE_PATIENCE_MS)

    @Slot()
    def _on_started(self) -> None:
        stand_back(self._process.processId())

    @Slot()
    def _on_output(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine().data())
            try:
                event = events.decode(line)
            except ValueError:
                continue  # a kind of event that another version knows
            if isinstance(event, events.Finished | events.Failed):
                self._last_word = event
            self.progressed.emit(event)

    @Slot()
    def _on_log(self) -> None:
        self._log = (self._log + bytes(self._process.readAllStandardError().data()))[-_LOG_TAIL_BYTES:]

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self._end(Failed(TrainingProcessError(f"The task cannot be started: {self._process.errorString()}.")))

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, exit_code: int, status: QProcess.ExitStatus) -> None:
        self._on_output()
        has_crashed = status is QProcess.ExitStatus.CrashExit
        self._end(
            outcome_of(
                self._last_word,
                exit_code=-exit_code if has_crashed else exit_code,  # Qt gives the number of the signal
                log_tail=self._log.decode(errors="replace"),
                was_asked=self._was_asked_to_end,
            )
        )

    def _end(self, outcome: RunOutcome) -> None:
        self._ladder.stop()
        self.outcome = outcome
        self.ended.emit(outcome)

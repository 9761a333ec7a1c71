"""At most one short task at a time: a newer one takes the place of the one before, which is no longer listened to."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QObject, Signal, Slot

from srdesk.gui.training.outcome import RunOutcome
from srdesk.gui.training.task_process import TaskProcess
from srdesk.training.config import TrainConfig

MakeTask = Callable[[], TaskProcess]


class LatestTask(QObject):
    """Starts tasks and passes on what the latest one says. Whoever makes one calls `shutdown`."""

    progressed = Signal(object)
    """One event of the latest task."""
    ended = Signal(object)
    """`RunOutcome` of the latest task, unless it was cancelled."""

    def __init__(self, make: MakeTask = TaskProcess, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._latest: TaskProcess | None = None
        self._going: list[TaskProcess] = []

    @property
    def is_going_on(self) -> bool:
        """Whether the latest task has neither ended nor been cancelled."""
        return self._latest is not None

    def start(self, *arguments: str) -> None:
        """Cancel what is going on and start a task with these ``arguments`` of `srdesk train`."""
        self.cancel()
        task = self._make()
        task.progressed.connect(self._on_progressed)
        task.ended.connect(self._on_ended)
        self._latest = task
        self._going.append(task)
        task.start(*arguments)

    @Slot()
    def cancel(self) -> None:
        """End what is going on; nothing more is heard of it."""
        latest, self._latest = self._latest, None
        if latest is not None:
            latest.cancel()

    def shutdown(self) -> None:
        """End every process at once."""
        self._latest = None
        for task in tuple(self._going):
            task.end_now()

    @Slot(object)
    def _on_progressed(self, event: object) -> None:
        if self.sender() is self._latest:
            self.progressed.emit(event)

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        task = self.sender()
        self._going = [other for other in self._going if other is not task]
        if task is self._latest:
            self._latest = None
            self.ended.emit(outcome)
        task.deleteLater()


def arguments_for(config: TrainConfig) -> list[str]:
    """Return the arguments of `srdesk train` that stand for ``config``."""
    usual, arguments, assignments = TrainConfig(), list[str](), list[str]()
    for field in TrainConfig.__struct_fields__:
        value = getattr(config, field)
        if field == "data" and value:
            arguments += ["--data", *value]
        elif value != getattr(usual, field):
            assignments.append(f"{field}={msgspec.json.encode(value).decode()}")
    return [*arguments, *(["--set", *assignments] if assignments else [])]

"""Fetching COCO 2014, on request only: where to, how far, and the way out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from srdesk.gui.training.latest_task import LatestTask, MakeTask
from srdesk.gui.training.outcome import Crashed, Failed, RunOutcome
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.texts import duration, size
from srdesk.training import events

_BAR_STEPS = 1000


class CocoDownload(QWidget):
    """A line of progress, seen while something is fetched. Whoever makes one calls `shutdown`."""

    fetched = Signal(object)
    """`Path` of an archive that is complete."""

    def __init__(self, make_task: MakeTask, questions: TrainingQuestions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._questions = questions
        self._task = LatestTask(make_task, self)
        self._task.progressed.connect(self._on_progressed)
        self._task.ended.connect(self._on_ended)
        self.button = QPushButton(self.tr("Download COCO 2014…"))
        """Asks where to, and begins; belongs into somebody else's row."""
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._on_asked)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._cancel = QPushButton(self.tr("Cancel Download"))
        self._cancel.setAutoDefault(False)
        self._cancel.clicked.connect(self._on_cancelled)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, _BAR_STEPS)
        row = QHBoxLayout()
        row.addWidget(self._text, 1)
        row.addWidget(self._cancel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.hide()

    @property
    def text(self) -> str:
        """What is said about the download."""
        return self._text.text()

    def shutdown(self) -> None:
        """End the download; what has come is kept for the next time."""
        self._task.shutdown()

    @Slot()
    def _on_asked(self) -> None:
        folder = self._questions.download_folder()
        if folder is None:
            return
        self._show(self.tr("Connecting…"), is_going_on=True)
        self._bar.setValue(0)
        self._task.start("--download-coco", str(folder))

    @Slot()
    def _on_cancelled(self) -> None:
        self._task.cancel()
        self._show(self.tr("The download was cancelled. What has come is kept for the next time."), is_going_on=False)

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        match event:
            case events.Downloading(name=name, done_bytes=done, total_bytes=total, bytes_per_second=speed):
                parts = [self.tr("{}: {} of {}").format(name, size(done), size(total))]
                if speed > 0:
                    parts += [f"{size(speed)}/s", self.tr("{} left").format(duration((total - done) / speed))]
                self._text.setText(" · ".join(parts))
                self._bar.setValue(round(_BAR_STEPS * done / max(total, 1)))
            case events.Downloaded(path=path):
                self.fetched.emit(Path(path))
            case events.Notice(message=message):
                self._text.setText(message)
            case _:
                pass

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        if isinstance(outcome, Failed | Crashed):
            self._show(f"{outcome.error} {outcome.error.hint}", is_going_on=False)
        else:
            self._show(self.tr("COCO 2014 is complete."), is_going_on=False)

    def _show(self, text: str, *, is_going_on: bool) -> None:
        self._text.setText(text)
        self._bar.setVisible(is_going_on)
        self._cancel.setVisible(is_going_on)
        self.button.setEnabled(not is_going_on)
        self.show()

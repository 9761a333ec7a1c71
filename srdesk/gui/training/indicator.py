"""The place in the status line where a training that is going on can be seen, and opened."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QPushButton, QWidget

from srdesk.gui.look import icons
from srdesk.gui.look.theme import current_scheme
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.texts import duration
from srdesk.gui.training.training import Training
from srdesk.training import events

_REFRESH_MS = 250


class TrainingIndicator(QPushButton):
    """Shows name, progress, quality and remaining time of the current run; hidden when there is none."""

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFlat(True)
        self.setObjectName("trainingIndicator")
        self._training = training
        self._process: RunProcess | None = None
        # A run that is caught up with tells thousands of events at once.
        self._settling = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._settling.timeout.connect(self._refresh)
        self.redraw()
        training.run_changed.connect(self._on_run_changed)
        training.progressed.connect(self._on_progressed)
        self._on_run_changed()

    @Slot()
    def redraw(self) -> None:
        """Draw the icon in the colours of the theme."""
        scheme = current_scheme()
        self.setIcon(icons.icon("train", scheme.text, scheme.disabled))

    @Slot()
    def _on_run_changed(self) -> None:
        if self._process is not self._training.current:
            self._process = self._training.current
            self._steps = self._step = 0
            self._remaining_s: float | None = None
            self._psnr_y_db: float | None = None
        self._refresh()

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        match event:
            case events.Started():
                self._steps, self._step, self._remaining_s = event.steps, event.first_step, None
            case events.Step():
                self._step, self._remaining_s = event.step, event.remaining_s
            case events.Estimated():
                self._remaining_s = event.remaining_s
            case events.Validated(is_best=True):
                self._psnr_y_db = event.psnr_y_db
            case _:
                return
        if not self._settling.isActive():
            self._settling.start()

    @Slot()
    def _refresh(self) -> None:
        process = self._process
        self.setVisible(process is not None and process.is_alive)
        if process is None or not process.is_alive:
            return
        parts = [process.title, self._progress(process.phase)]
        if self._psnr_y_db is not None:
            parts.append(self.tr("{:.2f} dB").format(self._psnr_y_db))
        if self._remaining_s is not None and process.phase is RunPhase.RUNNING:
            parts.append(self.tr("{} left").format(duration(self._remaining_s)))
        self.setText("  ·  ".join(parts))
        step = self.tr("step {:,} of {:,}").format(self._step, self._steps) if self._steps else self.tr("preparing")
        self.setToolTip(self.tr("Training “{}”: {}. Click to see it.").format(process.title, step))

    def _progress(self, phase: RunPhase) -> str:
        words = {
            RunPhase.STARTING: self.tr("preparing"),
            RunPhase.PAUSED: self.tr("paused"),
            RunPhase.STOPPING: self.tr("stopping"),
        }
        return words.get(phase) or self.tr("{} %").format(100 * self._step // max(1, self._steps))

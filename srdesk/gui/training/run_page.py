"""The page of a run that is going on, or of one that is looked at again: curves, pictures, figures, buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from srdesk.gui.training.picture_strip import PictureStrip
from srdesk.gui.training.plots import RunPlots
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.run_record import RunRecord
from srdesk.gui.training.texts import duration, size
from srdesk.training import events
from srdesk.training.run.runs import PICTURES_FOLDER

REDRAW_MS = 250
"""Shortest time between two drawings."""


class RunPage(QWidget):
    """Shows one `RunProcess`. Whoever makes the page calls `shutdown`."""

    discard_requested = Signal()
    """The person wants to cancel the run and delete it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.record = RunRecord()
        """What the run has told."""
        self._process: RunProcess | None = None
        self._has_new_pictures = self._has_other_pictures = False
        self.plots = RunPlots()
        """The curves."""
        self.strip = PictureStrip()
        """The held-out pictures."""
        self._headline = QLabel()
        self._headline.setObjectName("trainingHeadline")
        self._figures = QLabel()
        self._figures.setObjectName("muted")
        self._figures.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._notice = QLabel()
        self._notice.setWordWrap(True)
        self._notice.setObjectName("trainingNotice")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.plots)
        splitter.addWidget(self.strip)
        splitter.setSizes([230, 330])
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setHandleWidth(12)
        figures = QHBoxLayout()
        figures.addWidget(self._headline)
        figures.addWidget(self._figures, 1, Qt.AlignmentFlag.AlignRight)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 12, 20, 12)
        column.setSpacing(8)
        column.addLayout(figures)
        column.addWidget(self._bar)
        column.addWidget(self._notice)
        column.addWidget(splitter, 1)
        column.addLayout(self._build_buttons())
        self.setFocusProxy(self.pause)
        # A run that is looked at again tells thousands of events at once: they are shown together.
        self._redraw_timer = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._redraw_timer.timeout.connect(self.redraw)
        self._describe()

    @property
    def process(self) -> RunProcess | None:
        """The run that is listened to."""
        return self._process

    @property
    def headline(self) -> str:
        """What the run is doing, and how far it is."""
        return self._headline.text()

    @property
    def figures(self) -> str:
        """Time, speed, memory, device."""
        return self._figures.text()

    @property
    def notice(self) -> str:
        """What the person should know; empty if there is nothing."""
        return self._notice.text()

    def show_run(self, process: RunProcess) -> None:
        """Show ``process`` from its first event on."""
        self.let_go()
        self._process = process
        self.record = RunRecord()
        for event in process.told:
            self.record.take(event)
        self.plots.set_record(self.record)
        self.strip.show_folder(process.run.folder / PICTURES_FOLDER)
        self.keep.blockSignals(True)
        self.keep.setChecked(process.run.is_kept_running())
        self.keep.blockSignals(False)
        process.progressed.connect(self._on_progressed)
        process.phase_changed.connect(self._describe)
        self._describe()

    def let_go(self) -> None:
        """Listen to the run no longer; what it told can still be seen."""
        process, self._process = self._process, None
        if process is not None and isValid(process):
            process.progressed.disconnect(self._on_progressed)
            process.phase_changed.disconnect(self._describe)

    def shutdown(self) -> None:
        """End the thread of the pictures."""
        self.strip.shutdown()

    def _build_buttons(self) -> QHBoxLayout:
        self.pause = QPushButton(self.tr("Pause"))
        """Pauses the run, or lets it go on."""
        self.pause.clicked.connect(self._on_pause)
        self.stop = QPushButton(self.tr("Stop && Keep Best"))
        """Ends the run; its best weights stay."""
        self.stop.setToolTip(self.tr("End the run with a checkpoint; it can be resumed later"))
        self.stop.clicked.connect(self._on_stop)
        self.cancel = QPushButton(self.tr("Cancel && Discard…"))
        """Ends the run and deletes it."""
        self.cancel.clicked.connect(self.discard_requested)
        self.keep = QCheckBox(self.tr("Keep training when the desk is closed"))
        """Whether the run outlives the desk."""
        self.keep.toggled.connect(self._on_keep)
        for button in (self.pause, self.stop, self.cancel):
            button.setAutoDefault(False)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.keep)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.stop)
        row.addWidget(self.pause)
        return row

    # --- what the person does ---------------------------------------------------------------------------------------

    @Slot()
    def _on_pause(self) -> None:
        if self._process is None:
            return
        if self._process.phase is RunPhase.PAUSED:
            self._process.resume()
        else:
            self._process.pause()
            self.pause.setEnabled(False)  # until the run says that it waits

    @Slot()
    def _on_stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    @Slot(bool)
    def _on_keep(self, is_kept: bool) -> None:
        if self._process is not None:
            self._process.keep_running(is_kept)

    # --- what the run says ------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        self.record.take(event)
        self._has_new_pictures |= isinstance(event, events.Pictured | events.RolledBack)
        self._has_other_pictures |= isinstance(event, events.Started)
        if not self._redraw_timer.isActive():
            self._redraw_timer.start()

    @Slot()
    def redraw(self) -> None:
        """Show what has been told since the last time."""
        self._redraw_timer.stop()
        self.plots.draw()
        self._describe()
        if self._has_other_pictures:
            self.strip.read_again()
        elif self._has_new_pictures:
            self.strip.look_again()
        self._has_new_pictures = self._has_other_pictures = False

    @Slot()
    def _describe(self) -> None:
        record = self.record
        phase = self._process.phase if self._process is not None else RunPhase.STARTING
        is_alive = self._process is not None and self._process.is_alive
        steps = record.started.steps if record.started else 0
        self._bar.setRange(0, steps if steps or not is_alive else 0)
        self._bar.setMaximum(max(steps, 0 if is_alive else 1))
        self._bar.setValue(record.step)
        self._headline.setText(self._headline_of(phase, steps))
        self._figures.setText(self._figures_line(is_alive=is_alive))
        notice = self._notice_text()
        self._notice.setText(notice)
        self._notice.setVisible(bool(notice))
        self.pause.setText(self.tr("Resume") if phase is RunPhase.PAUSED else self.tr("Pause"))
        self.pause.setEnabled(phase in (RunPhase.RUNNING, RunPhase.PAUSED))
        self.stop.setEnabled(is_alive and phase is not RunPhase.STOPPING)
        self.cancel.setEnabled(is_alive)
        self.keep.setEnabled(is_alive)

    def _headline_of(self, phase: RunPhase, steps: int) -> str:
        if self.record.started is None:
            return self.tr("Preparing…") if phase is not RunPhase.ENDED else self.tr("Ended before the first step")
        progress = self.tr("step {:,} of {:,}").format(self.record.step, steps)
        words = {
            RunPhase.STARTING: self.tr("Preparing…"),
            RunPhase.RUNNING: self.tr("Training"),
            RunPhase.PAUSED: self.tr("Paused"),
            RunPhase.STOPPING: self.tr("Stopping…"),
            RunPhase.ENDED: self.tr("Ended"),
        }
        return f"{words[phase]} · {progress}"

    def _figures_line(self, *, is_alive: bool) -> str:
        record, parts = self.record, list[str]()
        if record.latest is not None:
            latest = record.latest
            if is_alive:
                parts.append(self.tr("{} left").format(duration(latest.remaining_s)))
            parts.append(self.tr("{:.2f} steps/s").format(latest.steps_per_second))
            parts.append(self.tr("memory {}").format(size(latest.memory_bytes)))
            parts.append(self.tr("waiting for pictures {:.0f} %").format(100 * latest.data_wait_share))
        elif record.estimated is not None:
            parts.append(self.tr("{} left").format(duration(record.estimated.remaining_s)))
        if record.started is not None:
            parts.append(self.tr("{} in {}").format(record.started.device, record.started.precision))
        return " · ".join(parts)

    def _notice_text(self) -> str:
        paused, remark = self.record.paused, self.record.remark
        if paused is not None and paused.reason:
            return paused.reason
        match remark:
            case events.RolledBack():
                return self.tr("Went back to step {:,} at a lower rate: {}").format(remark.to_step, remark.reason)
            case events.Estimated() if self._process is not None and self._process.is_alive:
                return self.tr("The first 20 steps say that it takes {} and up to {} of memory.").format(
                    duration(remark.remaining_s), size(remark.peak_memory_bytes)
                )
            case events.Notice():
                return remark.message
        return ""

"""The page on which a run is set up: pictures and their health at the left, what to train at the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from srdesk.gui.training.advanced_form import AdvancedForm
from srdesk.gui.training.coco_download import CocoDownload
from srdesk.gui.training.data_list import DataList
from srdesk.gui.training.health_view import HealthView
from srdesk.gui.training.latest_task import MakeTask
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.rate_finder import RateFinder
from srdesk.gui.training.train_form import SpeedOf, TrainForm
from srdesk.training.config import TrainConfig

_ASIDE_PX = 12
_LIST_HEIGHT_PX = 110


class SetupPage(QWidget):
    """Whoever makes the page calls `shutdown`."""

    start_requested = Signal(object)
    """The `TrainConfig` that the person wants to train."""

    def __init__(
        self,
        questions: TrainingQuestions,
        make_task: MakeTask,
        *,
        weights_folders: Sequence[Path],
        speed_of: SpeedOf,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.data = DataList(questions)
        """Folders and archives."""
        self.download = CocoDownload(make_task, questions)
        """COCO 2014."""
        self.health = HealthView(make_task)
        """What the pictures are like."""
        self.rate_finder = RateFinder(make_task)
        """The search for a learning rate."""
        self.form = TrainForm(weights_folders, speed_of, questions, AdvancedForm(self.rate_finder, questions))
        """Everything else."""
        self._obstacle = ""
        self.start = QPushButton(self.tr("Start Training"))
        """Begins the run."""
        self.start.setProperty("primary", True)
        self.start.setAutoDefault(False)
        self.start.clicked.connect(self._on_start)
        self._reason = QLabel()
        self._reason.setObjectName("muted")
        self._reason.setWordWrap(True)
        self._build()
        self.setFocusProxy(self.data)
        self.data.changed.connect(self._on_data_changed)
        self.data.named_again.connect(self._look_again)
        self.download.fetched.connect(self.data.add)
        self.form.changed.connect(self._on_form_changed)
        self.health.reported.connect(self._on_form_changed)
        self._on_form_changed()

    @property
    def reason(self) -> str:
        """Why nothing can be started; empty if it can."""
        return self._obstacle or self.form.complaint or self._health_complaint()

    def set_obstacle(self, sentence: str) -> None:
        """Say why no run can be started whatever is entered; nothing if it can."""
        self._obstacle = sentence
        self._on_form_changed()

    def rest(self) -> None:
        """Leave the processor to the run: end what looks at pictures and tries rates."""
        self.health.cancel()
        self.rate_finder.cancel()

    def shutdown(self) -> None:
        """End all tasks."""
        for part in (self.download, self.health, self.rate_finder):
            part.shutdown()

    def _build(self) -> None:
        self.data.setMaximumHeight(_LIST_HEIGHT_PX + 40)
        self.data.buttons.addWidget(self.download.button)
        left = QVBoxLayout()
        left.setSpacing(10)
        left.addWidget(_heading(self.tr("Pictures")))
        left.addWidget(self.data)
        left.addWidget(self.download)
        left.addWidget(self.health, 1)
        inside = QWidget()
        right = QVBoxLayout(inside)
        right.setContentsMargins(0, 0, _ASIDE_PX, 0)
        right.setSpacing(10)
        right.addWidget(_heading(self.tr("Training")))
        right.addWidget(self.form, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        least_px = max(inside.minimumSizeHint().width(), self.form.advanced.minimumSizeHint().width() + _ASIDE_PX)
        area.setMinimumWidth(least_px + area.verticalScrollBar().sizeHint().width())
        columns = QHBoxLayout()
        columns.setSpacing(32)
        columns.addLayout(left, 5)
        columns.addWidget(area, 6)
        bottom = QHBoxLayout()
        bottom.setSpacing(16)
        bottom.addWidget(self._reason, 1)
        bottom.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 12)
        column.setSpacing(12)
        column.addLayout(columns, 1)
        column.addLayout(bottom)

    def _health_complaint(self) -> str:
        report = self.health.report
        is_empty = report is not None and not report.pictures
        return self.tr("No picture can be used. The report at the left says why.") if is_empty else ""

    @Slot()
    def _on_data_changed(self) -> None:
        self.form.set_data(self.data.paths)

    def showEvent(self, event: QShowEvent) -> None:
        """Look again at folders that held nothing of use, or were not looked at to the end; not beside a run."""
        super().showEvent(event)
        if self._obstacle:
            return
        if self.health.report is None or not self.health.report.pictures:
            self._look_again()

    @Slot()
    def _look_again(self) -> None:
        self.health.forget()
        self._on_form_changed()

    @Slot()
    def _on_form_changed(self) -> None:
        self.rate_finder.set_config(self.form.config)
        self.health.check(TrainConfig(data=self.data.paths, **self.form.advanced.demands()))
        self._reason.setText(self.reason)
        self.start.setEnabled(not self.reason)

    @Slot()
    def _on_start(self) -> None:
        if self.form.config is not None:
            self.start_requested.emit(self.form.config)


def _heading(text: str) -> QLabel:
    heading = QLabel(text)
    heading.setObjectName("trainingHeadline")
    return heading

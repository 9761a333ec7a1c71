"""The training window: set up a run, watch it, and decide what becomes of it."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from srdesk.errors import SrDeskError
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.look.window_size import open_at
from srdesk.gui.messages.banner import Banner
from srdesk.gui.messages.message_list import Loudness, Message
from srdesk.gui.training.latest_task import MakeTask
from srdesk.gui.training.outcome import RunOutcome
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.result_page import Decision, ResultPage
from srdesk.gui.training.run_page import RunPage
from srdesk.gui.training.run_process import RunProcess
from srdesk.gui.training.setup_page import SetupPage
from srdesk.gui.training.speed import measured_speed
from srdesk.gui.training.task_process import TaskProcess
from srdesk.gui.training.training import Training
from srdesk.gui.work import clipboard
from srdesk.training.config import CONFIG_NAME, TrainConfig
from srdesk.training.run.runs import Run

_SIZE_PX = (1200, 740)


class Step(IntEnum):
    """The pages, in the order in which people get to them."""

    SET_UP = 0
    TRAIN = 1
    RESULT = 2


class TrainDialog(QDialog):
    """One window for the whole life of a run. Whoever makes it calls `shutdown`."""

    def __init__(self, training: Training, parent: QWidget | None = None, *, make_task: MakeTask = TaskProcess) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self._training = training
        self._process: RunProcess | None = None
        self.questions = TrainingQuestions(self)
        """Asks the person; tests put their answers here."""
        self.setup_page = SetupPage(
            self.questions, make_task, weights_folders=training.weights_folders, speed_of=self._speed_of
        )
        self.run_page = RunPage()
        self.result_page = ResultPage()
        self.banner = Banner()
        self._build()
        self.setup_page.start_requested.connect(self._on_start)
        self.run_page.discard_requested.connect(self._on_discard)
        self.result_page.decided.connect(self._on_decided)
        self.result_page.resume_requested.connect(self._on_resume)
        training.run_changed.connect(self._on_run_changed)
        training.weights_changed.connect(self.setup_page.form.reload_weights)
        self._on_run_changed()
        self.go_to(Step.SET_UP)

    @property
    def step(self) -> Step:
        """The page that is seen."""
        return Step(self._pages.currentIndex())

    def show_new(self, folder: Path | None = None) -> None:
        """Show the page on which a run is set up, with ``folder`` among its pictures."""
        if folder is not None:
            self.setup_page.data.add(folder)
        self.go_to(Step.SET_UP)
        self._present()

    def show_run(self, folder: Path) -> None:
        """Show a run: the current one as it goes on, any other as it has been."""
        current = self._training.current
        is_current = current is not None and current.run.folder == folder
        if current is not None and is_current and (current.is_alive or not Run(folder).is_running()):
            self._watch(current)
        elif not Run(folder).is_running():
            process = RunProcess(self)
            process.replay(folder)
            self._watch(process)
        elif self._training.is_running:  # two at once: the other one was started in a terminal
            process = RunProcess(self)
            process.attach(folder)
            self._watch(process)
        else:
            self._watch(self._training.attach(folder))
        self._present()

    def shutdown(self) -> None:
        """End tasks and threads; the run is the business of `Training`."""
        for page in (self.setup_page, self.run_page, self.result_page):
            page.shutdown()

    def _build(self) -> None:
        self.setWindowTitle(self.tr("Train"))
        self.setAcceptDrops(True)
        open_at(self, *_SIZE_PX)
        self._pages = QStackedWidget()
        for page in (self.setup_page, self.run_page, self.result_page):
            self._pages.addWidget(page)
        self._run_name = QLabel()
        self._run_name.setObjectName("muted")
        self._steps = QButtonGroup(self)
        self._steps.idClicked.connect(self.go_to)
        head = QFrame()
        head.setObjectName("trainingHead")
        row = QHBoxLayout(head)
        row.setContentsMargins(20, 6, 24, 6)
        row.setSpacing(4)
        for step, text in (
            (Step.SET_UP, self.tr("1  Set up")),
            (Step.TRAIN, self.tr("2  Train")),
            (Step.RESULT, self.tr("3  Result")),
        ):
            button = QToolButton()
            button.setObjectName("choice")
            button.setText(text)
            button.setCheckable(True)
            self._steps.addButton(button, step)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._run_name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(head)
        column.addWidget(self.banner)
        column.addWidget(self._pages, 1)

    def _present(self) -> None:
        self.show()
        self.raise_()
        self.activateWindow()

    @Slot(int)
    def go_to(self, step: int) -> None:
        """Show the page of a `Step`."""
        has_ended = self._process is not None and self._process.outcome is not None
        self._steps.button(Step.TRAIN).setEnabled(self._process is not None)
        self._steps.button(Step.RESULT).setEnabled(has_ended)
        self._steps.button(step).setChecked(True)
        self._pages.setCurrentIndex(step)
        (self.setup_page, self.run_page, self.result_page)[step].setFocus()

    # --- one run ----------------------------------------------------------------------------------------------------

    def shows(self, process: RunProcess) -> bool:
        """Tell whether the run that is shown is this one."""
        return self._process is process

    def _watch(self, process: RunProcess) -> None:
        self._let_go()
        self._process = process
        self.banner.dismiss()
        self.setWindowTitle(self.tr("{} – Train").format(process.title))
        self._run_name.setText(process.title)
        self._run_name.setToolTip(str(process.run.folder))
        self.run_page.show_run(process)
        process.ended.connect(self._on_ended)
        process.failed.connect(self._on_failed)
        self.go_to(Step.TRAIN)
        if process.outcome is not None:
            self._on_ended(process.outcome)

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is None or not isValid(process):
            return
        process.ended.disconnect(self._on_ended)
        process.failed.disconnect(self._on_failed)
        self.run_page.let_go()
        if process.parent() is self:
            process.release()
            process.deleteLater()

    def _speed_of(self, config: TrainConfig) -> float | None:
        return measured_speed(self._training.runs(), config)

    @Slot()
    def _on_run_changed(self) -> None:
        is_running = self._training.is_running
        self.setup_page.set_obstacle(self.tr("A training is going on already.") if is_running else "")

    @Slot(object)
    def _on_start(self, config: TrainConfig) -> None:
        try:
            process = self._training.start(config)
        except SrDeskError as error:
            self._on_failed(error)
        else:
            self.setup_page.rest()
            self._watch(process)

    @Slot()
    def _on_resume(self) -> None:
        if self._process is None:
            return
        try:
            process = self._training.start_again(self._process.run.folder)
        except SrDeskError as error:
            self._on_failed(error)
        else:
            self._watch(process)

    @Slot()
    def _on_discard(self) -> None:
        if self._process is not None and self.questions.confirm_discarding(self._process.title):
            self._process.discard()

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        if self._process is None:
            return
        if not (self._process.run.folder / CONFIG_NAME).exists():  # it was discarded
            self._let_go()
            self._run_name.clear()
            self.setWindowTitle(self.tr("Train"))
            self.go_to(Step.SET_UP)
            return
        self.run_page.redraw()
        self.result_page.show_result(self._process.run, self.run_page.record, outcome)
        self.go_to(Step.RESULT)

    @Slot(object)
    def _on_failed(self, error: SrDeskError) -> None:
        self.banner.show_message(Message(str(error), Loudness.ERROR, hint=error.hint))

    @Slot(object)
    def _on_decided(self, decision: Decision) -> None:
        if self._process is None:
            return
        run = self._process.run
        try:
            match decision:
                case Decision.ADOPT:
                    added = self._training.adopt(run)
                    pane = PANE_TITLES[added.pane]
                    answer = self.tr("Adopted: the pane {} uses “{}” from now on.").format(pane, added.name)
                case Decision.KEEP_BOTH:
                    added = self._training.keep_both(run)
                    answer = self.tr("Kept: “{}” can be chosen under Train ▸ Weights.").format(added.name)
                case Decision.DISCARD:
                    answer = self.tr("Nothing was taken over. The run stays in the list of runs until it is deleted.")
        except SrDeskError as error:
            self._on_failed(error)
        else:
            self.result_page.show_answer(answer)

    # --- the window -------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take folders and archives of pictures."""
        if self.setup_page.data.accepts(event.mimeData()):
            clipboard.accept_unmoved(event)
            self.setup_page.data.set_dragging(is_dragging=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Look as before."""
        self.setup_page.data.set_dragging(is_dragging=False)

    def dropEvent(self, event: QDropEvent) -> None:
        """List what was dropped among the pictures."""
        self.setup_page.data.set_dragging(is_dragging=False)
        self.setup_page.data.take(event.mimeData())
        self.go_to(Step.SET_UP)
        clipboard.accept_unmoved(event)

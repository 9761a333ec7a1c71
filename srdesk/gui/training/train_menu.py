"""What the Train menu does, and what the window says about a training while its dialog is closed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QApplication, QMainWindow

from srdesk.errors import SrDeskError
from srdesk.gui.actions import Actions
from srdesk.gui.messages.message_list import Loudness, Message, Messages, Remedy
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.training.indicator import TrainingIndicator
from srdesk.gui.training.outcome import Crashed, Failed, Finished, RunOutcome, Stopped
from srdesk.gui.training.run_process import RunPhase, RunProcess, title_of
from srdesk.gui.training.training import Training
from srdesk.gui.training.weights_menu import WeightsMenu
from srdesk.training import events
from srdesk.training.run.runs import Run

if TYPE_CHECKING:
    from srdesk.gui.training.runs_dialog import RunsDialog
    from srdesk.gui.training.train_dialog import TrainDialog


class TrainMenu(QObject):
    """Opens the dialogs about training, made when they are first wanted, and speaks up when they are not open."""

    remarked = Signal(str)
    """A sentence for the status line."""
    failed = Signal(object)
    """`SrDeskError`: what was asked for cannot be done."""

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        training: Training,
        *,
        preferences: Preferences,
        questions: Questions,
        messages: Messages,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._training = training
        self._questions = questions
        self._messages = messages
        self._dialog: TrainDialog | None = None
        self._list: RunsDialog | None = None
        self.indicator = TrainingIndicator(training)
        """For the status line."""
        self.weights = WeightsMenu(actions, training, preferences, questions)
        """Train ▸ Weights."""
        actions.train.triggered.connect(self._on_train)
        actions.fine_tune.triggered.connect(self._on_fine_tune)
        actions.runs.triggered.connect(self.show_runs)
        self.indicator.clicked.connect(self._on_indicator)
        self.weights.remarked.connect(self.remarked)
        self.weights.failed.connect(self.failed)
        training.failed.connect(self._on_failed)
        training.found_running.connect(self._on_found_running)
        training.found_interrupted.connect(self._on_found_interrupted)
        training.ended.connect(self._on_ended)
        training.run_changed.connect(self._on_run_changed)

    # --- dialogs --------------------------------------------------------------------------------------------------

    def show_new(self, folder: Path | None = None) -> None:
        """Let the person prepare a run, perhaps with the pictures of ``folder``."""
        self._train_dialog().show_new(folder)

    def show_run(self, folder: Path) -> None:
        """Show the run of ``folder``, whether it goes on or not."""
        self._train_dialog().show_run(folder)

    @Slot()
    def show_runs(self) -> None:
        """Show the list of runs."""
        if self._list is None:
            from srdesk.gui.training.runs_dialog import RunsDialog

            self._list = RunsDialog(self._training, self._questions, self._window)
            self._list.open_requested.connect(self.show_run)
            self._list.failed.connect(self.failed)
        self._list.show()
        self._list.raise_()
        self._list.activateWindow()

    def may_close(self) -> bool:
        """Ask what becomes of a training when the desk is closed.

        Returns:
            Whether the desk may be closed.
        """
        process = self._training.current
        if process is None or not process.is_alive or process.shall_survive:
            return True
        answer = self._questions.close_during_training(process.title)
        if answer == "keep":
            process.keep_running(True)
        elif answer == "stop":
            process.stop()
        return answer != "stay"

    def shutdown(self) -> None:
        """Close the dialogs and end what works for them, because the window is closing."""
        if self._list is not None:
            self._list.close()
        if self._dialog is not None:
            self._dialog.shutdown()

    def _train_dialog(self) -> TrainDialog:
        if self._dialog is None:
            from srdesk.gui.training.train_dialog import TrainDialog  # pyqtgraph: a third of a second

            self._dialog = TrainDialog(self._training, self._window)
        return self._dialog

    # --- what the person does -------------------------------------------------------------------------------------

    @Slot()
    def _on_train(self) -> None:
        if self._training.is_running:
            self._on_indicator()
        else:
            self.show_new()

    @Slot()
    def _on_fine_tune(self) -> None:
        folder = self._questions.training_folder()
        if folder is not None:
            self.show_new(folder)

    @Slot()
    def _on_indicator(self) -> None:
        if self._training.current is not None:
            self.show_run(self._training.current.run.folder)

    # --- what the training says -----------------------------------------------------------------------------------

    @Slot(object)
    def _on_found_running(self, process: RunProcess) -> None:
        self._notice(self.tr("The training “{}” goes on in the background.").format(process.title), process.run)

    @Slot(object, int)
    def _on_found_interrupted(self, run: Run, step: int) -> None:
        text = self.tr("The training “{}” was interrupted at step {:,}.").format(title_of(run), step)
        self._notice(text, run, on_shown=partial(self._training.mark_told, run, step))

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        process = self._training.current
        if process is None or self._is_watched:
            return
        QApplication.alert(self._window)
        match outcome:
            case Finished(event):
                best_db = event.best_psnr_y_db
                best = "" if best_db is None else self.tr(" Its best weights reach {:.2f} dB.").format(best_db)
                self._notice(self.tr("The training “{}” is done.").format(process.title) + best, process.run)
            case Stopped():
                self.remarked.emit(self.tr("The training “{}” has stopped.").format(process.title))
            case Failed(error):
                self._complain(error, process.run, "")
            case Crashed():
                self._complain(outcome.error, process.run, outcome.log_tail)

    @Slot()
    def _on_run_changed(self) -> None:
        """Say why a run waits that nobody asked to, such as for space on a full disk."""
        process = self._training.current
        if process is None or process.phase is not RunPhase.PAUSED or self._is_watched:
            return
        reason = next((event.reason for event in reversed(process.told) if isinstance(event, events.Paused)), "")
        if reason:
            self._notice(self.tr("The training “{}” waits. {}").format(process.title, reason), process.run)

    @Slot(object)
    def _on_failed(self, error: SrDeskError) -> None:
        if not self._is_watched:
            self.failed.emit(error)

    @property
    def _is_watched(self) -> bool:
        """Whether the person sees in the dialog what happens to the run."""
        dialog, current = self._dialog, self._training.current
        if dialog is None or not dialog.isVisible():
            return False
        return current is None or dialog.shows(current)

    def _notice(self, text: str, run: Run, on_shown: Callable[[], None] | None = None) -> None:
        button = self._show_button(run)
        self._messages.tell(
            Message(text, Loudness.NOTICE, remedy=button, is_about_picture=False, on_shown=on_shown),
        )

    def _complain(self, error: SrDeskError, run: Run, details: str) -> None:
        button = self._show_button(run)
        self._messages.tell(Message(str(error), Loudness.ERROR, error.hint, button, details, is_about_picture=False))

    def _show_button(self, run: Run) -> Remedy:
        return Remedy(self.tr("Show"), partial(self.show_run, run.folder))

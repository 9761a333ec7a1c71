"""How the queue is part of the window: its dock, what is asked about files for it, and what it says by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QMainWindow

from srdesk.errors import SrDeskError
from srdesk.gui.actions import Actions
from srdesk.gui.messages.message_list import Loudness, Message, Messages, Remedy
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue import texts
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.indicator import QueueIndicator
from srdesk.gui.queue.intake_bar import IntakeBar
from srdesk.gui.queue.notifier import Notifier
from srdesk.gui.queue.outlook import QueueOutlook
from srdesk.gui.queue.run_state import RunSummary
from srdesk.gui.work.agenda import Activity
from srdesk.gui.work.session import Session
from srdesk.settings import MAX_RECENT_FILES

if TYPE_CHECKING:
    from srdesk.gui.queue.orders import Added
    from srdesk.gui.queue.queue_dock import QueueDock


class QueueMenu(QObject):
    """Opens the dock, made when it is first wanted, and speaks up for the queue."""

    remarked = Signal(str)
    """A sentence for the status line."""
    first_requested = Signal(object)
    """Paths of pictures of which the first shall be opened."""

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        queue: DeskQueue,
        *,
        session: Session,
        preferences: Preferences,
        questions: Questions,
        messages: Messages,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._queue = queue
        self._session = session
        self._preferences = preferences
        self._questions = questions
        self._messages = messages
        self._dock: QueueDock | None = None
        self.intake = IntakeBar()
        """For the top of the window."""
        self._outlook = QueueOutlook(queue, self)
        self.indicator = QueueIndicator(queue, self._outlook)
        """For the status line."""
        self.notifier = Notifier(window)
        """Says that the queue is done to who looks elsewhere."""
        self._settling = QTimer(self, singleShot=True, interval=0)
        self._settling.timeout.connect(self._give_room)
        actions.queue.triggered.connect(self._on_toggled)
        actions.open_folder.triggered.connect(self._on_open_folder)
        self.intake.queue_chosen.connect(self.add)
        self.intake.open_chosen.connect(self._on_open_chosen)
        self.indicator.clicked.connect(self.show)
        session.renderer.activity_changed.connect(self._on_activity_changed)
        queue.added.connect(self._on_added)
        queue.found.connect(self._on_found)
        queue.taken_up.connect(self._on_taken_up)
        queue.ended.connect(self._on_ended)
        queue.failed.connect(self._on_failed)

    @property
    def dock(self) -> QueueDock:
        """The dock, whether it is shown or not."""
        if self._dock is None:
            from srdesk.gui.queue.queue_dock import QueueDock

            self._dock = QueueDock(
                self._queue,
                self._outlook,
                preferences=self._preferences,
                questions=self._questions,
                parent=self._window,
            )
            self._dock.deeds.failed.connect(self._on_failed)
            self._dock.deeds.picture_requested.connect(self._on_picture_requested)
            self._dock.hide()
            self._window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self._dock)
            self._dock.visibilityChanged.connect(self._on_visibility_changed)
            self.use_weights()
        return self._dock

    @Slot()
    def show(self) -> None:
        """Show the dock."""
        self._queue.load()
        is_first = self._dock is None
        self._actions.queue.setChecked(True)
        self.dock.show()
        if is_first:
            self._settling.start()
        self.dock.table.setFocus()

    @Slot(object)
    def add(self, paths: Sequence[Path]) -> None:
        """Put files and folders into the queue."""
        self.show()
        self.dock.deeds.add(paths)

    @Slot()
    def use_weights(self) -> None:
        """Offer the weights that are there now."""
        if self._dock is not None:
            self._dock.form.set_models(self._queue.models())

    @Slot()
    def redraw(self) -> None:
        """Use the colours of the theme."""
        self.indicator.redraw()
        if self._dock is not None:
            self._dock.redraw()

    def may_close(self) -> bool:
        """Ask whether the desk may be closed while the queue is running."""
        if not (self._queue.is_active and self._preferences.settings.ask_before_closing):
            return True
        shall_close, ask_again = self._questions.close_during_queue(texts.files(self._queue.unfinished))
        if shall_close:
            self._preferences.change(ask_before_closing=ask_again)
        return shall_close

    # --- what the person does ---------------------------------------------------------------------------------------

    @Slot(bool)
    def _on_toggled(self, is_wanted: bool) -> None:
        if is_wanted:
            self.show()
        elif self._dock is not None:
            self._dock.hide()

    @Slot(bool)
    def _on_visibility_changed(self, _is_visible: bool) -> None:
        # Not what was told: a dock in a window that is minimised is told to be hidden as well.
        self._actions.queue.setChecked(self._dock is not None and not self._dock.isHidden())

    @Slot()
    def _give_room(self) -> None:
        """Give the dock the height that it wants, now that what is above it has made room."""
        self._window.resizeDocks([self.dock], [self.dock.sizeHint().height()], Qt.Orientation.Vertical)

    @Slot()
    def _on_open_folder(self) -> None:
        folder = self._questions.folder_to_open(self._preferences.settings.open_folder or str(Path.home()))
        if folder is not None:
            self._preferences.change(open_folder=str(folder))
            self.intake.ask([folder])

    @Slot(object)
    def _on_open_chosen(self, paths: Sequence[Path]) -> None:
        if any(path.is_dir() for path in paths):
            self._queue.find(paths, self._preferences.settings.output_name_template)
        else:
            self.first_requested.emit(paths)

    @Slot(object)
    def _on_picture_requested(self, path: Path) -> None:
        self._session.open(path)

    @Slot(object)
    def _on_activity_changed(self, activity: Activity | None) -> None:
        self._queue.let_panes_first(are_busy=activity is not None)

    # --- what the queue says ----------------------------------------------------------------------------------------

    @Slot(object)
    def _on_found(self, files: Sequence[Path]) -> None:
        if files:
            self.first_requested.emit(files[:MAX_RECENT_FILES])
        else:
            self.remarked.emit(self.tr("There is no picture in this folder."))

    @Slot(object)
    def _on_added(self, added: Added) -> None:
        self.remarked.emit(texts.addition(added))
        for failure in added.failures:
            self._on_failed(failure)

    @Slot(int)
    def _on_taken_up(self, count: int) -> None:
        sentence = self.tr("The queue was not finished: {} left.").format(texts.files(count))
        self._tell(sentence, Remedy(self.tr("Go On"), self._go_on))

    def _go_on(self) -> None:
        self.show()
        self._queue.start()

    @Slot(object)
    def _on_ended(self, run: RunSummary) -> None:
        sentence = texts.summary(run)
        if run.failed and (self._dock is None or self._dock.isHidden()):
            self._tell(sentence, Remedy(self.tr("Show"), self.show))
        else:
            self.remarked.emit(sentence)
        self.notifier.notify(self.tr("SR Desk"), sentence)

    @Slot(object)
    def _on_failed(self, error: SrDeskError) -> None:
        self._messages.tell(Message(str(error), Loudness.ERROR, error.hint, is_about_picture=False))

    def _tell(self, sentence: str, remedy: Remedy) -> None:
        self._messages.tell(Message(sentence, Loudness.NOTICE, remedy=remedy, is_about_picture=False))

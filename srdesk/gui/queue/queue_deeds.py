"""What a person does with the queue, turned into requests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from srdesk.errors import ConfigError
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.order_form import OrderForm
from srdesk.gui.queue.orders import ClearRequest, MoveRequest, PlaceRequest, RemoveRequest, RetryRequest, ReviseRequest
from srdesk.gui.queue.queue_actions import QueueActions
from srdesk.gui.queue.queue_model import ITEM_ROLE, QueueModel
from srdesk.gui.queue.queue_table import QueueTable
from srdesk.gui.queue.run_state import RunState
from srdesk.gui.save_flow import PATTERNS

if TYPE_CHECKING:
    from srdesk.engine.batch.queue import QueueItem


class QueueDeeds(QObject):
    """Does what the buttons, the table and the form of the dock are used for."""

    failed = Signal(object)
    """`SrDeskError`: what was asked for makes no sense."""
    picture_requested = Signal(object)
    """Path of a file of the queue that the person wants to see on the desk."""

    def __init__(
        self,
        actions: QueueActions,
        queue: DeskQueue,
        *,
        table: QueueTable,
        model: QueueModel,
        form: OrderForm,
        preferences: Preferences,
        questions: Questions,
    ) -> None:
        super().__init__(actions)
        self._queue = queue
        self._table = table
        self._form = form
        self._preferences = preferences
        self._questions = questions
        actions.start.triggered.connect(self._on_start)
        actions.stop.triggered.connect(queue.stop)
        actions.add_files.triggered.connect(self._on_add_files)
        actions.add_folder.triggered.connect(self._on_add_folder)
        actions.up.triggered.connect(self._on_up)
        actions.down.triggered.connect(self._on_down)
        actions.remove.triggered.connect(self._on_remove)
        actions.retry.triggered.connect(self._on_retry)
        actions.clear.triggered.connect(self._on_clear)
        actions.open_picture.triggered.connect(self._on_open_picture)
        actions.open_result.triggered.connect(self._on_open_result)
        actions.open_folder.triggered.connect(self._on_open_folder)
        table.doubleClicked.connect(self._on_double_clicked)
        table.result.open_requested.connect(self._show_result)
        table.result.folder_requested.connect(self._show_folder)
        model.move_requested.connect(self._on_dragged)
        model.files_dropped.connect(self.add)
        form.applied.connect(self._on_applied)

    @Slot(object)
    def add(self, paths: Sequence[Path]) -> None:
        """Put files and folders into the queue, to be enlarged as the form says."""
        try:
            self._queue.add(paths, self._form.order())
        except ConfigError as error:
            self.failed.emit(error)

    def _chosen_ids(self) -> tuple[int, ...]:
        return tuple(item.id for item in self._table.chosen)

    @Slot()
    def _on_start(self) -> None:
        if self._queue.state in (RunState.RUNNING, RunState.WAITING):
            self._queue.pause()
        else:
            self._queue.start()

    @Slot()
    def _on_add_files(self) -> None:
        paths = self._questions.open_paths(self._start_folder(), " ".join(PATTERNS.values()))
        if paths:
            self._preferences.change(open_folder=str(paths[0].absolute().parent))
            self.add(paths)

    @Slot()
    def _on_add_folder(self) -> None:
        folder = self._questions.folder_to_open(self._start_folder())
        if folder is not None:
            self._preferences.change(open_folder=str(folder))
            self.add([folder])

    def _start_folder(self) -> str:
        return self._preferences.settings.open_folder or str(Path.home())

    @Slot()
    def _on_up(self) -> None:
        self._queue.edit(MoveRequest(ids=self._chosen_ids(), offset=-1))

    @Slot()
    def _on_down(self) -> None:
        self._queue.edit(MoveRequest(ids=self._chosen_ids(), offset=1))

    @Slot()
    def _on_remove(self) -> None:
        self._queue.edit(RemoveRequest(ids=self._chosen_ids()))

    @Slot()
    def _on_retry(self) -> None:
        self._queue.edit(RetryRequest())

    @Slot()
    def _on_clear(self) -> None:
        self._queue.edit(ClearRequest())

    @Slot(object, int)
    def _on_dragged(self, ids: Sequence[int], place: int) -> None:
        self._queue.edit(PlaceRequest(ids=tuple(ids), place=place))

    @Slot()
    def _on_applied(self) -> None:
        try:
            self._queue.edit(ReviseRequest(ids=self._chosen_ids(), order=self._form.order()))
        except ConfigError as error:
            self.failed.emit(error)

    # --- looking at files -------------------------------------------------------------------------------------------

    @Slot()
    def _on_open_picture(self) -> None:
        self.picture_requested.emit(self._table.chosen[0].source)

    @Slot(QModelIndex)
    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.picture_requested.emit(index.data(ITEM_ROLE).source)

    @Slot()
    def _on_open_result(self) -> None:
        self._show_result(self._table.chosen[0])

    @Slot()
    def _on_open_folder(self) -> None:
        self._show_folder(self._table.chosen[0])

    @Slot(object)
    def _show_result(self, item: QueueItem) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(item.output)))

    @Slot(object)
    def _show_folder(self, item: QueueItem) -> None:
        folder = item.output.parent if item.output is not None else item.output_folder
        # Until the first result is there, the folder may not be either.
        existing = folder if folder.is_dir() else item.source.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(existing)))

"""The list of runs: how each stands, to be opened, resumed, stopped or deleted. Fresh as long as it is open."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from srdesk.errors import SrDeskError
from srdesk.gui.actions import PANE_TITLES
from srdesk.gui.messages.questions import Questions
from srdesk.gui.training.run_follower import PORTION_S
from srdesk.gui.training.run_process import title_of
from srdesk.gui.training.run_summary import RunSummary
from srdesk.gui.training.training import Training
from srdesk.training.run.overview import RunStatus

_REFRESH_MS = 1000
_SIZE_PX = (960, 440)
_FOLDER_ROLE = int(Qt.ItemDataRole.UserRole)


class RunsDialog(QDialog):
    """Shows the runs of the person."""

    open_requested = Signal(object)
    """Folder of the run that the person wants to see."""
    failed = Signal(object)
    """`SrDeskError`: what was asked for cannot be done."""

    def __init__(self, training: Training, questions: Questions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Runs"))
        self.resize(*_SIZE_PX)
        self._training = training
        self._questions = questions
        self._summaries: dict[Path, RunSummary] = {}
        self._waiting: list[tuple[int, RunSummary]] = []
        self.table = self._build_table()
        """One row for each run, the newest first."""
        empty = QLabel(self.tr("There are no runs yet. Train ▸ Train… starts the first one."))
        empty.setObjectName("muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(self.table)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(16)
        column.addWidget(self._pages, 1)
        column.addLayout(self._build_buttons())
        self._clock = QTimer(self, interval=_REFRESH_MS)
        self._clock.timeout.connect(self.refresh)

    def _build_table(self) -> QTableWidget:
        titles = [
            self.tr("Name"),
            self.tr("Network"),
            self.tr("State"),
            self.tr("Step"),
            self.tr("Best PSNR"),
            self.tr("Against bicubic"),
            self.tr("Started"),
        ]
        table = QTableWidget(0, len(titles))
        table.setObjectName("runsTable")
        table.setAccessibleName(self.tr("Runs"))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setAlternatingRowColors(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self._enable)
        table.itemDoubleClicked.connect(self._on_open)
        return table

    def _build_buttons(self) -> QHBoxLayout:
        def button(text: str, slot: Callable[[], object]) -> QPushButton:
            made = QPushButton(text)
            made.setAutoDefault(False)
            made.clicked.connect(slot)
            return made

        self.open_run = button(self.tr("&Open"), self._on_open)
        self.resume_run = button(self.tr("&Resume"), self._on_resume)
        self.stop_run = button(self.tr("&Stop"), self._on_stop)
        self.delete_run = button(self.tr("&Delete…"), self._on_delete)
        self.open_folder = button(self.tr("Open &Folder"), self._on_folder)
        row = QHBoxLayout()
        row.setSpacing(8)
        for each in (self.open_run, self.resume_run, self.stop_run, self.delete_run, self.open_folder):
            row.addWidget(each)
        row.addStretch(1)
        row.addWidget(button(self.tr("Close"), self.reject))
        return row

    # --- what is shown --------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> RunSummary | None:
        """The run in the chosen row."""
        rows = self.table.selectionModel().selectedRows()
        item = self.table.item(rows[0].row(), 0) if rows else None
        return self._summaries.get(item.data(_FOLDER_ROLE)) if item is not None else None

    @Slot()
    def refresh(self) -> None:
        """Read what is new, and show it."""
        runs = {run.folder: run for run in self._training.runs()}
        if list(runs) != list(self._summaries):
            chosen = self.chosen
            self._summaries = {folder: self._summaries.get(folder) or RunSummary(run) for folder, run in runs.items()}
            self._make_rows(chosen.run.folder if chosen is not None else None)
        self._pages.setCurrentIndex(1 if runs else 0)
        self._enable()
        if not self._waiting:
            self._waiting = list(enumerate(self._summaries.values()))
            self._show_rows()

    @Slot()
    def _show_rows(self) -> None:
        """Show what can be read in a few milliseconds; the window has its turn before the rest."""
        give_up_at = time.perf_counter() + PORTION_S
        while self._waiting and time.perf_counter() < give_up_at:
            row, summary = self._waiting[0]
            if summary.read():
                self._waiting.pop(0)
                self._show_row(row, summary)
        if self._waiting:
            QTimer.singleShot(0, self._show_rows)
        else:
            self._enable()

    def _make_rows(self, chosen: Path | None) -> None:
        self._waiting.clear()
        self.table.setRowCount(len(self._summaries))
        for row, folder in enumerate(self._summaries):
            for column in range(self.table.columnCount()):
                item = QTableWidgetItem(folder.name if column == 0 else "…")
                item.setData(_FOLDER_ROLE, folder)
                item.setToolTip(str(folder))
                self.table.setItem(row, column, item)
            if folder == chosen or (chosen is None and row == 0):
                self.table.selectRow(row)

    def _show_row(self, row: int, summary: RunSummary) -> None:
        figures = summary.figures()
        config, overview = figures.config, figures.overview
        best_db, bicubic_db = overview.best_psnr_y_db, figures.bicubic_psnr_y_db
        texts = [
            summary.run.name if config is None else config.weights_name,
            "" if config is None else PANE_TITLES[config.model],
            self.tr("unreadable") if config is None else self._state_title(overview.state),
            self.tr("{:,} of {:,}").format(overview.step, overview.steps),
            "" if best_db is None else self.tr("{:.2f} dB").format(best_db),
            "" if best_db is None or bicubic_db is None else self.tr("{:+.2f} dB").format(best_db - bicubic_db),
            "" if figures.started is None else f"{figures.started:%Y-%m-%d %H:%M}",
        ]
        for column, text in enumerate(texts):
            item = self.table.item(row, column)
            assert item is not None
            if item.text() != text:  # the column is measured again after each change
                item.setText(text)

    def _state_title(self, state: RunStatus) -> str:
        return {
            "running": self.tr("training"),
            "paused": self.tr("paused"),
            "stopped": self.tr("stopped"),
            "done": self.tr("done"),
            "failed": self.tr("failed"),
            "interrupted": self.tr("interrupted"),
        }[state]

    @Slot()
    def _enable(self) -> None:
        summary = self.chosen
        is_running = summary is not None and summary.run.is_running()
        figures = summary.figures() if summary is not None else None
        can_resume = figures is not None and figures.config is not None and figures.overview.state != "done"
        self.open_run.setEnabled(summary is not None)
        self.open_folder.setEnabled(summary is not None)
        self.stop_run.setEnabled(is_running)
        self.delete_run.setEnabled(summary is not None and not is_running)
        self.resume_run.setEnabled(can_resume and not is_running and not self._training.is_running)

    # --- what the person does -------------------------------------------------------------------------------------

    @Slot()
    def _on_open(self) -> None:
        if self.chosen is not None:
            self.open_requested.emit(self.chosen.run.folder)

    @Slot()
    def _on_resume(self) -> None:
        if self.chosen is not None:
            folder = self.chosen.run.folder
            if self._attempt(lambda: self._training.start_again(folder)):
                self.open_requested.emit(folder)

    @Slot()
    def _on_stop(self) -> None:
        if self.chosen is not None:
            run, current = self.chosen.run, self._training.current
            if current is not None and current.is_alive and current.run.folder == run.folder:
                current.stop()
            else:
                self._attempt(lambda: run.ask("stop"))
            self.stop_run.setEnabled(False)

    @Slot()
    def _on_delete(self) -> None:
        if self.chosen is None:
            return
        run = self.chosen.run
        if self._questions.confirm_deletion(
            self.tr("Delete the run “{}”?").format(title_of(run)),
            self.tr("Its checkpoint, curves and pictures are lost. Weights that were adopted or kept stay."),
        ):
            self._attempt(run.discard)
            self.refresh()

    @Slot()
    def _on_folder(self) -> None:
        if self.chosen is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.chosen.run.folder)))

    def _attempt(self, deed: Callable[[], object]) -> bool:
        try:
            deed()
        except SrDeskError as error:
            self.failed.emit(error)
            return False
        return True

    # --- the dialog itself ----------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to follow."""
        super().showEvent(event)
        self.refresh()
        self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Follow no longer."""
        self._clock.stop()
        super().hideEvent(event)

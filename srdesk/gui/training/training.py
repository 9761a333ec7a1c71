"""What the desk trains: at most one run at a time, the runs of before, and the weights that come of them."""

from __future__ import annotations

import contextlib
import datetime
import itertools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from srdesk.errors import TrainingError
from srdesk.gui.preferences import Preferences
from srdesk.gui.training import adoption
from srdesk.gui.training.adoption import OwnWeights
from srdesk.gui.training.outcome import RunOutcome
from srdesk.gui.training.run_process import RunPhase, RunProcess
from srdesk.gui.training.run_summary import RunSummary
from srdesk.settings import NetworkName
from srdesk.training import events
from srdesk.training.config import TrainConfig, validate
from srdesk.training.run.runs import TOLD_NAME, Run, list_runs


class Training(QObject):
    """Holds the run that is going on. Whoever makes one calls `shutdown`."""

    run_changed = Signal()
    """Another run is `current`, or it stands elsewhere (`RunPhase`)."""
    progressed = Signal(object)
    """One event of the current run."""
    ended = Signal(object)
    """`RunOutcome` of the current run."""
    failed = Signal(object)
    """`SrDeskError`: something that was asked of the current run could not be done."""
    found_running = Signal(object)
    """`RunProcess` of a run that an earlier desk left running."""
    found_interrupted = Signal(object, int)
    """`Run` that was interrupted, perhaps by a crash, and the step that it had reached; until `mark_told`."""
    weights_changed = Signal()
    """Weights were added or removed."""

    def __init__(
        self,
        preferences: Preferences,
        *,
        runs_folder: Path,
        weights_folders: Sequence[Path],
        parent: QObject | None = None,
    ) -> None:
        """Take over the folders.

        Args:
            preferences: hold which weights each pane uses.
            runs_folder: holds one folder for each run.
            weights_folders: as `srdesk.paths.weights_folders`: the last is the person's own.
            parent: owner, if there is one.
        """
        super().__init__(parent)
        self._preferences = preferences
        self.runs_folder = runs_folder
        """Holds one folder for each run."""
        self.weights_folders = tuple(weights_folders)
        """Where weights are; the last folder is the person's own."""
        self.current: RunProcess | None = None
        """The run that is going on, or the last one that was."""
        self.new_weights: set[str] = set()
        """Names of weights that were added and that no pane has used yet."""
        self._holds_gpu = False
        self._unseen: list[Run] = []
        self._latest: RunSummary | None = None

    # --- runs -----------------------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a run is going on, paused or not."""
        return self.current is not None and self.current.is_alive

    @property
    def holds_gpu(self) -> bool:
        """Whether a run computes on the GPU right now."""
        return self.is_running and self._holds_gpu

    def runs(self) -> list[Run]:
        """Return all runs, those last started first."""
        return list_runs(self.runs_folder)

    def start(self, config: TrainConfig) -> RunProcess:
        """Begin a new run.

        Raises:
            ConfigError: the configuration is not possible.
            TrainingError: another run is going on, or the run folder cannot be written.
        """
        self._refuse_a_second()
        process = RunProcess(self)
        process.start(validate(config), self._new_folder(config))
        return self._follow(process)

    def start_again(self, folder: Path) -> RunProcess:
        """Go on with a run from its checkpoint.

        Raises:
            TrainingError: another run is going on, or this one was deleted.
        """
        self._refuse_a_second()
        adoption.refuse_deleted(Run(folder))
        process = RunProcess(self)
        process.start_again(folder)
        return self._follow(process)

    def attach(self, folder: Path) -> RunProcess:
        """Follow a run that is going on already.

        Raises:
            TrainingError: another run is going on.
        """
        self._refuse_a_second()
        process = RunProcess(self)
        process.attach(folder)
        return self._follow(process)

    def look_around(self) -> None:
        """Attach to a run that an earlier desk left running, or find out whether the latest one was interrupted."""
        self._unseen = self.runs()
        self._latest = RunSummary(self._unseen[0]) if self._unseen else None
        self._look()

    def mark_told(self, run: Run, step: int) -> None:
        """Take notice that the person knows that ``run`` was interrupted at ``step``."""
        with contextlib.suppress(OSError):  # a folder that cannot be written to: it will be said again
            (run.folder / TOLD_NAME).write_text(str(step))

    def shutdown(self) -> None:
        """Let go of the run: it stops with a checkpoint, unless it shall keep running."""
        self._latest = None
        if self.current is not None:
            self.current.release()

    def _refuse_a_second(self) -> None:
        if self.is_running:
            raise TrainingError(
                "A training is going on already.", hint="Wait until it ends, or stop it; it can be resumed later."
            )

    def _new_folder(self, config: TrainConfig) -> Path:
        name = f"{datetime.datetime.now():%Y-%m-%d_%H-%M-%S}_{config.weights_name}"
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        return next(folder for each in names if not (folder := self.runs_folder / each).exists())

    def _follow(self, process: RunProcess) -> RunProcess:
        if self.current is not None:
            self.current.disconnect(self)
            self.current.setParent(None)  # lives on for as long as a dialog shows it
        self.current = process
        self._holds_gpu = False
        process.progressed.connect(self._on_progressed)
        process.phase_changed.connect(self._on_phase_changed)
        process.ended.connect(self._on_ended)
        process.failed.connect(self.failed)
        self.run_changed.emit()
        return process

    @Slot()
    def _look(self) -> None:
        """Look at one run, or at a portion of the latest; the window has its turn in between."""
        if self.is_running or self._latest is None:
            self._unseen, self._latest = [], None
        elif self._unseen:
            run = self._unseen.pop(0)
            if run.is_running():
                self.found_running.emit(self.attach(run.folder))
            QTimer.singleShot(0, self._look)
        elif self._latest.read():
            summary, self._latest = self._latest, None
            self._tell_if_interrupted(summary)
        else:
            QTimer.singleShot(0, self._look)

    def _tell_if_interrupted(self, summary: RunSummary) -> None:
        overview, told = summary.figures().overview, summary.run.folder / TOLD_NAME
        if overview.state != "interrupted":
            return
        with contextlib.suppress(OSError):  # what cannot be read has not been told
            if told.read_text() == str(overview.step):
                return
        self.found_interrupted.emit(summary.run, overview.step)

    @Slot(object)
    def _on_progressed(self, event: events.AnyEvent) -> None:
        if isinstance(event, events.Started):
            self._holds_gpu = event.device.partition(":")[0] != "cpu"
            self.run_changed.emit()
        self.progressed.emit(event)

    @Slot(object)
    def _on_phase_changed(self, _phase: RunPhase) -> None:
        self.run_changed.emit()

    @Slot(object)
    def _on_ended(self, outcome: RunOutcome) -> None:
        self.ended.emit(outcome)

    # --- weights --------------------------------------------------------------------------------------------------

    def adopt(self, run: Run) -> OwnWeights:
        """Keep the best weights of ``run``, and let the pane of their architecture use them from now on.

        Raises:
            TrainingError: the run has no weights yet, or was deleted.
            WeightsError: they cannot be read or written.
        """
        added = self.keep_both(run)
        self.use(added.pane, added.name)
        return added

    def keep_both(self, run: Run) -> OwnWeights:
        """Keep the best weights of ``run`` among those that can be chosen; no pane changes.

        Raises:
            TrainingError: the run has no weights yet, or was deleted.
            WeightsError: they cannot be read or written.
        """
        adoption.refuse_deleted(run)
        return self._added(adoption.add_best(run, self.weights_folders))

    def import_weights(self, path: Path) -> OwnWeights:
        """Copy a weights file to those that can be chosen.

        Raises:
            WeightsError: it cannot be used, or the copy not be written.
        """
        return self._added(adoption.add_file(path, self.weights_folders))

    def remove(self, weights: OwnWeights) -> None:
        """Delete weights of the person; a pane that used them goes back to those that came with the program.

        Raises:
            WeightsError: the file cannot be deleted.
        """
        adoption.remove(weights)
        self.new_weights.discard(weights.name)
        if self._preferences.settings.pane_weights.get(weights.pane) == weights.name:
            self.use(weights.pane, "")
        self.weights_changed.emit()

    def use(self, pane: NetworkName, name: str) -> None:
        """Let a pane use the weights called ``name``; those that came with the program if empty."""
        self.new_weights.discard(name)
        chosen = {key: value for key, value in self._preferences.settings.pane_weights.items() if key != pane}
        self._preferences.change(pane_weights=chosen | ({pane: name} if name else {}))

    def _added(self, weights: OwnWeights) -> OwnWeights:
        self.new_weights.add(weights.name)
        self.weights_changed.emit()
        return weights

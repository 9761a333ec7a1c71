"""One training run as the desk sees it: what it says, what it is asked for, and how it ends.

A run tells everything in the file of events in its folder, and the desk follows that file: the same way for a run that
it has just started, for one that an earlier desk left running, and for one that ended long ago.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from srdesk.errors import ConfigError, SrDeskError
from srdesk.gui.training.outcome import Failed, RunOutcome, outcome_of
from srdesk.gui.training.run_follower import RunFollower
from srdesk.gui.training.trainer import ChildTrainer, OtherTrainer, log_tail
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.run.runs import Run

log = logging.getLogger(__name__)

FOLLOW_EVERY_MS = 250
"""How often the desk looks for news of a run."""

STOP_PATIENCE_MS = 10_000
"""How long a trainer that was asked to stop may take at least before the system asks it."""

PATIENT_SILENCES = 2
"""It gets so many times the longest time longer that it ever said nothing: it hears between two steps only, and writes
a checkpoint then."""

TERMINATE_PATIENCE_MS = 5_000
"""How long it may take then before it is killed."""


class RunPhase(Enum):
    """Where a run stands."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    ENDED = "ended"


class RunProcess(QObject):
    """Follows one run. Call one of `start`, `start_again`, `attach` and `replay`, once."""

    progressed = Signal(object)
    """One event of `srdesk.training.events`, those of earlier sessions of the run included."""
    phase_changed = Signal(object)
    """The new `RunPhase`."""
    ended = Signal(object)
    """`RunOutcome`: nothing more will come. For a replay: how the run ended back then."""
    failed = Signal(object)
    """`SrDeskError`: something that was asked for could not be done; the run goes on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.told: list[events.AnyEvent] = []
        """Everything that came through `progressed` so far, for whoever listens from now on."""
        self.phase = RunPhase.STARTING
        """Where the run stands."""
        self.outcome: RunOutcome | None = None
        """How it ended, None until then."""
        self.shall_survive = False
        """Whether this desk was told that the run goes on without it; what an earlier one was told does not count."""
        self._trainer: ChildTrainer | OtherTrainer | None = None
        self._shall_launch = self._shall_discard = self._was_asked_to_end = False
        self._last_word: events.Finished | events.Failed | None = None
        self._told_phase = RunPhase.STARTING
        self._rungs: list[Callable[[], None]] = []
        self._heard_s: float | None = None
        self._longest_silence_s = 0.0
        self._clock = QTimer(self, interval=FOLLOW_EVERY_MS)
        self._clock.timeout.connect(self._follow)
        self._ladder = QTimer(self, singleShot=True)
        self._ladder.timeout.connect(self._climb)

    # --- which run ------------------------------------------------------------------------------------------------

    def start(self, config: TrainConfig, folder: Path) -> None:
        """Begin a new run.

        Args:
            config: what to train.
            folder: the run folder; made if it is not there.

        Raises:
            TrainingError: the folder cannot be written, or holds other things.
        """
        run = Run(folder)
        run.make_folder()
        run.store(config)
        self.start_again(folder)

    def start_again(self, folder: Path) -> None:
        """Go on with a run that ended before all its steps were made, from its checkpoint.

        Whether it shall outlive the desk is asked anew.

        Raises:
            TrainingError: the folder cannot be written.
        """
        Run(folder).keep_running(False)
        self._shall_launch = True
        self._begin(folder)

    def attach(self, folder: Path) -> None:
        """Follow a run that is going on, though this desk has not started it."""
        self._trainer = OtherTrainer(Run(folder))
        self._begin(folder)

    def replay(self, folder: Path) -> None:
        """Hear again what a run told that is no longer going on."""
        self._begin(folder)

    @property
    def run(self) -> Run:
        """The run that is followed."""
        return self._run

    @property
    def title(self) -> str:
        """What people call the run: the name of its weights."""
        return self._title

    @property
    def is_alive(self) -> bool:
        """Whether a trainer is at work, or about to be, and followed."""
        return self._clock.isActive() and (self._shall_launch or self._trainer is not None)

    # --- what it is asked for -------------------------------------------------------------------------------------

    @Slot()
    def pause(self) -> None:
        """Let the run wait; it saves a checkpoint first."""
        self._attempt(lambda: self._run.ask("pause"))

    @Slot()
    def resume(self) -> None:
        """Let a paused run go on."""
        self._attempt(lambda: self._run.ask("resume"))

    @Slot()
    def stop(self) -> None:
        """End the run with a checkpoint; if it does not hear, it is terminated, and killed at last."""
        if self._begin_ending() and self._trainer is not None:
            self._attempt(self._trainer.ask_to_stop)
            self._rungs = [self._trainer.terminate, self._trainer.kill]
            self._ladder.start(STOP_PATIENCE_MS + round(1000 * PATIENT_SILENCES * self._longest_silence_s))

    @Slot()
    def discard(self) -> None:
        """End the run at once and delete its folder; nothing of it is worth waiting for."""
        self._shall_discard = True
        if self.phase is RunPhase.ENDED:
            self._attempt(self._run.discard)
        elif self._trainer is not None:
            self._begin_ending()
            self._trainer.kill()
        else:
            self._begin_ending()

    def keep_running(self, is_kept: bool) -> None:
        """Let the run go on when the desk ends, or end with it."""
        self.shall_survive = is_kept
        self._attempt(lambda: self._run.keep_running(is_kept))

    def release(self) -> None:
        """Follow the run no longer, because the desk is closing; it stops unless it shall keep running."""
        self._clock.stop()
        self._ladder.stop()
        if self._trainer is not None:
            self._trainer.hang_up()

    def _begin_ending(self) -> bool:
        if not self.is_alive or self._was_asked_to_end:
            return False
        self._was_asked_to_end = True
        self._shall_launch = False
        self._set_phase(RunPhase.STOPPING)
        return True

    def _attempt(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except SrDeskError as error:
            self.failed.emit(error)

    @Slot()
    def _climb(self) -> None:
        if self._rungs:
            log.info("the run %s does not end; %s", self._run.name, self._rungs[0].__name__)
            self._rungs.pop(0)()
            self._ladder.start(TERMINATE_PATIENCE_MS)

    # --- how it goes on -------------------------------------------------------------------------------------------

    def _begin(self, folder: Path) -> None:
        self._run = Run(folder)
        self._title = title_of(self._run)
        self._follower = RunFollower(self._run.events_path)
        self._clock.start()
        QTimer.singleShot(0, self._follow)

    @Slot()
    def _follow(self) -> None:
        if not self._clock.isActive():
            return  # released, or ended; also by who hears the events
        # Looked at before the file: what is in it then is everything.
        has_ended = not self._shall_launch and (self._trainer is None or self._trainer.has_ended)
        for event in self._follower.portion():
            self._note(event)
            if not self._clock.isActive():
                return
        if self._follower.has_more:
            QTimer.singleShot(0, self._follow)
        elif self._shall_launch:
            self._launch()
        elif has_ended:
            self._end(self._heard_outcome())
        elif not self._was_asked_to_end:
            self._set_phase(self._told_phase)

    def _launch(self) -> None:
        """Start the trainer, after everything was heard that earlier sessions told: what comes now is its own."""
        self._shall_launch = False
        self._heard_s = None
        self._last_word, self._told_phase = None, RunPhase.STARTING
        try:
            self._trainer = ChildTrainer(self._run.folder)
        except SrDeskError as error:
            self._end(Failed(error))

    def _note(self, event: events.AnyEvent) -> None:
        match event:
            case events.Finished() | events.Failed():
                self._last_word = event
            case events.Started() | events.Resumed():
                self._last_word, self._told_phase = None, RunPhase.RUNNING
            case events.Paused():
                self._told_phase = RunPhase.PAUSED
            case _:
                pass
        now_s = time.monotonic()
        if self._heard_s is not None:
            self._longest_silence_s = max(self._longest_silence_s, now_s - self._heard_s)
        self._heard_s = now_s
        self.told.append(event)
        self.progressed.emit(event)

    def _end(self, outcome: RunOutcome) -> None:
        self._clock.stop()
        self._ladder.stop()
        if self._trainer is not None:
            self._trainer.hang_up()
        if self._shall_discard:
            self._attempt(self._run.discard)
        self.outcome = outcome
        log.info("the run %s ended: %s", self._run.name, type(outcome).__name__)
        self._set_phase(RunPhase.ENDED)
        self.ended.emit(outcome)

    def _heard_outcome(self) -> RunOutcome:
        trainer = self._trainer
        return outcome_of(
            self._last_word,
            exit_code=trainer.exit_code if trainer is not None else None,
            log_tail=log_tail(self._run.folder, trainer.log_begins_at_byte if trainer is not None else 0),
            was_asked=self._was_asked_to_end,
        )

    def _set_phase(self, phase: RunPhase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit(phase)


def title_of(run: Run) -> str:
    """Return what people call a run: the name of its weights, or of its folder where that cannot be read."""
    try:
        return run.config().weights_name
    except ConfigError:
        return run.name

"""What a list of runs shows of one, kept up to date without reading anything twice."""

from __future__ import annotations

import contextlib
import datetime
from dataclasses import dataclass

from srdesk.errors import ConfigError
from srdesk.gui.training.run_follower import RunFollower
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, TrainConfig
from srdesk.training.run.overview import RunOverview, overview_of
from srdesk.training.run.runs import Run


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One row of the list."""

    config: TrainConfig | None
    """What the run was told; None if its file cannot be read."""
    overview: RunOverview
    """How far it is."""
    bicubic_psnr_y_db: float | None
    """The line to beat, None before the first step."""
    started: datetime.datetime | None
    """When it was last started."""


class RunSummary:
    """Reads the events of one run in portions, and keeps of them what a list needs."""

    def __init__(self, run: Run) -> None:
        self.run = run
        """The run."""
        self._follower = RunFollower(run.events_path)
        self._told: list[events.AnyEvent] = []
        self._overviews: dict[bool, RunOverview] = {}
        self._bicubic_db: float | None = None
        self._config = self._read_config()

    def read(self) -> bool:
        """Read one portion of what is new; tell whether that was everything."""
        for event in self._follower.portion():
            self._overviews.clear()
            if isinstance(event, events.Started):
                self._bicubic_db = event.bicubic_psnr_y_db
                self._config = self._read_config()  # it may go on for more steps than before
            if isinstance(event, events.Step) and self._told and isinstance(self._told[-1], events.Step):
                self._told.pop()  # only the latest step counts
            self._told.append(event)
        return not self._follower.has_more

    def figures(self) -> RunFigures:
        """Return what is known so far."""
        is_running = self.run.is_running()
        if is_running not in self._overviews:
            steps = self._config.steps if self._config is not None else 0
            self._overviews[is_running] = overview_of(self._told, steps, is_running=is_running)
        started = None
        with contextlib.suppress(OSError):
            changed_s = (self.run.folder / CONFIG_NAME).stat().st_mtime
            started = datetime.datetime.fromtimestamp(changed_s)
        return RunFigures(self._config, self._overviews[is_running], self._bicubic_db, started)

    def _read_config(self) -> TrainConfig | None:
        try:
            return self.run.config()
        except ConfigError:  # of a later version, or damaged: its row says so
            return None

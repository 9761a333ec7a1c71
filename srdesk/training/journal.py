"""Where the events of a run go: into the run folder, and to a watching program or to a person."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import TrainingError
from srdesk.training import events
from srdesk.training.run.requests import Requests
from srdesk.training.run.runs import Run
from srdesk.training.tasks import TaskTeller
from srdesk.training.tensorboard import TensorBoardLog

RETRY_S = 30.0
"""Time after which what the disk could not take is tried again."""


class Journal:
    """Passes every event on: to the file in the run folder once it is open, and to whoever watches."""

    def __init__(self, wire: BinaryIO | None, requests: Requests, *, retry_s: float = RETRY_S) -> None:
        self.is_watched = wire is not None
        """Whether another program reads the events, or did."""
        self._wire = wire
        self._requests = requests
        self._retry_s = retry_s
        self._run: Run | None = None
        self._file: EventsFile | None = None
        self._board: TensorBoardLog | None = None
        self._teller: Teller | TaskTeller | None = None

    def open(self, run: Run, *, total_steps: int, board: TensorBoardLog | None = None) -> None:
        """Begin to keep the events in the run folder, and to show them to a person if no program watches.

        Args:
            run: whose events they are.
            total_steps: where the progress ends.
            board: what the events are passed on to as well, and closed with this journal.

        Raises:
            TrainingError: the file cannot be written.
        """
        self._run, self._file, self._board = run, EventsFile(run.events_path), board
        if self._wire is None:
            self._teller = Teller(total_steps)

    def open_for_task(self) -> None:
        """Begin to show the events of a task, of which nothing is kept, to a person if no program watches."""
        if self._wire is None:
            self._teller = TaskTeller()

    def tell(self, event: events.AnyEvent) -> None:
        """Keep the event and pass it on; waits, and so does the run, while the disk cannot take it."""
        if self._file is not None:
            self._keep(self._file, event)
        self._show(event)
        if self._board is not None and (notice := self._board.tell(event)) is not None:
            self.tell(notice)

    def check(self) -> None:
        """Make sure that every event is kept.

        Raises:
            TrainingError: the disk could not take them before the run had to end.
        """
        if self._file is not None and (error := self._file.write_pending()) is not None:
            raise error

    def close(self) -> None:
        """Finish the files and the progress bar."""
        for part in (self._file, self._board, self._wire, self._teller):
            if part is not None:
                part.close()

    def _keep(self, file: EventsFile, event: events.AnyEvent) -> None:
        file.add(event)
        error = file.write_pending()
        if error is None or self._requests.token.is_cancelled or isinstance(event, events.Failed | events.Finished):
            return  # a run that ends waits for nothing; `check` says what was lost
        step = getattr(event, "step", 0)
        retry = f"It is tried again every {self._retry_s:.0f} seconds, or when the run is resumed."
        self._show(events.Paused(step=step, reason=f"{error} {error.hint} {retry}"))
        while error is not None and not self._requests.token.is_cancelled:
            for _ in self._requests.waiting(self._retry_s):
                pass
            error = file.write_pending()
        if error is None:
            self._show(events.Resumed(step=step))

    def _show(self, event: events.AnyEvent) -> None:
        if self._wire is not None:
            try:
                self._wire.write(events.encode(event))
            except BrokenPipeError:
                self._wire.close()
                self._wire = None
                if self._run is None or not self._run.is_kept_running():
                    self._requests.ask("stop")
        if self._teller is not None:
            self._teller.tell(event)


class EventsFile:
    """The file that events are appended to, which holds whole lines only as long as no process dies while it writes."""

    def __init__(self, path: Path) -> None:
        """Open the file, and cut off what a process that died left of a line.

        Raises:
            TrainingError: it cannot be written.
        """
        self._path = path
        self._pending = b""
        try:
            self._file = path.open("ab", buffering=0)
            self._whole_bytes = path.read_bytes().rfind(b"\n") + 1
            self._file.truncate(self._whole_bytes)
        except OSError as error:
            raise self._failure(error) from error

    def add(self, event: events.AnyEvent) -> None:
        """Remember an event until it is written."""
        self._pending += events.encode(event)

    def write_pending(self) -> TrainingError | None:
        """Write what is not written yet, all of it or nothing.

        Returns:
            What is in the way, or None when everything is in the file.
        """
        try:
            written = self._file.write(self._pending) if self._pending else 0
            if written != len(self._pending):  # the first part fitted; now the system says why the second does not
                self._file.write(self._pending[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._whole_bytes)
            return self._failure(error)
        self._whole_bytes += len(self._pending)
        self._pending = b""
        return None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _failure(self, error: OSError) -> TrainingError:
        return TrainingError(
            f"The events of the run cannot be written to “{self._path}”: {error.strerror}.",
            hint="See that its folder is there, writable and has free space.",
        )


class Teller:
    """Tells a person on a terminal: one line for what matters, a progress bar for the rest."""

    def __init__(self, total_steps: int) -> None:
        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[type-arg]
            monitor_interval = 0  # a thread that refreshes the bar between updates: steps come often enough

        self._bar = Bar(total=total_steps, unit="step", disable=not sys.stderr.isatty(), file=sys.stderr)

    def tell(self, event: events.AnyEvent) -> None:
        """Show the event."""
        match event:
            case events.Started():
                self._bar.update(event.first_step - self._bar.n)
                self._say(
                    f"{event.model} on {event.device} ({event.precision}, {event.threads} threads): "
                    f"{event.training_pictures} pictures, {event.validation_pictures} held out, "
                    f"{event.skipped_pictures} skipped; bicubic {event.bicubic_psnr_y_db:.2f} dB; {event.run_folder}"
                )
            case events.Step():
                self._bar.update(event.step - self._bar.n)
                self._bar.set_postfix_str(f"loss {event.loss:.2e}, {event.steps_per_second:.2f} steps/s")
            case events.Validated():
                mark = " (best)" if event.is_best else ""
                self._say(f"step {event.step}: {event.psnr_y_db:.3f} dB, SSIM {event.ssim_y:.4f}{mark}")
            case events.RolledBack():
                self._say(
                    f"step {event.step}: {event.reason} Back to step {event.to_step}, "
                    f"learning rate × {event.rate_factor:g}."
                )
            case events.Paused():
                self._say(f"Paused at step {event.step}. {event.reason}".rstrip())
            case events.Resumed():
                self._say(f"Going on at step {event.step}.")
            case events.Notice():
                self._say(event.message)
            case events.Finished():
                best = "" if event.best_psnr_y_db is None else f", best {event.best_psnr_y_db:.3f} dB"
                self._say(f"{event.reason} at step {event.step}{best}")
            case _:
                pass

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()

    def _say(self, sentence: str) -> None:
        self._bar.write(sentence, file=sys.stderr)

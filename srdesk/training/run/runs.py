"""Run folders: what is in them, who is at work in them, and what they have told so far. No torch.

A run folder belongs to the trainer that holds its lock; everybody else only reads it, except for the small files by
which a trainer is asked for something. The lock is the operating system's and ends with the process, however that
ends: a run that has told no end and that nobody holds was interrupted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from srdesk.errors import RunInUseError, TrainingError
from srdesk.imaging.atomic import PART_SUFFIX, atomic_write
from srdesk.training import events
from srdesk.training.config import CONFIG_NAME, TrainConfig, read_config
from srdesk.training.run.overview import RunOverview, RunStatus, overview_of

if TYPE_CHECKING:
    import filelock

EVENTS_NAME = "events.jsonl"
"""File in a run folder that every event is appended to, one line each."""

CHECKPOINT_NAME = "checkpoint.safetensors"
"""File in a run folder from which the run goes on."""

GOOD_CHECKPOINT_NAME = "checkpoint-good.safetensors"
"""File in a run folder with its latest state before signs that it diverges; there only while there are signs."""

WEIGHTS_FOLDER = "weights"
"""Folder in a run folder for the weights file of the best validation."""

START_NAME = "start.safetensors"
"""File in a run folder with the weights that the run started from."""

MEASURED_NAME = "measured.json"
"""File in a run folder with the digests of the pictures that the run measures."""

PICTURES_FOLDER = "pictures"
"""Folder in a run folder for the enlargements that are kept to be looked at."""

TENSORBOARD_FOLDER = "tensorboard"
"""Folder in a run folder for the files of TensorBoard."""

LOCK_NAME = "run.lock"
"""File in a run folder that a trainer holds locked while it lives."""

PID_NAME = "run.pid"
"""File in a run folder with the process number of the latest trainer."""

REQUEST_NAME = "request"
"""File in a run folder with one word that the trainer takes away when it has seen it."""

KEEP_RUNNING_NAME = "keep-running"
"""File in a run folder whose presence lets the run outlive the program that started it."""

LOG_NAME = "log.txt"
"""File in a run folder for what a trainer without a terminal writes to stderr."""

TOLD_NAME = "interruption-told"
"""File in a run folder with the step at which the person was told that the run was interrupted."""

RUN_PARTS = (
    CONFIG_NAME,
    EVENTS_NAME,
    CHECKPOINT_NAME,
    GOOD_CHECKPOINT_NAME,
    MEASURED_NAME,
    WEIGHTS_FOLDER,
    START_NAME,
    PICTURES_FOLDER,
    TENSORBOARD_FOLDER,
    LOCK_NAME,
    PID_NAME,
    REQUEST_NAME,
    KEEP_RUNNING_NAME,
    LOG_NAME,
    TOLD_NAME,
)
"""Everything that belongs to a run; nothing else in its folder is ever removed."""

_OWN_BEGINNINGS = tuple(f"{part}." for part in RUN_PARTS)

LOCK_PATIENCE_S = 2.0
"""How long a trainer waits for the lock, which whoever asks "is it running?" holds for an instant."""

Request = Literal["pause", "resume", "stop"]
"""What a trainer can be asked for."""


class Run:
    """One training with its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def events_path(self) -> Path:
        """The file that `EventFollower` follows."""
        return self.folder / EVENTS_NAME

    def config(self) -> TrainConfig:
        """Return the configuration that the run was last started with.

        Raises:
            ConfigError: its file is missing, damaged, or from a later version.
        """
        return read_config(self.folder / CONFIG_NAME)

    def events(self) -> list[events.AnyEvent]:
        """Return everything that the run has told, the oldest first; half a line at the end is left out."""
        return EventFollower(self.events_path).read()

    def is_running(self) -> bool:
        """Tell whether a trainer is at work in the folder, paused or not."""
        if not (self.folder / LOCK_NAME).exists():
            return False
        import filelock  # not at the top: a window that lists no runs yet need not wait for it

        lock = self._lock()
        try:
            lock.acquire(blocking=False)
        except filelock.Timeout:
            return True
        except OSError:  # a folder that may not be written to is nobody's workplace
            return False
        lock.release()
        return False

    def pid(self) -> int | None:
        """Return the number of the trainer's process, or None when none is at work."""
        if not self.is_running():
            return None
        with contextlib.suppress(OSError, ValueError):
            return int((self.folder / PID_NAME).read_text())
        return None

    def state(self) -> RunStatus:
        """Tell what the run is doing, or how it ended."""
        return self.overview().state

    def overview(self) -> RunOverview:
        """Return what a list of runs shows.

        Raises:
            ConfigError: as `config`.
        """
        is_running = self.is_running()  # before reading: a run that ends in between has then told its end
        return overview_of(self.events(), self.config().steps, is_running=is_running)

    def best_weights(self) -> Path | None:
        """Return the weights of the best validation, or None before there are any.

        Raises:
            ConfigError: as `config`.
        """
        path = self.folder / WEIGHTS_FOLDER / f"{self.config().weights_name}.safetensors"
        return path if path.exists() else None

    def measured(self) -> bytes:
        """Return the list of the pictures that the run measures, empty before there is one."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / MEASURED_NAME).read_bytes()
        return b""

    def ask(self, request: Request) -> None:
        """Ask the trainer for something; it looks several times a second. Nobody hears it when none is at work.

        Raises:
            TrainingError: the folder cannot be written to, perhaps because the disk is full.
        """
        self._write(REQUEST_NAME, request)

    def take_request(self) -> Request | None:
        """Return what was asked since the last look, and forget it; for the trainer."""
        asked, taken = self.folder / REQUEST_NAME, self.folder / f"{REQUEST_NAME}.taken{PART_SUFFIX}"
        try:
            asked.replace(taken)  # first out of the way: another request may come while this one is read
            word = taken.read_text(errors="replace").strip()
            taken.unlink()
        except OSError:
            return None
        return next((request for request in get_args(Request) if request == word), None)

    def keep_running(self, is_kept: bool) -> None:
        """Let the run go on when the program that started it ends, or end it with that program.

        Raises:
            TrainingError: the folder cannot be written to.
        """
        if is_kept:
            self._write(KEEP_RUNNING_NAME, "")
            return
        try:
            (self.folder / KEEP_RUNNING_NAME).unlink(missing_ok=True)
        except OSError as error:
            raise _not_written(self.folder, error) from error

    def is_kept_running(self) -> bool:
        """Tell whether the run goes on when the program that started it ends."""
        return (self.folder / KEEP_RUNNING_NAME).exists()

    def make_folder(self) -> None:
        """Make the folder, or see that it is one for a run.

        Raises:
            TrainingError: the folder cannot be made, or there are other things than a run in it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            parts = [part.name for part in self.folder.iterdir()]
        except OSError as error:
            raise _not_written(self.folder, error) from error
        if CONFIG_NAME not in parts and not set(parts) <= set(RUN_PARTS):
            raise TrainingError(
                f"The folder “{self.folder}” holds other things than a run.", hint="Name a new or empty folder."
            )

    def store(self, config: TrainConfig) -> None:
        """Write the configuration, for the trainer.

        Raises:
            TrainingError: the folder cannot be written to.
        """
        self._write(CONFIG_NAME, msgspec.json.format(msgspec.json.encode(config)).decode())

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Be the one trainer in the folder, which exists.

        What was asked of an earlier trainer is forgotten, and what a killed one left half-written is removed.

        Raises:
            RunInUseError: another trainer is at work in it.
            TrainingError: the folder cannot be written to.
        """
        import filelock

        lock = self._lock()
        try:
            lock.acquire(timeout=LOCK_PATIENCE_S, poll_interval=0.02)
        except filelock.Timeout as error:
            raise RunInUseError(self.name, self.pid()) from error
        except OSError as error:
            raise _not_written(self.folder, error) from error
        try:
            self.take_request()
            self._remove_half_written()
            self._write(PID_NAME, f"{os.getpid()}\n")
            yield
        finally:
            lock.release()

    def discard(self) -> None:
        """Delete the run, and its folder unless someone keeps other things there.

        Raises:
            RunInUseError: a trainer is at work in it.
            TrainingError: something in it cannot be deleted.
        """
        if self.is_running():
            raise RunInUseError(self.name, self.pid())
        try:
            for part in (*map(self.folder.joinpath, RUN_PARTS), *self._half_written()):
                if part.is_dir() and not part.is_symlink():
                    shutil.rmtree(part)
                else:
                    part.unlink(missing_ok=True)
            if not any(self.folder.iterdir()):
                self.folder.rmdir()
        except OSError as error:
            raise TrainingError(
                f"The run “{self.name}” cannot be deleted: {error.strerror}.", hint="Delete its folder by hand."
            ) from error

    def _half_written(self) -> list[Path]:
        """Return what a trainer was writing when it was killed: parts of the run's own files, of no others."""
        found = [part for part in self.folder.glob(f"*{PART_SUFFIX}") if part.name.startswith(_OWN_BEGINNINGS)]
        for folder in (WEIGHTS_FOLDER, PICTURES_FOLDER):
            found += (self.folder / folder).glob(f"*{PART_SUFFIX}")
        return [part for part in found if part.is_file()]

    def _remove_half_written(self) -> None:
        try:
            for part in self._half_written():
                part.unlink(missing_ok=True)
        except OSError as error:
            raise _not_written(self.folder, error) from error

    def _lock(self) -> filelock.BaseFileLock:
        import filelock

        return filelock.FileLock(self.folder / LOCK_NAME)

    def _write(self, name: str, text: str) -> None:
        try:
            with atomic_write(self.folder / name) as stream:
                stream.write(text.encode())
        except OSError as error:
            raise _not_written(self.folder, error) from error


class EventFollower:
    """Reads a growing file of events, also one that does not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def read(self, portion_bytes: int = -1) -> list[events.AnyEvent]:
        """Return the events whose lines were completed since the last call; other lines are passed over.

        Args:
            portion_bytes: read about so much at most, for who may not be kept waiting; everything by default.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                chunk = file.read(portion_bytes)
                if b"\n" not in chunk:
                    chunk += file.read()  # a line longer than the portion
                whole, line_feed, _ = chunk.rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._read_bytes += len(whole) + len(line_feed)
        told = []
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):  # a kind of event that a later version knows
                told.append(events.decode(line))
        return told


def list_runs(runs_folder: Path) -> list[Run]:
    """Return the runs in a folder of run folders, those last started first."""
    found = []
    with contextlib.suppress(OSError):
        for folder in runs_folder.iterdir():
            with contextlib.suppress(OSError):
                found.append(((folder / CONFIG_NAME).stat().st_mtime_ns, folder.name, folder))
    return [Run(folder) for *_, folder in sorted(found, reverse=True)]


def _not_written(folder: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"The run folder “{folder}” cannot be written: {error.strerror}.",
        hint="See that it is there, writable and has free space, or name another one with --run.",
    )

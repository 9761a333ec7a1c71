"""The process that trains: started by this desk, or found running. Starting, asking its end, nothing more. No Qt."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from srdesk.errors import TrainingProcessError
from srdesk.training.run.runs import LOG_NAME, Run

NICENESS = 10
"""How far a trainer stands back behind the desk: the window and its panes come first."""

_MAX_NICENESS = 19

_LOG_TAIL_BYTES = 4000


class ChildTrainer:
    """A trainer that this desk started. It can outlive the desk, which a child of QProcess could not."""

    def __init__(self, folder: Path) -> None:
        """Start the run of ``folder``, which holds its configuration, or resume it.

        Raises:
            TrainingProcessError: it cannot be started.
        """
        try:
            with (folder / LOG_NAME).open("ab") as log:
                self.log_begins_at_byte = log.tell()
                """Where its words begin in the log of the run; those of earlier trainers stand before."""
                self._process = subprocess.Popen(
                    trainer_command("--run", str(folder), "--events"),
                    # A pipe that nobody reads from: it breaks when the desk dies, and the trainer notices.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    env=trainer_environment(),
                    # Ctrl-C in the terminal of the desk is not meant for a run that shall survive.
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            raise TrainingProcessError(
                f"The training cannot be started: {error.strerror or error}.",
                hint=f"See that “{folder}” can be written to and that its disk is not full.",
            ) from error
        stand_back(self._process.pid)

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while the process lives. Asking reaps it: no zombie is left."""
        return self._process.poll()

    @property
    def has_ended(self) -> bool:
        """Whether the process is no more."""
        return self.exit_code is not None

    def ask_to_stop(self) -> None:
        """Ask for an end with a checkpoint. Heard from the first moment on, other than a request in the run folder."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone already
            self._process.stdin.write(b"stop\n")
            self._process.stdin.flush()

    def hang_up(self) -> None:
        """Break the connection, as the death of the desk does: the trainer stops, unless it shall keep running."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def terminate(self) -> None:
        """Ask the process to end, through the system."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()


class OtherTrainer:
    """A trainer that an earlier desk started, or a person in a terminal."""

    exit_code = None
    """Only a parent learns it."""

    log_begins_at_byte = 0
    """It may have begun anywhere in the log of the run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @property
    def has_ended(self) -> bool:
        """Whether nobody holds the lock of the run any more."""
        return not self._run.is_running()

    def ask_to_stop(self) -> None:
        """Ask for an end with a checkpoint.

        Raises:
            TrainingError: the run folder cannot be written to.
        """
        self._run.ask("stop")

    def hang_up(self) -> None:
        """Do nothing: it never knew this desk."""

    def terminate(self) -> None:
        """Ask the process to end, through the system."""
        self._signal("terminate")

    def kill(self) -> None:
        """End the process at once."""
        self._signal("kill")

    def _signal(self, name: str) -> None:
        import psutil

        pid = self._run.pid()
        if pid is not None:
            with contextlib.suppress(psutil.Error):
                getattr(psutil.Process(pid), name)()


def trainer_command(*arguments: str) -> list[str]:
    """Return the command `srdesk train` with ``arguments``, as this installation can start it."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "train", *arguments]
    # -P: modules that lie in the current folder are not to be imported.
    return [sys.executable, "-P", "-m", "srdesk", "train", *arguments]


def trainer_environment() -> dict[str, str]:
    """Return the environment of a trainer: that of the desk, with the package within reach."""
    package_folder = str(Path(__file__).parents[3])
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [package_folder, os.environ.get("PYTHONPATH")])),
        # Threads that spin while they wait would take the cores that the window needs.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def stand_back(pid: int) -> None:
    """Let the window and its panes have the processor first."""
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if sys.platform == "win32":
            process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            process.nice(min(process.nice() + NICENESS, _MAX_NICENESS))


def log_tail(folder: Path, since_byte: int = 0) -> str:
    """Return the last lines of a run's log, none of them from before ``since_byte``; nothing if there is no log."""
    try:
        with (folder / LOG_NAME).open("rb") as log:
            size_bytes = log.seek(0, os.SEEK_END)
            begin_byte = max(since_byte, size_bytes - _LOG_TAIL_BYTES)
            log.seek(begin_byte)
            tail = log.read().decode(errors="replace")
    except OSError:
        return ""
    return tail if begin_byte == since_byte else tail.partition("\n")[2]

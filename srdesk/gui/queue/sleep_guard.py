"""Keeps the machine awake while the queue runs, in the way of each system, and gives it back when the desk dies."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys

log = logging.getLogger(__name__)

_WINDOWS_CONTINUOUS = 0x80000000
_WINDOWS_SYSTEM_REQUIRED = 0x00000001
"""Flags of SetThreadExecutionState: they hold for the calling thread until it changes them or ends."""

_PATIENCE_S = 2.0


class SleepGuard:
    """Holds the machine awake between `hold` and `let_go`; both are called on the main thread.

    Linux: `systemd-inhibit` around a `cat` that waits for the end of its input, which comes when the desk ends, however
    it ends. macOS: `caffeinate`, which watches the desk. Windows: a flag of the main thread. Anywhere else, and where
    the system refuses, nothing is done, and the log says so.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._is_held = False

    @property
    def is_held(self) -> bool:
        """Whether the machine was asked to stay awake and, as far as is known, does."""
        return self._is_held and (self._child is None or self._child.poll() is None)

    def hold(self) -> None:
        """Ask the machine to stay awake."""
        if self._is_held:
            return
        if sys.platform == "win32":
            self._is_held = _set_windows_flags(_WINDOWS_CONTINUOUS | _WINDOWS_SYSTEM_REQUIRED)
            return
        command = _command()
        if command is None:
            log.info("nothing here keeps the machine awake; it may go to sleep while the queue runs")
            return
        try:
            self._child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.info("%s cannot be started (%s); the machine may go to sleep while the queue runs", command[0], error)
            return
        self._is_held = True

    def let_go(self) -> None:
        """Let the machine sleep again."""
        if not self._is_held:
            return
        self._is_held = False
        if sys.platform == "win32":
            _set_windows_flags(_WINDOWS_CONTINUOUS)
        child, self._child = self._child, None
        if child is not None:
            _end(child)


def _command() -> list[str] | None:
    """Return what keeps this machine awake for as long as it runs, and ends with the desk."""
    if sys.platform == "darwin":
        return ["caffeinate", "-i", "-w", str(os.getpid())]
    inhibit, cat = shutil.which("systemd-inhibit"), shutil.which("cat")
    if inhibit is None or cat is None:
        return None
    return [
        inhibit,
        "--what=sleep:idle",
        "--mode=block",
        "--who=SR Desk",
        "--why=Enlarging the files of the queue",
        cat,
    ]


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        log.info("the system refused to keep the machine awake (status %d)", child.returncode)
    if child.stdin is not None:
        child.stdin.close()  # `cat` ends, and what is around it
    if sys.platform == "darwin":
        child.terminate()
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _set_windows_flags(flags: int) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return bool(ctypes.windll.kernel32.SetThreadExecutionState(flags))

"""Where the program begins: without a verb the desk opens, with one the command line does its work.

The only file that knows both. Neither Qt nor torch is imported before it is clear that they are needed.
"""

from __future__ import annotations

import difflib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from srdesk.cli import VERBS
from srdesk.errors import Cancelled

_DECODE_CHILD = "--decode-child"
"""How a frozen application starts itself to decode: `srdesk.imaging.decoder.FROZEN_FLAG`, not imported for speed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the desk with the files in ``arguments``, or run a verb of the command line.

    Args:
        arguments: what follows the program's name; that of this process when None.

    Returns:
        The exit status.
    """
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:  # while modules are still being imported; what runs afterwards sees to Ctrl-C itself
        return Cancelled.exit_code


def can_open_windows(platform: str, environment: Mapping[str, str]) -> bool:
    """Tell whether Qt would find a screen; where it finds none it aborts the process instead of saying so.

    Args:
        platform: as `sys.platform`.
        environment: as `os.environ`.
    """
    if not platform.startswith("linux") or environment.get("QT_QPA_PLATFORM"):
        return True
    wayland, x11 = environment.get("WAYLAND_DISPLAY"), environment.get("DISPLAY")
    if wayland and _answers(Path(environment.get("XDG_RUNTIME_DIR", "/run"), wayland)):
        return True
    if not x11:
        return False
    host, _, number = x11.rpartition(":")
    # A display of another machine, or forwarded by ssh, is left for Qt to try.
    return host not in ("", "unix") or _answers(Path("/tmp/.X11-unix", f"X{number.partition('.')[0]}"))


def _run(words: list[str]) -> int:
    if words == [_DECODE_CHILD]:
        from srdesk.imaging.decode_child import main as decode

        return decode()
    if words and (words[0] in VERBS or words[0].startswith("-") or _is_mistyped_verb(words[0])):
        from srdesk.cli.command import main as run_command

        return run_command(words)
    if not can_open_windows(sys.platform, os.environ):
        from srdesk.cli.terminal import print_problem

        print_problem(
            "There is no screen to open a window on.",
            "Start it in a desktop session, or use the command line, for example `srdesk upscale photo.jpg`; "
            "`srdesk --help` lists what it can do.",
        )
        return 1
    from srdesk.gui.app import main as open_desk

    return open_desk(words)


def _is_mistyped_verb(word: str) -> bool:
    return not Path(word).exists() and bool(difflib.get_close_matches(word, VERBS, cutoff=0.75))


def _answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(socket_path))
        except OSError:
            return False
        return True


if __name__ == "__main__":
    sys.exit(main())

"""What a report needs to say about this program and this machine.

It names no picture, except in the words of errors about one, which the last lines of the log may hold.
"""

from __future__ import annotations

import locale
import os
import platform
import sys
from collections import deque
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from srdesk import __version__, paths
from srdesk.engine.warm_up import DeviceChoice
from srdesk.settings import Settings

_PACKAGES = ("torch", "PySide6-Essentials", "numpy", "pillow", "tifffile", "safetensors", "psutil", "msgspec")
_LOG_LINES = 40
_PRIVATE = ("recent_files", "open_folder", "save_folder")


def diagnostics(settings: Settings, devices: tuple[DeviceChoice, ...]) -> str:
    """Return the report as text.

    Args:
        settings: what the person chose; file and folder names are left out.
        devices: what torch found; empty while it is not loaded.
    """
    import psutil

    memory = psutil.virtual_memory()
    screens = [
        f"{screen.size().width()} × {screen.size().height()} at {screen.devicePixelRatio():g}"
        for screen in QGuiApplication.screens()
    ]
    chosen = {
        name: value
        for name in settings.__struct_fields__
        if (value := getattr(settings, name)) != getattr(Settings(), name) and name not in _PRIVATE
    }
    lines = [
        f"SR Desk {__version__}",
        f"Python {platform.python_version()} ({sys.executable})",
        f"System {platform.platform()}, {os.cpu_count()} cores, {locale.getlocale()[0]}",
        f"Memory {memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GB free",
        f"Qt {qVersion()} on {QGuiApplication.platformName()}, screens: {', '.join(screens)}",
        "Devices: " + (", ".join(f"{each.title} ({each.name})" for each in devices) or "torch is not loaded yet"),
        "Packages: " + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        f"Settings: {chosen or 'defaults'}",
        f"Log: {log_file()}",
        "",
        *_last_lines(log_file()),
    ]
    return "\n".join(lines)


def log_file() -> Path:
    """Return the file that the desk writes its log to."""
    return paths.log_folder() / "desk.log"


def _version(name: str) -> str:
    import importlib.metadata  # a fortieth of a second that the window need not wait for

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return [line.rstrip("\n") for line in deque(lines, maxlen=_LOG_LINES)]
    except OSError:
        return []

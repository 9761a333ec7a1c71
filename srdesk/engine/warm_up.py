"""Loads torch behind a window that is already open, without making the window stand still.

``import torch`` holds the interpreter's lock while the dynamic linker maps half a gigabyte of libraries: 180 ms on a
warm disk, seconds on a cold one, in which no other thread of Python moves. The same libraries are therefore linked
first through a foreign call, which gives the lock away; the import finds them loaded.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device of this machine that can be chosen."""

    name: str
    """What the engine calls it: cpu, cuda or mps."""
    title: str
    """What a person calls it."""
    precisions: tuple[str, ...]
    """Number types that it computes with, the automatic one first."""


def load_torch() -> tuple[DeviceChoice, ...]:
    """Import torch and everything that enlarging needs; call it on a worker thread.

    Returns:
        The devices of this machine, the fastest first.
    """
    link_libraries()
    import srdesk.engine.enlarge
    import srdesk.engine.weights  # noqa: F401 - imported for its time

    return _devices()


def link_libraries() -> None:
    """Link torch's libraries without holding the interpreter's lock; whatever fails is left to ``import torch``."""
    spec = None if "torch" in sys.modules else importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    folder = Path(spec.origin).parent / "lib"
    try:
        if sys.platform == "win32":
            # Also the remedy for c10.dll, which can fail to load after Qt.
            load = ctypes.WinDLL("kernel32").LoadLibraryW
            load.argtypes, load.restype = [ctypes.c_wchar_p], ctypes.c_void_p
            for name in ("c10.dll", "torch_cpu.dll"):
                load(str(folder / name))
        else:
            load = ctypes.CDLL(None).dlopen
            load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
            suffix = "dylib" if sys.platform == "darwin" else "so"
            load(os.fsencode(folder / f"libtorch_python.{suffix}"), os.RTLD_NOW)
    except (OSError, AttributeError) as error:
        log.info("torch's libraries could not be linked ahead of its import: %s", error)


def _devices() -> tuple[DeviceChoice, ...]:
    import torch

    from srdesk.engine.device import available_devices, precision_name, resolve_precision

    choices = []
    for name in available_devices():
        device = torch.device(name)
        first = precision_name(resolve_precision("auto", device))
        possible = ("fp32", "bf16") if name == "cpu" else ("fp32", "fp16", "bf16")
        title = {"cpu": "CPU", "mps": "Apple GPU"}.get(name) or torch.cuda.get_device_name(device)
        choices.append(DeviceChoice(name, title, (first, *(other for other in possible if other != first))))
    return tuple(choices)

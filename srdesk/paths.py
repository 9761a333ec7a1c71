"""Where resources, weights, runs, settings and logs live: the only file that knows the disk layout.

Nothing is created here; whoever writes a file makes its folder. The environment variable ``SRDESK_HOME`` moves every
folder of the user below one folder of that name, which keeps tests and portable installations to themselves.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP_NAME = "srdesk"
"""Name of the program's folder in the user's config, data, cache, state and log folders."""

HOME_VARIABLE = "SRDESK_HOME"
"""Environment variable that overrides where the user's files live."""

_PACKAGE_FOLDER = Path(__file__).resolve().parent


def resources_folder() -> Path:
    """Return the folder of icons and sample pictures that came with the program."""
    return _shipped_folder("resources")


def shipped_weights_folder() -> Path:
    """Return the folder of the weights that came with the program; never written to."""
    return _shipped_folder("weights")


def user_weights_folder() -> Path:
    """Return the folder of the weights that the person trained or imported."""
    return _data_folder() / "weights"


def weights_folders() -> list[Path]:
    """Return the folders in which weights are looked up by name; the first that knows a name wins."""
    return [shipped_weights_folder(), user_weights_folder()]


def features_file() -> Path:
    """Return the VGG features that training compares pictures by."""
    return shipped_weights_folder() / "features" / "vgg16.safetensors"


def runs_folder() -> Path:
    """Return the folder that holds one folder for every training run."""
    return _data_folder() / "runs"


def config_file() -> Path:
    """Return the settings file."""
    home = _home()
    folder = home / "config" if home else platformdirs.user_config_path(APP_NAME, appauthor=False)
    return folder / "settings.toml"


def cache_folder() -> Path:
    """Return the folder of what can be computed again, such as image pyramids."""
    home = _home()
    return home / "cache" if home else platformdirs.user_cache_path(APP_NAME, appauthor=False)


def state_folder() -> Path:
    """Return the folder of what outlives a run of the program but is no setting, such as journals."""
    home = _home()
    return home / "state" if home else platformdirs.user_state_path(APP_NAME, appauthor=False)


def queue_journal() -> Path:
    """Return the file in which the queue of the desk is remembered."""
    return state_folder() / "queue.jsonl"


def log_folder() -> Path:
    """Return the folder of log files."""
    home = _home()
    return home / "log" if home else platformdirs.user_log_path(APP_NAME, appauthor=False)


def _home() -> Path | None:
    home = os.environ.get(HOME_VARIABLE, "")
    return Path(home).expanduser().absolute() if home else None


def _data_folder() -> Path:
    home = _home()
    return home / "data" if home else platformdirs.user_data_path(APP_NAME, appauthor=False)


def _shipped_folder(name: str) -> Path:
    """Find a folder that ships with the program.

    A wheel carries it inside the package, a clone beside it.
    """
    inside = _PACKAGE_FOLDER / name
    return inside if inside.is_dir() else _PACKAGE_FOLDER.parent / name

"""What the person prefers: a frozen, validated record, kept in a small TOML file of only what differs from the default.

Precedence is default < settings file < command line flag; it is resolved once, at the edge, by `Settings.changed`.
The file is read by `tomllib`; what is written is one ``key = value`` line per entry, which needs no library.
"""

from __future__ import annotations

import datetime
import json
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from srdesk import paths
from srdesk.errors import ConfigError, SrDeskError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.naming import OutputName

VERSION = 1
"""Version of the settings file that this program writes."""

MAX_RECENT_FILES = 12
"""How many files the list of recent files holds."""

ThemeName = Literal["system", "light", "dark"]
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
PrecisionName = Literal["auto", "fp32", "bf16", "fp16"]
CollisionName = Literal["number", "skip", "overwrite", "ask"]
QueueCollisionName = Literal["number", "skip", "overwrite"]
PaneName = Literal["lr", "bicubic", "srcnn", "srresnet", "srgan"]
NetworkName = Literal["srcnn", "srresnet", "srgan"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every preference with its default.

    Raises:
        ConfigError: a value is not allowed; names the field.
    """

    theme: ThemeName = "system"
    """Light or dark window, or whatever the system uses."""
    device: DeviceName = "auto"
    """Where networks compute."""
    precision: PrecisionName = "auto"
    """Number format that networks compute in."""
    window_px: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Largest strip height and band width in LR pixels; 0 is the whole picture, None lets the program choose."""
    model: str = "srresnet"
    """Model that enlarges when none is named."""
    output_name_template: str = "{stem}_{model}_x{scale}{ext}"
    """How a result is named."""
    on_collision: CollisionName = "number"
    """What happens when the output exists: write ``name-2``, leave it, replace it, or ask."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 95
    """Quality of JPEG and WebP results."""
    visible_panes: tuple[PaneName, ...] = get_args(PaneName)
    """Panes that are shown, in the order of the window."""
    show_notes: bool = True
    """Say in each pane how far its result can be trusted."""
    pane_weights: dict[NetworkName, str] = {}
    """Names of the weights that panes use instead of those that came with the program."""
    panes_beside_training: Literal["cpu", "same"] = "cpu"
    """Where panes are computed while a training holds the GPU: on the CPU, or on the same device as ever."""
    recent_files: tuple[str, ...] = ()
    """Files opened before, newest first."""
    open_folder: str = ""
    """Folder in which the open dialog starts."""
    save_folder: str = ""
    """Folder in which the save dialog starts."""
    automatic_run_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 20
    """Panes that are expected to take at most so many seconds are computed as soon as a picture is open."""
    queue_model: str = "srresnet"
    """Model that enlarges the files that are put into the queue of the desk."""
    queue_folder: str = ""
    """Folder of the results of the queue; empty for beside each picture."""
    queue_on_collision: QueueCollisionName = "number"
    """What happens in the queue when the output exists; it asks nothing, since nobody may be there."""
    write_sidecar: bool = False
    """Write a file beside every result that tells how it was made, and from which it can be made again."""
    ask_before_closing: bool = True
    """Ask before closing the window while something is being computed or saved."""

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(type(self)):
            _checked(field, getattr(self, field.name))

    def changed(self, **changes: Any) -> Settings:
        """Return a copy with ``changes``.

        Raises:
            ConfigError: a value is not allowed; names the field.
        """
        return msgspec.structs.replace(self, **changes)

    def weights_of(self, pane: str) -> str:
        """Return the name of the weights that were chosen for ``pane``, or its own name where none were."""
        return next((name for network, name in self.pane_weights.items() if network == pane), pane)

    def with_recent_file(self, path: Path) -> Settings:
        """Return a copy in which ``path`` is the newest of the recent files."""
        newest = str(path.absolute())
        others = [name for name in self.recent_files if name != newest]
        return self.changed(recent_files=(newest, *others)[:MAX_RECENT_FILES])


class LoadedSettings(msgspec.Struct, frozen=True):
    """The settings that were found, and what had to be said while reading them."""

    settings: Settings
    """The valid entries of the file; defaults for everything else."""
    notices: tuple[str, ...] = ()
    """One plain sentence for each thing that was not as expected."""


def load_settings(path: Path | None = None) -> LoadedSettings:
    """Read the settings file; a missing one means defaults.

    Unknown keys are reported and stay in the file. An entry that is not allowed is reported and replaced by its
    default. A file that is no TOML at all is moved aside, so that saving cannot destroy what someone wrote by hand.

    Args:
        path: file to read; that of the user when None.
    """
    path = path or paths.config_file()
    try:
        entries = _read_entries(path)
    except FileNotFoundError:
        return LoadedSettings(Settings())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return LoadedSettings(Settings(), (_move_aside(path, error),))

    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    known: dict[str, Any] = {}
    notices = []
    for name, value in entries.items():
        if name == "version":
            continue
        if name not in fields:
            notices.append(f"The settings file has an unknown entry “{name}”; it is kept but has no effect.")
            continue
        try:
            known[name] = _checked(fields[name], value)
        except ConfigError as error:
            notices.append(f"In the settings file {error} The default is used. {error.hint}")
    return LoadedSettings(Settings(**known), tuple(notices))


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Write what differs from the defaults, keeping unknown entries of the file; the old file or the new one survives.

    Args:
        settings: what to keep.
        path: file to write; that of the user when None.

    Raises:
        SrDeskError: the file cannot be written.
    """
    path = path or paths.config_file()
    try:
        entries = _read_entries(path)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        entries = {}
    names = settings.__struct_fields__
    kept = {name: value for name, value in entries.items() if name not in names}
    kept["version"] = max(VERSION, version) if isinstance(version := kept.get("version"), int) else VERSION
    defaults = Settings()
    own = {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(defaults, name)}
    lines = [f"{_toml_key(name)} = {_toml_value(value)}\n" for name, value in sorted((kept | own).items())]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file name that is no valid text cannot be written down in TOML; its recent-file entry then leads nowhere.
        with atomic_write(path) as stream:
            stream.write("".join(lines).encode("utf-8", "replace"))
    except OSError as error:
        raise SrDeskError(
            f"The settings cannot be saved: {error.strerror or error}.",
            hint=f"Check that “{path.parent}” can be written to and that its disk is not full.",
        ) from error


def allowed_values(name: str) -> str:
    """Say which values the setting ``name`` may have, such as ``system, light or dark``."""
    annotation = next(field.type for field in msgspec.structs.fields(Settings) if field.name == name)
    if get_origin(annotation) is Literal:
        *most, last = get_args(annotation)
        return f"{', '.join(most)} or {last}"
    return {
        "window_px": "a whole number of pixels, 0 for the whole picture",
        "jpeg_quality": "a whole number from 1 to 100",
        "automatic_run_s": "a whole number of seconds from 0 to 3600",
        "ask_before_closing": "true or false",
        "show_notes": "true or false",
        "write_sidecar": "true or false",
        "pane_weights": f"names of weights for {', '.join(get_args(NetworkName))}",
        "visible_panes": f"a list of {', '.join(get_args(PaneName))}",
        "recent_files": "a list of file names",
    }.get(name, "text")


def _checked(field: msgspec.structs.FieldInfo, value: object) -> object:
    try:
        checked: object = msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        raise ConfigError(field.name, value, allowed_values(field.name)) from error
    if field.name == "output_name_template":
        OutputName(str(checked))
    return checked


def _read_entries(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_bytes().decode("utf-8"))


def _move_aside(path: Path, error: Exception) -> str:
    aside = path.with_name(f"{path.name}.unreadable")
    try:
        path.replace(aside)
    except OSError:
        return f"The settings file “{path}” cannot be read ({error}); defaults are used."
    return f"The settings file could not be read ({error}); it is now called “{aside.name}” and defaults are used."


def _toml_key(name: str) -> str:
    is_bare = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if is_bare else _toml_value(name)


def _toml_value(value: object) -> str:
    """Return ``value`` as it stands in one line of TOML, tables inline."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            # JSON escapes what TOML wants escaped, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case float():
            return repr(value) if math.isfinite(value) else {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
        case int():
            return str(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case list() | tuple():
            return f"[{', '.join(_toml_value(item) for item in value)}]"
        case dict():
            return f"{{{', '.join(f'{_toml_key(name)} = {_toml_value(item)}' for name, item in value.items())}}}"
        case _:
            raise TypeError(f"TOML cannot hold {type(value).__name__}")

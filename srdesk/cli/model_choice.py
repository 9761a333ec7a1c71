"""From what a person calls a model to an upscaler that is ready to run."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from srdesk import paths
from srdesk.cli.terminal import print_remark
from srdesk.engine.library import SCALE_SUFFIX, SUFFIX, WeightsLibrary
from srdesk.errors import WeightsError
from srdesk.settings import DeviceName, PrecisionName, Settings, load_settings

if TYPE_CHECKING:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler

BICUBIC = "bicubic"
"""Name of the baseline, which needs no weights."""

NETWORKS = ("srcnn", "srresnet", "srgan")
"""Networks that can be asked for by name, each with weights of its own."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that exists: the baseline, or a weights file."""

    name: str
    """What output names and tables call it."""
    weights: Path | None
    """The weights file; None for the baseline."""

    def open(self, settings: Settings) -> Upscaler | BicubicUpscaler:
        """Load it, on the device and in the precision and windows of ``settings``.

        Raises:
            WeightsError: the file cannot be used.
            DeviceUnavailableError: the device is not there.
            ConfigError: the precision does not go with the device.
        """
        from srdesk.engine.upscaler import BicubicUpscaler, Upscaler  # torch: seconds

        if self.weights is None:
            return BicubicUpscaler()
        return Upscaler.from_weights(
            self.weights, device=settings.device, precision=settings.precision, window_px=settings.window_px
        )


def choose_model(wish: str) -> ModelChoice:
    """Find the model that ``wish`` means: bicubic, a network, weights of the library, or a weights file.

    Raises:
        WeightsError: there is none.
    """
    if wish == BICUBIC:
        return ModelChoice(BICUBIC, None)
    path = Path(wish)
    if path.suffix.lower() == SUFFIX or not {"/", os.sep}.isdisjoint(wish):
        return ModelChoice(_short(path.stem), path)
    library = WeightsLibrary(paths.weights_folders())
    entry = library.find_for(wish)
    if entry is not None:
        return ModelChoice(_short(wish), entry.path)
    if wish in NETWORKS:
        raise WeightsError(
            f"{wish}{SCALE_SUFFIX}{SUFFIX}",
            f"no {wish.upper()} weights are installed yet",
            hint=f"Put such a file into “{paths.user_weights_folder()}”, name one with --model FILE, "
            "or choose another model; `srdesk models` lists those that can be used.",
        )
    if path.is_file():  # of another kind, which loading it will name
        return ModelChoice(_short(path.stem), path)
    raise WeightsError(wish, "there are none of that name")


def installed_networks() -> list[str]:
    """List the networks that have weights."""
    library = WeightsLibrary(paths.weights_folders())
    return [name for name in NETWORKS if library.find_for(name)]


def installed_models() -> list[str]:
    """List what the models are called in output names for which there are weights."""
    return [_short(entry.name) for entry in WeightsLibrary(paths.weights_folders()).entries()]


def settings_with(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the person, overridden by the options that were given; says what is wrong with the file.

    Raises:
        ConfigError: an option has a value that is not allowed.
    """
    loaded = load_settings()
    for notice in loaded.notices:
        print_remark(notice)
    options = {name: value for name, value in vars(arguments).items() if name in Settings.__struct_fields__}
    return loaded.settings.changed(**options)


def add_computing_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where and how networks compute; those not given are absent from the result."""
    add_device_argument(parser)
    parser.add_argument(
        "--precision",
        choices=get_args(PrecisionName),
        default=argparse.SUPPRESS,
        help="number format to compute in; auto takes the fastest that keeps the quality",
    )
    parser.add_argument(
        "--window",
        dest="window_px",
        type=_window_px,
        default=argparse.SUPPRESS,
        metavar="auto|0|N",
        help="largest strip height and band width in input pixels; 0 is the whole picture at once",
    )


def add_device_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where networks compute; if it is not given, it is absent from the result."""
    parser.add_argument(
        "--device",
        choices=get_args(DeviceName),
        default=argparse.SUPPRESS,
        help="where to compute; auto takes the fastest there is",
    )


def _window_px(text: str) -> int | None:
    if text == "auto":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not auto, 0 or a number of pixels")


def _short(name: str) -> str:
    return name.removesuffix(SCALE_SUFFIX) or name

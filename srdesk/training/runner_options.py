"""The options of `srdesk train`, and the configuration that they make together with files. No torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from srdesk.engine.library import WeightsLibrary
from srdesk.errors import ConfigError
from srdesk.names import file_name, named_path
from srdesk.training.config import CONFIG_NAME, STARTS, TrainConfig, read_config, validate
from srdesk.training.data.download import COCO_URL
from srdesk.training.presets import PRESETS
from srdesk.training.start import require_demanded_start, with_options_of_start

_TYPES = {field.name: field.type for field in msgspec.structs.fields(TrainConfig)}

FLAG_FIELDS = (
    "model",
    "name",
    "start",
    "seed",
    "steps",
    "batch_size",
    "crop_px",
    "learning_rate",
    "device",
    "precision",
)
"""Configuration fields with a command line option of their own; all others are reached by ``--set``."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options in the words after the verb."""
    parser = argparse.ArgumentParser(prog="srdesk train", description="Train or fine-tune a network.")
    parser.add_argument("--model", choices=("srresnet", "srcnn", "srgan"), help="network to train (default: srresnet)")
    parser.add_argument(
        "--data",
        type=file_name,
        nargs="+",
        action="extend",
        metavar="PATH",
        help="folders of sharp pictures, searched recursively, or zip files of them",
    )
    parser.add_argument("--run", type=named_path, metavar="FOLDER", help="run folder; an existing one is resumed")
    parser.add_argument(
        "--config", type=named_path, metavar="FILE", help="configuration (.toml or .json); options win over it"
    )
    parser.add_argument(
        "--preset", choices=[preset.key for preset in PRESETS], help="settings for one kind of pictures; options win"
    )
    parser.add_argument(
        "--start", metavar="START", help="interpolation, random, or weights to fine-tune: their file or their name"
    )
    parser.add_argument("--name", help="name of the weights that the run makes")
    for flag, kind, text in (
        ("--steps", int, "optimiser steps of the whole run"),
        ("--batch-size", int, "crops a step"),
        ("--crop-px", int, "side of an LR crop in pixels"),
        ("--learning-rate", float, "step size of the optimiser at its peak"),
        ("--seed", int, "decides the random start, the split and every crop"),
    ):
        parser.add_argument(flag, type=kind, help=text)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="FIELD=VALUE",
        help="any other field of the configuration",
    )
    parser.add_argument("--events", action="store_true", help="JSON lines on stdout; “stop” or the end of stdin stops")
    parser.add_argument("--check", action="store_true", help="look at the pictures, say what is wrong, train nothing")
    parser.add_argument(
        "--find-learning-rate", action="store_true", help="try rising rates and suggest one, train nothing"
    )
    parser.add_argument("--download-coco", type=named_path, metavar="FOLDER", help="fetch COCO 2014 (20 GB), only that")
    parser.add_argument("--coco-url", default=COCO_URL, metavar="URL", help="where to fetch it (default: %(default)s)")
    parser.add_argument(
        "--recipe",
        type=named_path,
        metavar="FILE",
        help="write down how the run of --run was made, in FILE.toml; train nothing",
    )
    parser.add_argument("--list", action="store_true", help="show the runs, how far they came and how good they are")
    options = parser.parse_args(argv)
    if options.recipe and (options.run is None or options.recipe.suffix != ".toml"):
        parser.error("--recipe writes a .toml file about the run that --run names")
    return options


def configuration(options: argparse.Namespace) -> TrainConfig:
    """Return what the options ask for, over a configuration file or else over what the run folder holds.

    Whether there are such pictures and such weights to start from is not looked at.

    Args:
        options: what `parse` returned.

    Raises:
        ConfigError: a file cannot be read, or a value is not allowed.
    """
    stored = options.run / CONFIG_NAME if options.run else None
    if options.config:
        config = read_config(options.config)
    elif stored and stored.exists():
        config = read_config(stored)
    else:
        config = TrainConfig()
    if options.preset:
        preset = next(preset for preset in PRESETS if preset.key == options.preset)
        model = options.model or config.model
        config = msgspec.structs.replace(
            preset.apply(config),
            start=model if preset.start == "shipped" else preset.start,
            start_sha256="",
            name=preset.name_for(model),
        )
    return validate(_with_options(config, options))


def _found_in_library(config: TrainConfig, library: WeightsLibrary) -> Path:
    """Return the file of the weights to start from: by their name, or else by the checksum that is demanded.

    Raises:
        ConfigError: there are no such weights.
    """
    entry = library.find_for(config.start)
    if entry is None and config.start_sha256:
        cards = ((each, each.card) for each in library.entries())
        entry = next((each for each, card in cards if card and card.sha256 == config.start_sha256), None)
    if entry is None:
        allowed = "interpolation, random, a weights file, or a name that `srdesk models` lists"
        raise ConfigError("start", config.start, allowed)
    return entry.path


def with_start(config: TrainConfig, weights_folders: Sequence[Path]) -> TrainConfig:
    """Return the configuration with the absolute path of the weights to start from, which may be called by their name.

    It has the options of their network then, unless it has some of its own.

    Args:
        config: what `configuration` returned.
        weights_folders: where weights are looked up that are called by their name.

    Raises:
        ConfigError: there are no such weights, or they are others than the configuration demands.
        WeightsError: they cannot be read.
    """
    if config.start in STARTS:
        return config
    path = Path(config.start)
    if not path.is_file():  # folders of pictures are called as networks are, too
        path = _found_in_library(config, WeightsLibrary(weights_folders))
    config = msgspec.structs.replace(config, start=str(path.absolute()))
    require_demanded_start(config)
    return with_options_of_start(config)


def _with_options(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    changes: dict[str, Any] = {
        field: getattr(options, field) for field in FLAG_FIELDS if getattr(options, field) is not None
    }
    if options.data:
        changes["data"] = tuple(options.data)
    if changes.get("model", config.model) == "srcnn" and config.model != "srcnn":
        changes["loss_channels"] = "luma"
    for assignment in options.set:
        field, equals, text = assignment.partition("=")
        if not equals or field not in TrainConfig.__struct_fields__:
            raise ConfigError("--set", assignment, "FIELD=VALUE with a field of the configuration")
        changes[field] = _parsed(field, text)
    if "start" in changes:
        changes.setdefault("start_sha256", "")  # it was that of the start which the file names
    # Pictures and features have to be found too when the run is resumed from elsewhere.
    changes["data"] = tuple(str(Path(place).absolute()) for place in changes.get("data", config.data))
    features = changes.get("features", config.features)
    if features != TrainConfig().features:
        changes["features"] = str(Path(features).absolute())
    return msgspec.structs.replace(config, **changes)


def _parsed(field: str, text: str) -> Any:
    """Return what ``text`` says of ``field``, JSON or plain text."""
    wanted = _TYPES[field]
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        value = text
    try:
        is_number_as_text = wanted is str and not isinstance(value, str)
        return msgspec.convert(text if is_number_as_text else value, wanted)
    except msgspec.ValidationError as error:
        raise ConfigError(field, value, _allowed(wanted) or f"a value of the right type ({error})") from error


def _allowed(wanted: Any) -> str:
    """Return the choices of a field that has a few, such as ``mse, l1 or psnr``."""
    if get_origin(wanted) is not Literal:
        return ""
    *others, last = get_args(wanted)
    return f"{', '.join(others)} or {last}"

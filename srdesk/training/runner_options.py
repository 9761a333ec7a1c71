"""The options of `srdesk train`, and the configuration that they make together with files. No torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from srdesk.errors import ConfigError
from srdesk.training.config import CONFIG_NAME, TrainConfig, read_config, validate
from srdesk.training.download import COCO_URL

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
        nargs="+",
        metavar="PATH",
        help="folders of sharp pictures, searched recursively, or zip files of them",
    )
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="run folder; an existing one is resumed")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="configuration (.toml or .json); options win over it"
    )
    parser.add_argument("--start", metavar="START", help="interpolation, random, or a weights file to fine-tune")
    parser.add_argument("--name", help="name of the weights that the run makes")
    for flag, kind, text in (
        ("--steps", int, "optimiser steps of the whole run"),
        ("--batch-size", int, "crops a step"),
        ("--crop-px", int, "side of an LR crop in pixels"),
        ("--learning-rate", float, "step size of Adam at its peak"),
        ("--seed", int, "decides the random start, the split and every crop"),
    ):
        parser.add_argument(flag, type=kind, help=text)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "fp16"))
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="FIELD=VALUE", help="any other field of the configuration"
    )
    parser.add_argument("--events", action="store_true", help="JSON lines on stdout; “stop” or the end of stdin stops")
    parser.add_argument("--check", action="store_true", help="look at the pictures, say what is wrong, train nothing")
    parser.add_argument("--download-coco", type=Path, metavar="FOLDER", help="fetch COCO 2014 (20 GB), train nothing")
    parser.add_argument("--coco-url", default=COCO_URL, metavar="URL", help="where to fetch it (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="show the runs, how far they came and how good they are")
    return parser.parse_args(argv)


def configuration(options: argparse.Namespace) -> TrainConfig:
    """Return what the options ask for, over a configuration file or else over what the run folder holds.

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
    return validate(_with_options(config, options))


def _with_options(config: TrainConfig, options: argparse.Namespace) -> TrainConfig:
    changes: dict[str, Any] = {
        field: getattr(options, field) for field in FLAG_FIELDS if getattr(options, field) is not None
    }
    if options.data:
        changes["data"] = tuple(str(Path(folder).absolute()) for folder in options.data)
    if changes.get("model", config.model) == "srcnn" and config.model != "srcnn":
        changes["loss_channels"] = "luma"
    for assignment in options.set:
        field, equals, text = assignment.partition("=")
        if not equals or field not in TrainConfig.__struct_fields__:
            raise ConfigError("--set", assignment, "FIELD=VALUE with a field of the configuration")
        changes[field] = _parsed(text)
    try:
        return msgspec.convert({**msgspec.to_builtins(config), **changes}, TrainConfig)
    except msgspec.ValidationError as error:
        raise ConfigError("--set", " ".join(options.set), f"values of the right type ({error})") from error


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text

"""The verb `models`: list the weights that are installed."""

from __future__ import annotations

import argparse
from typing import Any

from srdesk import paths
from srdesk.cli.terminal import print_json, print_result
from srdesk.engine.library import WeightsEntry, WeightsLibrary

SUMMARY = "list the weights that are installed"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Print every weights file of the library, the broken ones with the reason."""
    entries = WeightsLibrary(paths.weights_folders()).entries()
    if arguments.json:
        print_json({"weights": [_document(entry) for entry in entries]})
        return 0
    for entry in entries:
        print_result(_text(entry))
    if not entries:
        folders = " or ".join(f"“{folder}”" for folder in paths.weights_folders())
        print_result(f"No weights are installed. They belong into {folders}.")
    return 0


def _document(entry: WeightsEntry) -> dict[str, Any]:
    card = entry.card
    return {
        "name": entry.name,
        "architecture": card.architecture if card else None,
        "scale": card.scale if card else None,
        "licence": card.licence if card else None,
        "training_data": card.training_data if card else None,
        "steps": card.steps if card else None,
        "metrics": card.metrics if card else {},
        "path": str(entry.path),
        "error": str(entry.error) if entry.error else None,
    }


def _text(entry: WeightsEntry) -> str:
    card = entry.card
    if card is None:
        facts = [str(entry.error)]
    else:
        metrics = ", ".join(f"{name} {value:.4g}" for name, value in card.metrics.items())
        facts = [
            f"{card.architecture}, {card.scale}x, {card.steps:,} steps",
            f"trained on {card.training_data}" if card.training_data else "",
            metrics,
            f"licence {card.licence}" if card.licence else "",
        ]
    lines = [entry.name, *(f"    {fact}" for fact in [*facts, str(entry.path)] if fact)]
    return "\n".join(lines)

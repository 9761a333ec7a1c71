"""The verb `models`: list the weights that are installed, or write some for other programs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from srdesk import paths
from srdesk.cli.model_choice import choose_model
from srdesk.cli.terminal import ask_about_collision, has_person, print_json, print_remark, print_result
from srdesk.engine.library import WeightsEntry, WeightsLibrary
from srdesk.errors import ConfigError, ExportError
from srdesk.imaging.claim import prepare_folder
from srdesk.imaging.naming import COLLISION_POLICIES, CollisionPolicy, refuse_input_as_output, resolve_collision
from srdesk.names import named_path

SUMMARY = "list the weights that are installed, or export some for other programs"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb and of what it can do besides listing."""
    json_help = "print one JSON object instead of text"
    parser.add_argument("--json", action="store_true", help=json_help)
    actions = parser.add_subparsers(
        title="actions", description="without one, the weights are listed", dest="action", metavar="ACTION"
    )
    listing = actions.add_parser("list", help="list the weights", description="List the weights.")
    export = actions.add_parser(
        "export", help="write weights for other programs", description="Write weights for other programs."
    )
    for action in (listing, export):  # without a default of their own, which would hide a --json in front of them
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=json_help)
    export.add_argument("name", metavar="NAME", help="weights of the list, a network, or a weights file")
    export.add_argument("output", type=named_path, metavar="FILE", help="the file to write")
    export.add_argument("--format", choices=["onnx"], required=True, help="kind of file")
    export.add_argument(
        "--on-collision",
        choices=COLLISION_POLICIES,
        help="what to do where FILE exists (without it: nothing is written, and the status is 1): write under the next "
        "free number, leave it, replace it, or ask",
    )


def run(arguments: argparse.Namespace) -> int:
    """List, or export.

    Raises:
        SrDeskError: the weights cannot be exported.
    """
    return _export(arguments) if arguments.action == "export" else _list(arguments)


def _list(arguments: argparse.Namespace) -> int:
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


def _export(arguments: argparse.Namespace) -> int:
    """Write the weights in another format."""
    weights = choose_model(arguments.name).weights
    if weights is None:
        raise ConfigError("NAME", arguments.name, "the name of weights; `srdesk models` lists them")
    target = _resolved(arguments.output, arguments.on_collision)
    if target is None:
        print_remark(f"“{arguments.output.name}” exists already; it is left as it is.")
    else:
        refuse_input_as_output(target, [weights])
        prepare_folder(target)
        from srdesk.engine.onnx_file import export_onnx  # torch: seconds

        export_onnx(weights, target)
    if arguments.json:
        print_json({"weights": str(weights), "output": str(target) if target else None})
    elif target:
        print_result(f"{weights} → {target}")
    return 0


def _resolved(output: Path, policy: CollisionPolicy | None) -> Path | None:
    """Return where to write, None to leave what is there."""
    if output.is_dir():
        raise ExportError(output, "it is a folder", hint="Name a file in it.")
    if policy is None:
        if os.path.lexists(output):
            hint = "Name another file, or say --on-collision number, skip or overwrite."
            raise ExportError(output, "it exists already", hint=hint)
        return output
    return resolve_collision(output, policy, ask_about_collision if has_person() else None)


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

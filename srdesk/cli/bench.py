"""The verb `bench`: time the engine against plain ways of running the same network."""

from __future__ import annotations

import argparse
from pathlib import Path

from srdesk.cli.model_choice import choose_model
from srdesk.cli.terminal import ProgressBar, cancelling_on_interrupt, print_json

SUMMARY = "time the engine against plain ways of running the same network"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="interleaved rounds; medians are told")
    parser.add_argument("--size", type=int, default=512, metavar="PX", help="side of the input picture in pixels")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: torch's own choice)")
    parser.add_argument("--model", default="srresnet", metavar="NAME", help="weights to run")
    parser.add_argument("--hr", type=Path, metavar="FOLDER", help="sharp pictures, to measure the loss of precision")
    parser.add_argument("--lr", type=Path, metavar="FOLDER", help="their reductions of the same names")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Raises:
        SrDeskError: the weights or a folder cannot be used.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.bench import run_bench

    choice = choose_model(arguments.model)
    with cancelling_on_interrupt() as token, ProgressBar("Measuring") as bar:
        report = run_bench(choice.weights, bar.control(token))
    print_json(report)
    return 0

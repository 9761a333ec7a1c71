"""The verb `report`: what `check` measures, with pictures, as one HTML file that needs no network."""

from __future__ import annotations

import argparse

from srdesk.cli import examination
from srdesk.cli.terminal import ProgressBar, cancelling_on_interrupt, print_json, print_result
from srdesk.errors import ConfigError
from srdesk.imaging.claim import prepare_folder
from srdesk.imaging.naming import resolve_collision
from srdesk.names import named_path

SUMMARY = "write a report on results side by side: crops, numbers and maps in one HTML file"
"""What the verb does, for the list of verbs."""

_SUFFIXES = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    examination.add_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=named_path,
        metavar="FILE.html",
        help="the file to write; nothing is overwritten, a number is put behind a name that is taken "
        "(default: INPUT_report.html beside the input)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object with the name of the report and all numbers"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, and write the report.

    Raises:
        SrDeskError: a file, a model or an option cannot be used, or the report cannot be written.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.report.report import write_report
    from srdesk.imaging.decoder import Decoder

    wanted = arguments.output or arguments.input.parent / f"{arguments.input.stem}_report.html"
    if wanted.suffix.lower() not in _SUFFIXES:
        raise ConfigError("output", str(wanted), "a name that ends in “.html”")
    prepare_folder(wanted)
    with cancelling_on_interrupt() as token, Decoder() as decoder, ProgressBar("Examining") as bar:
        examined = examination.examine(arguments, decoder, bar.control(token))
        output = resolve_collision(wanted, "number")
        assert output is not None
        write_report(output, examined.findings, examined.subject, check=token.check)
    if arguments.json:
        print_json({"output": str(output), **examined.document()})
    else:
        print_result(f"{arguments.input} → {output}")
    return 0

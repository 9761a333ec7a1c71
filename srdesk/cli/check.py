"""The verb `check`: how far results can be trusted, as a table and as maps."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.cli import examination
from srdesk.cli.terminal import ProgressBar, cancelling_on_interrupt, print_json, print_result
from srdesk.names import named_path

if TYPE_CHECKING:
    from srdesk.engine.report.report_page import Table

SUMMARY = "measure how far results can be trusted"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    examination.add_arguments(parser)
    parser.add_argument(
        "--maps", type=named_path, metavar="FOLDER", help="write what was measured as PNG maps with a legend, too"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print one row for each model.

    Raises:
        SrDeskError: a file, a model or an option cannot be used.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.report.report_tables import numbers_table
    from srdesk.imaging.decoder import Decoder

    with cancelling_on_interrupt() as token, Decoder() as decoder, ProgressBar("Checking") as bar:
        examined = examination.examine(arguments, decoder, bar.control(token))
    findings = examined.findings
    written: list[Path] = []
    if arguments.maps is not None:
        from srdesk.engine.report.map_files import write_maps

        written = write_maps(arguments.maps, arguments.input.stem, findings)
    if arguments.json:
        print_json({**examined.document(), "maps": [str(path) for path in written]})
        return 0
    for part in findings.parts:
        print_table(numbers_table(part, findings.whole.box))
    for path in written:
        print_result(f"→ {path}")
    return 0


def print_table(table: Table) -> None:
    """Write a table to stdout, the first column from the left and numbers from the right."""
    rows = [table.head, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.head))]
    if table.title:
        print_result(f"\n{table.title}")
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print_result("  ".join([first.ljust(widths[0]), *cells]))
    if table.foot:
        print_result(table.foot)

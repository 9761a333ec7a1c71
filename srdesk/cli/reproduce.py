"""The verb `reproduce`: make a result again from its sidecar, and compare the two byte for byte."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srdesk import paths
from srdesk.cli.outputs import Destination
from srdesk.cli.terminal import (
    ProgressBar,
    cancelling_on_interrupt,
    print_json,
    print_problem,
    print_remark,
    print_result,
)
from srdesk.engine.trust.sidecar import SIDECAR_SUFFIX, sidecar_path
from srdesk.imaging.naming import resolve_collision
from srdesk.names import file_name, named_path

if TYPE_CHECKING:
    from srdesk.engine.files.reproduce import Original, Reproduction

SUMMARY = "make a result again from its sidecar, and compare the two"
"""What the verb does, for the list of verbs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of this verb."""
    parser.add_argument(
        "sidecar",
        type=named_path,
        metavar="SIDECAR",
        help=f"the file NAME{SIDECAR_SUFFIX} that `upscale --sidecar` writes beside a result, or the result beside it",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=file_name,
        metavar="FILE|FOLDER",
        help="where to write; nothing is overwritten, a number is put behind a name that is taken "
        "(default: beside the sidecar)",
    )
    parser.add_argument(
        "--source",
        type=named_path,
        metavar="FILE",
        help="the picture, if it is not where it was, nor beside the sidecar",
    )
    parser.add_argument(
        "--weights", type=named_path, metavar="FILE", help="the weights, if they are not installed under any name"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Make the result again; the status is 0 if it is byte-equal, and 1 if it is not.

    Raises:
        SrDeskError: the record cannot be used, or the result not be made.
        Cancelled: the person pressed Ctrl-C.
    """
    from srdesk.engine.files.reproduce import check_output, find_original, reproduce
    from srdesk.imaging.decoder import Decoder

    sidecar = _sidecar(arguments.sidecar)
    destination = Destination.parse(arguments.output, [str(sidecar)])
    with cancelling_on_interrupt() as token, Decoder() as decoder, ProgressBar("Reproducing") as bar:
        original = find_original(
            sidecar,
            paths.weights_folders(),
            source=arguments.source,
            weights=arguments.weights,
            check=token.check,
        )
        wanted = destination.file or (destination.folder or sidecar.parent) / original.name
        check_output(original, wanted)
        output = resolve_collision(wanted, "number")
        assert output is not None
        _tell_of_change(original, token.check)
        made = reproduce(original, output, decoder, bar.control(token))
    if arguments.json:
        print_json(_document(made))
    else:
        print_result(f"{made.original.source} → {made.facts.output}  {'byte-equal' if made.is_equal else 'not equal'}")
    if made.is_equal:
        return 0
    print_problem(f"The result differs from the recorded one: {_reason(made)}.", _remedy(made))
    return 1


def _sidecar(path: Path) -> Path:
    """Return the sidecar that is meant by its own name or by that of the result."""
    beside = sidecar_path(path)
    return beside if not path.name.endswith(SIDECAR_SUFFIX) and beside.is_file() else path


def _tell_of_change(original: Original, check: Callable[[], None]) -> None:
    """Say so if the result that lies beside the sidecar is not the recorded one any more."""
    from srdesk.engine.trust.digest import file_sha256

    result = original.sidecar.with_name(original.name)
    if result.is_file() and file_sha256(result, check) != original.output.sha256:
        print_remark(f"“{result.name}” itself has changed since it was recorded.")


def _reason(made: Reproduction) -> str:
    if made.differences:
        return "; ".join(map(str, made.differences))
    notices = made.original.computing.notices
    if notices:
        return f"then the way was changed during the run ({' '.join(notices).rstrip('.')})"
    return "nothing that is recorded explains it"


def _remedy(made: Reproduction) -> str:
    if made.original.computing.device != "cpu":
        return "Only results that were computed on the CPU are made again to the last bit."
    return "With the same versions on the same kind of processor results are equal to the last bit."


def _document(made: Reproduction) -> dict[str, Any]:
    original = made.original
    return {
        "sidecar": str(original.sidecar),
        "source": str(original.source),
        "weights": None if original.weights is None else str(original.weights),
        "output": str(made.facts.output),
        "is_equal": made.is_equal,
        "sha256": made.sha256,
        "recorded_sha256": original.output.sha256,
        "differences": [
            {"what": difference.what, "recorded": difference.recorded, "here": difference.here}
            for difference in made.differences
        ],
    }

"""One command from its words to its exit code: finds the verb, and turns errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from srdesk import __version__, paths
from srdesk.cli import bench, check, evaluate, models, report, reproduce, upscale
from srdesk.cli.terminal import print_problem, print_remark
from srdesk.cli.unexpected import logged
from srdesk.errors import Cancelled, SrDeskError

USAGE_EXIT_CODE = 2
"""Exit status after options that make no sense."""

_DESCRIPTION = """\
Enlarge pictures four times with trained networks, compare the networks, train them.
Without a verb, or with files only, the desk opens."""


def main(words: Sequence[str]) -> int:
    """Run one command.

    Args:
        words: what follows the program's name.

    Returns:
        The exit status: 0 done, 1 an error that was reported, 2 wrong usage, 3 out of memory, 130 cancelled.
    """
    # torch reads this once. Threads that spin while they wait make a command many times slower as soon as another
    # program computes as well: each layer then waits for threads that have lost their core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if sys.stdout is not None and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be valid text
    try:
        return _run(words)
    except SystemExit as end:  # argparse, after --help and wrong usage
        return end.code if isinstance(end.code, int) else 0
    except SrDeskError as error:
        print_problem(str(error), error.hint)
        return error.exit_code
    except (Cancelled, KeyboardInterrupt):
        print_remark("Cancelled.")
        return Cancelled.exit_code
    except BrokenPipeError:  # whoever read our output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - one of the three outer edges
        unexpected = logged(error)
        print_problem(str(unexpected), unexpected.hint)
        return unexpected.exit_code


def _run(words: Sequence[str]) -> int:
    if words[:1] == ["train"]:  # has a parser of its own, since the desk starts it as a process
        from srdesk.training.runner import main as train

        return train(
            words[1:],
            runs_folder=paths.runs_folder(),
            features_file=paths.features_file(),
            weights_folders=paths.weights_folders(),
        )
    arguments = _parser().parse_args(words)
    status: int = arguments.run(arguments)
    if sys.stdout is not None:
        sys.stdout.flush()  # here, where a closed pipe is still understood
    return status


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print_problem(f"{message[:1].upper()}{message[1:]}.", f"`{self.prog} --help` tells what is possible.")
        raise SystemExit(USAGE_EXIT_CODE)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="srdesk", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"srdesk {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    for module in (upscale, check, report, reproduce, evaluate, models, bench):
        name = module.__name__.rpartition(".")[2]
        verb = verbs.add_parser(name, help=module.SUMMARY, description=f"{module.SUMMARY.capitalize()}.")
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    verbs.add_parser("train", help="train a network; `srdesk train --help` lists its options", add_help=False)
    return parser

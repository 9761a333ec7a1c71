"""Names of files on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path


def file_name(text: str) -> str:
    """Return a name as it was given.

    Raises:
        ArgumentTypeError: it is what a shell makes of a variable that is not set; as a path it would mean the current
            folder, with all below it.
    """
    if not text:
        raise argparse.ArgumentTypeError("an empty name")
    return text


def named_path(text: str) -> Path:
    """Return the path of a name.

    Raises:
        ArgumentTypeError: the name is empty.
    """
    return Path(file_name(text))

"""Which pictures are enlarged, and which file each of them becomes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from srdesk.errors import ConfigError, ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging.formats import SCIENCE_SUFFIXES, SUFFIXES, can_hold, format_for, plain_name
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.imaging.image import Image


_SUFFIXES = SUFFIXES | SCIENCE_SUFFIXES


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture to enlarge."""

    path: Path
    """Where it is."""
    subfolder: Path = Path()
    """Its place below the folder that was given as input; kept below the output folder."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where results go: one file, one folder, or, if neither is given, beside the input."""

    file: Path | None = None
    """The one output."""
    folder: Path | None = None
    """The folder of all outputs."""

    @classmethod
    def parse(cls, text: str | None, inputs: list[str]) -> Destination:
        """Understand ``-o``: several inputs, a folder as input, an existing folder or a trailing slash mean a folder.

        Raises:
            ConfigError: several results cannot become one file.
            UnsupportedImageError: the file name does not say a format.
        """
        if text is None:
            return cls()
        path = Path(text)
        is_slashed = text.endswith(("/", os.sep))
        is_for_several = len(inputs) > 1 or any(Path(name).is_dir() for name in inputs)
        if path.is_dir() or is_slashed or (is_for_several and not path.exists() and format_for(path) is None):
            return cls(folder=path)
        if is_for_several:
            raise ConfigError("output", text, "a folder, since there are several results")
        if format_for(path) is None:
            raise UnsupportedImageError(
                path,
                "its name does not end in the suffix of a format",
                hint=f"End it in {', '.join(_SUFFIXES)}, or in “/” if a folder is meant.",
            )
        return cls(file=path)

    def folder_for(self, item: InputFile) -> Path:
        """Return the folder of the result of ``item``."""
        return item.path.parent if self.folder is None else self.folder / item.subfolder


def find_inputs(names: Iterable[str], destination: Destination) -> tuple[list[InputFile], list[ImageReadError]]:
    """List the files that ``names`` mean: files as they are, folders with all pictures in them and below.

    What the destination folder holds is left out, so that results are not enlarged again.

    Returns:
        The files, and an error for each folder without any.
    """
    inputs: list[InputFile] = []
    failures: list[ImageReadError] = []
    for name in names:
        top = Path(name)
        if not top.is_dir():
            inputs.append(InputFile(top))
            continue
        found = [path for path in _pictures_below(top) if not _is_inside(path, destination.folder, top)]
        inputs += [InputFile(path, path.parent.relative_to(top)) for path in found]
        if not found:
            hint = f"Name a folder with files that end in {', '.join(_SUFFIXES)}."
            failures.append(ImageReadError(top, "there is no picture in this folder", hint=hint))
    return inputs, failures


def suffix_for(path: Path, image: Image) -> str:
    """Return the suffix of a result of the same format as its input; that of the content if the name has none."""
    path = plain_name(path)
    is_measured = image.science is not None
    if format_for(path) is not None and (format_for(path) == "FITS") == is_measured:
        return path.suffix
    return next(suffix for suffix, name in _SUFFIXES.items() if name == image.metadata.format)


def check_format(output: Path, image: Image, *, height: int, width: int, has_alpha: bool) -> None:
    """Make sure, before anything is computed, that the format of ``output`` can hold the result.

    Raises:
        ImageWriteError: it cannot; the hint says what to do.
    """
    nothing = np.zeros((), image.values.dtype)  # as large as wished, in no memory
    stored = StoredImage(
        np.broadcast_to(nothing, (height, width, image.channels)),
        image.values,
        np.broadcast_to(nothing, (height, width)) if has_alpha else None,
        image.metadata,
        image.science,
    )
    format_name = _SUFFIXES[output.suffix.lower()]
    reason = can_hold(format_name, stored)
    if reason is not None:
        is_only_alpha = can_hold(format_name, replace(stored, alpha_numbers=None)) is None
        background = ", or put a colour behind it with --background COLOUR" if is_only_alpha else ""
        raise ImageWriteError(output, reason, hint=f"Name an output of another format{background}.")


def prepare_folder(output: Path) -> None:
    """Create the folder of ``output`` and make sure that it can be written to.

    Raises:
        ImageWriteError: it cannot.
    """
    folder = output.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageWriteError(output, f"its folder cannot be made ({error.strerror or error})") from error
    if not os.access(folder, os.W_OK):
        raise ImageWriteError(output, "its folder is not writable")


def _pictures_below(top: Path) -> list[Path]:
    # os.walk does not follow links to folders, so that a loop of them ends.
    files = [Path(folder, name) for folder, _, names in os.walk(top) for name in names]
    return sorted(path for path in files if format_for(plain_name(path)) is not None)


def _is_inside(path: Path, folder: Path | None, top: Path) -> bool:
    if folder is None or folder.resolve() == top.resolve():
        return False
    return path.resolve().is_relative_to(folder.resolve())

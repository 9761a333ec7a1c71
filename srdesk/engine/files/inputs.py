"""Which files are meant when files and folders are named, and which folder the result of each goes to."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from srdesk.engine.files.file_job import PICTURE_SUFFIXES
from srdesk.errors import ImageReadError
from srdesk.imaging.formats import FILE_SYSTEM_NOTE, format_for, plain_name
from srdesk.imaging.naming import OutputName

_USUAL_MODELS = ("bicubic", "srcnn", "srresnet", "srgan")


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file to enlarge."""

    path: Path
    """Where it is."""
    output_folder: Path
    """Where its result goes."""


@dataclass(frozen=True, slots=True)
class FoundInputs:
    """What a search found."""

    files: tuple[InputFile, ...]
    """The files to enlarge, in order."""
    failures: tuple[ImageReadError, ...]
    """What is wrong with folders: nothing in them, or not to be looked into."""
    results: tuple[Path, ...]
    """Pictures that were left out because they are results of others."""


def find_inputs(
    sources: Iterable[Path],
    output_folder: Path | None,
    *,
    template: str,
    models: Collection[str] = (),
    is_recursive: bool = True,
) -> FoundInputs:
    """List the files that ``sources`` mean: files as they are, folders with all pictures in them and below.

    So that nothing is enlarged again, what the output folder holds is left out, and so is what an earlier run made of
    the other pictures, where it lies beside them.

    Args:
        sources: files and folders.
        output_folder: where the results go, below it in sub-folders as below the folders; None for beside the files.
        template: how results are called.
        models: names of models that results may have in theirs, beside the usual ones.
        is_recursive: whether folders are searched below as well.
    """
    named: list[InputFile] = []
    found: list[InputFile] = []
    failures: list[ImageReadError] = []
    order: list[InputFile] = []
    for top in sources:
        if not top.is_dir():
            named.append(InputFile(top, output_folder or top.parent))
            order.append(named[-1])
            continue
        paths = _pictures_in(top, failures, is_recursive=is_recursive)
        below = [
            InputFile(path, path.parent if output_folder is None else output_folder / path.parent.relative_to(top))
            for path in paths
            if not _is_inside(path, output_folder, top)
        ]
        found += below
        order += below
        if not below:
            hint = f"Name a folder with files that end in {', '.join(PICTURE_SUFFIXES)}."
            failures.append(ImageReadError(top, "there is no picture in this folder", hint=hint))
    results = _results_among(found, OutputName(template), {*_USUAL_MODELS, *models})
    files = tuple(file for file in order if file.path not in results)
    return FoundInputs(files, tuple(failures), tuple(sorted(results)))


def _pictures_in(top: Path, failures: list[ImageReadError], *, is_recursive: bool) -> list[Path]:
    def fail(error: OSError) -> None:
        folder = Path(os.fsdecode(error.filename))
        failures.append(ImageReadError(folder, f"it cannot be looked into ({(error.strerror or '').lower()})"))

    paths = []
    # os.walk does not follow links to folders, so that a loop of them ends.
    for folder, below, names in os.walk(top, onerror=fail):
        paths += [Path(folder, name) for name in names if not name.startswith(FILE_SYSTEM_NOTE)]
        if not is_recursive:
            below.clear()
    return sorted(path for path in paths if format_for(plain_name(path)) is not None)


def _results_among(files: list[InputFile], name: OutputName, models: Collection[str]) -> set[Path]:
    """Return those of the files that have the name, and lie where it would, of the result of another one."""
    places = {(os.path.realpath(file.output_folder), name.safe_stem(plain_name(file.path))) for file in files}
    results = set()
    for file in files:
        folder = os.path.realpath(file.path.parent)
        stems = name.stems_of(file.path.name, models)
        if any((folder, stem) in places for stem in stems):
            results.add(file.path)
        elif stems and name.is_shortened(file.path.name):
            whole = [place for at, place in places if at == folder]
            if any(place.startswith(stem) and place != file.path.stem for stem in stems for place in whole):
                results.add(file.path)
    return results


def _is_inside(path: Path, folder: Path | None, top: Path) -> bool:
    if folder is None or top.resolve().is_relative_to(folder.resolve()):
        return False  # everything named would lie in it
    return path.resolve().is_relative_to(folder.resolve())

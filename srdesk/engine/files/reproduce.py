"""A result made again from its sidecar: the same picture, weights and options must give the same bytes.

On a CPU they do, with the same version of the program, the same libraries and the same instructions of the processor.
Where the bytes differ, `Reproduction.differences` lists what of all that is another than it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from srdesk import __version__
from srdesk.engine.control import Control
from srdesk.engine.enlarge import TargetSize
from srdesk.engine.files.file_job import FileFacts, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.library import WeightsLibrary, open_weights
from srdesk.engine.trust.digest import file_sha256, sha256_of
from srdesk.engine.trust.provenance import (
    Computing,
    OutputFile,
    Provenance,
    installed_libraries,
    processor_name,
)
from srdesk.engine.trust.sidecar import read_sidecar, source_path
from srdesk.engine.upscaling import AnyUpscaler
from srdesk.errors import ConfigError, DeviceUnavailableError, ImageReadError, SidecarError, WeightsError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import format_for

_MOST_THREADS = 1024


@dataclass(frozen=True, slots=True)
class Original:
    """A result that can be made again: its record, and the files that it was made from, found and unchanged."""

    sidecar: Path
    """The record."""
    provenance: Provenance
    """What it tells."""
    source: Path
    """The picture."""
    weights: Path | None
    """The weights file; None for the bicubic."""

    @property
    def output(self) -> OutputFile:
        """The result."""
        assert self.provenance.output is not None
        return self.provenance.output

    @property
    def computing(self) -> Computing:
        """How it was computed."""
        assert self.provenance.computing is not None
        return self.provenance.computing

    @property
    def name(self) -> str:
        """File name of the result, without any folder that someone wrote into the record."""
        return PureWindowsPath(self.output.name).name

    @property
    def recipe(self) -> FileRecipe:
        """How the result is made again."""
        options, source = self.provenance.options, self.provenance.source
        return FileRecipe(
            model=self.provenance.model.name,
            weights=self.weights,
            device=self.computing.device,
            precision=self.computing.precision,
            window_px=options.window_px,
            size=options.size,
            background=options.background,
            jpeg_quality=options.jpeg_quality,
            part=source.part,
            bands=source.bands,
            back_projection=options.back_projection,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is another than when the result was made."""

    what: str
    """What it is, such as ``torch``."""
    recorded: str
    """What it was."""
    here: str
    """What it is now."""

    def __str__(self) -> str:
        return f"{self.what} {self.recorded} then, {self.here} now"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A result that was made again."""

    original: Original
    """What it was made from."""
    facts: FileFacts
    """What was made, and where it is."""
    sha256: str
    """SHA-256 of the file that was made."""
    differences: tuple[Difference, ...]
    """What is another than it was, whether or not the bytes are."""

    @property
    def is_equal(self) -> bool:
        """Whether it is the recorded result, byte for byte."""
        return self.sha256 == self.original.output.sha256


def find_original(
    sidecar: Path,
    weights_folders: Sequence[Path],
    *,
    source: Path | None = None,
    weights: Path | None = None,
    check: Callable[[], None] | None = None,
) -> Original:
    """Read a sidecar, and find the files that its result was made from by their checksums.

    Args:
        sidecar: the record.
        weights_folders: where weights are looked for.
        source: the picture; None to look where the record says, and beside the record.
        weights: the weights file; None to look in the folders.
        check: called now and then; raises to stop.

    Raises:
        SidecarError: the record cannot be used, or the picture is not there or has changed.
        ImageReadError: the picture that was named cannot be read.
        WeightsError: there are no weights with the recorded checksum.
        ConfigError: the record asks for a size that there is not.
    """
    provenance = read_sidecar(sidecar)
    _check_complete(sidecar, provenance)
    found = _find_source(sidecar, provenance, source, check)
    return Original(sidecar, provenance, found, _find_weights(sidecar, provenance, weights, weights_folders))


def check_output(original: Original, output: Path) -> None:
    """Make sure that a file of this name could be the result.

    Raises:
        ConfigError: its suffix asks for another format.
    """
    suffix = PurePosixPath(original.name).suffix
    if format_for(output) != format_for(original.name):
        raise ConfigError("output", str(output), f"a name that ends in “{suffix}”, as that of the recorded result")


def reproduce(original: Original, output: Path, decoder: Decoder, control: Control) -> Reproduction:
    """Make a result again.

    Args:
        original: what `find_original` found.
        output: where to write; replaced if it exists.
        decoder: opens pictures.
        control: how to stop the call and where to report.

    Raises:
        SrDeskError: it cannot be made, as in `srdesk.engine.files.file_job.enlarge_file`; the device may not be there.
        Cancelled: someone asked to stop.
    """
    check_output(original, output)
    facts = enlarge_file(original.source, output, original.recipe, lambda: _upscaler(original), decoder, control)
    sha256 = file_sha256(output, control.token.check)
    return Reproduction(original, facts, sha256, tuple(_differences(original, facts)))


def _check_complete(sidecar: Path, provenance: Provenance) -> None:
    output, computing = provenance.output, provenance.computing
    if output is None or computing is None:
        raise SidecarError(sidecar, "it does not tell of a finished result")
    if provenance.model.architecture and provenance.model.sha256 is None:
        raise SidecarError(sidecar, "it does not tell the checksum of the weights")
    if format_for(PureWindowsPath(output.name).name) is None:
        raise SidecarError(sidecar, f"its result {output.name[:80]!r} has no name that says a format")
    if "\0" in provenance.source.name:
        raise SidecarError(sidecar, "no file can have the name of its picture")
    if not 1 <= computing.threads <= _MOST_THREADS:
        raise SidecarError(sidecar, f"nobody computes with {computing.threads} threads")
    TargetSize.parse(provenance.options.size)


def _find_source(sidecar: Path, provenance: Provenance, named: Path | None, check: Callable[[], None] | None) -> Path:
    """Return the picture: the first file with the recorded checksum among those that it may be."""
    wanted = provenance.source.sha256
    if named is not None:
        if file_sha256(named, check) != wanted:
            raise SidecarError(sidecar, f"“{named.name}” is not the picture that it tells of: their checksums differ")
        return named
    told = source_path(sidecar, provenance)
    changed: Path | None = None
    for path in (told, sidecar.absolute().parent / told.name):
        candidate = Path(os.path.realpath(path.parent), path.name)  # not of the file: others may lie beside its name
        try:
            if file_sha256(candidate, check) == wanted:
                return candidate
            changed = changed or candidate
        except ImageReadError:
            continue
    if changed is None:
        hint = "Put it beside the record, or name it with --source FILE."
        raise SidecarError(sidecar, f"the picture “{told.name}” that it was made from is not there", hint=hint)
    hint = "Name an unchanged copy of it with --source FILE."
    raise SidecarError(sidecar, f"the picture “{changed.name}” has changed since the result was made", hint=hint)


def _find_weights(sidecar: Path, provenance: Provenance, named: Path | None, folders: Sequence[Path]) -> Path | None:
    """Return the weights file with the recorded checksum, None for the bicubic."""
    model = provenance.model
    if model.sha256 is None:
        return None
    if named is not None:
        if _weights_sha256(named) != model.sha256:
            raise WeightsError(named, f"they are not those that made the result (“{model.file}”): the checksums differ")
        return named
    paths = [entry.path for entry in WeightsLibrary(folders).entries() if entry.error is None]
    for path in sorted(paths, key=lambda path: path.name != model.file):  # most likely under the same name
        if _weights_sha256(path) == model.sha256:
            return path
    raise WeightsError(
        model.file or model.name,
        f"no installed file has the checksum {model.sha256[:12]}… that the record “{sidecar.name}” tells",
        hint="Name the file with --weights FILE, or put it into a weights folder; `srdesk models` lists them.",
    )


def _weights_sha256(path: Path) -> str:
    with open_weights(path) as stream:
        return sha256_of(stream)


def _upscaler(original: Original) -> AnyUpscaler:
    from srdesk.engine.upscaler import BicubicUpscaler, Upscaler  # torch: seconds

    recipe = original.recipe
    if recipe.weights is None:
        return BicubicUpscaler()
    try:
        return Upscaler.from_weights(
            recipe.weights,
            device=recipe.device,
            precision=recipe.precision,
            window_px=recipe.window_px,
            threads=original.computing.threads,
        )
    except DeviceUnavailableError as error:
        hint = (
            f"The result was computed on “{original.computing.processor}”; make it again where there is such a device."
        )
        raise DeviceUnavailableError(str(error), hint=hint) from error


def _differences(original: Original, facts: FileFacts) -> Iterator[Difference]:
    then, libraries = original.computing, installed_libraries()
    pairs = [
        (original.provenance.program, original.provenance.version, __version__),
        ("processor", then.processor, processor_name(facts.device)),
        ("device", then.device, facts.device),
        ("precision", then.precision, facts.precision),
        ("window", str(then.window_px), str(facts.window_px)),
        *((name, then.libraries.get(name, "none"), libraries.get(name, "none")) for name in sorted(libraries)),
    ]
    return (Difference(*pair) for pair in pairs if pair[1] != pair[2])

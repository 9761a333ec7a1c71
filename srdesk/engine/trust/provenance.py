"""How a result was made: told in the picture itself, and in a file beside it from which it can be made again.

The picture carries what depends on contents and wishes alone: version, model, checksums, settings. What is different
from run to run (names, times, threads, libraries) stands in the sidecar only, so that the same run gives the same
bytes. Both are told by one `Provenance`: `record` begins it before the run, `completed` ends it after the writing.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from srdesk import __version__
from srdesk.engine.library import WeightsCard, open_weights, read_header
from srdesk.engine.trust.digest import file_digest, sha256_of
from srdesk.imaging import xmp
from srdesk.imaging.naming import readable

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.imaging.flux import FluxError
    from srdesk.imaging.image import Metadata
    from srdesk.imaging.stored import StoredImage

PROGRAM = "SR Desk"
"""Who made it."""

FORMAT = 1
"""Version of the sidecar; a later one may mean something else by the same words."""

TEXT_PREFIX = "SRDESK_"
"""Begins every keyword by which a picture tells how it was made."""

NAMESPACE = "urn:x-srdesk:provenance/1.0/"
"""XMP namespace of the same."""

_MAX_XMP_BYTES = {"JPEG": 65_000}
"""A segment of a JPEG holds 65,533 bytes, its name included."""

_LIBRARIES = ("astropy", "imagecodecs", "numpy", "pillow", "rasterio", "tifffile", "torch")
"""What decodes, computes and encodes: other versions may give other bytes."""

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Channel = Annotated[int, msgspec.Meta(ge=0, le=255)]


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file that a result was made from."""

    sha256: Sha256
    """SHA-256 of the whole file, as ``sha256sum`` prints it."""
    size_bytes: int
    """Its length."""
    name: str = ""
    """Where it lies, relative to the folder of the sidecar, parts separated by ``/``."""
    part: str = ""
    """Which image of a FITS file, as `srdesk.imaging.fits.reader.probe` has it."""
    bands: tuple[int, int, int] | None = None
    """Which bands of a scene were red, green and blue."""


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """The model that made it."""

    name: str
    """What people call it, such as ``srresnet``."""
    architecture: str = ""
    """Key of `srdesk.models.CATALOGUE`; empty for the bicubic."""
    file: str = ""
    """Name of the weights file; empty for the bicubic."""
    sha256: Sha256 | None = None
    """SHA-256 of the whole weights file."""
    licence: str = ""
    """Licence of the weights."""
    training_data: str = ""
    """What the weights learnt from."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was wished for."""

    size: str = "4x"
    """``4x``, ``3x``, ``2x`` or ``WIDTHxHEIGHT``."""
    background: tuple[_Channel, _Channel, _Channel] | None = None
    """8-bit RGB that was put behind transparency."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 95
    """For JPEG and WebP."""
    back_projection: _Share = 0.0
    """Strength of the back-projection."""
    window_px: int | None = None
    """Bound of the windows; None for automatic."""


class Computing(msgspec.Struct, frozen=True, kw_only=True):
    """How it was computed in the end."""

    device: str
    """cpu, cuda or mps."""
    precision: str
    """fp32, bf16 or fp16."""
    threads: int
    """CPU threads: another number adds in another order."""
    processor: str
    """Which instructions the kernels used, or the name of the GPU."""
    seconds: float
    """How long it took."""
    window_px: int
    """Bound of the windows that it ended with."""
    libraries: dict[str, str]
    """Versions of what decoded, computed and encoded, by name."""
    notices: tuple[str, ...] = ()
    """Sentences about changes of way, such as smaller windows."""


class OutputFile(msgspec.Struct, frozen=True, kw_only=True):
    """The result."""

    name: str
    """Name of the file beside the sidecar."""
    sha256: Sha256
    """SHA-256 of the whole file."""
    size_bytes: int
    """Its length."""


class Flux(msgspec.Struct, frozen=True, kw_only=True):
    """How well measured values were conserved, as `srdesk.imaging.flux.FluxError`; None where JSON has no number."""

    quantity: str
    unit: str
    frame_error_percent: float | None
    worst_source_error_percent: float | None
    sources: int
    network_error_percent: float | None


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about how a result was made."""

    source: SourceFile
    model: ModelFile
    options: Options = Options()
    program: str = PROGRAM
    version: str = __version__
    format: int = FORMAT
    created: str = ""
    """When the file was written: UTC, ISO 8601. Empty before that, as all below."""
    output: OutputFile | None = None
    computing: Computing | None = None
    flux: Flux | None = None


def record(
    source: Path | None,
    *,
    model: str,
    weights: Path | None,
    part: str = "",
    bands: tuple[int, int, int] | None = None,
    options: Options | None = None,
    check: Callable[[], None] | None = None,
) -> Provenance:
    """Return what is known before a run, and may be told in the picture; reads both files once for their checksums.

    Args:
        source: the picture; None if it was in no file, as what was pasted.
        model: what output names call the model.
        weights: its file; None for the bicubic.
        part: which image of a FITS file.
        bands: which bands of a scene are red, green and blue.
        options: what is wished for.
        check: called now and then; raises to stop.

    Raises:
        ImageReadError: the picture cannot be read.
        WeightsFormatError: the weights cannot be read.
    """
    sha256, size_bytes = ("", 0) if source is None else file_digest(source, check)
    return Provenance(
        source=SourceFile(sha256=sha256, size_bytes=size_bytes, part=part, bands=bands),
        model=model_file(model, weights),
        options=options or Options(),
    )


def completed(
    provenance: Provenance, source: Path, output: Path, facts: UpscaleFacts, *, check: Callable[[], None] | None = None
) -> Provenance:
    """Return the whole record of a result that is on the disk; reads it once for its checksum.

    Args:
        provenance: what `record` returned.
        source: the picture.
        output: the result.
        facts: how it was computed.
        check: called now and then; raises to stop.

    Raises:
        ImageReadError: the result cannot be read again.
    """
    sha256, size_bytes = file_digest(output, check)
    return msgspec.structs.replace(
        provenance,
        source=msgspec.structs.replace(provenance.source, name=relative_path(source, output.absolute().parent)),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        output=OutputFile(name=readable(output.name), sha256=sha256, size_bytes=size_bytes),
        computing=_computing(facts),
        flux=None if facts.flux is None else flux_record(facts.flux),
    )


# --- in the picture -------------------------------------------------------------------------------------------------


def as_text(provenance: Provenance) -> tuple[tuple[str, str], ...]:
    """Return what a picture tells about how it was made, by keyword: text of a PNG, tags of a GeoTIFF."""
    source, model, options = provenance.source, provenance.model, provenance.options
    told = {
        "VERSION": provenance.version,
        "MODEL": model.name,
        "ARCHITECTURE": model.architecture,
        "WEIGHTS_SHA256": model.sha256 or "",
        "WEIGHTS_LICENCE": model.licence,
        "SIZE": options.size,
        "BACK_PROJECTION": f"{options.back_projection:g}" if options.back_projection else "",
        "SOURCE_SHA256": source.sha256,
        "SOURCE_PART": source.part,
        "SOURCE_BANDS": ",".join(str(band) for band in source.bands or ()),
    }
    return tuple((TEXT_PREFIX + key, _printable(value)) for key, value in told.items() if value)


def history(provenance: Provenance) -> tuple[str, ...]:
    """Return the same as lines for HISTORY cards of a FITS file; checksums stand whole in a card of their own."""
    model, options = provenance.model, provenance.options
    lines = [f"{provenance.program} {provenance.version}: enlarged to {options.size} by {model.name}"]
    if options.back_projection:
        lines.append(f"back-projected with strength {options.back_projection:g}")
    if model.sha256:
        lines += ["weights sha256:", model.sha256]
    if provenance.source.sha256:
        lines += ["input sha256:", provenance.source.sha256]
    return tuple(line.encode("ascii", "replace").decode("ascii") for line in map(_printable, lines))


def embedded(stored: StoredImage, provenance: Provenance, format_name: str) -> tuple[StoredImage, tuple[str, ...]]:
    """Return a picture that tells how it was made once it is written; what its input told is kept.

    PNG has text of its own and FITS its HISTORY. Everything else gets an XMP packet, which programs keep that keep
    metadata at all; the description and the software of EXIF belong to what the input says.

    Args:
        stored: the result; not modified.
        provenance: what `record` returned.
        format_name: the format that it will be written in.

    Returns:
        The picture, its numbers shared, and a sentence for what could not be told.
    """
    metadata = stored.metadata
    if format_name == "FITS":
        return stored.with_metadata(replace(metadata, history=history(provenance))), ()
    if format_name == "PNG":
        return stored.with_metadata(replace(metadata, text=_merged(metadata, provenance))), ()
    properties = {_camel(key): value for key, value in as_text(provenance)}
    packet = xmp.with_properties(metadata.xmp, NAMESPACE, properties)
    if packet is None or len(packet) > _MAX_XMP_BYTES.get(format_name, sys.maxsize):
        return stored, ("How it was made has no place in the XMP packet of the picture and stands beside it only.",)
    return stored.with_metadata(replace(metadata, xmp=packet)), ()


def _merged(metadata: Metadata, provenance: Provenance) -> tuple[tuple[str, str], ...]:
    kept = tuple(entry for entry in metadata.text if not entry[0].startswith(TEXT_PREFIX))
    said = any(key == "Software" for key, _ in kept)
    return kept + (() if said else (("Software", f"{PROGRAM} {provenance.version}"),)) + as_text(provenance)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _camel(key: str) -> str:
    return "".join(word.capitalize() for word in key.removeprefix(TEXT_PREFIX).split("_"))


def flux_record(flux: FluxError) -> Flux:
    """Return a flux error as JSON can hold it: it has no infinity, the error where nothing was and something came."""
    return Flux(
        quantity=flux.quantity,
        unit=flux.unit,
        frame_error_percent=_finite(flux.frame_percent),
        worst_source_error_percent=_finite(flux.source_percent),
        sources=flux.sources,
        network_error_percent=_finite(flux.network_percent),
    )


def installed_libraries() -> dict[str, str]:
    """Return the versions of the libraries that the bytes of a result may depend on."""
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def processor_name(device: str) -> str:
    """Return what the bits of a result depend on: the instructions of the CPU kernels, or the GPU."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return torch.backends.cpu.get_cpu_capability() if device == "cpu" else device


def model_file(name: str, weights: Path | None) -> ModelFile:
    """Return what is told of a model; reads its weights once for their checksum.

    Args:
        name: what people call it.
        weights: its file; None for the bicubic.

    Raises:
        WeightsFormatError: the weights cannot be read.
    """
    if weights is None:
        return ModelFile(name=name)
    card: WeightsCard = read_header(weights).card
    with open_weights(weights) as stream:
        sha256 = sha256_of(stream)
    return ModelFile(
        name=name,
        architecture=card.architecture,
        file=readable(weights.name),
        sha256=sha256,
        licence=card.licence,
        training_data=card.training_data,
    )


def _computing(facts: UpscaleFacts) -> Computing:
    return Computing(
        device=facts.device,
        precision=facts.precision,
        threads=facts.threads,
        processor=processor_name(facts.device),
        seconds=round(facts.seconds, 3),
        window_px=facts.window_px,
        libraries=installed_libraries(),
        notices=facts.notices,
    )


def relative_path(source: Path, folder: Path) -> str:
    """Return where a file lies as seen from a folder, parts separated by ``/``."""
    try:
        path = Path(os.path.relpath(source.absolute(), folder))
    except ValueError:  # another drive of Windows
        path = source.absolute()
    return readable(path.as_posix())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""The file beside a result that tells how it was made, and from which it can be made again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from srdesk.engine.trust import provenance as records
from srdesk.engine.trust.provenance import FORMAT, Provenance, relative_path
from srdesk.errors import ImageError, ImageReadError, ImageWriteError, SidecarError
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.formats import regular_file

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts

SIDECAR_SUFFIX = ".srdesk.json"
"""Appended to the name of a result: the file that tells how it was made."""

_MAX_SIDECAR_BYTES = 1 << 20


def sidecar_path(output: Path) -> Path:
    """Return where the sidecar of a result stands."""
    return output.parent / (output.name + SIDECAR_SUFFIX)


def write_sidecar(output: Path, provenance: Provenance) -> Path:
    """Write the sidecar of a result, over an old one, and return where it is.

    Raises:
        ImageWriteError: it cannot be written.
    """
    path = sidecar_path(output)
    try:
        with atomic_write(path) as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(provenance), indent=2) + b"\n")
    except OSError as error:
        raise ImageWriteError(path, (error.strerror or "writing failed").lower()) from error
    return path


def tell_beside(
    begun: Provenance, source: Path, output: Path, facts: UpscaleFacts, check: Callable[[], None], *, stays: bool
) -> None:
    """Write the sidecar of a result that has just got its name.

    Args:
        begun: what `srdesk.engine.trust.provenance.record` returned.
        source: the picture.
        output: the result.
        facts: how it was computed.
        check: called now and then; raises to stop. Not called if the result stays, which is done and only read again.
        stays: whether the result is kept whatever happens: it took hours, or its older self is gone.

    Raises:
        ImageWriteError: the sidecar cannot be written; of a result that stays there is none then, not even an old one.
        ImageReadError: a result that does not stay cannot be read again; it is gone, as after any other exception.
    """
    try:
        whole = records.completed(begun, source, output, facts, check=None if stays else check)
        write_sidecar(output, whole)
    except ImageError as error:
        if not stays:
            output.unlink(missing_ok=True)
            raise
        path = sidecar_path(output)
        with contextlib.suppress(OSError):
            path.unlink()  # it would tell of the file that was replaced
        hint = "Use the result without a record, or see to free space and enlarge the picture again."
        raise ImageWriteError(path, f"{error.reason}; “{output.name}” is whole and stays", hint=hint) from error
    except BaseException:
        if not stays:
            output.unlink(missing_ok=True)
        raise


def read_sidecar(path: Path) -> Provenance:
    """Read a sidecar, whoever wrote it.

    Raises:
        SidecarError: it is missing, no sidecar, damaged, or of a later version of the program.
    """
    try:
        with regular_file(path) as stream:
            content = stream.read(_MAX_SIDECAR_BYTES + 1)
    except (ImageReadError, OSError) as error:
        reason = error.reason if isinstance(error, ImageReadError) else (error.strerror or "reading failed").lower()
        raise SidecarError(path, reason) from error
    if len(content) > _MAX_SIDECAR_BYTES:
        raise SidecarError(path, "it is too long for a record")
    try:
        found = msgspec.json.decode(content, type=Provenance)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SidecarError(path, f"it is no record of a result ({error})") from error
    if found.format != FORMAT:
        hint = "Use the version of SR Desk that wrote it."
        raise SidecarError(path, f"its format is {found.format}, and this version knows {FORMAT} only", hint=hint)
    return found


def source_path(sidecar: Path, provenance: Provenance) -> Path:
    """Return where a sidecar says that its picture lies."""
    return sidecar.absolute().parent / PurePosixPath(provenance.source.name)


def moved(provenance: Provenance, source: Path, output: Path) -> Provenance:
    """Return the record of a result that was made elsewhere, for where picture and result are now."""
    name = relative_path(source, output.absolute().parent)
    return msgspec.structs.replace(provenance, source=msgspec.structs.replace(provenance.source, name=name))

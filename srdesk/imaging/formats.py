"""Opening a picture by what it contains, and saving it so that the old file or the whole new one is there.

JPEG is saved with full chroma at the quality asked for, 95 unless said otherwise; WebP likewise, but without loss when
the picture was opened from a WebP without loss; PNG and TIFF are always without loss.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging import exif, frames, photo, png, probe, tiff, tiff_pages
from srdesk.imaging.atomic import atomic_write
from srdesk.imaging.fits import reader as fits
from srdesk.imaging.fits import structure as fits_structure
from srdesk.imaging.fits import writer as fits_writer
from srdesk.imaging.fits.parts import Plane
from srdesk.imaging.foreign import foreign_format
from srdesk.imaging.image import Image, Metadata
from srdesk.imaging.probe import ImageProbe
from srdesk.imaging.stored import StoredImage

SUFFIXES: dict[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Lower-case suffix to format of photos, for saving; opening goes by content. The first one of a format is usual."""

SCIENCE_SUFFIXES: dict[str, str] = {".fits": "FITS", ".fit": "FITS", ".fts": "FITS"}
"""Likewise of formats of measurements, which can only be written from pictures that were measured."""

FILE_SYSTEM_NOTE = "._"
"""Beginning of the names of files that macOS lays beside pictures where the file system cannot hold its notes."""

_PACKED_SUFFIXES = (".gz", ".bz2", ".fz")

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MAGIC_BYTES = 16


def open_image(path: Path | str, part: str = "") -> Image:
    """Open a picture by its content, whatever its suffix says; ``part`` as in `open_stored`.

    Raises:
        ImageReadError: it is missing, no regular file, damaged or cut off.
        UnsupportedImageError: it is of a kind or size that is not handled.
    """
    return open_stored(path, part).to_image()


def open_stored(path: Path | str, part: str = "") -> StoredImage:
    """Open a picture as the numbers in its file, a quarter of the memory of `open_image` or less.

    Args:
        path: the file.
        part: which picture of a FITS file, as `srdesk.imaging.fits.reader.probe` has it; empty for the first.

    Raises:
        ImageReadError: it is missing, no regular file, damaged or cut off.
        UnsupportedImageError: it is of a kind or size that is not handled.
    """
    path = Path(path)
    with regular_file(path) as stream:
        return _read(stream, path, part)


def open_stored_bytes(content: bytes, path: Path | str) -> StoredImage:
    """Open a picture that is in memory, as a member of an archive is.

    Args:
        content: the bytes of the file.
        path: what errors call it.

    Raises:
        ImageReadError: it is damaged or cut off.
        UnsupportedImageError: it is of a kind or size that is not handled.
    """
    return _read(io.BytesIO(content), Path(path))


def probe_image_bytes(content: bytes, path: Path | str) -> ImageProbe:
    """Return what the header of a picture in memory says; otherwise as `probe_image`.

    Raises:
        ImageReadError: its header is damaged.
        UnsupportedImageError: it is of a kind that is not handled.
    """
    return _probe(io.BytesIO(content), Path(path))


def probe_image(path: Path | str, part: str = "") -> ImageProbe:
    """Return what the header of a picture says, without decoding it or judging its size; ``part`` as in `open_stored`.

    Raises:
        ImageReadError: it is missing, no regular file, or its header is damaged.
        UnsupportedImageError: it is of a kind that is not handled.
    """
    path = Path(path)
    with regular_file(path) as stream:
        return _probe(stream, path, part)


def list_planes(path: Path | str) -> tuple[Plane, ...]:
    """List the images that a FITS file holds; empty for files of other formats, which hold one.

    Raises:
        ImageReadError: it is missing, no regular file, or its structure is damaged.
        UnsupportedImageError: it is of a kind that is not handled.
    """
    path = Path(path)
    with regular_file(path) as stream:
        return fits.list_planes(stream, path) if _format_of(stream, path) == "FITS" else ()


def count_pictures(path: Path | str) -> int:
    """Return how many pictures a photo file holds, the first of which is opened: pages of a TIFF, or frames.

    Raises:
        ImageReadError: it is missing, no regular file, or cannot be read.
    """
    path = Path(path)
    with regular_file(path) as stream, probe.decoder_errors(path):
        magic = stream.read(_MAGIC_BYTES)
        if magic[:4] in _TIFF_MAGIC:
            return tiff_pages.count_pictures(stream)
        if magic.startswith(png.SIGNATURE):
            return frames.count_png_frames(stream)
        return frames.count_webp_frames(stream) if magic[:4] == b"RIFF" and magic[8:12] == b"WEBP" else 1


def format_of(path: Path | str) -> str:
    """Return the format of a file by its first bytes.

    Raises:
        ImageReadError: it is missing, no regular file, or empty.
        UnsupportedImageError: it is of a kind that is not handled.
    """
    path = Path(path)
    with regular_file(path) as stream:
        return _format_of(stream, path)


def format_for(path: Path | str) -> str | None:
    """Return the format that a file name asks for, None where its suffix is neither a photo's nor a measurement's."""
    suffix = Path(path).suffix.lower()
    return SUFFIXES.get(suffix) or SCIENCE_SUFFIXES.get(suffix)


def plain_name(path: Path) -> Path:
    """Return the name that a packed FITS file has once it is unpacked; any other name as it is.

    >>> plain_name(Path("m13.fits.fz"))
    PosixPath('m13.fits')
    """
    if path.suffix.lower() in _PACKED_SUFFIXES and Path(path.stem).suffix.lower() in SCIENCE_SUFFIXES:
        return path.with_name(path.stem)
    return path


def can_hold(format_name: str, stored: StoredImage) -> str | None:
    """Return why a format cannot hold a picture as it is, as the end of a sentence; None if it can."""
    if (format_name == "FITS") != (stored.science is not None):
        return (
            "FITS files are made from FITS images only; PNG or TIFF can hold a photo"
            if format_name == "FITS"
            else f"{_SPOKEN[format_name]} cannot hold measured values with what they mean; FITS can"
        )
    if format_name == "FITS":
        return None
    if stored.metadata.scene is not None and format_name != "TIFF":
        return f"{_SPOKEN[format_name]} cannot hold where on Earth the pixels are; GeoTIFF can"
    if format_name not in SUFFIXES.values():
        return f"{format_name} files cannot be written"
    dtype = stored.values.dtype
    bits = {"uint8": "8-bit", "uint16": "16-bit"}.get(dtype, dtype)
    if format_name in ("JPEG", "WEBP") and dtype != "uint8":
        return (
            f"{_SPOKEN[format_name]} cannot hold {bits} values; PNG or TIFF can"
            if dtype == "uint16"
            else (f"{_SPOKEN[format_name]} cannot hold {bits} values; TIFF can")
        )
    if format_name == "PNG" and dtype not in ("uint8", "uint16"):
        return f"PNG cannot hold {bits} values; TIFF can"
    if format_name == "JPEG" and stored.has_alpha:
        return "JPEG cannot hold transparency; PNG, WebP or TIFF can"
    longest_px = photo.MAX_SIDE_PX.get(format_name, probe.MAX_SIDE_PX)
    if max(stored.height, stored.width) > longest_px:
        return f"{_SPOKEN[format_name]} cannot hold more than {longest_px:,} pixels on a side"
    return None


def save_image(path: Path | str, stored: StoredImage, *, quality: int = 95) -> tuple[str, ...]:
    """Write a picture in the format that its suffix asks for, or, without a known suffix, in that of its metadata.

    Args:
        path: the file; an existing one is replaced when the new one is complete on the disk.
        stored: the picture with its metadata; not modified.
        quality: 1 to 100, for JPEG and WebP.

    Returns:
        A sentence for each kind of metadata that the format has no room for.

    Raises:
        ImageWriteError: the format cannot hold the picture, or the file cannot be written; then nothing is left over.
    """
    path = Path(path)
    format_name = format_for(path) or stored.metadata.format
    reason = can_hold(format_name, stored)
    if reason is not None:
        raise ImageWriteError(path, reason, hint="Choose another format for the output.")
    stored = stored.with_metadata(exif.sized(stored.metadata, height=stored.height, width=stored.width))
    try:
        with atomic_write(path) as stream:
            left_out = _WRITERS[format_name](stream, stored, quality)
    except OSError as error:
        raise ImageWriteError(path, _reason(error)) from error
    except MemoryError as error:
        raise ImageWriteError(path, "encoding it needs more memory than there is") from error
    if format_name != "PNG":
        left_out += tuple(_only_in_png(stored.metadata))
    if stored.metadata.iptc and format_name not in ("JPEG", "TIFF"):
        left_out += (f"The IPTC records have no place in a {_SPOKEN[format_name]} and were left out.",)
    if stored.metadata.comment and format_name != "JPEG":
        left_out += (f"The comment of the JPEG has no place in a {_SPOKEN[format_name]} and was left out.",)
    return left_out


_SPOKEN = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP", "TIFF": "TIFF", "FITS": "FITS"}


def _only_in_png(metadata: Metadata) -> Iterator[str]:
    if metadata.text:
        yield "The text entries of the PNG have no place in another format and were left out."
    kinds = [kind for kind, _ in metadata.colour_space]
    if kinds and "sRGB" not in kinds:  # which is what readers take a picture for that says nothing
        yield f"What the PNG said about its colours ({', '.join(kinds)}) was left out."


def _write_png(stream: BinaryIO, stored: StoredImage, _quality: int) -> tuple[str, ...]:
    png.write(stream, stored)
    return ()


def _write_tiff(stream: BinaryIO, stored: StoredImage, _quality: int) -> tuple[str, ...]:
    return tiff.write(stream, stored)


def _write_fits(stream: BinaryIO, stored: StoredImage, _quality: int) -> tuple[str, ...]:
    return fits_writer.write(stream, stored)


_WRITERS: dict[str, Callable[[BinaryIO, StoredImage, int], tuple[str, ...]]] = {
    "PNG": _write_png,
    "JPEG": photo.write_jpeg,
    "WEBP": photo.write_webp,
    "TIFF": _write_tiff,
    "FITS": _write_fits,
}


def _read(stream: BinaryIO, path: Path, part: str = "") -> StoredImage:
    format_name = _format_of(stream, path)
    if format_name == "FITS":
        stored = fits.read(stream, path, part)
    else:
        refuse_part(path, part)
        if format_name == "PNG":
            stored = png.read(stream, path)
        elif format_name == "TIFF":
            stored = tiff.read(stream, path)
        else:
            stored = photo.read(stream, path, format_name)
    stored.freeze()
    return stored


def _probe(stream: BinaryIO, path: Path, part: str = "") -> ImageProbe:
    format_name = _format_of(stream, path)
    if format_name == "FITS":
        return fits.probe(stream, path, part)
    refuse_part(path, part)
    if format_name == "PNG":
        return png.probe(stream, path)
    if format_name == "TIFF":
        return tiff.probe(stream, path)
    return photo.probe(stream, path, format_name)


def refuse_part(path: Path, part: str) -> None:
    """Make sure that no image is named of a file that is no FITS file.

    Raises:
        UnsupportedImageError: one is.
    """
    if part:
        reason = f"it is no FITS file, and has no image called {part[:40]!r}"
        raise UnsupportedImageError(path, reason, hint="Open it without naming an image.")


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is one: pipes would block, and devices have no end.

    Raises:
        ImageReadError: it cannot be opened, or is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    with ExitStack() as stack:
        try:
            _check_regular(path, path.stat())
            stream = stack.enter_context(open(path, "rb", opener=lambda name, _flags: os.open(name, flags)))
            # Looked at again, since the name may have been given to another file in between.
            _check_regular(path, os.fstat(stream.fileno()))
        except OSError as error:
            raise ImageReadError(path, _reason(error)) from error
        except ValueError as error:  # a null byte in the name
            raise ImageReadError(path, "no file can have this name") from error
        yield stream


def _check_regular(path: Path, status: os.stat_result) -> None:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    kind = next((name for is_kind, name in kinds if is_kind(mode)), "something else")
    raise ImageReadError(path, f"it is {kind}, not a file", hint="Choose a picture file.")


def _format_of(stream: BinaryIO, path: Path) -> str:
    try:
        magic = stream.read(_MAGIC_BYTES)
    except OSError as error:
        raise ImageReadError(path, _reason(error)) from error
    if not magic:
        raise ImageReadError(path, "it is empty")
    if magic.startswith(png.SIGNATURE):
        return "PNG"
    if magic.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if magic[:4] == b"RIFF" and magic[8:12] == b"WEBP":
        return "WEBP"
    if magic[:4] in _TIFF_MAGIC:
        return "TIFF"
    if fits_structure.is_fits(stream):
        return "FITS"
    foreign = foreign_format(magic)
    if foreign is not None:
        raise UnsupportedImageError(path, f"it is {foreign.name}", hint=foreign.remedy)
    raise UnsupportedImageError(path, "its content is no PNG, JPEG, WebP, TIFF or FITS")


def _reason(error: OSError) -> str:
    """Return the words of the operating system as the end of a sentence."""
    words = error.strerror or "reading or writing failed"
    return words[:1].lower() + words[1:]

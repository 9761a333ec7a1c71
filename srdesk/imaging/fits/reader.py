"""FITS images: which ones a file has, and reading one of them; for writing see `srdesk.imaging.fits.writer`.

The numbers are kept as the file has them, BSCALE and BZERO not applied. FITS counts rows from the bottom, so they are
turned upside down on reading and back on writing: what is seen is north up where the file has it so.
"""

from __future__ import annotations

import io
import math
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.fits.structure import Hdu, read_structure, unpacked
from srdesk.imaging.image import Metadata
from srdesk.imaging.probe import MAX_DECODED_BYTES, ImageProbe, check_budget, decoder_errors
from srdesk.imaging.science import FitsOrigin, Numbers, Quantity, Science, robust_values
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch, auto_stretch
from srdesk.imaging.values import ValueMap

if TYPE_CHECKING:
    from astropy.io.fits import Header

DTYPES = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
"""BITPIX to numpy name (FITS standard 4.0, table 8)."""

_MAX_LOOKED_AT = 1_000_000

_FORBIDDEN_SIGNS = re.compile(rb"[^\x20-\x7e]")

_SATURATION_KEYWORDS = ("SATURATE", "SATLEVEL", "SATURATA")

_COUNT = re.compile(r"(counts?|cts?|electrons?|e-?|adu|dn|du|photons?|phot|ph)(/(s|sec|seconds?|min|hr?))?")
_PER_AREA = re.compile(r"arcsec|\bsr\b|\bsr-1|beam|deg|\bm?mag\b|^m?k$|kelvin")


@dataclass(frozen=True, slots=True)
class Plane:
    """One image of a FITS file, as a list of them shows it."""

    part: str
    """How it is chosen: number of the HDU, and behind a comma, in a cube, the number of the plane from 1."""
    name: str
    """Name of the HDU, with its version where several have the name."""
    height: int
    """Rows."""
    width: int
    """Columns."""
    dtype: str
    """Numpy name of the type of its numbers."""
    unit: str = ""
    """Its BUNIT; empty if the file does not say."""

    def __str__(self) -> str:
        label = f"{self.part} {self.name}".strip()
        return f"{label} ({self.width} × {self.height})"


def probe(stream: BinaryIO, path: Path, part: str = "") -> ImageProbe:
    """Return what the header of an image says.

    Args:
        stream: the file.
        path: what errors call it.
        part: ``NAME``, ``NAME:VERSION`` or number of the HDU, then perhaps a comma and the plane from 1; empty for
            the first image.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it has no such image.
    """
    with decoder_errors(path), unpacked(stream, path) as plain:
        hdu, _ = _choose(read_structure(plain, path), part, path)
        return _probe(hdu)


def list_planes(stream: BinaryIO, path: Path) -> tuple[Plane, ...]:
    """List the images of a file, every plane of cubes by itself.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it is packed, and too large.
    """
    with decoder_errors(path), unpacked(stream, path) as plain:
        hdus = read_structure(plain, path)
    planes = []
    for hdu in hdus:
        if not _has_pixels(hdu):
            continue
        versions = sum(other.name == hdu.name for other in hdus)
        name = f"{hdu.name}:{hdu.version}" if versions > 1 and hdu.name else hdu.name
        count = math.prod(hdu.shape[:-2])
        unit = str(hdu.values.get("BUNIT", "")).strip()
        for number in range(1, min(count, 1000) + 1):
            part = str(hdu.index) if count == 1 else f"{hdu.index},{number}"
            planes.append(Plane(part, name, hdu.shape[-2], hdu.shape[-1], DTYPES[hdu.bitpix], unit))
    return tuple(planes)


def read(stream: BinaryIO, path: Path, part: str = "") -> StoredImage:
    """Read one image.

    Args:
        stream: the file.
        path: what errors call it, and where a result will look for the other HDUs.
        part: as in `probe`.

    Raises:
        ImageReadError: the file is damaged or cut off, or no pixel has a value.
        UnsupportedImageError: it has no such image, or that is too large.
    """
    with header_errors(path), decoder_errors(path), unpacked(stream, path) as plain:
        hdu, plane = _choose(read_structure(plain, path), part, path)
        check_budget(path, _probe(hdu))
        numbers, block = _compressed(plain, path, hdu, plane) if hdu.is_tile_compressed else _plain(plain, hdu, plane)
        science = _science(parsed_header(block), numbers, path)
    if science.is_blank(numbers).all():
        raise ImageReadError(path, "none of its pixels has a value", hint="Choose another image of the file.")
    values = robust_values(numbers, science)
    science = msgspec.structs.replace(science, stretch=_first_look(numbers, values, science))
    status = path.stat() if path.exists() else None
    origin = FitsOrigin(
        path=os.fsencode(path.absolute()),
        size_bytes=status.st_size if status else 0,
        modified_ns=status.st_mtime_ns if status else 0,
        hdu=hdu.index,
        plane=plane,
        header=block,
    )
    return StoredImage(numbers, values, None, Metadata(format="FITS", fits=origin), science)


@contextmanager
def quiet_astropy() -> Iterator[None]:
    """Keep astropy's remarks, on odd headers or when it is imported, from becoming a second voice beside ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parsed_header(header: bytes) -> Header:
    """Return astropy's view of a header, signs that FITS does not allow replaced by question marks."""
    with quiet_astropy():
        from astropy.io.fits import Header

        return Header.fromstring(_FORBIDDEN_SIGNS.sub(b"?", header))


@contextmanager
def header_errors(path: Path) -> Iterator[None]:
    """Turn what astropy says of cards that it cannot understand into the sentence that a person reads.

    Raises:
        ImageReadError: a card that is needed makes no sense.
    """
    with quiet_astropy():
        from astropy.io.fits import VerifyError

        try:
            yield
        except VerifyError as error:
            raise ImageReadError(path, "its header is damaged") from error


# --- choosing -------------------------------------------------------------------------------------------------------


def _has_pixels(hdu: Hdu) -> bool:
    return len(hdu.shape) >= 2 and math.prod(hdu.shape) > 0


def _choose(hdus: list[Hdu], part: str, path: Path) -> tuple[Hdu, tuple[int, ...]]:
    images = [hdu for hdu in hdus if _has_pixels(hdu)]
    if not images and hdus[0].values.get("GROUPS") is True:
        raise UnsupportedImageError(
            path,
            "it holds random groups, measurements of a radio interferometer that are no image yet",
            hint="Make an image of them first, such as with CASA or AIPS.",
        )
    if not images:
        raise UnsupportedImageError(
            path, "it holds no image of two dimensions", hint="Choose a FITS file with an image."
        )
    wanted, _, plane = part.partition(",")
    found = [hdu for hdu in images if _is_called(hdu, wanted.strip())] if wanted.strip() else images
    if found:
        hdu = found[0]
        shape = hdu.shape[:-2]
        count = math.prod(shape)
        number = plane.strip() or "1"
        if number.isdecimal() and 1 <= int(number) <= count:
            return hdu, tuple(int(place) for place in np.unravel_index(int(number) - 1, shape)) if shape else ()
        raise UnsupportedImageError(
            path, f"HDU {hdu.index} has no plane {number[:20]}", hint=f"Choose a plane from 1 to {count}."
        )
    names = ", ".join(f"{hdu.index} {hdu.name}".strip() for hdu in images[:12])
    raise UnsupportedImageError(
        path, f"it has no image called {wanted.strip()[:40]!r}", hint=f"Choose one of: {names}."
    )


def _is_called(hdu: Hdu, wanted: str) -> bool:
    if wanted.isdecimal():
        return hdu.index == int(wanted)
    name, _, version = wanted.upper().partition(":")
    return hdu.name == name and (not version or str(hdu.version) == version)


def _probe(hdu: Hdu) -> ImageProbe:
    height, width = hdu.shape[-2:]
    return ImageProbe("FITS", height, width, 1, False, DTYPES[hdu.bitpix])


# --- pixels ---------------------------------------------------------------------------------------------------------


def _plain(stream: BinaryIO, hdu: Hdu, plane: tuple[int, ...]) -> tuple[Numbers, bytes]:
    height, width = hdu.shape[-2:]
    dtype = np.dtype(DTYPES[hdu.bitpix])
    stored = np.empty((height, width), dtype.newbyteorder(">"))
    number = int(np.ravel_multi_index(plane, hdu.shape[:-2])) if plane else 0
    stream.seek(hdu.data_offset + number * stored.nbytes)
    view = stored.reshape(-1).view(np.uint8).data
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined] # files and BytesIO have it
        if not count:
            raise EOFError
        view = view[count:]
    return np.ascontiguousarray(stored[::-1, :, None], dtype), hdu.header


def _compressed(stream: BinaryIO, path: Path, hdu: Hdu, plane: tuple[int, ...]) -> tuple[Numbers, bytes]:
    with quiet_astropy():
        from astropy.io import fits
        from astropy.io.fits.hdu.compressed._compression import CfitsioException  # has no public name

    dtype = np.dtype(DTYPES[hdu.bitpix])
    if math.prod(hdu.shape) * dtype.itemsize > MAX_DECODED_BYTES:
        raise UnsupportedImageError(
            path,
            "the cube is too large to be unpacked at once",
            hint="Unpack it with funpack, and open what comes out.",
        )
    stream.seek(hdu.offset)
    table = stream.read(hdu.end - hdu.offset)
    # astropy wants a primary HDU in front, and closes what it was given.
    empty = fits.PrimaryHDU().header.tostring().encode("ascii")
    with quiet_astropy(), fits.open(io.BytesIO(empty + table), do_not_scale_image_data=True, memmap=False) as opened:
        image = opened[1]
        header = image.header.copy()
        if "ZBLANK" in image.header and "BLANK" not in image.header:
            header["BLANK"] = image.header["ZBLANK"]
        try:
            pixels = np.asarray(image.data)[plane]
        except CfitsioException as error:
            raise ImageReadError(path, "its compressed pixels are damaged") from error
        block = _as_extension(header).tostring().encode("ascii", "replace")
    if pixels.shape != hdu.shape[-2:]:
        raise ValueError("the unpacked image has another size than its header says")
    return np.ascontiguousarray(pixels[::-1, :, None], dtype), block


def _as_extension(header: Header) -> Header:
    """Return a header that can stand behind a primary one: fpack keeps that of a primary image as it was."""
    if "SIMPLE" in header:
        header.remove("SIMPLE")
        header.insert(0, ("XTENSION", "IMAGE", "Image extension"))
        last = f"NAXIS{header['NAXIS']}" if header["NAXIS"] else "NAXIS"
        header.set("PCOUNT", 0, "number of parameters", after=last)
        header.set("GCOUNT", 1, "number of groups", after="PCOUNT")
        header.remove("EXTEND", ignore_missing=True)
    return header


# --- what the numbers mean ------------------------------------------------------------------------------------------


def _science(header: Header, numbers: Numbers, path: Path) -> Science:
    scale, zero = _number(header, "BSCALE", path, 1.0), _number(header, "BZERO", path, 0.0)
    if scale == 0:
        raise ImageReadError(path, "its BSCALE is 0, so all its pixels would be the same")
    is_integer = numbers.dtype.kind != "f"
    blank = int(_number(header, "BLANK", path, 0.0)) if is_integer and "BLANK" in header else None
    unit = header.get("BUNIT", "")
    unit = unit.strip() if isinstance(unit, str) else ""
    quantity = quantity_of(unit)
    science = Science(
        scale=scale,
        zero=zero,
        unit=unit,
        quantity=quantity or "mean",
        is_quantity_known=quantity is not None,
        blank=blank,
    )
    return msgspec.structs.replace(science, saturation=_saturation(header, numbers, science))


def _first_look(numbers: Numbers, values: ValueMap, science: Science) -> Stretch:
    step = max(1, round((numbers.size / _MAX_LOOKED_AT) ** 0.5))
    sample = numbers[::step, ::step]
    unit = values.to_unit(sample)
    unit[science.is_unusable(sample)] = np.nan
    return auto_stretch(unit)


def quantity_of(unit: str) -> Quantity | None:
    """Return what a BUNIT asks to be conserved: sums of counts, means of anything per area; None if it does not say."""
    plain = re.sub(r"\s+", " ", unit.strip().lower()).replace(" / ", "/").replace(" per ", "/")
    plain = re.sub(r"[ .*]?(?:s|sec)(?:\*\*|\^)?\(?-1\)?$", "/s", plain)
    if _PER_AREA.search(plain):
        return "mean"
    without_pixel = re.sub(r"/pix(el)?s?$|[ .*]pix(el)?(\*\*|\^)?-1$", "", plain)
    if _COUNT.fullmatch(without_pixel) or without_pixel != plain:
        return "sum"
    return None


def _saturation(header: Header, numbers: Numbers, science: Science) -> float | None:
    """Return the level that the header gives, or that at which a converter of 16 bits is at its end."""
    for keyword in _SATURATION_KEYWORDS:
        level = header.get(keyword)
        if isinstance(level, int | float) and not isinstance(level, bool) and math.isfinite(level) and level > 0:
            known = numbers[~science.is_blank(numbers)]
            # Some calibrated pictures still carry the level of the raw frame, in another unit.
            is_plausible = known.size and level > float(np.median(known)) * science.scale + science.zero
            return float(level) if is_plausible else None
    if numbers.dtype == np.int16 and science.scale == 1.0:
        return float(np.iinfo(np.int16).max + science.zero)
    return None


def _number(header: Header, keyword: str, path: Path, default: float) -> float:
    value = header.get(keyword, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ImageReadError(path, f"its {keyword} is no number")
    return float(value)

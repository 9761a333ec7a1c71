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
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np

from srdesk.errors import ImageReadError, UnsupportedImageError
from srdesk.imaging.fits.parts import DTYPES, Part, Plane, chosen_part, planes_of
from srdesk.imaging.fits.structure import read_structure, unpacked
from srdesk.imaging.image import Metadata
from srdesk.imaging.probe import MAX_DECODED_BYTES, ImageProbe, check_budget, decoder_errors
from srdesk.imaging.science import FitsOrigin, Numbers, Quantity, Science, robust_values
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch, auto_stretch
from srdesk.imaging.values import ValueMap

if TYPE_CHECKING:
    from astropy.io.fits import Header

_MAX_LOOKED_AT = 1_000_000

_FORBIDDEN_SIGNS = re.compile(rb"[^\x20-\x7e]")

_SATURATION_KEYWORDS = ("SATURATE", "SATLEVEL", "SATURATA")

_COLOUR_FILTERS = ("BAYERPAT", "COLORTYP", "CFATYPE")
"""Keywords by which programs for astronomical cameras tell the colour filters in front of the pixels."""
_FILTER_PATTERN = re.compile(r"(?=.*R)(?=.*G)(?=.*B)[RGB]{4,}|X-?TRANS", re.IGNORECASE)

_FLAGS = frozenset({"DQ", "CTX", "CON", "MASK", "BPM", "FLAG", "FLAGS", "QUALITY"})
"""Names of images whose numbers are bits that each say something about a pixel (HST, JWST, Rubin, ESO)."""

_COUNT = re.compile(r"(counts?|cts?|electrons?|e-?|adu|dn|du|photons?|phot|ph)(/(s|sec|seconds?|min|hr?))?")
_FLUX = re.compile(r"(nano)?magg(y|ies)|nmgy|njy")
"""Fluxes that each pixel has its part of: those of the Sloan survey and of the Rubin Observatory."""

_PER_AREA = re.compile(r"arcsec|\bsr\b|\bsr-1|beam|deg|\bm?mag\b|^m?k$|kelvin")


def probe(stream: BinaryIO, path: Path, part: str = "") -> ImageProbe:
    """Return what the header of an image says.

    Args:
        stream: the file.
        path: what errors call it.
        part: ``NAME``, ``NAME:VERSION`` or number of the HDU, then perhaps a comma and the plane from 1, or ``RGB``
            for three planes as colours; empty for the first image.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it has no such image.
    """
    with decoder_errors(path), unpacked(stream, path) as plain:
        return _probe(chosen_part(read_structure(plain, path), part, path))


def list_planes(stream: BinaryIO, path: Path) -> tuple[Plane, ...]:
    """List the images of a file, every plane of cubes by itself, and behind its planes a cube that is of colours.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it is packed, and too large.
    """
    with decoder_errors(path), unpacked(stream, path) as plain:
        return planes_of(read_structure(plain, path))


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
        chosen = chosen_part(read_structure(plain, path), part, path)
        check_budget(path, _probe(chosen))
        numbers, block = _compressed(plain, path, chosen) if chosen.hdu.is_tile_compressed else _plain(plain, chosen)
        science = science_of(parsed_header(block), numbers, path)
    if science.is_blank(numbers).all():
        raise ImageReadError(path, "none of its pixels has a value", hint="Choose another image of the file.")
    values = robust_values(numbers, science)
    science = msgspec.structs.replace(science, stretch=_first_look(numbers, values, science))
    return StoredImage(numbers, values, None, Metadata(format="FITS", fits=origin_of(path, chosen, block)), science)


def origin_of(path: Path, part: Part, header: bytes) -> FitsOrigin:
    """Return where an image came from.

    Args:
        path: its file, which need not exist.
        part: which one it is.
        header: its header, as an image that is not compressed has it.
    """
    status = path.stat() if path.exists() else None
    return FitsOrigin(
        path=os.fsencode(path.absolute()),
        size_bytes=status.st_size if status else 0,
        modified_ns=status.st_mtime_ns if status else 0,
        hdu=part.hdu.index,
        plane=part.plane,
        header=header,
        is_colour=part.is_colour,
    )


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


CORRECT_CARDS = "Correct that card, or leave it out, with a FITS editor, and open the file again."
"""What helps where a header cannot be understood."""


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
            raise ImageReadError(path, "its header is damaged", hint=CORRECT_CARDS) from error


# --- pixels ---------------------------------------------------------------------------------------------------------


def _probe(chosen: Part) -> ImageProbe:
    height, width = chosen.hdu.shape[-2:]
    return ImageProbe("FITS", height, width, chosen.channels, False, DTYPES[chosen.hdu.bitpix])


def _plain(stream: BinaryIO, chosen: Part) -> tuple[Numbers, bytes]:
    hdu = chosen.hdu
    dtype = np.dtype(DTYPES[hdu.bitpix])
    stored = np.empty((chosen.channels, *hdu.shape[-2:]), dtype.newbyteorder(">"))
    number = int(np.ravel_multi_index(chosen.plane, hdu.shape[:-2])) if chosen.plane else 0
    stream.seek(hdu.data_offset + number * stored[0].nbytes)
    view = stored.reshape(-1).view(np.uint8).data
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined] # files and BytesIO have it
        if not count:
            raise EOFError
        view = view[count:]
    return _as_shown(stored, dtype), hdu.header


def _as_shown(planes: Numbers, dtype: np.dtype[np.generic]) -> Numbers:
    """Return `(H, W, C)`, the last row on top, of `(C, H, W)`."""
    return np.ascontiguousarray(np.moveaxis(planes, 0, -1)[::-1], dtype)


def _compressed(stream: BinaryIO, path: Path, chosen: Part) -> tuple[Numbers, bytes]:
    hdu = chosen.hdu
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
            pixels = np.asarray(image.data)[chosen.plane]
        except CfitsioException as error:
            raise ImageReadError(path, "its compressed pixels are damaged") from error
        block = _as_extension(header).tostring().encode("ascii", "replace")
    planes = pixels if chosen.is_colour else pixels[None]
    if planes.shape != (chosen.channels, *hdu.shape[-2:]):
        raise ValueError("the unpacked image has another size than its header says")
    return _as_shown(planes, dtype), block


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


def science_of(header: Header, numbers: Numbers, path: Path) -> Science:
    """Return what the numbers of an image mean.

    Args:
        header: its header.
        numbers: its numbers, or a sample of them.
        path: what errors call the file.

    Raises:
        ImageReadError: a card that is needed makes no sense.
        UnsupportedImageError: it is the raw frame of a colour camera.
    """
    _refuse_colour_filters(header, path)
    scale, zero = _number(header, "BSCALE", path, 1.0), _number(header, "BZERO", path, 0.0)
    if scale == 0:
        raise ImageReadError(path, "its BSCALE is 0, so all its pixels would be the same")
    is_integer = numbers.dtype.kind != "f"
    blank = int(_number(header, "BLANK", path, 0.0)) if is_integer and "BLANK" in header else None
    unit = header.get("BUNIT", "")
    unit = unit.strip() if isinstance(unit, str) else ""
    is_flags = is_integer and str(header.get("EXTNAME", "")).strip().upper() in _FLAGS
    quantity = "mean" if is_flags else quantity_of(unit)
    science = Science(
        scale=scale,
        zero=zero,
        unit=unit,
        quantity=quantity or "mean",
        is_quantity_known=quantity is not None,
        blank=blank,
        is_flags=is_flags,
    )
    return msgspec.structs.replace(science, saturation=_saturation(header, numbers, science))


def _refuse_colour_filters(header: Header, path: Path) -> None:
    """Make sure that neighbouring pixels have not looked through filters of different colours.

    Raises:
        UnsupportedImageError: they have.
    """
    for keyword in _COLOUR_FILTERS if header.get("NAXIS") == 2 else ():
        if _FILTER_PATTERN.fullmatch(str(header.get(keyword, "")).strip()):
            reason = f"it is the raw frame of a colour camera ({keyword} is {str(header[keyword]).strip()})"
            hint = f"Debayer it first; if that has been done, remove {keyword} from its header."
            raise UnsupportedImageError(path, reason, hint=hint)


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
    if _COUNT.fullmatch(without_pixel) or _FLUX.fullmatch(plain) or without_pixel != plain:
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

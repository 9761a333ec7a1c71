"""TIFF with 1 to 16 bits and floats, through tifffile.

TIFF 6.0 (Adobe 1992), BigTIFF, and Adobe's technical notes of 1995 (deflate) and 2005 (float predictor). Only the
first page is looked at: parsing the series of a hostile file may never end.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from srdesk.errors import UnsupportedImageError
from srdesk.imaging import exif, ifd, iptc
from srdesk.imaging.image import Metadata
from srdesk.imaging.probe import ImageProbe, check_budget, decoder_errors
from srdesk.imaging.stored import Numbers, StoredImage
from srdesk.imaging.tiff_pages import first_picture, refuse_camera_raw
from srdesk.imaging.values import UINT8, UINT16, ValueMap, opacity_map

if TYPE_CHECKING:
    from tifffile import TiffPage

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG = 7
_COMPRESSIONS = frozenset({1, 2, 3, 4, 5, _JPEG, 8, 32773, 32946, 34887, 34925, 50000, 50001})
"""None, CCITT, LZW, JPEG, deflate, PackBits, LERC, LZMA, Zstandard, WebP: what software writes today."""
_UNSPECIFIED, _ASSOCIATED_ALPHA, _STRAIGHT_ALPHA = 0, 1, 2
"""What a sample behind the colours is."""

_XMP, _ICC = 700, 34675
_BYTE, _UNDEFINED = 1, 7
_DESCRIPTION = 270
_KEPT_TAGS = frozenset({_DESCRIPTION, 271, 272, 305, 306, 315, 316, 33432, ifd.EXIF_IFD, ifd.GPS_IFD})
"""Description, make, model, software, date, artist, host computer, copyright: what an EXIF block has beside EXIF."""

_MAX_METADATA_BYTES = 16 * 2**20
_STRIP_BYTES = 2**20
_CLASSIC_BYTES = 2**32 - 2**26
"""Beyond this a file may not fit 32-bit offsets, and becomes a BigTIFF."""


def probe(stream: BinaryIO, path: Path) -> ImageProbe:
    """Return what the first page of a TIFF says that is no copy of another.

    Raises:
        ImageReadError: the file is damaged.
        UnsupportedImageError: its pixels are of a kind that is not handled.
    """
    with decoder_errors(path):
        return _probe(_first_page(stream, path), path)


def read(stream: BinaryIO, path: Path) -> StoredImage:
    """Decode the first page of a TIFF that is no copy of another.

    Palettes become RGB, or grey where all their colours are; up to 8 bits become 8 and up to 16 bits 16, the largest
    number staying white; colours that were multiplied by their opacity are divided by it. Floats and signed integers
    have no white of their own: if they do not lie within 0 and 1 anyhow, their own range becomes ``[0, 1]``.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it is too large, or its pixels are of a kind that is not handled.
    """
    with decoder_errors(path):
        page = _first_page(stream, path)
        probed = _probe(page, path)
        check_budget(path, probed)
        samples = _samples(page)
        orientation = _orientation(page)
        metadata = exif.upright(_metadata(stream, page), orientation)
    numbers, alpha = _with_colours(page, samples)
    if numbers.dtype.kind == "f" and not np.isfinite(samples).all():
        raise UnsupportedImageError(path, "some of its values are not finite numbers")
    if alpha is not None and _extra_samples(page) == (_ASSOCIATED_ALPHA,):
        numbers = _divided(numbers, alpha)
    return StoredImage(
        np.ascontiguousarray(exif.turned_upright(numbers, orientation)),
        _value_map(numbers),
        None if alpha is None else np.ascontiguousarray(exif.turned_upright(alpha, orientation)),
        metadata,
    )


def write(stream: BinaryIO, stored: StoredImage) -> tuple[str, ...]:
    """Encode a picture with its metadata, deflated, in strips.

    Returns:
        A sentence for each kind of metadata that could not be kept.

    Raises:
        OSError: the stream cannot be written.
    """
    import tifffile

    layout, directory, left_out = _directory_of(stored)
    pixels = _interleaved(stored)
    metadata = stored.metadata
    options: dict[str, Any] = {"resolution": metadata.dpi, "resolutionunit": "inch"} if metadata.dpi else {}
    blocks = ((_XMP, _BYTE, metadata.xmp), (iptc.TIFF_TAG, _UNDEFINED, metadata.iptc))
    options["extratags"] = [(tag, kind, len(block), block, True) for tag, kind, block in blocks if block]
    opacity = _UNSPECIFIED if metadata.is_opacity_unsaid else _STRAIGHT_ALPHA
    with tifffile.TiffWriter(stream, bigtiff=pixels.nbytes > _CLASSIC_BYTES, byteorder=layout.order) as writer:
        writer.write(
            pixels,
            photometric="minisblack" if stored.channels == 1 else "rgb",
            planarconfig=None if pixels.ndim == 2 else "contig",
            extrasamples=[opacity] if stored.has_alpha else None,
            compression="adobe_deflate",
            predictor=True,
            rowsperstrip=max(1, _STRIP_BYTES * stored.height // pixels.nbytes),
            iccprofile=metadata.icc_profile,
            metadata=None,
            software=False,
            maxworkers=min(8, os.cpu_count() or 1),
            **options,
        )
    if directory:
        ifd.add_to_first_directory(stream, directory)
    return left_out


# --- reading --------------------------------------------------------------------------------------------------------


def _first_page(stream: BinaryIO, path: Path) -> TiffPage:
    import tifffile

    refuse_camera_raw(stream, path)
    # Its remarks about damaged files would be a second voice beside the one sentence that a person gets.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    number = first_picture(stream)
    stream.seek(0)
    page = tifffile.TiffFile(stream, _multifile=False).pages[number]
    assert isinstance(page, tifffile.TiffPage)
    return page


def _probe(page: TiffPage, path: Path) -> ImageProbe:
    _check_kind(page, path)
    height, width = page.imagelength, page.imagewidth
    if _orientation(page) >= 5:
        height, width = width, height
    is_rgb = page.photometric in (_RGB, _YCBCR) or (page.photometric == _PALETTE and not _is_grey(page, _palette(page)))
    return ImageProbe(
        format="TIFF",
        height=height,
        width=width,
        channels=3 if is_rgb else 1,
        has_alpha=len(_extra_samples(page)) == 1,
        dtype=_stored_dtype(page),
    )


def _check_kind(page: TiffPage, path: Path) -> None:
    """Make sure that the pixels are of a kind that is handled.

    Raises:
        UnsupportedImageError: they are not.
        ValueError: the header is nonsense.
    """
    # Of a damaged file these can be tuples, or texts.
    for number in (page.imagelength, page.imagewidth, page.imagedepth, page.samplesperpixel, page.bitspersample):
        if not isinstance(number, int):
            raise ValueError("a size is not a number")
    colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _YCBCR: 3}.get(page.photometric)
    if colours is None or (page.photometric == _YCBCR and page.compression != _JPEG):
        name = getattr(page.photometric, "name", str(page.photometric))
        raise UnsupportedImageError(path, f"its colours are of the kind {name}")
    if page.compression not in _COMPRESSIONS:
        name = getattr(page.compression, "name", str(page.compression))
        raise UnsupportedImageError(path, f"it is compressed by the method {name}")
    extra = page.samplesperpixel - colours
    if page.imagedepth != 1 or extra not in (0, 1):
        raise UnsupportedImageError(
            path, f"it has {page.samplesperpixel} channels; grey or RGB with at most one alpha channel can be opened"
        )
    dtype, bits = page.dtype, page.bitspersample
    is_integer = dtype is not None and dtype.kind in "bu" and dtype.itemsize <= 2
    if dtype is None or not (is_integer or dtype.kind == "f" or dtype == np.int16):
        kind = "complex numbers" if dtype is not None and dtype.kind == "c" else f"{bits}-bit numbers of this kind"
        raise UnsupportedImageError(path, f"it holds {kind}")
    if page.photometric == _PALETTE and not is_integer:
        raise UnsupportedImageError(path, "its palette has an unusual index")


def _extra_samples(page: TiffPage) -> tuple[int, ...]:
    colours = 3 if page.photometric in (_RGB, _YCBCR) else 1
    missing = page.samplesperpixel - colours
    return tuple(int(sample) for sample in page.extrasamples)[:missing] or (0,) * missing


def _stored_dtype(page: TiffPage) -> str:
    assert page.dtype is not None
    if page.photometric == _PALETTE or page.dtype.kind == "b":
        return "uint8"
    if page.dtype.kind == "f":
        return "float32"
    return page.dtype.name


def _orientation(page: TiffPage) -> int:
    tag = page.tags.get(exif.ORIENTATION)
    value = tag.value if tag is not None else 1
    return int(value) if isinstance(value, int) and 1 <= value <= 8 else 1


def _samples(page: TiffPage) -> NDArray[np.generic]:
    """Decode the page to ``(H, W, samples)``."""
    decoded = page.asarray(squeeze=False, maxworkers=min(4, os.cpu_count() or 1))
    separate, _depth, height, width, contiguous = decoded.shape
    if separate > 1:
        return np.moveaxis(decoded[:, 0, :, :, 0], 0, -1)
    return decoded.reshape(height, width, contiguous)


def _with_colours(page: TiffPage, samples: NDArray[np.generic]) -> tuple[Numbers, Numbers | None]:
    """Return grey or RGB numbers and the opacity, of one of the types that are kept."""
    has_alpha = len(_extra_samples(page)) == 1
    if page.photometric == _PALETTE:
        palette = _palette(page)
        numbers: Numbers = palette[np.minimum(samples[:, :, 0].astype(np.intp), len(palette) - 1)]
        numbers = numbers[:, :, :1] if _is_grey(page, palette) else numbers
        return numbers, _full_range(samples[:, :, 1], page.bitspersample).astype(np.uint8) if has_alpha else None
    scaled = _full_range(samples, page.bitspersample)
    colours, alpha = (scaled[:, :, :-1], scaled[:, :, -1]) if has_alpha else (scaled, None)
    return _with_black_as_zero(colours) if page.photometric == _WHITE_IS_ZERO else colours, alpha


def _with_black_as_zero(colours: Numbers) -> Numbers:
    """Turn round numbers of which the lowest means white: about the middle of their type, or of what floats hold."""
    if colours.dtype.kind == "f":
        lowest, highest = float(colours.min()), float(colours.max())
        is_share_of_white = lowest >= 0 and highest <= 1
        return np.subtract(1.0 if is_share_of_white else lowest + highest, colours, dtype=np.float32)
    limits: np.iinfo[Any] = np.iinfo(colours.dtype.name)
    return np.subtract(limits.max + limits.min, colours, dtype=colours.dtype)


def _full_range(samples: NDArray[np.generic], bits: int) -> NDArray[np.generic]:
    """Return samples of odd widths as the next type, its largest number for theirs; floats as float32."""
    if samples.dtype == np.bool_:
        samples, bits = samples.astype(np.uint8), 1
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    native = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if native.dtype.kind != "u" or bits in (8, 16):
        return native
    wide: NDArray[np.uint32] = native.astype(np.uint32) * _largest(native) // (2**bits - 1)
    return wide.astype(native.dtype)


def _largest(numbers: Numbers) -> int:
    return int(opacity_map(numbers.dtype.name).gain)


def _palette(page: TiffPage) -> NDArray[np.uint8]:
    """Return the colours of a palette, ``(colours, 3)``.

    Raises:
        ValueError: there is none.
    """
    colormap = page.colormap
    if colormap is None or colormap.ndim != 2 or colormap.shape[0] != 3 or colormap.shape[1] == 0:
        raise ValueError("the palette is missing")
    wide = colormap.T
    # Some writers filled the 16-bit entries with 8-bit numbers.
    return (wide >> 8 if wide.max() > 255 else wide).astype(np.uint8)


def _is_grey(page: TiffPage, palette: NDArray[np.uint8]) -> bool:
    """Tell whether all colours are grey, and no profile makes them others: one of RGB does not go with grey."""
    return bool((palette == palette[:, :1]).all()) and _ICC not in page.tags


def _divided(numbers: Numbers, alpha: Numbers) -> Numbers:
    """Return colours that were multiplied by their opacity as they were before; black where nothing is to be seen."""
    opacity = opacity_map(alpha.dtype.name).to_unit(alpha)[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        straight = np.where(opacity > 0, numbers.astype(np.float32) / opacity, 0)
    if numbers.dtype.kind != "f":
        straight = np.clip(np.rint(straight), 0, _largest(numbers))
    return straight.astype(numbers.dtype)


def _value_map(numbers: Numbers) -> ValueMap:
    if numbers.dtype == np.uint8:
        return UINT8
    if numbers.dtype == np.uint16:
        return UINT16
    lowest, highest = float(numbers.min()), float(numbers.max())
    if numbers.dtype.kind == "f" and lowest >= 0 and highest <= 1:
        return ValueMap("float32", 1.0)
    return ValueMap(numbers.dtype.name, (highest - lowest) or 1.0, lowest)


def _metadata(stream: BinaryIO, page: TiffPage) -> Metadata:
    layout, _ = ifd.read_layout(stream)
    wanted = _KEPT_TAGS | {_XMP, _ICC, iptc.TIFF_TAG, 282, 283, 296}
    found = ifd.read_directory(stream, page.offset, layout, wanted, max_bytes=_MAX_METADATA_BYTES)
    described = found.get(_DESCRIPTION)
    if isinstance(described, ifd.Field) and _tells_old_size(described.data):
        del found[_DESCRIPTION]
    kept = {tag: value for tag, value in found.items() if tag in _KEPT_TAGS}
    return Metadata(
        format="TIFF",
        icc_profile=_bytes_of(found.get(_ICC)),
        exif=ifd.exif_block(kept, layout) if kept else None,
        xmp=_bytes_of(found.get(_XMP)),
        iptc=_bytes_of(found.get(iptc.TIFF_TAG)),
        dpi=_resolution(page),
        is_opacity_unsaid=_extra_samples(page) == (_UNSPECIFIED,),
    )


def _tells_old_size(description: bytes) -> bool:
    """Tell whether a description is the note that tifffile, ImageJ or OME keep of the pages and their size."""
    return description.startswith((b'{"shape":', b"ImageJ=")) or b"<OME " in description[:1000]


def _bytes_of(value: ifd.Field | ifd.Directory | None) -> bytes | None:
    return value.data if isinstance(value, ifd.Field) else None


def _resolution(page: TiffPage) -> tuple[float, float] | None:
    across, down = page.tags.get(282), page.tags.get(283)
    unit = page.tags.get(296)
    per_inch = {2: 1.0, 3: 2.54}.get(int(unit.value) if unit is not None else 2)
    if across is None or down is None or per_inch is None:
        return None
    dpi = tuple(_ratio(tag.value) * per_inch for tag in (across, down))
    return (dpi[0], dpi[1]) if all(0 < value < 1e6 for value in dpi) else None


def _ratio(value: object) -> float:
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return float(value[0]) / float(value[1])
    return 0.0


# --- writing --------------------------------------------------------------------------------------------------------


def _directory_of(stored: StoredImage) -> tuple[ifd.Layout, ifd.Directory, tuple[str, ...]]:
    """Return the tags of the EXIF block, the layout that they are in, and what could not be kept."""
    block = stored.metadata.exif
    if block is None:
        return ifd.Layout("<"), {}, ()
    try:
        layout, directory = ifd.exif_directory(block)
    except ValueError:
        return ifd.Layout("<"), {}, ("The EXIF block is damaged and was left out.",)
    return layout, {tag: value for tag, value in directory.items() if tag in _KEPT_TAGS}, ()


def _interleaved(stored: StoredImage) -> Numbers:
    """Return the numbers as the file holds them, ``(H, W)`` or ``(H, W, samples)`` with alpha behind the colours."""
    if stored.alpha_numbers is not None:
        return np.concatenate([stored.numbers, stored.alpha_numbers[:, :, None]], axis=2)
    return stored.numbers[:, :, 0] if stored.channels == 1 else stored.numbers

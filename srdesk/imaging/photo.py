"""JPEG and WebP, through Pillow."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from srdesk.errors import UnsupportedImageError
from srdesk.imaging import exif, iptc
from srdesk.imaging.image import Metadata
from srdesk.imaging.probe import ImageProbe, check_budget, decoder_errors
from srdesk.imaging.stored import Numbers, StoredImage

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

MAX_SIDE_PX = {"JPEG": 65_535, "WEBP": 16_383}
"""Most rows or columns that the formats can count."""

_JPEG_MARKER_BYTES = 65_533
"""Most bytes of a JPEG segment; EXIF and XMP have one each."""

_GREY_PROFILE = b"GRAY"
"""Colour space in the header of an ICC profile (ICC.1:2022, section 7.2.6)."""

_STRIP_PX = 2**20

_EXIF_PREFIX = b"Exif\0\0"
_XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"


def probe(stream: BinaryIO, path: Path, format_name: str) -> ImageProbe:
    """Return what the header of a JPEG or WebP says.

    Raises:
        ImageReadError: the file is damaged.
        UnsupportedImageError: its colours are of a kind that is not handled.
    """
    with decoder_errors(path), _opened(stream, format_name) as picture:
        return _probe(picture, path, format_name)


def read(stream: BinaryIO, path: Path, format_name: str) -> StoredImage:
    """Decode a JPEG, CMYK ones as sRGB, or the first frame of a WebP.

    Raises:
        ImageReadError: the file is damaged or cut off.
        UnsupportedImageError: it is too large, or its colours are of a kind that is not handled.
    """
    with decoder_errors(path), _opened(stream, format_name) as opened:
        check_budget(path, _probe(opened, path, format_name))
        opened.load()
        metadata, orientation = _metadata(opened, stream, format_name)
        picture, metadata = _rgb_of_cmyk(opened, metadata) if opened.mode == "CMYK" else (opened, metadata)
        decoded = _as_array(picture)
    numbers, alpha = (decoded, None) if decoded.shape[2] in (1, 3) else (decoded[:, :, :3], decoded[:, :, 3])
    return StoredImage(
        np.ascontiguousarray(exif.turned_upright(numbers, orientation)),
        alpha_numbers=None if alpha is None else np.ascontiguousarray(exif.turned_upright(alpha, orientation)),
        metadata=metadata,
    )


SAVING_BYTES_PER_PX = {"JPEG": 4, "WEBP": 8}
"""Memory that Pillow takes while it encodes a picture, beside that of the picture; nothing for other formats."""


def write_jpeg(stream: BinaryIO, stored: StoredImage, quality: int) -> tuple[str, ...]:
    """Encode an 8-bit picture without alpha, chroma at full resolution.

    Returns:
        A sentence for each kind of metadata that JPEG has no room for and that was left out.

    Raises:
        OSError: the stream cannot be written.
    """
    from PIL import Image

    metadata, left_out = _fitting_jpeg(stored.metadata)
    numbers: Numbers = stored.numbers[:, :, 0] if stored.channels == 1 else stored.numbers
    options = _save_options(metadata, exif_prefix=_EXIF_PREFIX)
    if metadata.comment:
        options["comment"] = metadata.comment
    if metadata.iptc:
        options["extra"] = iptc.jpeg_marker(metadata.iptc)
    Image.fromarray(numbers).save(stream, "JPEG", quality=quality, subsampling="4:4:4", **options)
    return left_out


def write_webp(stream: BinaryIO, stored: StoredImage, quality: int) -> tuple[str, ...]:
    """Encode an 8-bit picture: without loss if the picture came from such a WebP, otherwise with ``quality``.

    Returns:
        A sentence for each kind of metadata that does not go with a WebP and was left out.

    Raises:
        OSError: the stream cannot be written.
    """
    from PIL import Image

    numbers = np.repeat(stored.numbers, 3, axis=2) if stored.channels == 1 else stored.numbers
    if stored.alpha_numbers is not None:
        numbers = np.concatenate([numbers, stored.alpha_numbers[:, :, None]], axis=2)
    metadata = stored.metadata
    left_out: tuple[str, ...] = ()
    if metadata.icc_profile and metadata.icc_profile[16:20] == _GREY_PROFILE:
        metadata = replace(metadata, icc_profile=None)
        left_out = ("The ICC profile is one of grey, which WebP does not have, and was left out.",)
    # `exact` keeps the colours under fully transparent pixels, `method` 4 is libwebp's own balance.
    Image.fromarray(numbers).save(
        stream, "WEBP", lossless=metadata.is_lossless, quality=quality, exact=True, method=4, **_save_options(metadata)
    )
    return left_out


def _opened(stream: BinaryIO, format_name: str) -> PillowImage:
    from PIL import Image

    # `check_budget` takes the place of Pillow's own limit, which is a warning first and the same for all depths.
    Image.MAX_IMAGE_PIXELS = None
    stream.seek(0)
    return Image.open(stream, formats=[format_name])


def _probe(picture: PillowImage, path: Path, format_name: str) -> ImageProbe:
    if picture.mode not in ("L", "RGB", "RGBA", "CMYK"):
        raise UnsupportedImageError(path, f"its colours are of the kind {picture.mode}")
    block = _exif_block(picture)
    width, height = picture.size
    if block is not None and exif.orientation_of(block) >= 5:
        height, width = width, height
    return ImageProbe(
        format=format_name,
        height=height,
        width=width,
        channels=1 if picture.mode == "L" else 3,
        has_alpha=picture.mode == "RGBA",
        dtype="uint8",
    )


def _metadata(picture: PillowImage, stream: BinaryIO, format_name: str) -> tuple[Metadata, int]:
    """Return the metadata with the orientation reset, and the orientation that the file asked for."""
    block = _exif_block(picture)
    orientation = 1 if block is None else exif.orientation_of(block)
    metadata = Metadata(
        format=format_name,
        icc_profile=picture.info.get("icc_profile") or None,
        exif=block,
        xmp=picture.info.get("xmp") or None,
        iptc=iptc.of_jpeg(picture) if format_name == "JPEG" else None,
        comment=(picture.info.get("comment") or None) if format_name == "JPEG" else None,
        dpi=_resolution(picture.info.get("dpi")),
        is_lossless=format_name == "WEBP" and _is_lossless_webp(stream),
    )
    return exif.upright(metadata, orientation), orientation


def _exif_block(picture: PillowImage) -> bytes | None:
    block = picture.info.get("exif")
    block = block.removeprefix(_EXIF_PREFIX) if isinstance(block, bytes) else b""
    return block if exif.is_exif(block) else None


def _resolution(dpi: object) -> tuple[float, float] | None:
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(value) < 1e6 for value in dpi):
        return float(dpi[0]), float(dpi[1])
    return None


def _is_lossless_webp(stream: BinaryIO) -> bool:
    """Return whether the first frame is coded as VP8L (RFC 9649, section 2)."""
    at = 12
    while True:
        stream.seek(at)
        prefix = stream.read(8)
        if len(prefix) < 8 or prefix[:4] in (b"VP8 ", b"ANMF"):
            return False
        if prefix[:4] == b"VP8L":
            return True
        length = int.from_bytes(prefix[4:], "little")
        at += 8 + length + length % 2


def _as_array(picture: PillowImage) -> Numbers:
    """Return the pixels, ``(H, W, C)``, converted in strips: Pillow would make two whole copies on the way."""
    width, height = picture.size
    decoded = np.empty((height, width, len(picture.getbands())), np.uint8)
    rows = max(1, _STRIP_PX // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        decoded[top:bottom] = np.asarray(picture.crop((0, top, width, bottom))).reshape(bottom - top, width, -1)
    return decoded


def _rgb_of_cmyk(picture: PillowImage, metadata: Metadata) -> tuple[PillowImage, Metadata]:
    """Return the picture in sRGB: by its own profile if it has a usable one, which then no longer applies."""
    from PIL import ImageCms

    without_profile = replace(metadata, icc_profile=None)
    if metadata.icc_profile:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc_profile))
            converted = ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted, without_profile
    return picture.convert("RGB"), without_profile


def _fitting_jpeg(metadata: Metadata) -> tuple[Metadata, tuple[str, ...]]:
    left_out = []
    if metadata.exif and len(_EXIF_PREFIX + metadata.exif) > _JPEG_MARKER_BYTES:
        metadata = replace(metadata, exif=None)
        left_out.append("The EXIF block is too large for JPEG and was left out.")
    if metadata.xmp and len(_XMP_PREFIX + metadata.xmp) > _JPEG_MARKER_BYTES:
        metadata = replace(metadata, xmp=None)
        left_out.append("The XMP packet is too large for JPEG and was left out.")
    if metadata.iptc and len(metadata.iptc) > iptc.MAX_JPEG_BYTES:
        metadata = replace(metadata, iptc=None)
        left_out.append("The IPTC records are too large for JPEG and were left out.")
    return metadata, tuple(left_out)


def _save_options(metadata: Metadata, exif_prefix: bytes = b"") -> dict[str, Any]:
    options: dict[str, Any] = {}
    if metadata.icc_profile:
        options["icc_profile"] = metadata.icc_profile
    if metadata.exif:
        options["exif"] = exif_prefix + metadata.exif
    if metadata.xmp:
        options["xmp"] = metadata.xmp
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    return options

"""From the colours of a file to the colours of the screen: embedded profiles shown as sRGB.

Only what is *shown* is converted; the numbers that are read out, compared and saved stay those of the file.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

ByteArray = NDArray[np.uint8]
ColourTransform = Callable[[ByteArray], ByteArray]
"""`(H, W, 3)` uint8 in the colours of the file → the same shape in sRGB; safe from any thread."""

MAX_PROFILE_BYTES = 4 << 20
"""Larger profiles are left alone: real ones for RGB have a few kilobytes, printer tables up to 3 MB."""

_LATTICE = np.linspace(0, 255, 9).astype(np.uint8)


def srgb_transform(icc_profile: bytes | None) -> ColourTransform | None:
    """Return what turns 8-bit RGB of ``icc_profile`` into sRGB, or None where nothing is to be done.

    None means: no profile, one that is sRGB already (no colour moves by more than one step), or one that is damaged
    or not for RGB; such pictures are shown as if they were sRGB, as every other viewer does.
    """
    if not icc_profile or len(icc_profile) > MAX_PROFILE_BYTES:
        return None
    from PIL import Image, ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(icc_profile)),
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError):
        return None

    def convert(pixels: ByteArray) -> ByteArray:
        converted = ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), transform)
        return np.asarray(converted)

    lattice = np.stack(np.meshgrid(_LATTICE, _LATTICE, _LATTICE), axis=-1).reshape(9, 81, 3)
    moved = np.abs(convert(lattice).astype(np.int16) - lattice)
    return convert if moved.max() > 1 else None

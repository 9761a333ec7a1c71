"""What a result will be before it is computed: its shape, its type of number, and a format that holds it."""

from __future__ import annotations

import numpy as np

from srdesk.engine.enlarge import SCALE, TargetSize
from srdesk.errors import ConfigError
from srdesk.gui.work.requests import Document
from srdesk.imaging.image import Image
from srdesk.imaging.stored import StoredImage

LOSSLESS_SUFFIX = ".png"
"""Format that is offered where another one cannot hold a result."""

MEASURED_SUFFIX = ".fits"
"""The same for measured pictures."""

SCENE_SUFFIX = ".tif"
"""The same for scenes."""


def expected_result(image: Image, size: str) -> StoredImage:
    """Return a stand-in for the result: its shape and type, without its memory.

    Raises:
        ConfigError: the size is more than four times the picture, or another than that of a measured one.
    """
    is_measured = image.science is not None or image.metadata.scene is not None
    if is_measured and TargetSize.parse(size).scale != SCALE:
        raise ConfigError("size", size, f"{SCALE}x for FITS files and scenes, whose values it conserves")
    height, width = TargetSize.parse(size).resolve(image.height, image.width)
    zero = np.zeros((), np.dtype(image.values.dtype))
    alpha = None if image.alpha is None else np.broadcast_to(zero, (height, width))
    numbers = np.broadcast_to(zero, (height, width, image.channels))
    return StoredImage(numbers, image.values, alpha, image.metadata, image.science)


def suffix_for(document: Document) -> str:
    """Return the suffix of a format that holds any result of a picture."""
    image = document.image
    if image is None:
        return SCENE_SUFFIX
    if image.science is not None:
        return MEASURED_SUFFIX
    return LOSSLESS_SUFFIX if image.metadata.scene is None else SCENE_SUFFIX

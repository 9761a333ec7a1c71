"""What is refused before anything is computed: files that cannot become what is wished for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from srdesk.engine.enlarge import SCALE, TargetSize
from srdesk.errors import ConfigError, ImageWriteError, OutOfMemoryError
from srdesk.imaging.formats import can_hold, format_for
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.engine.files.file_recipe import FileRecipe
    from srdesk.imaging.image import Image

_BACK_PROJECTION_COPIES = 5
"""Results as floats that the back-projection holds at a time."""


def checked_format(output: Path, image: Image, size: TargetSize, *, keeps_alpha: bool) -> str:
    """Return the format of an output; makes sure, before anything is computed, that it can hold the result.

    Raises:
        ConfigError: the size is larger than four times the picture.
        ImageWriteError: the format cannot; the hint says what to do.
    """
    height, width = size.resolve(image.height, image.width)
    nothing = np.zeros((), image.values.dtype)  # as large as wished, in no memory
    has_alpha = image.alpha is not None and keeps_alpha
    stored = StoredImage(
        np.broadcast_to(nothing, (height, width, image.channels)),
        image.values,
        np.broadcast_to(nothing, (height, width)) if has_alpha else None,
        image.metadata,
        image.science,
    )
    format_name = format_for(output)
    assert format_name is not None
    reason = can_hold(format_name, stored)
    if reason is not None:
        is_only_alpha = can_hold(format_name, replace(stored, alpha_numbers=None)) is None
        background = ", or put a colour behind it with --background COLOUR" if is_only_alpha else ""
        raise ImageWriteError(output, reason, hint=f"Name an output of another format{background}.")
    return format_name


def check_disk_wishes(recipe: FileRecipe, what: str) -> None:
    """Make sure that nothing is wished for that is not done to scenes, or to ``what`` else goes from disk to disk.

    Raises:
        ConfigError: something is.
    """
    if TargetSize.parse(recipe.size).scale != SCALE:
        raise ConfigError("size", recipe.size, f"{SCALE}x for {what}, or an output of another format")
    if recipe.background is not None:
        raise ConfigError("background", recipe.background, f"no background for {what}: it keeps its opacity")
    if recipe.back_projection:
        raise ConfigError("back-projection", recipe.back_projection, f"0 for {what}")


def check_memory_for_back_projection(image: Image) -> None:
    """Make sure that the result of a picture can be back-projected.

    Raises:
        OutOfMemoryError: there is too little memory.
    """
    needed_bytes = image.pixels.size * SCALE**2 * np.dtype(np.float32).itemsize * _BACK_PROJECTION_COPIES
    free_bytes = psutil.virtual_memory().available
    if needed_bytes > free_bytes:
        raise OutOfMemoryError(
            f"The back-projection needs {needed_bytes / 1e9:.1f} GB of memory, and {free_bytes / 1e9:.1f} GB are free.",
            hint="Close other programs, enlarge a smaller picture, or do without the back-projection.",
        )

"""With what, where and how a file is enlarged, wherever that is done: here, in the queue, or on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

Colour = tuple[int, int, int]


class FileRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """With what, where and how a file is enlarged: everything that its result depends on, but for the file."""

    model: str
    """What output names call the model."""
    weights: Path | None = None
    """Its weights file; None for the bicubic."""
    device: str = "auto"
    """One of `srdesk.engine.device.DEVICES`."""
    precision: str = "auto"
    """One of `srdesk.engine.device.PRECISIONS`."""
    window_px: int | None = None
    """Bound of strip height and band width in LR pixels; None for automatic, 0 for the whole picture."""
    size: str = "4x"
    """``4x``, ``3x``, ``2x`` or ``WIDTHxHEIGHT``."""
    background: Colour | None = None
    """8-bit RGB that is put behind transparency, which is then gone; None to keep it."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 95
    """For JPEG and WebP."""
    part: str = ""
    """Which image of a FITS file, as `srdesk.imaging.fits.reader.probe` has it; empty for the first."""
    bands: tuple[int, int, int] | None = None
    """Which bands of a scene are red, green and blue, from 1; None for those that the file names."""
    back_projection: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Strength of the back-projection, see `srdesk.imaging.fidelity.back_projected`."""
    sidecar: bool = False
    """Whether a file beside the result tells how it was made; the result itself always does."""

"""The sharp picture that the open one was made from, if it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.imaging.image import FloatArray

if TYPE_CHECKING:
    from srdesk.gui.compare.pyramid import DisplayImage


@dataclass(frozen=True, slots=True)
class Truth:
    """The sharp picture that the open one was made from."""

    name: str
    path: Path | None
    """Where it came from; None for a pasted picture."""
    pixels: FloatArray
    """`(4h, 4w, C)` in `[0, 1]`, where ``(h, w)`` is the size of the open one; read-only."""
    display: DisplayImage
    """The same, ready to be drawn."""

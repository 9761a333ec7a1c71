"""A wish to have a pane in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveOrder:
    """A wish to have a pane in a file; the pane is computed first if need be."""

    pane: str
    path: Path
    quality: int = 95
    size: str = "4x"
    """``4x``, ``3x``, ``2x`` or ``WIDTHxHEIGHT``."""
    background: tuple[int, int, int] | None = None
    """8-bit colour put behind transparent pixels; None keeps the alpha channel."""
    model: str = ""
    """What output names call the model; the key of the pane if empty."""
    has_sidecar: bool = False
    """Whether a file beside the result tells how it was made; the result itself always does."""

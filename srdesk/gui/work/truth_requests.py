"""What crosses a thread about ground truth: the sharp picture that the open one was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.gui.work.requests import Answer, Request
from srdesk.imaging.image import FloatArray, Image

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


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTruthRequest(Request):
    """Read the sharp picture that the open one was made from."""

    path: Path
    image: Image
    """The open picture, which is a quarter as long on each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradeRequest(Request):
    """Make a sharp picture four times smaller, and open that."""

    image: Image
    name: str
    """What the window calls the small one."""
    truth_name: str
    """What the sharp one is called."""
    path: Path | None
    """Where it came from."""


@dataclass(frozen=True, slots=True)
class TruthOpened(Answer):
    """The sharp picture was read, and goes with the open one."""

    truth: Truth

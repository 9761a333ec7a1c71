"""The words in which the desk and the comparison talk: panes, modes, readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from srdesk.gui.compare.file_values import FileValues


class CompareMode(Enum):
    """How panes are compared."""

    GRID = "grid"
    SLIDER = "slider"
    BLINK = "blink"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """A pane that there shall be."""

    key: str
    """Name that the desk uses: lr, bicubic, srcnn, srresnet, srgan."""
    title: str
    """Name that people read, translated."""
    remark: str = ""
    """What people must know about every picture in this pane, translated."""


@dataclass(frozen=True, slots=True)
class CursorReading:
    """What is under the pointer."""

    x: float
    """LR column; the pixel is ``int(x)``."""
    y: float
    """LR row."""
    values: Mapping[str, FileValues | None]
    """File values by pane key, alpha last; None where a pane has no picture."""

"""The words in which the desk and the comparison talk: panes, modes, readings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


_TELLING = ("srresnet", "srgan", "srcnn")
"""Networks, the ones first that people want most."""
_LESS_TELLING = ("bicubic", "lr", "hr", "map")
"""Panes that no network has made."""


def most_telling(keys: Iterable[str]) -> str:
    """Return the pane that commands mean best where nobody has said which: that of a network if there is one."""
    order = {key: place for place, key in enumerate(_TELLING, -len(_TELLING))}
    order |= {key: place for place, key in enumerate(_LESS_TELLING, 1)}
    return min(keys, key=lambda key: order.get(key, 0))

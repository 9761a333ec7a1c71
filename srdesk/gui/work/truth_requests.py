"""What crosses a thread about ground truth: the sharp picture that the open one was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from srdesk.gui.work.ground_truth import Truth
from srdesk.gui.work.requests import Answer, Request
from srdesk.imaging.image import Image


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

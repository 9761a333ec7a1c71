"""What crosses a thread of the desk: requests that go out, and the answers and reports that come back.

Everything here is frozen, and arrays inside are read-only, so that nothing mutable is ever shared. Each request gets
exactly one answer; reports may come in between.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtGui import QImage

from srdesk.engine.control import CancelToken, Progress
from srdesk.engine.files.file_stamp import FileStamp
from srdesk.errors import SrDeskError
from srdesk.gui.messages.failure import Failure
from srdesk.gui.work.save_order import SaveOrder
from srdesk.imaging.image import Box, Image

if TYPE_CHECKING:
    from srdesk.engine.upscaler import UpscaleFacts
    from srdesk.engine.warm_up import DeviceChoice
    from srdesk.gui.compare.pyramid import DisplayImage
    from srdesk.gui.scene.pyramid import ScenePyramid
    from srdesk.gui.work.ground_truth import Truth
    from srdesk.imaging.fits.parts import Plane
    from srdesk.imaging.scene.geolocation import Geolocation
    from srdesk.imaging.scene.geotiff import Band
    from srdesk.imaging.stored import StoredImage
    from srdesk.imaging.values import ValueMap

SkyReader = Callable[[float, float], tuple[float, float]]
"""From a point to right ascension and declination in degrees."""

_ids = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something asked of a worker thread."""

    id: int = field(default_factory=lambda: next(_ids))
    """Number that the answer carries; later requests have larger ones."""
    token: CancelToken = field(default_factory=CancelToken, compare=False)
    """Raised to make the worker stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest(Request):
    """Read a picture from a file."""

    path: Path
    part: str = ""
    """Which image of a FITS file, as `srdesk.imaging.fits.reader.probe` has it; empty for the first."""
    bands: tuple[int, ...] = ()
    """Which band of a scene, or which three as red, green and blue, from 1; empty for those that it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PasteRequest(Request):
    """Take over a picture from the clipboard."""

    picture: QImage
    """A copy that nobody else changes."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpRequest(Request):
    """Load torch, and say what this machine can compute on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """With what, where and how a pane is computed."""

    model: str
    """Architecture, or ``bicubic``."""
    weights: Path | None
    """Weights file; None for bicubic."""
    weights_stamp: FileStamp | None = None
    """How the weights file was when the pane was asked for."""
    device: str = "auto"
    precision: str = "auto"
    window_px: int | None = None
    """Largest strip and band in LR pixels; 0 is the whole picture, None lets the engine choose."""

    def has_weights_of(self, other: Recipe) -> bool:
        """Whether both use the same file, in the same state."""
        return (self.weights, self.weights_stamp) == (other.weights, other.weights_stamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest(Request):
    """Compute one pane, whole or in part."""

    pane: str
    """Key of the pane."""
    image: Image
    recipe: Recipe
    region: Box | None = None
    """Part to compute, in LR pixels; None for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveJob:
    """One result and the file that it becomes."""

    order: SaveOrder
    result: Rendered
    document: Document
    """The picture that it was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRequest(Request):
    """Write results to files, one after the other."""

    jobs: tuple[SaveJob, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The one thing that comes back for a request."""

    id: int


@dataclass(frozen=True, slots=True)
class Document:
    """A picture that was opened."""

    name: str
    """What the window calls it."""
    path: Path | None
    """Where it came from; None for a pasted picture."""
    image: Image | None
    """The picture; None if it is a `scene`."""
    display: DisplayImage | ScenePyramid
    """The same picture, ready to be drawn at any zoom."""
    planes: tuple[Plane, ...] = ()
    """All images of its FITS file."""
    part: str = ""
    """Which of them it is."""
    bands: tuple[Band, ...] = ()
    """All bands of its scene."""
    shown_bands: tuple[int, ...] = ()
    """Numbers of those that it shows: one, or red, green and blue."""
    sky: SkyReader | None = None
    """From a point of the picture, in pixels from its upper left corner, to right ascension and declination."""
    geolocation: Geolocation | None = None
    """Where on Earth its pixels are."""
    scene: ScenePyramid | None = None
    """The scene, if it is too large to be held in memory; `display` then is it as well."""
    header: str = ""
    """What its file says of it, as people read it; empty for photos."""
    remark: str = ""
    """A sentence that people must read once it is open; empty if all is well."""
    stamp: FileStamp | None = None
    """How its file was when it was read; None if there is none."""
    truth: Truth | None = None
    """The sharp picture that it was made from, if that is known."""

    @property
    def values(self) -> ValueMap:
        """From the numbers of its file to the range that panes show."""
        if self.scene is not None:
            return self.scene.scene.values
        assert self.image is not None
        return self.image.values

    @property
    def height(self) -> int:
        """Rows."""
        return self.display.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.display.width


@dataclass(frozen=True, slots=True)
class Opened(Answer):
    """A picture was read and is ready to be shown."""

    document: Document


@dataclass(frozen=True, slots=True)
class WarmedUp(Answer):
    """torch is loaded."""

    devices: tuple[DeviceChoice, ...]


@dataclass(frozen=True, slots=True)
class Rendered(Answer):
    """A whole pane was computed."""

    pane: str
    stored: StoredImage
    display: DisplayImage
    facts: UpscaleFacts
    recipe: Recipe
    back_projection: float = 0.0
    """Strength of the back-projection that it went through since."""


@dataclass(frozen=True, slots=True)
class Previewed(Answer):
    """A part of a pane was computed."""

    pane: str
    region: Box
    """In LR pixels."""
    stored: StoredImage
    """Only the region, four times as large; equal to that part of the whole result."""
    display: DisplayImage
    facts: UpscaleFacts


@dataclass(frozen=True, slots=True)
class Saved(Answer):
    """Every file of the request is on the disk, or could not be written."""

    paths: tuple[Path, ...]
    """What is there."""
    failures: tuple[Failure, ...] = ()
    """What is not, and why."""


@dataclass(frozen=True, slots=True)
class Failed(Answer):
    """The request came to nothing, for a reason that a person can read."""

    error: SrDeskError


@dataclass(frozen=True, slots=True)
class WasCancelled(Answer):
    """The request was stopped because someone asked for it."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a request has come; not an answer."""

    id: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Noticed:
    """One sentence about a change of way, such as smaller windows; not an answer."""

    id: int
    sentence: str


PaneKey = Literal["lr", "bicubic", "srcnn", "srresnet", "srgan"]
"""Key of a pane."""

PANE_KEYS: tuple[PaneKey, ...] = ("lr", "bicubic", "srcnn", "srresnet", "srgan")
"""Panes in the order of the window."""

TRUTH_PANE = "hr"
"""Key of the pane that shows the ground truth, while there is one."""

MAP_PANE = "map"
"""Key of the pane that shows a map of what is doubtful, while there is one."""

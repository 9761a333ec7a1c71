"""What crosses the thread that finds out how far results can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from srdesk.engine.control import PauseToken
from srdesk.gui.work.ground_truth import Truth
from srdesk.gui.work.requests import Answer, Recipe, Rendered, Request
from srdesk.imaging.fidelity import Consistency
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.stored import StoredImage

if TYPE_CHECKING:
    from srdesk.engine.report.report import Subject
    from srdesk.engine.trust.honesty import Outcome, Score, Spread
    from srdesk.gui.compare.pyramid import DisplayImage


@dataclass(frozen=True, slots=True, kw_only=True)
class AppraiseRequest(Request):
    """Compare a result with the picture that it was made from, and with the truth if that is known."""

    pane: str
    image: Image
    stored: StoredImage | None
    """The result; None for the bicubic, which is made for it."""
    truth: Truth | None = None


@dataclass(frozen=True, slots=True)
class Appraised(Answer):
    """What was found about a result."""

    pane: str
    consistency: Consistency
    score: Score | None
    """How close it comes to the truth; None if that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRequest(Request):
    """Something that takes long enough to stand back while panes are computed."""

    token: PauseToken = field(default_factory=PauseToken, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackProjectRequest(LongRequest):
    """Make a result more consistent with its picture."""

    image: Image
    result: Rendered
    """As the network made it."""
    strength: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class BackProjected(Answer):
    """The result, now more consistent."""

    result: Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRequest(LongRequest):
    """Colour what makes a result doubtful."""

    title: str
    """What is shown, translated."""
    factor: float
    """Units that people read, per unit of `[0, 1]`."""
    highest: float | None = None
    """Number of the brightest colour in `[0, 1]`; None for one that goes with the map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyMapRequest(MapRequest):
    """Colour where a result, made smaller, differs from its picture."""

    pane: str
    consistency: Consistency


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadMapRequest(MapRequest):
    """Colour how much a result depends on which way up its picture is; the network runs eight times."""

    image: Image
    recipe: Recipe
    region: Box | None
    """The part to look at, in LR pixels; None for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisagreementMapRequest(MapRequest):
    """Colour where two results differ."""

    one: Rendered
    other: Rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest(LongRequest):
    """Write a report on the results that there are."""

    output: Path
    image: Image
    outcomes: tuple[Outcome, ...]
    truth: FloatArray | None
    regions: tuple[Box, ...]
    """Parts that are looked at more closely, in LR pixels."""
    subject: Subject
    """What the report tells of files."""


@dataclass(frozen=True, slots=True)
class Reported(Answer):
    """The report is on the disk."""

    output: Path


@dataclass(frozen=True, slots=True)
class Mapped(Answer):
    """A map is ready to be shown."""

    title: str
    display: DisplayImage
    region: Box | None
    """Where it lies, in LR pixels; None for everywhere."""
    highest: float
    """Number of the brightest colour in `[0, 1]`."""
    spread: Spread
    """The map in three numbers."""

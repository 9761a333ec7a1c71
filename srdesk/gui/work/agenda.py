"""What the desk computes next: a pure function of what is open, what is visible and what is done.

The order is: previews of the visible region, pane by pane; then whole runs that the person asked for; then whole runs
of pictures that are quick enough to be enlarged unasked. Knows nothing of Qt or torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from srdesk.engine.control import Progress
from srdesk.imaging.image import Box

SCALE = 4
"""Enlargement of every network of this program."""

PREVIEW_LIMIT_S = 4.0
"""A preview that would take longer is not begun unasked: by then the person has looked elsewhere."""

PREVIEW_MARGIN_PX = 8
"""LR pixels that a preview extends beyond the view, so that nudging the picture does not start another."""

WHOLE_SHARE = 0.6
"""A view that shows this share of a picture gets the whole run at once instead of a preview first."""

AUTOMATIC_OUTPUT_PX = 64_000_000
"""Results with more pixels are not computed unasked: with five panes they would fill the memory of a small machine."""

ASSUMED_SPEED_MPX_S = {"bicubic": 20.0}
"""Output megapixels a second that are assumed until one run has been measured."""

ASSUMED_NETWORK_SPEED_MPX_S = 1.2
"""The same for every network: SRResNet on two cores, in float32."""

WASTEFUL_RATIO = 4
"""A preview of so many times the area that is seen now makes way for one of that area alone."""


class Why(Enum):
    """Why something is computed."""

    PREVIEW = "preview"
    ASKED = "asked"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Task:
    """One pane to compute."""

    pane: str
    region: Box | None
    """Part to compute in LR pixels; None for everything."""
    why: Why


@dataclass(frozen=True, slots=True)
class Activity:
    """What is being computed right now."""

    pane: str
    why: Why
    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that the next task depends on."""

    height: int
    width: int
    """Size of the picture in pixels."""
    panes: tuple[str, ...]
    """Visible panes that can be computed, in the order of the window."""
    visible: Box | None = None
    """The part of the picture that the panes show."""
    finished: frozenset[str] = frozenset()
    """Panes that are computed as a whole."""
    previewed: Mapping[str, Box] = field(default_factory=dict)
    """The part of each pane that has a preview."""
    failed: frozenset[str] = frozenset()
    """Panes that are not tried again by themselves."""
    asked: tuple[str, ...] = ()
    """Panes that the person wants whole, in this order."""
    asked_region: Box | None = None
    """Region that the person wants to see however long it takes."""
    speeds_mpx_s: Mapping[str, float] = field(default_factory=dict)
    """Measured output megapixels a second of each pane."""
    automatic_run_s: float = 20.0
    """Whole runs that take at most so long begin unasked."""
    is_held: bool = False
    """The person cancelled: nothing begins unasked."""
    is_on_disk: bool = False
    """A scene that is too large for memory: only parts of it are computed here."""

    def seconds(self, pane: str, pixels: int) -> float:
        """Estimate how long ``pane`` takes for so many LR ``pixels``."""
        assumed = ASSUMED_SPEED_MPX_S.get(pane, ASSUMED_NETWORK_SPEED_MPX_S)
        return pixels * SCALE**2 / 1e6 / self.speeds_mpx_s.get(pane, assumed)

    def whole_seconds(self, pane: str) -> float:
        """Estimate how long the whole of ``pane`` takes."""
        return self.seconds(pane, self.height * self.width)

    def is_automatic(self, pane: str) -> bool:
        """Whether the whole of ``pane`` is computed unasked."""
        if self.is_held or self.is_on_disk or pane in self.failed:
            return False
        is_small = self.height * self.width * SCALE**2 <= AUTOMATIC_OUTPUT_PX
        return is_small and self.whole_seconds(pane) <= self.automatic_run_s


def next_task(situation: Situation) -> Task | None:
    """Return what to compute next, or None when nothing is left to do."""
    for pane in situation.panes:
        region = preview_region(situation, pane)
        if region is not None:
            return Task(pane, region, Why.PREVIEW)
    if situation.asked:
        return Task(situation.asked[0], None, Why.ASKED)
    if situation.visible is None:
        return None  # a whole run would only be in the way of the previews that will be wanted in a moment
    for pane in situation.panes:
        if pane not in situation.finished and situation.is_automatic(pane):
            return Task(pane, None, Why.AUTOMATIC)
    return None


def preview_region(situation: Situation, pane: str) -> Box | None:
    """Return the region of ``pane`` that should be previewed now, None if it needs none or would take too long."""
    visible = situation.visible
    if visible is None or visible.is_empty or situation.is_held:
        return None
    if pane in situation.finished or pane in situation.failed or pane in situation.asked:
        return None
    if contains(situation.previewed.get(pane), visible):
        return None
    share = visible.height * visible.width / (situation.height * situation.width)
    if share >= WHOLE_SHARE and situation.is_automatic(pane):
        return None
    region = visible.grown(PREVIEW_MARGIN_PX).clipped(situation.height, situation.width)
    if situation.is_on_disk and region.height * region.width * SCALE**2 > AUTOMATIC_OUTPUT_PX:
        return None
    is_quick = situation.seconds(pane, region.height * region.width) <= PREVIEW_LIMIT_S
    return region if is_quick or contains(situation.asked_region, visible) else None


def is_outdated(region: Box, visible: Box | None) -> bool:
    """Whether a preview of ``region`` that is under way is no longer worth waiting for."""
    if visible is None or not contains(region, visible):
        return True
    seen = visible.grown(PREVIEW_MARGIN_PX)
    return region.height * region.width > WASTEFUL_RATIO * seen.height * seen.width


def makes_way(current: Task, situation: Situation) -> bool:
    """Whether what is under way should be stopped, since a preview of what is seen now is wanted more."""
    wanted = next_task(situation)
    if wanted is None or wanted.why is not Why.PREVIEW:
        return False
    return current.why is Why.AUTOMATIC or (
        current.region is not None and is_outdated(current.region, situation.visible)
    )


def is_waiting(situation: Situation, pane: str) -> bool:
    """Whether ``pane`` shows nothing of the visible region and will not unless the person zooms in or asks."""
    if (
        pane in situation.finished
        or pane in situation.asked
        or contains(situation.previewed.get(pane), situation.visible)
    ):
        return False
    return preview_region(situation, pane) is None and not situation.is_automatic(pane)


def contains(outer: Box | None, inner: Box | None) -> bool:
    """Whether ``outer`` covers all of ``inner``."""
    if outer is None or inner is None:
        return False
    return (
        outer.top <= inner.top
        and outer.left <= inner.left
        and outer.bottom >= inner.bottom
        and outer.right >= inner.right
    )

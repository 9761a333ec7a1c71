"""Pure integer geometry: bands, strips, halos. Knows nothing of torch.

A region of a picture is cut into bands, column ranges that are computed one after the other; a band goes through the
network in strips of rows. Only between bands, and around a region that is not the whole picture, context is needed that
is computed and thrown away: the halo.
"""

from __future__ import annotations

from dataclasses import dataclass

from srdesk.errors import ConfigError
from srdesk.imaging.image import Box

SMALLEST_WINDOW_PX = 32
"""Strips and bands are not made smaller than this when memory runs out."""

THINNEST_STRIP_PX = 8
"""Rows of the thinnest automatic strip: thinner ones cost more calls than they save memory."""

WHOLE_IMAGE = 0
"""The window size that means "the whole image at once"."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How large the pieces are in which a picture goes through a network."""

    strip_px: int
    """Rows of a strip, at most."""
    band_px: int
    """Columns of a band, at most, without its halo."""
    window_px: int
    """The bound of both that was asked for or found; 0 for the whole image."""

    def halved(self) -> Tiling | None:
        """Return the next smaller tiling, or None if this is the smallest."""
        largest_px = max(self.strip_px, self.band_px)
        if largest_px <= SMALLEST_WINDOW_PX:
            return None
        bound_px = max(SMALLEST_WINDOW_PX, largest_px // 2)
        return Tiling(min(self.strip_px, bound_px), min(self.band_px, bound_px), bound_px)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture that is computed in one go."""

    read: Box
    """LR pixels that it needs: what it gives, and the halo."""
    write: Box
    """LR pixels whose SR pixels it gives."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Which pieces a kind of device computes fastest."""

    strip_area_px: int
    """Pixels of a strip: enough work for a call, few enough to stay in fast memory."""
    strips: int
    """Strips that a picture should have at least, so that several threads have some to work on."""
    band_px: int
    """Width from which on a halo costs little."""


CPU_PACE = Pace(strip_area_px=8192, strips=16, band_px=3072)
"""64 float32 channels of a strip are 2 MB, a second-level cache. Areas of 4096 to 16384 pixels were as fast."""

GPU_PACE = Pace(strip_area_px=1 << 18, strips=1, band_px=4096)
"""A GPU wants long calls: each costs about 10 µs to start."""


def choose_tiling(region: Box, window_px: int | None, pace: Pace) -> Tiling:
    """Return how a region is cut.

    Args:
        region: LR pixels to enlarge.
        window_px: bound of strip height and band width that was asked for; None for automatic, 0 for none.
        pace: what the device computes fastest.

    Raises:
        ConfigError: the window size cannot be.
    """
    check_window(window_px)
    if window_px == WHOLE_IMAGE:
        return Tiling(max(THINNEST_STRIP_PX, region.height), max(1, region.width), WHOLE_IMAGE)
    band_px = _even_share(region.width, pace.band_px if window_px is None else window_px)
    strip_px = max(THINNEST_STRIP_PX, min(pace.strip_area_px // band_px, region.height // pace.strips))
    if window_px is None:
        return Tiling(strip_px, band_px, max(strip_px, band_px))
    return Tiling(min(strip_px, window_px), band_px, window_px)


def check_window(window_px: int | None) -> None:
    """Refuse a window size that cannot be.

    Raises:
        ConfigError: it is negative, or a strip of it would be too thin.
    """
    if window_px is not None and window_px != WHOLE_IMAGE and window_px < THINNEST_STRIP_PX:
        allowed = f"“auto”, 0 for the whole image, or at least {THINNEST_STRIP_PX} pixels"
        raise ConfigError("window", window_px, allowed)


def plan_bands(region: Box, band_px: int) -> list[Box]:
    """Cut a region into columns of about equal width, at most ``band_px``."""
    width = _even_share(region.width, band_px)
    lefts = range(region.left, region.right, width)
    return [Box(region.top, left, region.height, min(width, region.right - left)) for left in lefts]


def window_around(write: Box, height: int, width: int, halo_px: int) -> Window:
    """Return the window that gives ``write`` in a picture of ``height`` × ``width`` pixels."""
    return Window(write.grown(halo_px).clipped(height, width), write)


def plan_strips(window: Window, strip_px: int) -> list[Box]:
    """Cut what a window reads into strips, from top to bottom."""
    read = window.read
    tops = range(read.top, read.bottom, strip_px)
    return [Box(top, read.left, min(strip_px, read.bottom - top), read.width) for top in tops]


def _even_share(length: int, at_most: int) -> int:
    """Return the part length when ``length`` is cut into as few, about equal parts of ``at_most`` as will do."""
    parts = max(1, -(-length // max(1, at_most)))
    return max(1, -(-length // parts))

"""Where two pictures differ: |a − b| amplified, in colours that people with any kind of colour vision can rank.

Compared are the 8-bit pixels that the panes show, the largest of the channels counts. Pictures of different sizes are
compared on the finer grid: each fine pixel with the coarse pixel that its centre lies in, exactly as panes show true
pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srdesk.gui.compare.pyramid import TileSource
from srdesk.imaging.colour_map import COLOURS
from srdesk.imaging.image import Box

ByteArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DifferenceImage:
    """A `TileSource` whose pixels say how much two others differ."""

    first: TileSource
    """One of the two."""
    second: TileSource
    """The other one."""
    gain: int
    """Factor by which the difference is amplified before it is coloured."""

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels per LR pixel, those of the finer picture."""
        return self._finer.scale

    @property
    def has_alpha(self) -> bool:
        """Never: what differs is shown where it is transparent, too."""
        return False

    @property
    def level_count(self) -> int:
        """Number of levels of the finer picture."""
        return self._finer.level_count

    def level_size(self, level: int) -> tuple[int, int]:
        """Return ``(height, width)`` of ``level``."""
        return self._finer.level_size(level)

    def tile(self, level: int, box: Box) -> ByteArray | None:
        """Return the coloured difference of ``box`` as `(box.height, box.width, 3)` uint8; None until both are read."""
        both = self._finer.tile(level, box), self._sampled(level, box)
        if both[0] is None or both[1] is None:
            return None
        finer, coarser = _colours(both[0]), _colours(both[1])
        apart = np.where(finer > coarser, finer - coarser, coarser - finer).max(axis=2)
        amplified = np.minimum(apart.astype(np.uint16) * self.gain, 255)
        coloured: ByteArray = COLOURS.take(amplified, axis=0)
        return coloured

    def glimpse(self) -> ByteArray:
        """Return no difference at all: a coarse one would say too little about a fine one."""
        return COLOURS[:1, None]

    def forget_requests(self) -> None:
        """Pass on that something else is looked at."""
        self.first.forget_requests()
        self.second.forget_requests()

    @property
    def _finer(self) -> TileSource:
        return self.first if self.first.scale >= self.second.scale else self.second

    @property
    def _coarser(self) -> TileSource:
        return self.second if self._finer is self.first else self.first

    def _sampled(self, level: int, box: Box) -> ByteArray | None:
        """Return the coarser picture at the centres of the pixels of ``box`` of the finer one's ``level``."""
        finer, coarser = self._finer.scale, self._coarser.scale
        coarser_level = max(0, round(level - math.log2(finer[1] / coarser[1])))
        coarser_level = min(coarser_level, self._coarser.level_count - 1)
        height, width = self._coarser.level_size(coarser_level)
        step = 2.0 ** (level - coarser_level)
        centres_y, centres_x = np.arange(box.top, box.bottom) + 0.5, np.arange(box.left, box.right) + 0.5
        rows = np.minimum(centres_y * (step * coarser[0] / finer[0]), height - 1).astype(np.intp)
        columns = np.minimum(centres_x * (step * coarser[1] / finer[1]), width - 1).astype(np.intp)
        top, left = int(rows[0]), int(columns[0])
        needed = Box(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1)
        pixels = self._coarser.tile(coarser_level, needed)
        return None if pixels is None else pixels[np.ix_(rows - top, columns - left)]


def _colours(pixels: ByteArray) -> ByteArray:
    """Return ``pixels`` without their alpha."""
    return pixels[..., :1] if pixels.shape[2] < 3 else pixels[..., :3]

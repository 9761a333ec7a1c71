"""What is written over a picture stays inside it, and a legend shows the colours of its map."""

from __future__ import annotations

import numpy as np
import pytest
import qimage2ndarray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import QApplication

from srdesk.gui.compare import captions
from srdesk.gui.compare.captions import Captions, Legend
from srdesk.imaging.colour_map import COLOURS

GROUND = 255
LEGEND = Legend("mean 0.4 · max 3", "0", "≥ 2 of 255")


def painted(qapp: QApplication, said: Captions, part: QRectF | None = None) -> np.ndarray:
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    captions.paint(painter, said, part or QRectF(0, 0, 400, 300), QPalette())
    painter.end()
    return qimage2ndarray.rgb_view(image).copy()


def is_touched(pixels: np.ndarray) -> np.ndarray:
    return (pixels != GROUND).any(axis=2)


def test_nothing_is_painted_where_nothing_is_said(qapp: QApplication) -> None:
    assert not is_touched(painted(qapp, Captions())).any()


def test_a_note_stands_in_the_lower_left_corner(qapp: QApplication) -> None:
    rows, columns = np.nonzero(is_touched(painted(qapp, Captions(note="Consistency\nPSNR"))))
    assert rows.min() > 200
    assert columns.max() < 200


@pytest.mark.parametrize("said", [Captions(note="word " * 80), Captions(legend=Legend("word " * 80, "0", "9"))])
def test_words_that_are_too_long_are_cut_off(qapp: QApplication, said: Captions) -> None:
    pixels = painted(qapp, said, QRectF(100, 0, 150, 300))
    assert not is_touched(pixels[:, :100]).any()
    assert not is_touched(pixels[:, 250:]).any()


def test_a_legend_shows_every_colour_from_dark_to_bright(qapp: QApplication) -> None:
    pixels = painted(qapp, Captions(legend=LEGEND)).astype(int)
    apart = np.abs(pixels[:, :, None, :] - COLOURS[None, None, ::51].astype(int)).sum(axis=3)
    for number in range(6):
        assert apart[:, :, number].min() <= 12


def test_a_note_makes_room_for_what_is_being_done(qapp: QApplication) -> None:
    alone = np.nonzero(is_touched(painted(qapp, Captions(note="note"))))[0]
    both = np.nonzero(is_touched(painted(qapp, Captions(note="note", busy="Enlarging 40 %"))))[0]
    assert both.min() < alone.min() - 10
    assert both.max() == alone.max()

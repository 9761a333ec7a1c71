"""From tiles to the screen: the copying adapter, the mosaic of visible tiles, and what is painted of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qimage2ndarray
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage, QPainter

from srdesk.gui.compare import image_view
from srdesk.gui.compare.image_view import TILE_PX, ImageLayer, Mosaic, to_qimage
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.compare.viewport import CanvasSize, Viewport
from srdesk.imaging.image import Box

RNG = np.random.default_rng(11)
CANVAS = CanvasSize(150, 200)
GROUND = 77


class LoggedSource:
    """A huge picture without memory: every pixel is computed from its place; remembers what was asked for."""

    scale = (4.0, 4.0)
    has_alpha = False
    level_count = 8

    def __init__(self) -> None:
        self.tiles: list[tuple[int, Box]] = []

    def level_size(self, level: int) -> tuple[int, int]:
        return -(-16000 >> level), -(-24000 >> level)

    def tile(self, level: int, box: Box) -> np.ndarray:
        self.tiles.append((level, box))
        rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right]
        return np.dstack([rows % 256, columns % 256, np.full_like(rows, level)]).astype(np.uint8)

    def glimpse(self) -> np.ndarray:
        last = self.level_count - 1
        return self.tile(last, Box(0, 0, *self.level_size(last)))

    def forget_requests(self) -> None:
        raise AssertionError("every tile is there at once")


def colours_of(image: QImage) -> np.ndarray:
    opaque = image.convertToFormat(QImage.Format.Format_RGB32)  # named, since a view does not keep its image alive
    return qimage2ndarray.rgb_view(opaque).copy()


def painted(
    layer: ImageLayer, viewport: Viewport, canvas: CanvasSize = CANVAS, clip: QRect | None = None
) -> np.ndarray:
    """Paint with all the time in the world and return `(H, W, 3)`."""
    image = QImage(canvas.width_px, canvas.height_px, QImage.Format.Format_RGB32)
    image.fill(GROUND * 0x010101 | 0xFF000000)
    painter = QPainter(image)
    layer.paint(painter, viewport, canvas, clip or QRect(0, 0, canvas.width_px, canvas.height_px), math.inf)
    painter.end()
    assert layer.is_sharp
    return colours_of(image)


def true_pixels(pixels: np.ndarray, viewport: Viewport, scale: float, canvas: CanvasSize = CANVAS) -> np.ndarray:
    """Return what the canvas shows if every screen pixel shows the picture pixel that its centre lies in."""
    left, top = viewport.origin(canvas)
    own = viewport.ratio / scale
    rows = np.floor((np.arange(canvas.height_px) + 0.5 - top) / own).astype(int)
    columns = np.floor((np.arange(canvas.width_px) + 0.5 - left) / own).astype(int)
    inside = ((rows >= 0) & (rows < pixels.shape[0]))[:, None] & ((columns >= 0) & (columns < pixels.shape[1]))
    shown = pixels[np.ix_(rows.clip(0, pixels.shape[0] - 1), columns.clip(0, pixels.shape[1] - 1))]
    return np.where(inside[..., None], shown, GROUND)


# The adapter


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 17), st.integers(1, 19), st.sampled_from([1, 3]))))
def test_opaque_pixels_arrive_unchanged_at_every_width(pixels: np.ndarray) -> None:
    assert np.array_equal(colours_of(to_qimage(pixels)), np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 9), st.sampled_from([2, 4]))))
def test_transparent_pixels_arrive_premultiplied_within_rounding(pixels: np.ndarray) -> None:
    image = to_qimage(pixels)

    assert image.format() == QImage.Format.Format_ARGB32_Premultiplied
    alpha = pixels[..., -1:]
    assert np.array_equal(qimage2ndarray.alpha_view(image), alpha[..., 0])
    expected = np.broadcast_to(pixels[..., :-1] * (alpha / 255), (*pixels.shape[:2], 3))
    assert np.abs(qimage2ndarray.rgb_view(image) - expected).max() <= 0.5


def test_the_image_is_a_copy() -> None:
    pixels = np.zeros((5, 7, 3), np.uint8)
    image = to_qimage(pixels)

    pixels[:] = 255

    assert not colours_of(image).any()


def test_views_with_any_strides_are_taken() -> None:
    pixels = RNG.integers(0, 256, (30, 40, 3), np.uint8)

    assert np.array_equal(colours_of(to_qimage(pixels[::-2, 5::3, ::-1])), pixels[::-2, 5::3, ::-1])


# The mosaic


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2), *[st.floats(0, 1)] * 4), min_size=1, max_size=6))
def test_a_mosaic_that_is_sharp_holds_the_pixels_of_its_level(
    moves: list[tuple[int, float, float, float, float]],
) -> None:
    source = DisplayImage.of_pixels(MANY_PIXELS)
    mosaic = Mosaic(source)
    for level, *edges in moves:
        height, width = source.level_size(level)
        top, bottom = sorted((int(edges[0] * (height - 1)), int(edges[1] * (height - 1))))
        left, right = sorted((int(edges[2] * (width - 1)), int(edges[3] * (width - 1))))
        box = Box(top, left, bottom - top + 1, right - left + 1)
        mosaic.cover(level, box, 0.0)

    while not mosaic.is_sharp:
        mosaic.cover(level, box, 0.0)

    assert mosaic.level == level
    assert box.clipped(mosaic.box.bottom, mosaic.box.right) == box
    assert np.array_equal(colours_of(mosaic.image), source.tile(level, mosaic.box))


MANY_PIXELS = RNG.integers(0, 256, (900, 1000, 3), np.uint8)


def test_before_it_is_sharp_a_mosaic_shows_the_overview() -> None:
    mosaic = Mosaic(DisplayImage.of_pixels(np.full((3000, 3000, 3), 200, np.uint8)))

    mosaic.cover(0, Box(0, 0, 2000, 2000), 0.0)

    assert not mosaic.is_sharp
    assert (colours_of(mosaic.image) == 200).all()


def test_one_more_tile_becomes_sharp_with_every_look_even_without_time() -> None:
    source = LoggedSource()
    mosaic = Mosaic(source)
    looks = 0
    while looks == 0 or not mosaic.is_sharp:
        mosaic.cover(0, Box(0, 0, 3 * TILE_PX, 2 * TILE_PX), 0.0)
        looks += 1

    assert looks == 6


def test_panning_converts_only_the_tiles_that_come_into_sight() -> None:
    source = LoggedSource()
    mosaic = Mosaic(source)
    eight, three = 8 * TILE_PX + 10, 3 * TILE_PX
    mosaic.cover(0, Box(eight, eight, three, three), math.inf)
    source.tiles.clear()

    mosaic.cover(0, Box(eight, eight + 10, three, three), math.inf)
    assert not source.tiles

    mosaic.cover(0, Box(eight, eight + TILE_PX, three, three), math.inf)
    assert {box.left for level, box in source.tiles if level == 0} == {12 * TILE_PX}


@pytest.mark.parametrize("ratio", [0.01, 0.03, 0.05, 0.31, 1.0, 1.9, 2.0, 4.0, 37.0, 256.0])
def test_painting_touches_no_more_than_the_screen_needs(ratio: float) -> None:
    source, layer = LoggedSource(), ImageLayer()
    layer.show(source)
    canvas = CanvasSize(800, 1280)

    painted(layer, Viewport(3000.3, 2000.7, ratio), canvas)

    touched = sum(box.height * box.width for level, box in source.tiles if level < source.level_count - 1)
    # Twice the screen each way at worst, and a tile more at every edge.
    assert touched <= (2 * 800 + 3 * TILE_PX) * (2 * 1280 + 3 * TILE_PX)


# What is painted


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("own_ratio", [4, 5, 7, 16, 33])
def test_above_300_percent_every_screen_pixel_shows_a_true_pixel(scale: int, own_ratio: int) -> None:
    pixels = RNG.integers(0, 256, (31 * scale, 43 * scale, 3), np.uint8)
    layer = ImageLayer()
    layer.show(DisplayImage.of_pixels(pixels, scale))
    viewport = Viewport(20.7, 14.2, float(own_ratio * scale))

    assert np.array_equal(painted(layer, viewport), true_pixels(pixels, viewport, scale))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_where_a_level_fits_the_screen_its_pixels_are_painted_as_they_are(level: int) -> None:
    source = DisplayImage.of_pixels(MANY_PIXELS, 4)
    layer = ImageLayer()
    layer.show(source)
    viewport = Viewport(125.0, 112.5, 4 / 2**level)

    shown = painted(layer, viewport)

    pixels = source.tile(level, Box(0, 0, *source.level_size(level)))
    assert np.array_equal(shown, true_pixels(pixels, viewport, 4 / 2**level))


@pytest.mark.parametrize("own_ratio", [0.3, 0.77, 1.5, 2.9])
def test_below_300_percent_a_flat_picture_stays_flat_up_to_its_edges(own_ratio: float) -> None:
    layer = ImageLayer()
    layer.show(DisplayImage.of_pixels(np.full((301, 203, 3), 180, np.uint8)))
    viewport = Viewport(101.5, 150.5, own_ratio)
    canvas = CanvasSize(1000, 700)

    shown = painted(layer, viewport, canvas)

    assert set(np.unique(shown)) == {180, GROUND}
    height, width = (shown == 180).all(axis=2).any(axis=1).sum(), (shown == 180).all(axis=2).any(axis=0).sum()
    assert (height, width) == pytest.approx((301 * own_ratio, 203 * own_ratio), abs=1)


def test_nothing_is_painted_outside_the_clip() -> None:
    layer = ImageLayer()
    layer.show(DisplayImage.of_pixels(np.full((300, 300, 3), 180, np.uint8)))

    shown = painted(layer, Viewport(150, 150, 1.3), clip=QRect(50, 0, 70, 150))

    assert (shown[:, 50:120] == 180).all()
    assert (shown[:, :50] == GROUND).all()
    assert (shown[:, 120:] == GROUND).all()


def test_transparent_pixels_show_a_checkerboard_and_half_transparent_ones_half_of_it() -> None:
    pixels = np.zeros((150, 200, 4), np.uint8)
    pixels[..., 0] = 255
    pixels[:, 100:, 3] = 128
    layer = ImageLayer()
    layer.show(DisplayImage.of_pixels(pixels))

    shown = painted(layer, Viewport(100, 75, 1.0)).astype(int)

    side, greys = image_view.CHECKER_PX, image_view.CHECKER_GREYS
    rows, columns = np.mgrid[:150, :200] // side % 2
    checker = np.where(rows == columns, *greys)[..., None]
    assert np.array_equal(shown[:, :100], np.broadcast_to(checker, (150, 200, 3))[:, :100])
    half = (128 * np.array([255, 0, 0]) + 127 * checker) / 255
    assert np.abs(shown - half)[:, 100:].max() <= 1


def test_a_dimmed_placeholder_has_no_checkerboard() -> None:
    pixels = np.full((30, 40, 4), 255, np.uint8)
    pixels[:, 20:, 3] = 0
    layer = ImageLayer()
    layer.wait(DisplayImage.of_pixels(pixels))

    shown = painted(layer, Viewport(20, 15, 4.0))

    dimmed = GROUND + image_view.PLACEHOLDER_OPACITY * (255 - GROUND)
    assert np.abs(shown[40:100, 30:90] - dimmed).max() <= 2
    assert (shown[40:100, 110:170] == GROUND).all()


def test_a_patch_is_painted_sharp_over_the_dimmed_placeholder() -> None:
    patch = RNG.integers(0, 256, (40, 80, 3), np.uint8)
    layer = ImageLayer()
    layer.wait(DisplayImage.of_pixels(np.full((30, 40, 3), 255, np.uint8)))
    layer.add_patch(Box(5, 10, 10, 20), DisplayImage.of_pixels(patch, 4))

    shown = painted(layer, Viewport(20, 15, 4.0))

    left, top = 100 - 80, 75 - 60
    assert np.array_equal(shown[top + 20 : top + 60, left + 40 : left + 120], patch)
    dimmed = GROUND + image_view.PLACEHOLDER_OPACITY * (255 - GROUND)
    assert np.abs(shown[top : top + 20, left : left + 40] - dimmed).max() <= 2


def test_patches_do_not_pile_up_and_go_when_the_result_comes() -> None:
    layer = ImageLayer()
    layer.wait(DisplayImage.of_pixels(np.zeros((50, 50, 3), np.uint8)))
    for place in range(40):
        layer.add_patch(Box(place, place, 5, 5), DisplayImage.of_pixels(np.zeros((20, 20, 3), np.uint8), 4))
    assert len(layer.patches) == image_view.MAX_PATCHES

    layer.add_patch(Box(0, 0, 50, 50), DisplayImage.of_pixels(np.zeros((200, 200, 3), np.uint8), 4))
    assert len(layer.patches) == 1

    layer.show(DisplayImage.of_pixels(np.zeros((200, 200, 3), np.uint8), 4))
    assert not layer.patches

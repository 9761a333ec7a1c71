"""The arithmetic between LR coordinates and device pixels."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from srdesk.gui.compare.viewport import CanvasSize, Viewport

sizes = st.builds(CanvasSize, st.integers(1, 3000), st.integers(1, 4000))
ratios = st.floats(0.01, 256)
fractions = st.floats(0, 1)


@st.composite
def viewports(draw: st.DrawFn) -> tuple[Viewport, int, int]:
    height, width = draw(st.integers(1, 8000)), draw(st.integers(1, 8000))
    return Viewport(draw(fractions) * width, draw(fractions) * height, draw(ratios)), height, width


@given(viewports(), sizes, st.floats(-500, 5000), st.floats(-500, 5000))
def test_canvas_to_lr_and_back_is_the_same_point(
    case: tuple[Viewport, int, int], canvas: CanvasSize, x_px: float, y_px: float
) -> None:
    viewport = case[0]

    assert viewport.to_canvas(*viewport.to_lr(x_px, y_px, canvas), canvas) == pytest.approx((x_px, y_px), abs=1e-6)


@given(viewports(), sizes)
def test_the_centre_is_in_the_middle_of_the_canvas_within_half_a_pixel(
    case: tuple[Viewport, int, int], canvas: CanvasSize
) -> None:
    viewport = case[0]

    x_px, y_px = viewport.to_canvas(viewport.centre_x, viewport.centre_y, canvas)

    assert x_px == pytest.approx(canvas.width_px / 2, abs=0.5 + 1e-6)
    assert y_px == pytest.approx(canvas.height_px / 2, abs=0.5 + 1e-6)


@given(viewports(), sizes, ratios, fractions, fractions)
def test_zooming_keeps_the_point_under_the_cursor(
    case: tuple[Viewport, int, int], canvas: CanvasSize, ratio: float, across: float, down: float
) -> None:
    viewport = case[0]
    x_px, y_px = across * canvas.width_px, down * canvas.height_px
    point = viewport.to_lr(x_px, y_px, canvas)

    zoomed = viewport.zoomed(ratio, x_px, y_px, canvas)

    assert zoomed.ratio == ratio
    assert zoomed.to_canvas(*point, canvas) == pytest.approx((x_px, y_px), abs=0.5 + 1e-6)


@given(viewports(), sizes, st.floats(-900, 900), st.floats(-900, 900))
def test_panning_moves_the_document_by_as_many_pixels(
    case: tuple[Viewport, int, int], canvas: CanvasSize, right_px: float, down_px: float
) -> None:
    viewport = case[0]
    left, top = viewport.origin(canvas)

    new_left, new_top = viewport.panned(right_px, down_px).origin(canvas)

    assert (new_left - left, new_top - top) == pytest.approx((right_px, down_px), abs=1 + 1e-6)


@given(st.integers(1, 8000), st.integers(1, 8000), sizes)
def test_a_fitted_document_is_seen_whole_and_touches_two_edges(height: int, width: int, canvas: CanvasSize) -> None:
    viewport = Viewport.fitted(height, width, canvas)

    assert (viewport.visible(height, width, canvas).height, viewport.visible(height, width, canvas).width) == (
        height,
        width,
    )
    gaps = canvas.height_px - height * viewport.ratio, canvas.width_px - width * viewport.ratio
    assert min(gaps) == pytest.approx(0, abs=1e-6)
    assert max(gaps) >= -1e-6


@given(viewports(), sizes)
def test_exactly_the_pixels_that_reach_into_the_canvas_are_visible(
    case: tuple[Viewport, int, int], canvas: CanvasSize
) -> None:
    viewport, height, width = case
    box = viewport.visible(height, width, canvas)
    left, top = viewport.origin(canvas)

    assume(not box.is_empty)
    assert left + box.left * viewport.ratio < canvas.width_px
    assert top + box.top * viewport.ratio < canvas.height_px
    assert left + box.right * viewport.ratio > 0
    assert top + box.bottom * viewport.ratio > 0
    if box.left > 0:
        assert left + box.left * viewport.ratio <= 1e-6
    if box.right < width:
        assert left + box.right * viewport.ratio >= canvas.width_px - 1e-6


@given(viewports(), sizes, st.floats(-9000, 9000), st.floats(-9000, 9000))
def test_the_document_cannot_be_lost(
    case: tuple[Viewport, int, int], canvas: CanvasSize, right_px: float, down_px: float
) -> None:
    viewport, height, width = case

    clamped = viewport.panned(right_px, down_px).clamped(height, width, canvas)

    assert 0 <= clamped.centre_x <= width
    assert 0 <= clamped.centre_y <= height

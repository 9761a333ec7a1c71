"""From what a person chooses to what panes show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from srdesk.gui.compare.shading import Shading
from srdesk.gui.science.look import AXIS, Look, ToneScale
from srdesk.imaging.stretch import Stretch, asinh_stretch, linear_stretch, percentile_stretch, zscale_stretch

RNG = np.random.default_rng(2)
SKY = np.concatenate([RNG.normal(0.1, 0.01, (20_000, 1)), RNG.uniform(0.2, 1.4, (200, 1))]).astype(np.float32)
BANDS = np.column_stack([RNG.uniform(0.1, 0.3, 5000), RNG.uniform(0.2, 0.9, 5000), RNG.uniform(0, 1, 5000)]).astype(
    np.float32
)
OPENED = Shading((Stretch(0.05, 0.9, "asinh", 0.02),))


@pytest.fixture
def scale() -> ToneScale:
    return ToneScale(SKY, OPENED)


def test_the_default_look_shows_the_picture_as_it_was_opened(scale: ToneScale) -> None:
    assert scale.shading(Look()) == OPENED


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("linear", linear_stretch),
        ("percentile", percentile_stretch),
        ("asinh", asinh_stretch),
        ("zscale", zscale_stretch),
    ],
)
def test_every_range_is_made_of_the_values_of_the_picture(scale: ToneScale, name: str, make) -> None:
    assert scale.shading(Look(range=name)).stretches == (make(SKY),)


def test_bands_of_a_scene_get_ranges_of_their_own_and_colours_of_a_photo_one(scale: ToneScale) -> None:
    alone = ToneScale(BANDS, Shading(), takes_bands_alone=True).shading(Look(range="linear"))
    together = ToneScale(BANDS, Shading()).shading(Look(range="linear"))
    assert [(stretch.black, stretch.white) for stretch in alone.stretches] == [
        (float(BANDS[:, band].min()), float(BANDS[:, band].max())) for band in range(3)
    ]
    assert together.stretches == (linear_stretch(BANDS),)


@pytest.mark.parametrize("name", ["auto", "linear", "asinh"])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.71])
def test_what_lies_at_the_handles_is_black_and_white(scale: ToneScale, name: str, place: float) -> None:
    look = Look(range=name, black=place, white=place + 0.2)
    before, after = scale.shading(Look(range=name)), scale.shading(look)
    black, white = scale.ends(look)
    # Where the histogram is drawn is what the screen shows before the handles are moved.
    seen = before.stretches[0].shown(np.array([black, white], np.float32))
    assert seen == pytest.approx([place, place + 0.2], abs=2e-4)
    assert after.shown(np.array([[[black]], [[white]]], np.float32)).ravel().tolist() == [0, 255]


def test_gamma_inversion_and_marks_reach_the_panes(scale: ToneScale) -> None:
    shading = scale.shading(Look(gamma=1.8, is_inverted=True, marks_saturated=False))
    assert shading == replace(OPENED, gamma=1.8, is_inverted=True, marks_saturated=False)


def test_the_histogram_counts_along_the_axis(scale: ToneScale) -> None:
    counts = ToneScale(np.array([[0.0], [0.5], [0.5], [1.0]], np.float32), Shading()).histogram("auto")
    places = np.linspace(*AXIS, counts.shape[1] + 1)
    filled = [(float(places[number]), float(counts[0, number])) for number in np.flatnonzero(counts[0])]
    assert [share for _, share in filled] == [0.5, 1.0, 0.5]
    assert [place for place, _ in filled] == pytest.approx([0.0, 0.5, 1.0], abs=0.011)


def test_an_asinh_axis_gives_the_faint_the_room_that_it_has_on_the_screen(scale: ToneScale) -> None:
    def room(name: str) -> int:
        return int((scale.histogram(name)[0] > 0.05).sum())

    assert room("asinh") > 4 * room("linear")


def test_a_picture_without_any_value_has_an_empty_histogram() -> None:
    scale = ToneScale(np.empty((0, 1), np.float32), Shading())
    for name in ("auto", "linear", "percentile", "asinh", "zscale"):
        assert not scale.histogram(name).any()
        assert scale.shading(Look(range=name)).stretches == (Stretch(),)

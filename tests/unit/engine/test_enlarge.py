"""Whole pictures: alpha, sizes, regions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np
from numpy.typing import NDArray

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.enlarge import TargetSize, bleed_colour, enlarge, flatten, reduce
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, ConfigError, OutOfMemoryError
from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.resample import resize_bicubic
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import UINT8, UINT16, ValueMap

RNG = np.random.default_rng(7)


def picture(height: int = 9, width: int = 7, channels: int = 3, **fields: Any) -> Image:
    return Image(RNG.random((height, width, channels), np.float32), **fields)


def largest_difference(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("values", [UINT8, UINT16])
def test_the_result_is_four_times_as_large_in_the_numbers_of_the_file(channels: int, values: ValueMap) -> None:
    metadata = Metadata(icc_profile=b"profile")
    stored, facts = enlarge(picture(channels=channels, values=values, metadata=metadata), BicubicUpscaler())
    assert stored.numbers.shape == (36, 28, channels)
    assert stored.numbers.dtype == values.dtype
    assert stored.metadata is metadata
    assert not stored.has_alpha
    assert facts.model == "bicubic"


def test_without_alpha_and_at_full_size_the_result_is_what_the_model_gives() -> None:
    image = picture()
    stored, _ = enlarge(image, BicubicUpscaler())
    expected = UINT8.from_unit(resize_bicubic(image.pixels, 36, 28).clip(0, 1))
    np.testing.assert_array_equal(stored.numbers, expected)


def test_facts_count_the_pixels_of_the_result_and_the_time_of_the_whole_call() -> None:
    stored, facts = enlarge(picture(), BicubicUpscaler(), size=TargetSize.parse("2x"))
    assert facts.megapixels_per_second * facts.seconds == pytest.approx(stored.height * stored.width / 1e6)


def test_the_result_cannot_be_changed_by_whom_it_is_handed_to() -> None:
    stored, _ = enlarge(picture(alpha=np.ones((9, 7), np.float32)), BicubicUpscaler())
    assert not stored.numbers.flags.writeable
    assert stored.alpha_numbers is not None
    assert not stored.alpha_numbers.flags.writeable


def test_a_result_that_memory_cannot_hold_is_refused_before_anything_is_computed() -> None:
    class Vast(BicubicUpscaler):
        def upscale(self, *arguments: object, **options: object) -> Any:
            pytest.fail("computed")

    pixel = np.zeros((1, 1, 1), np.float32)
    image = Image(np.broadcast_to(pixel, (2, 2, 1)))
    object.__setattr__(image, "pixels", np.broadcast_to(pixel, (10**6, 10**6, 1)))
    with pytest.raises(OutOfMemoryError, match=r"4000000 × 4000000 pixels needs 16000\.0 GB"):
        enlarge(image, Vast())


# --- alpha ----------------------------------------------------------------------------------------------------------


def test_alpha_is_enlarged_on_its_own() -> None:
    alpha = RNG.random((9, 7), np.float32)
    stored, _ = enlarge(picture(alpha=alpha), BicubicUpscaler())
    expected = UINT8.from_unit(resize_bicubic(alpha[:, :, None], 36, 28).clip(0, 1))[:, :, 0]
    np.testing.assert_array_equal(stored.alpha_numbers, expected)


def test_hidden_colours_do_not_shine_through_at_the_edge_of_a_mask() -> None:
    pixels = np.zeros((12, 12, 3), np.float32)
    pixels[:, :6] = (1.0, 0.5, 0.0)
    pixels[:, 6:] = (0.0, 1.0, 1.0)
    alpha = np.zeros((12, 12), np.float32)
    alpha[:, :6] = 1.0
    stored, _ = enlarge(Image(pixels, alpha), BicubicUpscaler())
    assert stored.alpha_numbers is not None
    visible = stored.numbers[stored.alpha_numbers > 0]
    assert largest_difference(visible, np.broadcast_to(np.array([255, 128, 0]), visible.shape)) <= 1


@given(
    st_np.arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20))),
    st.sampled_from([1, 3]),
)
def test_bleeding_fills_every_hole_from_visible_colours_and_leaves_those_as_they_are(
    is_visible: NDArray[np.bool_], channels: int
) -> None:
    pixels = np.random.default_rng(1).random((*is_visible.shape, channels), np.float32)
    before = pixels.copy()
    filled = bleed_colour(pixels, is_visible.astype(np.float32))
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(filled[is_visible], pixels[is_visible])
    if is_visible.any():
        lowest, highest = pixels[is_visible].min(axis=0), pixels[is_visible].max(axis=0)
        assert (filled >= lowest - 1e-6).all()
        assert (filled <= highest + 1e-6).all()


def test_bleeding_takes_the_near_colour_and_not_the_far_one() -> None:
    pixels = np.full((8, 32, 1), 0.5, np.float32)
    alpha = np.zeros((8, 32), np.float32)
    pixels[:, 0], alpha[:, 0] = 0.0, 1.0
    pixels[:, 31], alpha[:, 31] = 1.0, 1.0
    filled = bleed_colour(pixels, alpha)
    assert (filled[:, 1:8] < 0.3).all()
    assert (filled[:, 24:31] > 0.7).all()


@pytest.mark.parametrize("opacity", [0.0, 0.004, 1.0])
def test_a_picture_without_holes_or_without_anything_visible_needs_no_bleeding(opacity: float) -> None:
    pixels = RNG.random((5, 5, 3), np.float32)
    assert bleed_colour(pixels, np.full((5, 5), opacity, np.float32)) is pixels


@pytest.mark.parametrize(("channels", "expected"), [(3, (255, 0, 128)), (1, (91, 91, 91))])
def test_flattening_shows_the_background_where_nothing_covers_it(channels: int, expected: tuple[int, ...]) -> None:
    image = picture(channels=channels, alpha=np.eye(9, 7, dtype=np.float32))
    flat = flatten(StoredImage.from_image(image), (255, 0, 128))
    assert not flat.has_alpha
    assert flat.channels == channels
    np.testing.assert_array_equal(flat.numbers[0, 1], expected[:channels])
    np.testing.assert_array_equal(flat.numbers[3, 3], UINT8.from_unit(image.pixels[3, 3]))


def test_flattening_leaves_a_picture_without_alpha_alone() -> None:
    stored = StoredImage.from_image(picture())
    assert flatten(stored, (0, 0, 0)) is stored


# --- sizes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4x", (40, 80)),
        ("3x", (30, 60)),
        ("2x", (20, 40)),
        ("2X", (20, 40)),
        ("80x40", (40, 80)),
        ("1x1", (1, 1)),
        ("33×17", (17, 33)),
    ],
)
def test_a_size_is_a_factor_or_width_by_height(text: str, size: tuple[int, int]) -> None:
    assert TargetSize.parse(text).resolve(10, 20) == size


@pytest.mark.parametrize(
    "text", ["", "5x", "1x", "x", "4", "0x10", "10x0", "-2x4", "2.5x", "axb", "4xx", "９x９", "10x20x30"]
)
def test_a_size_that_makes_no_sense_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TargetSize.parse(text)
    assert "WIDTHxHEIGHT" in caught.value.hint


@pytest.mark.parametrize("text", ["81x40", "80x41"])
def test_a_side_over_four_times_the_picture_is_refused_with_the_largest_size(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TargetSize.parse(text).resolve(10, 20)
    assert "80x40" in caught.value.hint


@pytest.mark.parametrize("size", ["3x", "2x", "11x23", "1x1", "28x1"])
@pytest.mark.parametrize("values", [UINT8, UINT16])
def test_a_smaller_size_is_the_full_result_reduced(size: str, values: ValueMap) -> None:
    image = picture(values=values, alpha=RNG.random((9, 7), np.float32))
    target = TargetSize.parse(size)
    stored, _ = enlarge(image, BicubicUpscaler(), size=target)
    height, width = target.resolve(9, 7)
    full, _ = enlarge(image, BicubicUpscaler())
    expected = reduce(full, height, width)
    assert stored.numbers.shape == (height, width, 3)
    assert stored.values == values
    np.testing.assert_array_equal(stored.numbers, expected.numbers)
    np.testing.assert_array_equal(stored.alpha_numbers, expected.alpha_numbers)


@pytest.mark.parametrize("values", [UINT8, UINT16])
def test_reducing_is_the_antialiased_bicubic(values: ValueMap) -> None:
    image = picture(40, 30, values=values, alpha=RNG.random((40, 30), np.float32))
    reduced = reduce(StoredImage.from_image(image), 17, 13)
    assert image.alpha is not None
    for numbers, pixels in ((reduced.numbers, image.pixels), (reduced.alpha_numbers, image.alpha[:, :, None])):
        assert numbers is not None
        expected = values.from_unit(resize_bicubic(pixels, 17, 13).clip(0, 1)).reshape(numbers.shape)
        assert largest_difference(numbers, expected) <= 1


def test_reducing_in_strips_equals_reducing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = StoredImage.from_image(picture(60, 40, alpha=RNG.random((60, 40), np.float32)))
    at_once = reduce(stored, 31, 17)
    monkeypatch.setattr("srdesk.engine.enlarge._STRIP_PX", 5)
    in_strips = reduce(stored, 31, 17)
    np.testing.assert_array_equal(in_strips.numbers, at_once.numbers)
    np.testing.assert_array_equal(in_strips.alpha_numbers, at_once.alpha_numbers)


# --- regions --------------------------------------------------------------------------------------------------------


def test_a_region_equals_its_part_of_the_whole_result_alpha_included() -> None:
    image = picture(20, 30, alpha=(RNG.random((20, 30)) > 0.5).astype(np.float32))
    whole, _ = enlarge(image, BicubicUpscaler())
    part, facts = enlarge(image, BicubicUpscaler(), region=Box(3, 5, 7, 11))
    assert whole.alpha_numbers is not None
    np.testing.assert_array_equal(part.numbers, whole.numbers[12:40, 20:64])
    np.testing.assert_array_equal(part.alpha_numbers, whole.alpha_numbers[12:40, 20:64])
    assert facts.megapixels_per_second * facts.seconds == pytest.approx(28 * 44 / 1e6)


def test_a_region_has_no_other_size() -> None:
    with pytest.raises(ValueError, match="four times only"):
        enlarge(picture(), BicubicUpscaler(), size=TargetSize(2), region=Box(0, 0, 2, 2))


# --- stopping -------------------------------------------------------------------------------------------------------


def cancelled() -> CancelToken:
    token = CancelToken()
    token.cancel()
    return token


@pytest.mark.parametrize(
    "call",
    [
        lambda: enlarge(picture(), BicubicUpscaler(), Control(token=cancelled())),
        lambda: reduce(StoredImage.from_image(picture()), 3, 3, token=cancelled()),
        lambda: flatten(StoredImage.from_image(picture(alpha=np.ones((9, 7), np.float32))), (0, 0, 0), cancelled()),
    ],
    ids=["enlarge", "reduce", "flatten"],
)
def test_a_raised_token_stops_the_call(call: Callable[[], object]) -> None:
    with pytest.raises(Cancelled):
        call()


@pytest.mark.parametrize("is_unsaid", [False, True])
def test_colours_count_everywhere_where_nobody_says_that_the_last_sample_is_opacity(*, is_unsaid: bool) -> None:
    pixels = np.random.default_rng(4).random((12, 16, 3), np.float32)
    alpha = np.ones((12, 16), np.float32)
    alpha[3:9, 4:12] = 0
    metadata = Metadata("TIFF", is_opacity_unsaid=is_unsaid)
    stored, _ = enlarge(Image(pixels, alpha, metadata=metadata), BicubicUpscaler())
    opaque, _ = enlarge(Image(pixels, metadata=metadata), BicubicUpscaler())
    assert np.array_equal(stored.numbers, opaque.numbers) == is_unsaid

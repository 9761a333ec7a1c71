"""What a report shows: where results differ most, as it is best looked at."""

from __future__ import annotations

import base64
import io

import numpy as np
import PIL.Image
import pytest
from numpy.testing import assert_array_equal

from srdesk.engine.report.report_pictures import (
    CROP_PX,
    address_of,
    colour_bar,
    differing_boxes,
    enlarged_by_repeating,
    highest_of,
    map_of,
    shown,
    stretch_of,
)
from srdesk.engine.trust.honesty import Outcome
from srdesk.engine.upscaler import UpscaleFacts
from srdesk.imaging.image import Box, Image, Metadata
from srdesk.imaging.science import SceneOrigin, Science, robust_values
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.stretch import Stretch
from srdesk.imaging.values import UINT8, ValueMap

FACTS = UpscaleFacts("m", "cpu", "fp32", 0, 0.1, 1.0)
AS_IT_IS = Stretch()


def opened(address: str) -> PIL.Image.Image:
    head, _, content = address.partition(",")
    assert head == "data:image/png;base64"
    return PIL.Image.open(io.BytesIO(base64.b64decode(content)))


def outcomes(*results: np.ndarray) -> list[Outcome]:
    return [Outcome(str(number), StoredImage(result), FACTS) for number, result in enumerate(results)]


def test_the_boxes_lie_where_results_differ_the_most_different_first() -> None:
    image = Image(np.zeros((150, 200, 3), np.float32))
    one = np.zeros((600, 800, 3), np.uint8)
    other = one.copy()
    other[400:440, 40:80] = 90
    other[40:80, 600:640] = 200
    boxes = differing_boxes(image, outcomes(one, other))
    assert len(boxes) == 2
    strong, weak = Box(10, 150, 10, 10), Box(100, 10, 10, 10)
    for box, inside in zip(boxes, (strong, weak), strict=True):
        assert (box.height, box.width) == (CROP_PX[1], CROP_PX[1])
        assert box.top <= inside.top
        assert box.left <= inside.left
        assert box.bottom >= inside.bottom
        assert box.right >= inside.right
        assert box == box.clipped(150, 200)


def test_boxes_do_not_overlap() -> None:
    numbers = np.random.default_rng(1)
    image = Image(np.zeros((100, 130, 1), np.float32))
    results = [numbers.integers(0, 256, (400, 520, 1), np.uint8) for _ in range(3)]
    boxes = differing_boxes(image, outcomes(*results))
    assert len(boxes) == 3
    covered = np.zeros((100, 130), int)
    for box in boxes:
        covered[box.place] += 1
    assert covered.max() == 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 90), (23, 24), (60, 60)])
def test_pictures_of_any_size_have_a_box_even_where_nothing_differs(height: int, width: int) -> None:
    image = Image(np.zeros((height, width, 1), np.float32))
    same = np.zeros((height * 4, width * 4, 1), np.uint8)
    (box,) = differing_boxes(image, outcomes(same, same))
    assert box == box.clipped(height, width)
    assert not box.is_empty


def test_numbers_that_are_missing_do_not_differ() -> None:
    image = Image(np.zeros((60, 60, 1), np.float32))
    floats = ValueMap("float32", 1.0)
    one = np.zeros((240, 240, 1), np.float32)
    other = one.copy()
    one[:60, :60], other[:60, :60] = np.nan, np.nan
    other[200:, 200:] = 1
    boxes = differing_boxes(image, [Outcome("m", StoredImage(each, floats), FACTS) for each in (one, other)])
    assert len(boxes) == 1
    assert min(boxes[0].bottom, boxes[0].right) > 50


def test_a_photo_is_shown_as_it_is() -> None:
    numbers = np.random.default_rng(2).integers(0, 256, (6, 7, 3), np.uint8)
    stored = StoredImage(numbers)
    box = Box(1, 2, 3, 4)
    assert_array_equal(shown(stored, box, AS_IT_IS), numbers[1:4, 2:6])
    assert_array_equal(shown(stored.to_image(), box, AS_IT_IS), numbers[1:4, 2:6])


def test_grey_is_behind_what_is_transparent() -> None:
    alpha = np.array([[0, 255], [255, 0]], np.uint8)
    stored = StoredImage(np.full((2, 2, 3), 20, np.uint8), UINT8, alpha)
    for picture in (stored, stored.to_image()):
        assert shown(picture, Box(0, 0, 2, 2), AS_IT_IS)[:, :, 0].tolist() == [[128, 20], [20, 128]]


def test_a_measured_picture_is_stretched_as_it_is_on_the_desk() -> None:
    numbers = np.linspace(0, 100, 16, dtype=np.float32).reshape(4, 4, 1)
    numbers[0, 0] = np.nan
    science = Science(stretch=Stretch(0.5, 1.0))
    picture = StoredImage(numbers, robust_values(numbers, science), None, science=science)
    stretch = stretch_of(picture.to_image())
    assert stretch == Stretch(0.5, 1.0)
    seen = shown(picture, Box(0, 0, 4, 4), stretch)
    assert seen[0, 0] == 0
    assert seen[1, 2] == 0
    assert seen[3, 3] == 255


def test_classes_have_their_colours() -> None:
    origin = SceneOrigin(b"/s.tif", 1, 1, (1,), (None,), palette=((9, 8, 7), (1, 2, 3)))
    stored = StoredImage(np.array([[[0], [1]], [[1], [77]]], np.uint8), UINT8, None, Metadata(scene=origin))
    seen = shown(stored, Box(0, 0, 2, 2), AS_IT_IS)
    assert seen[:, :, 0].tolist() == [[9, 1], [1, 1]]


def test_pixels_come_back_from_their_address_with_their_colours() -> None:
    numbers = np.random.default_rng(2).integers(0, 256, (6, 7, 3), np.uint8)
    profile = b"a colour profile"
    picture = opened(address_of(numbers, profile))
    assert_array_equal(np.asarray(picture), numbers)
    assert picture.info["icc_profile"] == profile
    assert opened(address_of(numbers[:, :, :1])).mode == "L"


def test_large_pictures_are_made_smaller() -> None:
    assert opened(address_of(np.zeros((900, 3000, 3), np.uint8))).size == (768, 230)
    assert max(opened(map_of(np.zeros((900, 3000), np.float32), 1.0)).size) <= 768


def test_maps_are_made_smaller_as_numbers_not_as_colours() -> None:
    values = np.zeros((1536, 1536), np.float32)
    values[::2, ::2] = 4.0
    (colour,) = {tuple(pixel) for pixel in np.asarray(opened(map_of(values, 1.0))).reshape(-1, 3).tolist()}
    assert colour == (252, 255, 164)  # the mean, 1, has the last colour


def test_small_maps_are_made_larger_by_repeating() -> None:
    picture = np.asarray(opened(map_of(np.array([[0.0, 1.0]], np.float32), 1.0)))
    assert picture.shape == (128, 256, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 2
    assert_array_equal(enlarged_by_repeating(np.array([[[1], [2]]], np.uint8), 2)[:, :, 0], [[1, 1, 2, 2]] * 2)


def test_maps_of_one_kind_have_one_highest_number() -> None:
    low, high = np.full((9, 9), 0.25, np.float32), np.full((9, 9), 0.5, np.float32)
    assert highest_of([low, high]) == 0.5
    assert highest_of([]) == 0
    assert opened(colour_bar()).size == (256, 1)

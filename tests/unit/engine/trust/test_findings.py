"""What is found out about results, on pictures whose answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.trust.findings import SMALLEST_REGION_PX, find_out, truth_of
from srdesk.engine.trust.honesty import Outcome, consistency, invented_detail, score, with_models
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts
from srdesk.errors import Cancelled, ConfigError
from srdesk.imaging.flux import enlarged_values
from srdesk.imaging.image import Box, FloatArray, Image
from srdesk.imaging.science import Science, robust_values
from srdesk.imaging.stored import StoredImage
from srdesk.imaging.values import ValueMap

FLOATS = ValueMap("float32", 1.0)


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((height, width, channels), np.float32)


def outcome(model: str, pixels: FloatArray) -> Outcome:
    return Outcome(model, StoredImage(pixels, FLOATS), UpscaleFacts(model, "cpu", "fp32", 0, 0.1, 1.0))


def measured(numbers: np.ndarray, **what: object) -> Image:
    science = Science(**what)  # type: ignore[arg-type]
    return StoredImage(numbers[:, :, None], robust_values(numbers, science), None, science=science).to_image()


@pytest.fixture
def image() -> Image:
    return Image(noise(20, 24), None, FLOATS)


def test_the_bicubic_is_always_there_and_first(image: Image) -> None:
    one = outcome("srresnet", noise(80, 96, seed=1))
    alone = find_out(image, [one])
    assert [finding.model for finding in alone.whole.findings] == ["bicubic", "srresnet"]
    with_it = find_out(image, [one, *with_models(image, {}, Control())])
    assert [each.model for each in with_it.outcomes] == ["bicubic", "srresnet"]
    assert with_it.whole.findings == alone.whole.findings


def test_the_numbers_are_those_of_the_formulas(image: Image) -> None:
    truth, results = noise(83, 97, seed=2), [noise(80, 96, seed=seed) for seed in (3, 4)]
    outcomes = [outcome(name, pixels) for name, pixels in zip(("srresnet", "srgan"), results, strict=True)]
    found = find_out(image, outcomes, truth=truth)
    expected = consistency(image, outcomes[1].result)
    last = found.whole.findings[2]
    assert last.model == "srgan"
    assert (last.consistency_rms, last.consistency_worst) == (expected.rms, expected.worst)
    assert last.consistency_psnr_db == expected.psnr_db
    assert last.score == score(outcomes[1].result, truth)
    assert (last.flux, last.invented) == (None, None)
    assert_array_equal(found.consistency_maps["srgan"], expected.map)
    assert found.disagreement_map is not None
    assert_allclose(found.disagreement_map, np.abs(results[0] - results[1]).mean(axis=2), rtol=1e-5)
    assert found.whole.disagreement is not None
    assert found.whole.disagreement.worst == pytest.approx(float(found.disagreement_map.max()))
    assert found.truth is not None
    assert found.truth.shape == (80, 96, 3)


def test_a_region_is_measured_by_itself(image: Image) -> None:
    pixels = np.array(with_models(image, {}, Control())[0].result.read(Box(0, 0, 80, 96)))
    pixels[:40, :48] = 1 - pixels[:40, :48]  # wrong in the upper left quarter only
    wrong, right = Box(0, 0, 8, 9), Box(12, 14, 8, 10)
    found = find_out(image, [outcome("tiny", pixels)], truth=pixels, regions=[wrong, right])
    assert [part.box for part in found.parts] == [Box(0, 0, 20, 24), wrong, right]
    whole, first, second = (part.findings[1] for part in found.parts)
    assert second.consistency_rms < whole.consistency_rms < first.consistency_rms
    difference = consistency(image, outcome("tiny", pixels).result).difference[:8, :9]
    assert first.consistency_rms == pytest.approx(float(np.sqrt(np.square(difference).mean())), rel=1e-5)
    assert first.score is not None
    assert first.score.psnr_y_db == float("inf")


def test_pixels_that_say_nothing_do_not_count_in_regions_either() -> None:
    numbers = np.random.default_rng(1).normal(1000, 30, (20, 20)).astype(np.float32)
    numbers[2:5, 2:9] = np.nan
    image = measured(numbers)
    box = Box(0, 0, 10, 10)
    whole, part = find_out(image, [], regions=[box]).parts
    assert part.findings[0].consistency_rms > 0
    known = np.isfinite(numbers[:10, :10])
    difference = consistency(image, find_out(image, []).outcomes[0].result).difference[:10, :10, 0]
    assert part.findings[0].consistency_rms == pytest.approx(
        float(np.sqrt(np.square(difference[known]).mean())), rel=1e-5
    )
    assert whole.findings[0].flux is not None
    assert part.findings[0].flux is None


def test_invented_detail_is_measured_for_the_models_that_are_given(image: Image) -> None:
    found = find_out(image, [], models={"bicubic": BicubicUpscaler()})
    assert found.whole.findings[0].invented is not None
    assert found.whole.findings[0].invented.worst < 1e-6  # it does not mind which way up a picture is
    assert found.whole.invented_maps["bicubic"].shape == (80, 96)


def test_with_regions_invented_detail_is_measured_there_only(image: Image) -> None:
    box = Box(4, 6, 9, 10)
    found = find_out(image, [], models={"bicubic": BicubicUpscaler()}, regions=[box])
    assert found.whole.findings[0].invented is None
    assert not found.whole.invented_maps
    expected = invented_detail(image, BicubicUpscaler(), Control(), region=box)
    assert_array_equal(found.parts[1].invented_maps["bicubic"], expected)


@pytest.mark.parametrize("box", [Box(0, 0, 7, 24), Box(-1, 0, 10, 10), Box(12, 0, 9, 9), Box(0, 20, 9, 9)])
def test_a_region_that_is_too_small_or_outside_is_refused(image: Image, box: Box) -> None:
    with pytest.raises(ConfigError, match="region cannot be") as raised:
        find_out(image, [], regions=[box])
    assert str(SMALLEST_REGION_PX) in raised.value.hint


def test_a_truth_of_another_size_is_refused_before_anything_is_measured(image: Image) -> None:
    class Never(BicubicUpscaler):
        def upscale(self, *arguments: object, **options: object) -> UpscaleFacts:
            raise AssertionError

    outcomes = with_models(image, {}, Control())
    for height, width in ((80, 100), (79, 96), (20, 24)):
        with pytest.raises(ConfigError, match="truth cannot be"):
            find_out(image, outcomes, truth=noise(height, width), models={"never": Never()})


def test_progress_comes_from_nothing_to_all(image: Image) -> None:
    heard: list[Progress] = []
    control = Control(on_progress=heard.append, max_rate_hz=1e9)
    find_out(image, [], control, models={"bicubic": BicubicUpscaler()}, regions=[Box(0, 0, 9, 9), Box(9, 9, 9, 9)])
    shares = [progress.fraction for progress in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_it_can_be_stopped(image: Image) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        find_out(image, with_models(image, {}, Control()), Control(token))


@pytest.mark.parametrize("quantity", ["sum", "mean"])
def test_a_measured_truth_is_compared_in_the_range_of_the_results(quantity: str) -> None:
    sharp = np.random.default_rng(5).normal(1000, 30, (80, 96)).astype(np.float32)
    blocks = sharp.reshape(20, 4, 24, 4)
    totals = blocks.sum(axis=(1, 3)) if quantity == "sum" else blocks.mean(axis=(1, 3))
    image, truth = measured(totals, quantity=quantity), measured(sharp, quantity=quantity)
    pixels = truth_of(image, truth)
    assert image.science is not None
    values = enlarged_values(image.values, image.science, 4)
    assert_allclose(pixels, np.clip(values.to_unit(truth.numbers), 0, 1), rtol=1e-5)
    found = find_out(image, [], truth=pixels).whole.findings[0].score
    assert found is not None
    assert found.psnr_y_db > 5


def test_holes_of_a_truth_are_black() -> None:
    sharp = np.random.default_rng(5).normal(1000, 30, (80, 96)).astype(np.float32)
    image = measured(sharp[::4, ::4])
    sharp[3, 4] = np.nan
    assert truth_of(image, measured(sharp))[3, 4] == 0


def test_a_photo_is_no_truth_of_a_measurement(image: Image) -> None:
    frame = measured(noise(20, 24, 1)[:, :, 0])
    for one, other in ((image, frame), (frame, image)):
        with pytest.raises(ConfigError, match="truth cannot be"):
            truth_of(one, other)
    assert truth_of(image, replace(image)) is image.pixels

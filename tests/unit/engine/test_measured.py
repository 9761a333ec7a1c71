"""Measured pictures enlarged by models: exact where nothing changes, and conserved where everything does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits as astropy_fits
from numpy.testing import assert_array_equal

from srdesk.engine.control import Control
from srdesk.engine.enlarge import TargetSize, enlarge, reduce
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts, Upscaler
from srdesk.errors import ConfigError
from srdesk.imaging.formats import open_image
from srdesk.imaging.image import Box, Image, Sink, Source
from srdesk.models.srresnet import SRResNet

RNG = np.random.default_rng(17)
SCALE = 4


class Repeater:
    """A model that repeats every pixel, and remembers what it was shown."""

    name = "repeater"
    card = None
    scale = SCALE

    def upscale(self, source: Source, sink: Sink, control: Control, *, region: Box | None = None) -> UpscaleFacts:
        box = region or Box(0, 0, source.height, source.width)
        self.shown = source.read(Box(0, 0, source.height, source.width))
        sink.write(box.scaled(SCALE), np.repeat(np.repeat(source.read(box), SCALE, 0), SCALE, 1))
        return UpscaleFacts("repeater", "cpu", "fp32", 0, 0.0, 0.0)


MakeFits = Callable[..., Image]


@pytest.fixture
def make_fits(tmp_path: Path) -> MakeFits:
    def make(numbers: Any, **cards: object) -> Image:
        hdu = astropy_fits.PrimaryHDU(numbers)
        hdu.header.update(cards)
        hdu.writeto(tmp_path / "a.fits", overwrite=True)
        return open_image(tmp_path / "a.fits")

    return make


def noise(dtype: str, shape: tuple[int, int] = (13, 17)) -> Any:
    if dtype.startswith("float"):
        # A few stars far beyond the range that the network sees.
        return np.where(RNG.random(shape) < 0.02, 1e5, RNG.normal(100, 5, shape)).astype(dtype)
    limits = np.iinfo(dtype)
    return RNG.integers(limits.min // 4, limits.max // 4 * 3, shape).astype(dtype)


def big(numbers: Any) -> Any:
    return np.repeat(np.repeat(numbers, SCALE, 0), SCALE, 1)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64"])
def test_a_model_that_repeats_gives_integers_back_bit_for_bit(make_fits: MakeFits, dtype: str) -> None:
    numbers = noise(dtype)
    if dtype in ("uint16", "uint8"):  # all within the range that the network sees
        image = make_fits(numbers)
    else:
        image = make_fits(np.repeat(numbers[:1, :1], 4, 0) + RNG.integers(0, 2, (4, 1)).astype(dtype))
    stored, facts = enlarge(image, Repeater())  # type: ignore[arg-type]
    assert image.numbers is not None
    blocks = stored.numbers.reshape(image.height, SCALE, image.width, SCALE).astype(object)
    assert_array_equal(blocks.sum(axis=(1, 3)), image.numbers[:, :, 0].astype(object) * SCALE**2)
    assert facts.flux is not None
    assert facts.flux.frame_percent == 0.0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_that_repeats_gives_floats_back_within_the_range(make_fits: MakeFits, dtype: str) -> None:
    numbers = RNG.random((13, 17)).astype(dtype) * 1e4 - 5e3
    numbers[0, :8], numbers[1, :8] = -5e3, 5e3  # so that percentiles are the extremes
    image = make_fits(numbers)
    stored, _ = enlarge(image, Repeater())  # type: ignore[arg-type]
    np.testing.assert_allclose(stored.numbers[:, :, 0], big(numbers[::-1]), rtol=1e-6)


@pytest.mark.parametrize("unit", ["adu", "MJy/sr", ""])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_every_block_measures_what_its_pixel_did(
    make_fits: MakeFits, srresnet: SRResNet, dtype: str, unit: str
) -> None:
    numbers = noise(dtype).astype(dtype)
    image = make_fits(numbers, BUNIT=unit)
    assert image.science is not None
    for upscaler in (BicubicUpscaler(), Upscaler(srresnet, "test", device="cpu", precision="fp32")):
        stored, facts = enlarge(image, upscaler)
        assert stored.science is not None
        blocks = stored.science.measured(stored.numbers).reshape(13, SCALE, 17, SCALE)
        measured = blocks.sum(axis=(1, 3)) if unit == "adu" else blocks.mean(axis=(1, 3))
        np.testing.assert_allclose(measured, numbers[::-1].astype(float), rtol=1e-6, atol=2e-3)
        assert facts.flux is not None
        assert facts.flux.frame_percent < 1e-5
        assert facts.flux.quantity == ("sum" if unit == "adu" else "mean")


def test_every_colour_of_three_planes_measures_what_it_did(make_fits: MakeFits, srresnet: SRResNet) -> None:
    cube = np.stack([noise("float32") * share for share in (1, 2, 3)]).astype(np.float32)
    cube[1, 6, 8] = np.nan
    image = make_fits(cube, CTYPE3="RGB", BUNIT="adu")
    stored, facts = enlarge(image, Upscaler(srresnet, "test", device="cpu", precision="fp32"))
    assert stored.numbers.shape == (13 * SCALE, 17 * SCALE, 3)
    sums = stored.numbers.astype(float).reshape(13, SCALE, 17, SCALE, 3).sum(axis=(1, 3))
    alive = ~np.isnan(cube)
    np.testing.assert_allclose(np.moveaxis(sums, 2, 0)[:, ::-1][alive], cube[alive], rtol=1e-6, atol=2e-3)
    expected = np.repeat(np.repeat(~alive, SCALE, 1), SCALE, 2)
    assert_array_equal(np.isnan(np.moveaxis(stored.numbers, 2, 0))[:, ::-1], expected)
    assert facts.flux is not None
    assert facts.flux.frame_percent < 1e-5
    assert facts.flux.sources >= 1


def test_one_pixel_without_a_value_stays_one(make_fits: MakeFits, srresnet: SRResNet) -> None:
    numbers = noise("float32")
    numbers[6, 8] = np.nan
    stored, _ = enlarge(make_fits(numbers), Upscaler(srresnet, "test", device="cpu", precision="fp32"))
    expected = np.zeros_like(numbers, np.bool_)
    expected[6, 8] = True
    assert_array_equal(np.isnan(stored.numbers[:, :, 0]), big(expected[::-1]))


def test_what_has_no_value_is_filled_from_around_it_before_the_network_sees_it(make_fits: MakeFits) -> None:
    numbers = RNG.normal(100, 5, (13, 17)).astype(np.float32)
    numbers[6, 8], numbers[2, 2] = np.nan, 6e4
    repeater = Repeater()
    enlarge(make_fits(numbers, SATURATE=5e4), repeater)  # type: ignore[arg-type]
    shown = repeater.shown[::-1, :, 0]
    assert 0.1 < shown[6, 8] < 0.9
    assert 0.1 < shown[2, 2] < 0.9


def test_stars_beyond_the_range_of_the_network_are_not_clipped(make_fits: MakeFits) -> None:
    numbers = RNG.normal(100, 5, (64, 64)).astype(np.float32)
    numbers[30, 30] = 1e6
    stored, _ = enlarge(make_fits(numbers), BicubicUpscaler())
    top, left = (63 - 30) * SCALE, 30 * SCALE
    block = stored.numbers[top : top + SCALE, left : left + SCALE, 0]
    assert block.mean() == pytest.approx(1e6, rel=1e-6)
    assert block.std() > 1e4  # round, not a square


def test_a_region_equals_that_part_of_the_whole(make_fits: MakeFits, srresnet: SRResNet) -> None:
    image = make_fits(noise("float32", (70, 40)))
    upscaler = Upscaler(srresnet, "test", device="cpu", precision="fp32")
    whole, _ = enlarge(image, upscaler)
    part, _ = enlarge(image, upscaler, region=Box(10, 5, 9, 11))
    np.testing.assert_allclose(part.numbers, whole.numbers[40:76, 20:64], rtol=1e-5)


def test_other_sizes_are_refused(make_fits: MakeFits) -> None:
    image = make_fits(noise("float32"))
    with pytest.raises(ConfigError, match="size"):
        enlarge(image, BicubicUpscaler(), size=TargetSize(2))
    stored, _ = enlarge(image, BicubicUpscaler())
    with pytest.raises(ConfigError, match="size"):
        reduce(stored, 26, 34)


def test_the_result_tells_which_weights_made_it(make_fits: MakeFits, weights_file: Path) -> None:
    upscaler = Upscaler.from_weights(weights_file, device="cpu")
    stored, _ = enlarge(make_fits(noise("float32")), upscaler)
    assert upscaler.card is not None
    assert any("narrow" in sentence for sentence in stored.metadata.history)
    assert any(upscaler.card.sha256 in sentence for sentence in stored.metadata.history)

"""Source to Sink: exact windows, regions, facts, cancellation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.streaming.rows import Layer
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts, Upscaler
from srdesk.errors import Cancelled, ConfigError
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink
from srdesk.imaging.resample import resize_bicubic
from srdesk.imaging.values import UINT8, UINT16
from srdesk.models.srcnn import SRCNN
from srdesk.models.srresnet import SRResNet

MakePicture = Callable[..., Image]
PlainResult = Callable[[nn.Module, Image], FloatArray]


class CountingSink(ImageSink):
    """A sink that knows how often each pixel was written."""

    def __init__(self, lr: Image, scale: int = 4) -> None:
        super().__init__(lr.height * scale, lr.width * scale, lr.channels)
        self.pixels[:] = np.nan
        self.writes = np.zeros(self.pixels.shape[:2], int)

    def write(self, box: Box, pixels: FloatArray) -> None:
        assert pixels.shape == (box.height, box.width, self.pixels.shape[2])
        assert pixels.dtype == np.float32
        self.writes[box.top : box.bottom, box.left : box.right] += 1
        super().write(box, pixels)


@settings(max_examples=60)
@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    window_px=st.one_of(st.none(), st.just(0), st.integers(16, 64)),
    channels=st.sampled_from([1, 3]),
    is_srcnn=st.booleans(),
)
def test_any_picture_in_any_windows_equals_the_plain_network_on_the_whole(
    srresnet: SRResNet,
    srcnn: SRCNN,
    picture: MakePicture,
    plain_result: PlainResult,
    height: int,
    width: int,
    window_px: int | None,
    channels: int,
    is_srcnn: bool,
) -> None:
    model: nn.Module = srcnn if is_srcnn else srresnet
    lr = picture(height, width, channels)
    sink = CountingSink(lr)
    Upscaler(model, "x", precision="fp32", window_px=window_px).upscale(lr, sink)
    expected = np.clip(plain_result(model, lr), 0, 1)
    assert (sink.writes == 1).all()
    np.testing.assert_allclose(sink.pixels, expected, rtol=0, atol=1e-5)
    for values in (UINT8, UINT16):
        steps = values.from_unit(sink.pixels).astype(int) - values.from_unit(expected).astype(int)
        assert np.abs(steps).max() <= 1


@settings(max_examples=40)
@given(data=st.data(), is_srcnn=st.booleans(), window_px=st.one_of(st.none(), st.integers(16, 64)))
def test_a_region_has_the_pixels_of_the_whole_run_and_no_others_are_written(
    srresnet: SRResNet,
    srcnn: SRCNN,
    picture: MakePicture,
    plain_result: PlainResult,
    data: st.DataObject,
    is_srcnn: bool,
    window_px: int | None,
) -> None:
    model: nn.Module = srcnn if is_srcnn else srresnet
    lr = picture(53, 47)
    top, left = data.draw(st.integers(0, 52)), data.draw(st.integers(0, 46))
    region = Box(top, left, data.draw(st.integers(1, 53 - top)), data.draw(st.integers(1, 47 - left)))
    sink = CountingSink(lr)
    Upscaler(model, "x", precision="fp32", window_px=window_px).upscale(lr, sink, region=region)
    box = region.scaled(4)
    inside = np.s_[box.top : box.bottom, box.left : box.right]
    assert (sink.writes[inside] == 1).all()
    assert sink.writes.sum() == box.height * box.width
    expected = np.clip(plain_result(model, lr), 0, 1)
    np.testing.assert_allclose(sink.pixels[inside], expected[inside], rtol=0, atol=1e-5)


def test_the_full_size_network_is_exact_across_bands(
    make_srresnet: Callable[..., SRResNet], picture: MakePicture, plain_result: PlainResult
) -> None:
    model = make_srresnet()
    lr = picture(30, 100)
    sink = CountingSink(lr)
    Upscaler(model, "x", precision="fp32", window_px=32).upscale(lr, sink)
    np.testing.assert_allclose(sink.pixels, np.clip(plain_result(model, lr), 0, 1), rtol=0, atol=1e-5)


def test_facts_say_how_the_run_was(srresnet: SRResNet, picture: MakePicture) -> None:
    lr = picture(40, 30)
    facts = Upscaler(srresnet, "narrow", device="cpu", precision="bf16", window_px=16).upscale(lr, CountingSink(lr))
    assert (facts.model, facts.device, facts.precision, facts.window_px) == ("narrow", "cpu", "bf16", 16)
    assert facts.notices == ()
    assert facts.megapixels_per_second * facts.seconds == pytest.approx(40 * 30 * 16 / 1e6)


def test_window_zero_is_told_as_the_whole_image(srresnet: SRResNet, picture: MakePicture) -> None:
    lr = picture(20, 20)
    assert Upscaler(srresnet, "x", window_px=0).upscale(lr, CountingSink(lr)).window_px == 0


def test_progress_counts_lr_pixels_up_to_all_of_them(srresnet: SRResNet, picture: MakePicture) -> None:
    lr, heard = picture(70, 50), list[Progress]()
    control = Control(on_progress=heard.append, max_rate_hz=1e9)
    Upscaler(srresnet, "x", window_px=16).upscale(lr, CountingSink(lr), control, region=Box(3, 4, 60, 40))
    done = [progress.done for progress in heard]
    assert done == sorted(done)
    assert len(done) > 10
    assert {progress.total for progress in heard} == {60 * 40}
    assert done[-1] == 60 * 40


@pytest.mark.parametrize("stop_at_layer", [1, 7, 40])
def test_a_cancelled_run_stops_before_the_next_layer(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch, stop_at_layer: int
) -> None:
    token, computed = CancelToken(), 0
    compute = Layer.compute

    def cancelling(layer: Layer, rows: Tensor, *, side_padding_px: int) -> Tensor:
        nonlocal computed
        computed += 1
        if computed == stop_at_layer:
            token.cancel()
        return compute(layer, rows, side_padding_px=side_padding_px)

    monkeypatch.setattr(Layer, "compute", cancelling)
    lr = picture(64, 64)
    with pytest.raises(Cancelled):
        Upscaler(srresnet, "x", window_px=16).upscale(lr, CountingSink(lr), Control(token))
    assert computed == stop_at_layer


def test_a_run_that_was_cancelled_before_it_began_writes_nothing(srresnet: SRResNet, picture: MakePicture) -> None:
    token = CancelToken()
    token.cancel()
    lr = picture(9, 9)
    for upscaler in (Upscaler(srresnet, "x"), BicubicUpscaler()):
        sink = CountingSink(lr)
        with pytest.raises(Cancelled):
            upscaler.upscale(lr, sink, Control(token))
        assert not sink.writes.any()


def test_the_source_is_not_modified(srresnet: SRResNet, srcnn: SRCNN, picture: MakePicture) -> None:
    lr = picture(20, 20)
    before = lr.pixels.copy()
    for model in (srresnet, srcnn):
        Upscaler(model, "x").upscale(lr, CountingSink(lr))
    np.testing.assert_array_equal(lr.pixels, before)


def test_an_upscaler_can_be_made_from_a_weights_file(weights_file: Path, picture: MakePicture) -> None:
    upscaler = Upscaler.from_weights(weights_file)
    assert upscaler.name == "narrow"
    assert upscaler.card is not None
    lr = picture(9, 9)
    assert upscaler.upscale(lr, CountingSink(lr)).model == "narrow"


def test_the_asked_number_of_threads_computes(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    compute = Layer.compute

    def watching(layer: Layer, rows: Tensor, *, side_padding_px: int) -> Tensor:
        seen.add(torch.get_num_threads())
        return compute(layer, rows, side_padding_px=side_padding_px)

    monkeypatch.setattr(Layer, "compute", watching)
    lr = picture(9, 9)
    Upscaler(srresnet, "x", threads=1).upscale(lr, CountingSink(lr))
    assert seen == {1}


def test_an_estimate_knows_the_speed_of_earlier_runs(srresnet: SRResNet, picture: MakePicture) -> None:
    upscaler = Upscaler(srresnet, "x", precision="fp32")
    assert upscaler.estimate(500, 500).seconds is None
    lr = picture(80, 80)
    facts = upscaler.upscale(lr, CountingSink(lr))
    assert upscaler.estimate(160, 80).seconds == pytest.approx(2 * facts.seconds)


def test_an_estimate_of_memory_is_bounded_however_large_the_picture(make_srresnet: Callable[..., SRResNet]) -> None:
    upscaler = Upscaler(make_srresnet(), "x", precision="fp32")
    small, wide = upscaler.estimate(500, 500).peak_bytes, upscaler.estimate(500, 2000).peak_bytes
    assert small < wide
    assert upscaler.estimate(20_000, 2000).peak_bytes == wide
    assert upscaler.estimate(40_000, 40_000).peak_bytes < 1e9


def test_what_cannot_be_is_refused_at_once(srresnet: SRResNet) -> None:
    with pytest.raises(ConfigError, match="window"):
        Upscaler(srresnet, "x", window_px=3)
    with pytest.raises(ConfigError, match="precision"):
        Upscaler(srresnet, "x", device="cpu", precision="fp16")


@pytest.mark.parametrize("channels", [1, 3])
def test_bicubic_gives_the_clipped_baseline(picture: MakePicture, channels: int) -> None:
    lr = picture(70, 9, channels)
    sink = CountingSink(lr)
    facts = BicubicUpscaler().upscale(lr, sink)
    assert (facts.model, facts.device, facts.precision) == ("bicubic", "cpu", "fp32")
    assert (sink.writes == 1).all()
    np.testing.assert_array_equal(sink.pixels, np.clip(resize_bicubic(lr.pixels, 280, 36), 0, 1))


def test_bicubic_of_a_region_has_the_pixels_of_the_whole(picture: MakePicture) -> None:
    lr = picture(70, 9)
    whole, part = CountingSink(lr), CountingSink(lr)
    BicubicUpscaler().upscale(lr, whole)
    BicubicUpscaler().upscale(lr, part, region=Box(1, 2, 68, 5))
    inside = np.s_[4:276, 8:28]
    np.testing.assert_array_equal(part.pixels[inside], whole.pixels[inside])
    assert part.writes.sum() == 272 * 20


@pytest.mark.parametrize(("megapixels", "tells"), [(1.6e-05, False), (0.06, False), (0.07, True), (40.0, True)])
def test_only_a_run_over_some_pixels_tells_how_fast_others_will_be(megapixels: float, tells: bool) -> None:
    assert UpscaleFacts("m", "cpu", "fp32", 0, 2.0, megapixels / 2).tells_speed == tells

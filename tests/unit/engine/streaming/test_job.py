"""The ladder: what a job does when memory or numbers fail."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srdesk.engine.control import Control
from srdesk.engine.streaming import job as jobs
from srdesk.engine.streaming.flow import flow as jobs_flow
from srdesk.engine.streaming.rows import Layer
from srdesk.engine.upscaler import UpscaleFacts, Upscaler
from srdesk.errors import NumericalError, OutOfMemoryError
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink
from srdesk.imaging.values import UINT8
from srdesk.models.srresnet import SRResNet

MakePicture = Callable[..., Image]
Compute = Callable[..., Tensor]
Fault = Callable[[Layer, Tensor], Tensor | None]
"""What happens instead of a layer's work; None for nothing."""


@pytest.fixture
def inject(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], None]:
    """Let a fault happen at every layer's work."""
    compute = Layer.compute

    def arm(fault: Fault) -> None:
        def faulty(layer: Layer, rows: Tensor, *, side_padding_px: int) -> Tensor:
            output = fault(layer, rows)
            return compute(layer, rows, side_padding_px=side_padding_px) if output is None else output

        monkeypatch.setattr(Layer, "compute", faulty)

    return arm


class OnceSink(ImageSink):
    """A sink that refuses to take a pixel twice."""

    def __init__(self, lr: Image) -> None:
        super().__init__(4 * lr.height, 4 * lr.width, lr.channels)
        self.pixels[:] = np.nan

    def write(self, box: Box, pixels: FloatArray) -> None:
        assert np.isnan(self.pixels[box.top : box.bottom, box.left : box.right]).all()
        super().write(box, pixels)


def upscale(model: nn.Module, lr: Image, **options: object) -> tuple[FloatArray, UpscaleFacts, list[str]]:
    sink, heard = OnceSink(lr), list[str]()
    upscaler = Upscaler(model, "x", **{"precision": "fp32", **options})  # type: ignore[arg-type]
    facts = upscaler.upscale(lr, sink, Control(on_notice=heard.append))
    return sink.pixels, facts, heard


def out_of_memory() -> BaseException:
    return torch.OutOfMemoryError("CUDA out of memory")


def python_out_of_memory() -> BaseException:
    return MemoryError()


def cpu_allocator() -> BaseException:
    try:
        torch.empty(1 << 60)
    except RuntimeError as error:
        return error
    raise AssertionError("a million terabytes were there")


@pytest.mark.parametrize("make_error", [out_of_memory, python_out_of_memory, cpu_allocator])
@pytest.mark.parametrize("faults", [1, 3])
def test_after_running_out_of_memory_the_result_is_the_undisturbed_one(
    srresnet: SRResNet,
    picture: MakePicture,
    inject: Callable[[Fault], None],
    make_error: Callable[[], BaseException],
    faults: int,
) -> None:
    lr = picture(200, 270)
    expected, undisturbed, _ = upscale(srresnet, lr)
    calls = 0

    def fault(layer: Layer, rows: Tensor) -> None:
        nonlocal calls
        calls += 1
        if calls % 150 == 0 and calls // 150 <= faults:  # in the middle of a strip, after some were written
            raise make_error()

    inject(fault)
    pixels, facts, heard = upscale(srresnet, lr)
    steps = UINT8.from_unit(pixels).astype(int) - UINT8.from_unit(expected).astype(int)
    assert np.abs(steps).max() <= 1
    assert facts.window_px < undisturbed.window_px
    assert tuple(heard) == facts.notices
    assert len(heard) == faults
    assert all("Memory is short" in sentence for sentence in heard)


def test_windows_shrink_until_they_fit(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    def fault(layer: Layer, rows: Tensor) -> None:
        is_lr, width = rows.shape[2] == 3, rows.shape[1]
        if is_lr and width > 70:  # bands of 32 with their halo of 14 are narrower, those of 50 are not
            raise MemoryError

    lr = picture(40, 200)
    expected, _, _ = upscale(srresnet, lr)
    inject(fault)
    pixels, facts, _ = upscale(srresnet, lr)
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=1e-5)
    assert facts.window_px == 32


def test_when_the_smallest_windows_do_not_fit_either_the_run_fails(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    def fault(layer: Layer, rows: Tensor) -> None:
        raise MemoryError

    inject(fault)
    with pytest.raises(OutOfMemoryError) as caught:
        upscale(srresnet, picture(100, 100))
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_other_failures_leave_a_run_as_they_are(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    def fault(layer: Layer, rows: Tensor) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    inject(fault)
    with pytest.raises(RuntimeError, match="mat1"):
        upscale(srresnet, picture(20, 20))


def test_a_run_is_fitted_into_the_free_memory_before_it_begins(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lr = picture(60, 600)
    expected, undisturbed, _ = upscale(srresnet, lr)
    needed_bytes = Upscaler(srresnet, "x", precision="fp32").estimate(60, 600).peak_bytes
    monkeypatch.setattr(jobs, "free_memory_bytes", lambda _: needed_bytes * 2 // 3)
    pixels, facts, heard = upscale(srresnet, lr)
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=1e-5)
    assert facts.window_px < undisturbed.window_px
    assert len(heard) == 1


def test_without_any_free_memory_a_run_does_not_even_begin(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "free_memory_bytes", lambda _: 1000)
    with pytest.raises(OutOfMemoryError):
        upscale(srresnet, picture(20, 20))


def test_below_the_smallest_windows_of_another_device_comes_the_cpu(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The meta device computes nothing, which is enough: it has no memory from the start.
    def free_memory_bytes(device: torch.device) -> int:
        return 0 if device.type == "meta" else 1 << 30

    monkeypatch.setattr(jobs, "free_memory_bytes", free_memory_bytes)
    monkeypatch.setattr("srdesk.engine.upscaler.resolve_device", torch.device)
    lr = picture(40, 40)
    expected, _, _ = upscale(srresnet, lr, device="cpu")
    pixels, facts, heard = upscale(srresnet, lr, device="meta")
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=2e-2)  # the CPU takes its own automatic precision
    assert facts.device == "cpu"
    assert heard == ["Memory is short on “meta”: computing on the CPU instead."]


def test_the_cpu_keeps_to_float32_where_that_was_asked_for(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "free_memory_bytes", lambda device: 0 if device.type == "meta" else 1 << 30)
    monkeypatch.setattr("srdesk.engine.upscaler.resolve_device", torch.device)
    monkeypatch.setattr("srdesk.engine.device.has_fast_bfloat16", lambda: True)
    _, facts, _ = upscale(srresnet, picture(20, 20), device="meta")
    assert (facts.device, facts.precision) == ("cpu", "fp32")


def test_a_flow_that_ends_early_is_no_result(
    srresnet: SRResNet, picture: MakePicture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "flow", lambda *parts: (rows for rows in list(jobs_flow(*parts))[:-1]))
    with pytest.raises(RuntimeError, match="ended at row"):
        upscale(srresnet, picture(100, 20))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_black_or_infinite_output_in_half_precision_is_computed_again_in_float32(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None], value: float
) -> None:
    lr = picture(40, 40)
    expected, _, _ = upscale(srresnet, lr)

    def fault(layer: Layer, rows: Tensor) -> Tensor | None:
        is_tail = layer.weight.shape[0] == 16 and layer.weight.dtype == torch.bfloat16
        return rows.new_full((rows.shape[0] - 2 * layer.radius_px, rows.shape[1], 16), value) if is_tail else None

    inject(fault)
    pixels, facts, heard = upscale(srresnet, lr, precision="bf16")
    np.testing.assert_array_equal(pixels, expected)
    assert facts.precision == "fp32"
    assert heard == list(facts.notices) == ["Numbers were unusable in bf16: computing in fp32 instead."]


def test_an_upscaler_remembers_that_half_precision_was_unusable(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    def fault(layer: Layer, rows: Tensor) -> Tensor | None:
        if layer.weight.dtype == torch.bfloat16:
            return rows.new_full((rows.shape[0] - 2, rows.shape[1], layer.weight.shape[0]), float("nan"))
        return None

    inject(fault)
    lr = picture(20, 20)
    upscaler = Upscaler(srresnet, "x", precision="bf16")
    assert upscaler.upscale(lr, OnceSink(lr)).notices
    second = upscaler.upscale(lr, OnceSink(lr))
    assert (second.precision, second.notices) == ("fp32", ())


def test_a_flat_picture_may_come_out_flat(srresnet: SRResNet) -> None:
    lr = Image(np.full((20, 20, 3), 0.5, np.float32))
    _, facts, _ = upscale(srresnet, lr, precision="bf16")
    assert facts.precision == "bf16"


def test_numbers_that_are_not_finite_even_in_float32_are_an_error(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    def fault(layer: Layer, rows: Tensor) -> Tensor | None:
        return rows.new_full((rows.shape[0] - 4, rows.shape[1], 16), float("nan")) if layer.radius_px == 2 else None

    inject(fault)
    with pytest.raises(NumericalError):
        upscale(srresnet, picture(20, 20))


def test_what_was_written_before_a_late_failure_stays_and_the_rest_follows(
    srresnet: SRResNet, picture: MakePicture, inject: Callable[[Fault], None]
) -> None:
    lr = picture(200, 60)
    expected, _, _ = upscale(srresnet, lr, window_px=16)
    calls = 0

    def fault(layer: Layer, rows: Tensor) -> Tensor | None:
        nonlocal calls
        calls += 1
        if calls == 200:
            return rows.new_full((rows.shape[0] - 2 * layer.radius_px, rows.shape[1], layer.weight.shape[0]), np.nan)
        return None

    inject(fault)
    pixels, facts, _ = upscale(srresnet, lr, window_px=16, precision="bf16")
    assert facts.precision == "fp32"
    assert np.isfinite(pixels).all()
    np.testing.assert_allclose(pixels, expected, rtol=0, atol=0.05)

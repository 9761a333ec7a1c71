"""The measurement of speed: what it runs and what it tells, not how fast."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from srdesk.engine.bench import ENGINE, PLAIN, WINDOWS, flops_per_lr_pixel, folded_copy, run_bench, synthetic_picture
from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.evaluate import Pair
from srdesk.errors import Cancelled
from srdesk.imaging.image import Image
from srdesk.models.srresnet import SRResNet


def test_every_way_is_timed_and_related_to_the_plain_network(weights_file: Path) -> None:
    heard = list[Progress]()
    report = run_bench(weights_file, Control(on_progress=heard.append), rounds=1, size_px=20, threads=1)
    ways = [(timing.way, timing.precision) for timing in report.timings]
    assert len(ways) == len(set(ways))
    assert {(PLAIN, "fp32"), (WINDOWS, "bf16"), (ENGINE, "fp32")} <= set(ways)
    assert (report.model, report.device, report.threads, report.size_px) == ("narrow", "cpu", 1, 20)
    plain = report.timings[0]
    for timing in report.timings:
        assert timing.times_plain == pytest.approx(plain.seconds / timing.seconds)
        assert timing.useful_gflops_per_second * timing.seconds == pytest.approx(
            plain.useful_gflops_per_second * plain.seconds
        )
    assert report.times_plain in [timing.times_plain for timing in report.timings if timing.way == ENGINE]
    assert report.bf16_loss_db is None
    assert heard[-1].done == heard[-1].total == len(ways)


def test_the_loss_of_bfloat16_is_measured_on_pictures(weights_file: Path, picture: Callable[..., Image]) -> None:
    report = run_bench(
        weights_file,
        rounds=1,
        size_px=8,
        pairs=[Pair(Path("hr.png"), None)],
        open_image=lambda _: picture(80, 80),
    )
    assert report.bf16_loss_db is not None
    assert abs(report.bf16_loss_db) < 1


def test_a_measurement_can_be_cancelled(weights_file: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run_bench(weights_file, Control(token), rounds=1, size_px=8)


def test_the_picture_is_the_same_every_time_and_has_structure() -> None:
    first, second = synthetic_picture(32), synthetic_picture(32)
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.pixels.std() > 0.1


def test_the_work_of_srresnet_is_counted_as_the_paper_has_it() -> None:
    # Per LR pixel: head, 33 convolutions of 64 to 64, stages at 1 and 4 pixels, tail at 16.
    macs = 81 * 3 * 64 + 33 * 9 * 64 * 64 + (1 + 4) * 9 * 64 * 256 + 16 * 81 * 64 * 3
    assert flops_per_lr_pixel(SRResNet().eval()) == 2 * macs


def test_the_folded_rival_is_the_same_network(srresnet: SRResNet) -> None:
    lr = torch.rand(1, 3, 9, 9)
    folded = folded_copy(srresnet)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    torch.testing.assert_close(folded(lr), srresnet(lr), rtol=0, atol=1e-5)

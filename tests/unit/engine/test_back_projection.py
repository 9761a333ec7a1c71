"""A model whose results are drawn towards the picture that they were made from."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from srdesk.engine.back_projection import back_projecting
from srdesk.engine.control import CancelToken, Control
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import Cancelled, OutOfMemoryError
from srdesk.imaging.fidelity import consistency
from srdesk.imaging.image import Box, FloatArray, Image, ImageSink

RNG = np.random.default_rng(8)
PICTURE = Image(RNG.random((20, 24, 3), np.float32))


def enlarged(strength: float, image: Image = PICTURE) -> FloatArray:
    sink = ImageSink(image.height * 4, image.width * 4, image.channels)
    back_projecting(BicubicUpscaler(), strength).upscale(image, sink)
    return sink.pixels


def test_without_strength_it_is_the_model_itself() -> None:
    model = BicubicUpscaler()
    assert back_projecting(model, 0.0) is model


def test_the_stronger_it_is_the_more_consistent_the_result() -> None:
    differences = [consistency(enlarged(strength), PICTURE.pixels).rms for strength in (0.0, 0.3, 0.7, 1.0)]
    assert differences == sorted(differences, reverse=True)
    assert differences[-1] < 0.5 * differences[0]


def test_it_passes_for_its_model() -> None:
    model = back_projecting(BicubicUpscaler(), 0.5)
    assert (model.name, model.card, model.scale) == ("bicubic", None, 4)


def test_a_region_is_written_to_its_place() -> None:
    region = Box(4, 8, 10, 12)
    sink = ImageSink(80, 96, 3)
    sink.pixels[:] = -1
    back_projecting(BicubicUpscaler(), 1.0).upscale(PICTURE, sink, region=region)
    inside = sink.pixels[16:56, 32:80]
    assert inside.min() >= 0
    assert (sink.pixels == -1).sum() == sink.pixels.size - inside.size


def test_it_can_be_cancelled_and_reports() -> None:
    heard: list[float] = []
    control = Control(CancelToken(), lambda progress: heard.append(progress.fraction))
    sink = ImageSink(80, 96, 3)
    back_projecting(BicubicUpscaler(), 1.0).upscale(PICTURE, sink, control)
    assert heard[-1] == 1.0
    control.token.cancel()
    with pytest.raises(Cancelled):
        back_projecting(BicubicUpscaler(), 1.0).upscale(PICTURE, sink, control)


def test_what_cannot_be_held_is_refused_before_it_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 10_000

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Little)
    monkeypatch.setattr(BicubicUpscaler, "upscale", lambda *_, **__: pytest.fail("it was computed"))
    with pytest.raises(OutOfMemoryError, match="back-projection needs"):
        enlarged(1.0)

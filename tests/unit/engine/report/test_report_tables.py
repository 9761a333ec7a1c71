"""Numbers as people read them."""

from __future__ import annotations

import numpy as np
import pytest

from srdesk.engine.report.report_tables import decibels, model_table, numbers_table
from srdesk.engine.trust.findings import Finding, Part
from srdesk.engine.trust.honesty import Outcome, Score, Spread
from srdesk.engine.trust.provenance import ModelFile
from srdesk.engine.upscaler import UpscaleFacts
from srdesk.imaging.flux import FluxError
from srdesk.imaging.image import Box
from srdesk.imaging.stored import StoredImage

WHOLE = Box(0, 0, 20, 30)
FLUX = FluxError(0.001, 0.25, 1234, 1.5, "sum", "adu")
SPREAD = Spread(0.01, 0.02, 0.5)


def finding(model: str = "m", **what: object) -> Finding:
    facts = {"flux": None, "score": None, "invented": None, **what}
    return Finding(model, 0.012345678, 0.1, 38.171, **facts)  # type: ignore[arg-type]


def test_what_was_not_measured_has_no_column() -> None:
    table = numbers_table(Part(WHOLE, (finding(),), None, {}), WHOLE)
    assert table.head == ("model", "consistency RMS", "consistency")
    assert table.rows == (("m", "0.01235", "38.17 dB"),)
    assert (table.title, table.foot) == ("", "")


def test_what_was_measured_of_some_models_only_is_a_dash_for_the_others() -> None:
    rows = (finding("bicubic"), finding("srgan", invented=SPREAD, score=Score(30.0, 0.9), flux=FLUX))
    table = numbers_table(Part(WHOLE, rows, SPREAD, {}), WHOLE)
    told = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    assert told["invented mean"] == ("–", "0.0100")
    assert told["invented 99 %"] == ("–", "0.0200")
    assert told["invented max"] == ("–", "0.5000")
    assert told["PSNR-Y"] == ("–", "30.00 dB")
    assert told["SSIM-Y"] == ("–", "0.9000")
    assert told["flux error"] == ("–", "0.001 %")
    assert told["flux error, network alone"] == ("–", "1.5 %")
    assert told["flux error, worst source"] == ("–", "0.25 % of 1,234")
    assert table.foot == "|SRGAN − SRResNet|: 0.0100 on average, 0.0200 at the 99th percentile, 0.5000 at most."


def test_a_part_is_named() -> None:
    assert numbers_table(Part(Box(1, 2, 9, 8), (finding(),), None, {}), WHOLE).title == "Region 2,1,8,9"


@pytest.mark.parametrize(("value", "told"), [(30.004, "30.00 dB"), (float("inf"), "∞ dB")])
def test_equal_pictures_have_infinite_decibels(value: float, told: str) -> None:
    assert decibels(value) == told


def test_a_model_without_weights_has_no_lines_about_them() -> None:
    result = StoredImage(np.zeros((4, 4, 3), np.uint8))
    table = model_table(
        Outcome("bicubic", result, UpscaleFacts("bicubic", "cpu", "fp32", 0, 1.25, 1.0)), ModelFile(name="b")
    )
    assert table.title == "bicubic"
    assert table.rows == (("computed", "on cpu in fp32, one thread, as a whole, 1.2 s"),)

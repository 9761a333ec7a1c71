"""Held-out pictures are measured by numbers that can be written down and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from srdesk.training.data.pictures import Picture, file_digest
from srdesk.training.learning.validation import MAX_PSNR_Y_DB, ValidationSet


class Doubling(torch.nn.Module):
    """Enlarges by repeating pixels."""

    def forward(self, lr: torch.Tensor) -> torch.Tensor:
        return lr.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)


@pytest.fixture
def picture_of(tmp_path: Path, new_picture: Callable[..., None]) -> Callable[[str | int], Picture]:
    """Make a picture of one colour, or a detailed one of a seed."""

    def make(content: str | int) -> Picture:
        path = tmp_path / f"{content}.png"
        if isinstance(content, int):
            new_picture(path, content)
        else:
            PIL.Image.new("RGB", (80, 72), content).save(path)
        return Picture(path, file_digest(path.read_bytes()), 80.0 * 72.0)

    return make


def test_pictures_of_one_colour_are_not_measured_where_there_are_others(
    picture_of: Callable[[str | int], Picture],
) -> None:
    pictures = [picture_of(content) for content in ("red", 1, "black", 2)]
    validation = ValidationSet(pictures, crop_px=64)
    plain = ValidationSet([pictures[1], pictures[3]], crop_px=64)
    assert [pair.name for pair in validation.pairs] == ["1.png", "2.png"]
    assert validation.flat_pictures == 2
    score = validation.measure(Doubling(), strip_pictures=2)
    assert score.psnrs_y_db == plain.measure(Doubling()).psnrs_y_db
    for number, kinds in validation.references(2):
        assert np.array_equal(kinds["hr"], validation.pairs[number].hr)
        assert np.abs(score.strip[number] - kinds["hr"]).mean() < 0.2


def test_a_picture_that_is_reproduced_exactly_has_the_highest_number_that_is_told(
    picture_of: Callable[[str | int], Picture],
) -> None:
    validation = ValidationSet([picture_of("red")], crop_px=64)
    assert (len(validation), validation.flat_pictures) == (1, 0)
    assert validation.measure_bicubic().psnrs_y_db == (MAX_PSNR_Y_DB,)


def test_a_run_that_measured_pictures_of_one_colour_goes_on_measuring_them(
    picture_of: Callable[[str | int], Picture],
) -> None:
    validation = ValidationSet([picture_of("red"), picture_of(1)], crop_px=64)
    before = validation.measure_bicubic()
    assert not validation.measure_as_before(1)
    assert validation.measure_as_before(2)
    assert [pair.name for pair in validation.pairs] == ["red.png", "1.png"]
    assert validation.measure_bicubic().psnrs_y_db == (MAX_PSNR_Y_DB, *before.psnrs_y_db)
    assert validation.flat_pictures == 0


def test_pictures_that_cannot_be_read_are_told_of(picture_of: Callable[[str | int], Picture]) -> None:
    pictures = [picture_of(number) for number in range(4)]
    assert list(ValidationSet(pictures, crop_px=64).notices()) == []
    pictures[0].path.unlink()
    (notice,) = ValidationSet(pictures, crop_px=64).notices()
    assert notice == "One of the held-out pictures cannot be read, and is left out of the figures."
    pictures[2].path.write_bytes(pictures[2].path.read_bytes()[:100])
    validation = ValidationSet(pictures, crop_px=64)
    assert list(validation.notices()) == ["2 of the held-out pictures cannot be read, and are left out of the figures."]
    assert [pair.name for pair in validation.pairs] == ["1.png", "3.png"]

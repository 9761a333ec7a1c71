"""PSNR and SSIM over folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.evaluate import Pair, evaluate, find_pairs
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts
from srdesk.errors import Cancelled, DatasetError
from srdesk.imaging.formats import open_image
from srdesk.imaging.image import Box, Sink, Source
from srdesk.imaging.resample import degrade_8bit

RNG = np.random.default_rng(11)


def picture(path: Path, height: int = 48, width: int = 56, *, grey: bool = False) -> Path:
    """Write a smooth picture, so that enlarging it makes sense."""
    rows, columns = np.mgrid[0:height, 0:width]
    colours = [127 + 120 * np.sin(rows / 9 + phase) * np.cos(columns / 7) for phase in ([0] if grey else [0, 1, 2])]
    path.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(np.stack(colours, 2).astype(np.uint8).squeeze()).save(path)
    return path


def reduced(hr: Path, lr: Path) -> Path:
    """Write the LR picture of ``hr`` cropped to a multiple of four."""
    numbers = np.atleast_3d(np.asarray(PIL.Image.open(hr)))
    height, width = numbers.shape[0] // 4 * 4, numbers.shape[1] // 4 * 4
    lr.parent.mkdir(exist_ok=True)
    PIL.Image.fromarray(degrade_8bit(numbers[:height, :width]).squeeze()).save(lr)
    return lr


class Nearest(BicubicUpscaler):
    """A worse model than the baseline."""

    name = "nearest"

    def upscale(
        self, source: Source, sink: Sink, control: Control | None = None, *, region: Box | None = None
    ) -> UpscaleFacts:
        whole = Box(0, 0, source.height, source.width)
        sink.write(whole.scaled(4), source.read(whole).repeat(4, axis=0).repeat(4, axis=1))
        return UpscaleFacts(self.name, "cpu", "fp32", 0, 1.5, 0.0)


# --- pairs ----------------------------------------------------------------------------------------------------------


def test_pictures_go_together_by_name_in_the_order_of_their_names(tmp_path: Path) -> None:
    hr = [picture(tmp_path / "hr" / name) for name in ("b.png", "a.png")]
    lr = [reduced(hr[0], tmp_path / "lr" / "b.png"), reduced(hr[1], tmp_path / "lr" / "a.tif")]
    assert find_pairs(tmp_path / "hr", tmp_path / "lr") == [Pair(hr[1], lr[1]), Pair(hr[0], lr[0])]


def test_notes_of_a_file_system_are_no_pictures(tmp_path: Path) -> None:
    hr = picture(tmp_path / "hr" / "a.png")
    hr.with_name("._a.png").write_bytes(b"no picture")
    assert [pair.hr for pair in find_pairs(tmp_path / "hr", None)] == [hr]


def test_the_names_of_div2k_go_together(tmp_path: Path) -> None:
    hr = picture(tmp_path / "hr" / "0801.png")
    lr = reduced(hr, tmp_path / "lr" / "0801x4.png")
    assert find_pairs(tmp_path / "hr", tmp_path / "lr") == [Pair(hr, lr)]


def test_a_name_that_ends_like_those_of_div2k_by_itself_takes_no_other_ones_place(tmp_path: Path) -> None:
    hrs = [picture(tmp_path / "hr" / name) for name in ("a.png", "ax4.png")]
    lrs = [reduced(hr, tmp_path / "lr" / hr.name) for hr in hrs]
    assert find_pairs(tmp_path / "hr", tmp_path / "lr") == [Pair(*both) for both in zip(hrs, lrs, strict=True)]


def test_without_an_lr_folder_every_picture_stands_alone(tmp_path: Path) -> None:
    hr = picture(tmp_path / "hr" / "a.png")
    (tmp_path / "hr" / "notes.txt").write_text("no picture")
    assert find_pairs(tmp_path / "hr") == [Pair(hr, None)]


def test_a_picture_without_a_partner_is_named(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(tmp_path / "hr" / name)
    reduced(tmp_path / "hr" / "a.png", tmp_path / "lr" / "a.png")
    with pytest.raises(DatasetError, match=r"“b\.png” and 1 others"):
        find_pairs(tmp_path / "hr", tmp_path / "lr")


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch], ids=["missing", "empty", "file"])
def test_a_folder_without_pictures_is_refused(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "hr")
    with pytest.raises(DatasetError):
        find_pairs(tmp_path / "hr")


# --- measuring ------------------------------------------------------------------------------------------------------


def test_made_and_given_lr_pictures_measure_the_same(tmp_path: Path) -> None:
    hr = picture(tmp_path / "hr" / "a.png", 51, 57)
    lr = reduced(hr, tmp_path / "lr" / "a.png")
    made, given = (
        evaluate([Pair(hr, partner)], {"bicubic": BicubicUpscaler()}, open_image, Control()) for partner in (None, lr)
    )
    assert made[0].psnr_y_db == given[0].psnr_y_db
    assert made[0].ssim_y == given[0].ssim_y


def test_rows_come_in_the_order_of_the_models_and_tell_better_from_worse(tmp_path: Path) -> None:
    pairs = [Pair(picture(tmp_path / name, grey=name == "b.png"), None) for name in ("a.png", "b.png")]
    upscalers = {"nearest": Nearest(), "bicubic": BicubicUpscaler()}
    nearest, bicubic = evaluate(pairs, upscalers, open_image, Control())
    assert (nearest.model, bicubic.model) == ("nearest", "bicubic")
    assert nearest.images == bicubic.images == 2
    assert nearest.psnr_y_db < bicubic.psnr_y_db - 1
    assert nearest.ssim_y < bicubic.ssim_y < 1
    assert nearest.seconds == 3.0


def test_results_are_quantised_to_8_bit_before_they_are_measured(tmp_path: Path) -> None:
    flat = tmp_path / "flat.png"
    PIL.Image.new("RGB", (40, 40), (10, 20, 30)).save(flat)
    (row,) = evaluate([Pair(flat, None)], {"bicubic": BicubicUpscaler()}, open_image, Control())
    assert row.psnr_y_db == float("inf")
    assert row.ssim_y == 1


def test_a_wider_border_leaves_more_out(tmp_path: Path) -> None:
    hr = picture(tmp_path / "a.png")
    rows = [
        evaluate([Pair(hr, None)], {"bicubic": BicubicUpscaler()}, open_image, Control(), border_px=border_px)
        for border_px in (0, 4, 12)
    ]
    assert len({row.psnr_y_db for (row,) in rows}) == 3


def test_an_lr_picture_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    hr = picture(tmp_path / "a.png")
    lr = picture(tmp_path / "lr.png", 12, 13)
    with pytest.raises(DatasetError, match=r"“lr\.png” has 13 × 12 pixels, not 14 × 12"):
        evaluate([Pair(hr, lr)], {"bicubic": BicubicUpscaler()}, open_image, Control())


def test_a_picture_too_small_to_measure_is_refused(tmp_path: Path) -> None:
    hr = picture(tmp_path / "a.png", 19, 60)
    with pytest.raises(DatasetError, match="too few to be measured"):
        evaluate([Pair(hr, None)], {"bicubic": BicubicUpscaler()}, open_image, Control())


def test_progress_counts_pictures(tmp_path: Path) -> None:
    pairs = [Pair(picture(tmp_path / name), None) for name in ("a.png", "b.png")]
    heard: list[Progress] = []
    control = Control(on_progress=heard.append, max_rate_hz=1e9)
    evaluate(pairs, {"bicubic": BicubicUpscaler()}, open_image, control)
    assert [(progress.done, progress.total) for progress in heard] == [(1, 2), (2, 2)]


def test_a_raised_token_stops_the_measuring(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        evaluate(
            [Pair(picture(tmp_path / "a.png"), None)],
            {"bicubic": BicubicUpscaler()},
            open_image,
            Control(token=token),
        )

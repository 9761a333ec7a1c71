"""The look at the pictures names everything that is wrong with them, and nothing in them can end it."""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import Cancelled, DatasetError
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.formats import open_stored_bytes
from srdesk.imaging.stored import StoredImage
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.data import health
from srdesk.training.data.health import blockiness, run_check
from srdesk.training.data.pictures import find_pictures

pytestmark = pytest.mark.process

MakeConfig = Callable[..., TrainConfig]


def checked(config: TrainConfig) -> events.HealthReport:
    told: list[events.AnyEvent] = []
    run_check(config, told.append, CancelToken())
    *progress, report = told
    assert isinstance(report, events.HealthReport)
    counts = [(event.done, event.total) for event in progress if isinstance(event, events.HealthProgress)]
    assert len(counts) == len(progress)
    assert counts == sorted(counts)
    assert counts[-1][0] == counts[-1][1]
    return report


def photo(*, side_px: int = 256, seed: int = 0) -> PIL.Image.Image:
    """Return a picture with the falling spectrum of photos: detail of every size."""
    random = np.random.default_rng(seed)
    total = np.zeros((side_px, side_px, 3))
    for coarse_px in (4, 16, 64, 256):
        noise = random.integers(0, 256, (coarse_px, coarse_px, 3), dtype=np.uint8)
        layer = PIL.Image.fromarray(noise).resize((side_px, side_px), PIL.Image.Resampling.BICUBIC)
        total += (np.asarray(layer, float) - 128) / coarse_px**0.5
    return PIL.Image.fromarray((128 + total / np.abs(total).max() * 127).astype(np.uint8))


def jpeg(picture: PIL.Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


@pytest.mark.parametrize("seed", range(3))
def test_blocks_of_strong_compression_are_seen_and_those_of_weak_are_not(seed: int) -> None:
    picture = photo(seed=seed)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    measured = {q: blockiness(open_stored_bytes(jpeg(picture, q), "a.jpg")) for q in (10, 20, 95)}
    clean = blockiness(open_stored_bytes(stream.getvalue(), "a.png"))
    assert measured[10].is_visible
    assert measured[20].is_visible
    assert measured[10].ratio > measured[20].ratio > measured[95].ratio
    assert not measured[95].is_visible
    assert not clean.is_visible
    assert clean.ratio < 1.1


def test_the_grid_of_an_enlarged_picture_is_not_one_of_blocks() -> None:
    stream = io.BytesIO()
    photo(side_px=64).resize((256, 256), PIL.Image.Resampling.NEAREST).save(stream, "PNG")
    assert not blockiness(open_stored_bytes(stream.getvalue(), "a.png")).is_visible


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_of_one_colour_has_no_blocks(mode: str) -> None:
    stream = io.BytesIO()
    PIL.Image.new(mode, (64, 48), 77).save(stream, "PNG")
    assert blockiness(open_stored_bytes(stream.getvalue(), "a.png")) == (1.0, 0.0)


def test_good_pictures_are_counted_as_training_will_count_them(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    report = checked(config)
    split = find_pictures(config)
    assert report.pictures == len(split.training) + len(split.validation) == 6
    assert report.validation_pictures == len(split.validation)
    assert report.megapixels == pytest.approx(6 * 72 * 80 / 1e6, abs=1e-3)
    assert not report.corrupt + report.too_small + report.duplicates + report.blocky


def test_everything_wrong_is_named(tiny_config: MakeConfig, pictures: Path) -> None:
    whole = jpeg(photo(), 92)
    (pictures / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (pictures / "page.png").write_text("<html>")
    (pictures / "copy.png").write_bytes((pictures / "0.png").read_bytes())
    (pictures / "blocky.jpg").write_bytes(jpeg(photo(), 15))
    PIL.Image.new("RGB", (20, 300)).save(pictures / "narrow.png")
    report = checked(tiny_config())
    assert sorted(Path(name).name for name, _ in report.corrupt) == ["cut.jpg", "page.png"]
    assert [Path(name).name for name in report.too_small] == ["narrow.png"]
    assert [tuple(Path(name).name for name in pair) for pair in report.duplicates] == [("copy.png", "0.png")]
    assert [Path(name).name for name, _ in report.blocky] == ["blocky.jpg"]
    assert report.pictures == 7
    assert any("2 pictures cannot be read" in warning for warning in report.warnings)


def test_members_of_archives_are_looked_at_like_files(tiny_config: MakeConfig, tmp_path: Path, pictures: Path) -> None:
    whole = jpeg(photo(), 92)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("whole.jpg", whole)
        archive.writestr("cut.jpg", whole[:-2000])
        archive.writestr("blocky.jpg", jpeg(photo(), 15))
        archive.writestr("small.jpg", jpeg(photo(side_px=16), 92))
        archive.writestr("in the folder.png", (pictures / "0.png").read_bytes())
    report = checked(tiny_config(data=(str(pictures), str(tmp_path / "a.zip"))))
    assert [Path(name).name for name, _ in report.corrupt] == ["cut.jpg"]
    assert [Path(name).name for name in report.too_small] == ["small.jpg"]
    assert [Path(name).name for name, _ in report.blocky] == ["blocky.jpg"]
    assert [tuple(Path(name).name for name in pair) for pair in report.duplicates] == [("in the folder.png", "0.png")]
    assert report.pictures == 8


def test_few_and_blocky_pictures_are_warned_of_with_a_remedy(tiny_config: MakeConfig, tmp_path: Path) -> None:
    folder = tmp_path / "blocky"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.jpg").write_bytes(jpeg(photo(seed=seed), 15))
    few, held_out, blocky = checked(tiny_config(data=(str(folder),))).warnings
    assert few.startswith("The network may learn 3 pictures of 0.2 megapixels together by heart: add more")
    assert held_out.startswith("Only 1 picture would be held out")
    assert blocky.startswith("3 of 3 pictures show the blocks of strong JPEG compression")


def test_half_size_is_advised_with_the_crops_that_it_leaves_room_for(tiny_config: MakeConfig, tmp_path: Path) -> None:
    folder = tmp_path / "blocky"
    folder.mkdir()
    (folder / "small.jpg").write_bytes(jpeg(photo(side_px=128), 15))
    (folder / "large.jpg").write_bytes(jpeg(photo(), 15))
    *_, blocky = checked(tiny_config(data=(str(folder),), crop_px=16)).warnings
    assert blocky.endswith("at half size (hr_scales = [0.5]).")
    *_, blocky = checked(tiny_config(data=(str(folder),), crop_px=24)).warnings
    assert blocky.endswith("(hr_scales = [0.5]), for which 1 picture would be too small with a crop_px above 16.")


def test_pictures_that_are_too_small_to_be_reduced_are_counted(tiny_config: MakeConfig) -> None:
    *_, reduced = checked(tiny_config(hr_scales=(1.0, 0.5, 0.25))).warnings
    assert reduced.startswith("Of 6 pictures, 6 cannot be reduced by 0.25: they are too small")


def test_a_single_picture_would_be_both_learnt_from_and_measured(tiny_config: MakeConfig, pictures: Path) -> None:
    warnings = checked(tiny_config(data=(str(pictures / "more"),))).warnings
    assert any(warning.startswith("There is only 1 picture, which is both learnt from and") for warning in warnings)
    assert not any("would be held out" in warning for warning in warnings)


def test_what_runs_keep_is_not_looked_at(
    tiny_config: MakeConfig, pictures: Path, new_picture: Callable[..., None]
) -> None:
    run = pictures / "run"
    new_picture(run / "pictures" / "00_hr.png", 50)
    for name in ("config.json", "events.jsonl"):
        (run / name).touch()
    new_picture(pictures / ".hidden" / "60.png", 60)
    assert checked(tiny_config()).pictures == 6


def test_small_and_repeated_pictures_are_warned_of(tiny_config: MakeConfig, pictures: Path) -> None:
    for number in range(3):
        (pictures / f"copy{number}.png").write_bytes((pictures / "0.png").read_bytes())
        PIL.Image.new("RGB", (20, 20), number).save(pictures / f"small{number}.png")
    warnings = checked(tiny_config()).warnings
    assert any("3 pictures of fewer than 32 × 32 pixels will not be used" in warning for warning in warnings)
    assert any("3 pictures with the content of another will count once" in warning for warning in warnings)


def test_a_folder_without_pictures_is_reported_and_no_error(tiny_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    report = checked(tiny_config(data=(str(tmp_path / "empty"),)))
    assert report.pictures == 0
    assert report.warnings[0].startswith("There is no picture to train on")


def test_a_folder_that_is_not_there_is_an_error(tiny_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone"):
        checked(tiny_config(data=(str(tmp_path / "gone"),)))


def test_folders_inside_each_other_do_not_make_copies(tiny_config: MakeConfig, pictures: Path) -> None:
    report = checked(tiny_config(data=(str(pictures), str(pictures / "more"))))
    assert report.duplicates == ()


def test_a_check_can_be_cancelled(tiny_config: MakeConfig, coco_archive: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        run_check(tiny_config(data=(str(coco_archive),)), lambda _: token.cancel(), token)


@pytest.mark.hostile
@pytest.mark.expects_warning_log("the decoder ended with status -9")
def test_a_picture_that_kills_its_decoder_is_one_corrupt_picture(
    tiny_config: MakeConfig, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fragile(Decoder):
        def _exchange(self, child: subprocess.Popen[bytes], path: Path, *rest: Any) -> StoredImage:
            if path.name == "0.png":
                child.kill()
                child.wait()
            return super()._exchange(child, path, *rest)

    monkeypatch.setattr(health, "Decoder", Fragile)
    report = checked(tiny_config())
    assert [Path(name).name for name, _ in report.corrupt] == ["0.png"]
    assert "ended its decoder" in report.corrupt[0][1]
    assert report.pictures == 5

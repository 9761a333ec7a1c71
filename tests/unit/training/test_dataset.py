"""Crops are a pure function of seed and step, aligned, and degraded as whole pictures are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srdesk.errors import DatasetError
from srdesk.imaging.resample import degrade_8bit
from srdesk.training.config import TrainConfig
from srdesk.training.dataset import BatchLoader, CropSampler, PictureCache, find_pictures, read_rgb8

MakeConfig = Callable[..., TrainConfig]


def test_all_sub_folders_are_searched_and_nothing_is_on_both_sides(tiny_config: MakeConfig) -> None:
    split = find_pictures(tiny_config())
    names = [picture.path.name for picture in (*split.training, *split.validation)]
    assert sorted(names) == [f"{number}.png" for number in range(6)]
    assert split.training
    assert split.validation


def test_the_split_depends_on_content_alone(tiny_config: MakeConfig, pictures: Path, tmp_path: Path) -> None:
    held_out = {picture.digest for picture in find_pictures(tiny_config()).validation}
    (pictures / "0.png").rename(pictures / "renamed.png")
    (tmp_path / "elsewhere").mkdir()
    (pictures / "1.png").rename(tmp_path / "elsewhere" / "1.png")
    moved = find_pictures(tiny_config(data=(str(pictures), str(tmp_path / "elsewhere"))))
    assert {picture.digest for picture in moved.validation} == held_out


def test_a_copy_counts_once(tiny_config: MakeConfig, pictures: Path) -> None:
    before = find_pictures(tiny_config())
    (pictures / "copy.png").write_bytes((pictures / "0.png").read_bytes())
    after = find_pictures(tiny_config())
    assert len(after.training) + len(after.validation) == len(before.training) + len(before.validation)


def test_bad_and_small_files_are_skipped_with_a_reason(tiny_config: MakeConfig, pictures: Path) -> None:
    (pictures / "bad.png").write_bytes(b"not a picture")
    split = find_pictures(tiny_config(crop_px=8))
    assert [path.name for path, _ in split.skipped] == ["bad.png"]
    reasons = [reason for _, reason in find_pictures(tiny_config(data=(str(pictures / "more"),))).skipped]
    assert reasons == []
    with pytest.raises(DatasetError, match="no readable picture of at least 96 pixels"):
        find_pictures(tiny_config(crop_px=24))


def test_a_missing_folder_is_named(tiny_config: MakeConfig, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone"):
        find_pictures(tiny_config(data=(str(tmp_path / "gone"),)))


def test_a_single_picture_is_measured_as_well_as_trained_on(tiny_config: MakeConfig, pictures: Path) -> None:
    split = find_pictures(tiny_config(data=(str(pictures / "more"),)))
    assert split.training == split.validation


@pytest.mark.parametrize("selection", ["uniform", "detail"])
def test_the_same_step_gives_the_same_crops(tiny_config: MakeConfig, selection: str) -> None:
    config = tiny_config(crop_selection=selection, hr_scales=(1.0, 0.5))
    training = find_pictures(config).training
    first, again = CropSampler(training, config), CropSampler(training, config)
    for step in (0, 1, 7):
        np.testing.assert_array_equal(first.batch(step).hr, again.batch(step).hr)
        np.testing.assert_array_equal(first.batch(step).lr, again.batch(step).lr)
    assert not np.array_equal(first.batch(0).hr, first.batch(1).hr)


def test_another_seed_gives_other_crops(tiny_config: MakeConfig) -> None:
    training = find_pictures(tiny_config()).training
    a, b = (CropSampler(training, tiny_config(seed=seed)).batch(0).hr for seed in (1, 2))
    assert not np.array_equal(a, b)


def test_crops_are_what_the_degraded_picture_holds_there(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    training = find_pictures(config).training
    sampler = CropSampler(training, config)
    for step in range(6):
        batch = sampler.batch(step)
        for lr, hr in zip(batch.lr, batch.hr, strict=True):
            assert _is_a_place_in_some_picture(lr, hr, [read_rgb8(picture.path) for picture in training])


def _is_a_place_in_some_picture(lr: np.ndarray, hr: np.ndarray, pictures: list[np.ndarray]) -> bool:
    """Undo each flip and turn, look for the HR crop, then compare the LR crop with the degraded surroundings."""
    for picture in pictures:
        for turn in range(4):
            for flip in (False, True):
                pair = [crop[:, ::-1] if flip else crop for crop in (lr, hr)]
                low, high = (np.rot90(crop, -turn) for crop in pair)
                size = high.shape[0]
                windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size), axis=(0, 1))
                hits = np.argwhere((windows == high.transpose(2, 0, 1)).all(axis=(2, 3, 4)))
                if len(hits) != 1:
                    continue
                top, left = hits[0]
                phased = picture[top % 4 :, left % 4 :]
                phased = phased[: phased.shape[0] // 4 * 4, : phased.shape[1] // 4 * 4]
                whole = degrade_8bit(phased)
                expected = whole[top // 4 : top // 4 + size // 4, left // 4 : left // 4 + size // 4]
                inner = (slice(2, -2), slice(2, -2))  # the crop's own border may see a mirrored picture edge
                return bool(np.abs(low[inner].astype(int) - expected[inner].astype(int)).max() <= 1)
    return False


def test_detail_selection_prefers_the_busier_place(tiny_config: MakeConfig) -> None:
    def busyness(selection: str) -> float:
        config = tiny_config(crop_selection=selection, batch_size=16)
        sampler = CropSampler(find_pictures(config).training, config)
        return float(
            np.mean([np.abs(np.diff(sampler.batch(step).hr.astype(float), axis=2)).mean() for step in range(8)])
        )

    assert busyness("detail") > busyness("uniform")


def test_the_cache_keeps_to_its_limit(tiny_config: MakeConfig) -> None:
    training = find_pictures(tiny_config()).training
    one_picture_bytes = 72 * 80 * 3
    cache = PictureCache(2 * one_picture_bytes)
    for picture in training:
        cache.get(picture, 1.0)
    assert cache._held_bytes <= 2 * one_picture_bytes
    assert cache.get(training[-1], 1.0) is cache.get(training[-1], 1.0)


def test_the_loader_gives_the_sampler_s_batches_in_order(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    sampler = CropSampler(find_pictures(config).training, config)
    loader = BatchLoader(sampler, 3)
    try:
        for step in (3, 4, 5, 6):
            np.testing.assert_array_equal(loader.take(step).hr, sampler.batch(step).hr)
    finally:
        loader.close()

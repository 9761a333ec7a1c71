"""Crops are a pure function of seed and step, aligned, and degraded as whole pictures are."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srdesk.errors import DatasetError
from srdesk.imaging.image import Box
from srdesk.imaging.resample import degrade_8bit, resize_bicubic
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import BatchLoader, CropSampler, PictureCache, ReducedView
from srdesk.training.data.pictures import Picture, find_pictures, read_rgb8

MakeConfig = Callable[..., TrainConfig]


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
        cache.get(picture)
    assert cache._held_bytes <= 2 * one_picture_bytes
    assert cache.get(training[-1]) is cache.get(training[-1])


def test_the_loader_gives_the_sampler_s_batches_in_order(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    sampler = CropSampler(find_pictures(config).training, config)
    loader = BatchLoader(sampler, 3)
    try:
        for step in (3, 4, 5, 6):
            np.testing.assert_array_equal(loader.take(step).hr, sampler.batch(step).hr)
    finally:
        loader.close()


def test_reduced_pictures_are_computed_only_where_they_are_looked_at(pictures: Path) -> None:
    pixels = read_rgb8(pictures / "0.png")
    whole = np.rint(np.clip(resize_bicubic(pixels / np.float32(255.0), 54, 60), 0, 1) * 255).astype(np.uint8)
    view = ReducedView(pixels, 0.75)
    assert (view.height, view.width) == (54, 60)
    for box in (Box(0, 0, 54, 60), Box(3, 7, 20, 31), Box(50, 58, 4, 2)):
        np.testing.assert_array_equal(view.read(box), whole[box.top : box.bottom, box.left : box.right])


def test_crops_are_those_that_earlier_versions_drew(tiny_config: MakeConfig, pictures: Path) -> None:
    """A run that was begun with an earlier version goes on bit for bit."""
    config = tiny_config(crop_selection="detail", hr_scales=(1.0, 0.75), batch_size=4)
    # Not as they were found: digests depend on the version of the library that packed the PNGs.
    sampler = CropSampler([Picture(pictures / f"{n}.png", str(n), 72.0 * 80.0) for n in range(5)], config)
    digest = hashlib.sha256()
    for step in range(4):
        batch = sampler.batch(step)
        digest.update(np.ascontiguousarray(batch.lr).tobytes() + np.ascontiguousarray(batch.hr).tobytes())
    assert digest.hexdigest() == "69476fe77cc7ac178ffb7f11d5e3dd8607cee25dc24877fc359e1dd93839f7b7"


def damaged(archive: Path, picture: Picture) -> None:
    """Overwrite bytes in the middle of a member."""
    assert picture.member is not None
    at = picture.member.header_at + 400
    with archive.open("r+b") as stream:
        stream.seek(at)
        stream.write(bytes(40))


def test_a_member_that_turns_out_to_be_damaged_is_replaced_in_the_same_way_each_time(
    tiny_config: MakeConfig, coco_archive: Path
) -> None:
    config = tiny_config(data=(str(coco_archive),), batch_size=32)
    for picture in find_pictures(config).training[:12]:
        damaged(coco_archive, picture)
    training = find_pictures(config).training
    once, again = CropSampler(training, config), CropSampler(training, config)
    batches = [once.batch(step) for step in range(8)]
    for step in reversed(range(8)):
        np.testing.assert_array_equal(again.batch(step).hr, batches[step].hr)
    notice = once.take_notice()
    assert notice is not None
    assert "pictures cannot be used and are left out" in notice
    assert once.take_notice() is None


def test_a_run_whose_pictures_vanish_ends_with_a_sentence(tiny_config: MakeConfig, coco_archive: Path) -> None:
    config = tiny_config(data=(str(coco_archive),), batch_size=64)
    sampler = CropSampler(find_pictures(config).training, config)
    coco_archive.unlink()
    with pytest.raises(DatasetError, match="pictures cannot be read") as failed:
        sampler.batch(0)
    assert "--check" in failed.value.hint


def test_members_smaller_than_a_crop_are_left_out(
    tiny_config: MakeConfig, coco_archive: Path, new_jpeg: Callable[..., bytes]
) -> None:
    with zipfile.ZipFile(coco_archive, "a") as archive:
        for seed in range(30):
            archive.writestr(f"small/{seed}.jpg", new_jpeg(1000 + seed, height=24, width=24))
    config = tiny_config(data=(str(coco_archive),), batch_size=32)
    sampler = CropSampler(find_pictures(config).training, config)
    for step in range(6):
        sampler.batch(step)
    notice = sampler.take_notice()
    assert notice is not None
    assert "24 × 24 pixels are fewer than the 32 × 32 of a crop" in notice


def test_the_number_of_threads_changes_nothing(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    sampler = CropSampler(find_pictures(config).training, config)
    few, many = BatchLoader(sampler, 0, workers=1), BatchLoader(sampler, 0, workers=8)
    try:
        for step in range(12):
            np.testing.assert_array_equal(few.take(step).hr, many.take(step).hr)
    finally:
        few.close()
        many.close()


def test_grey_crops_have_one_brightness_in_all_colours(tiny_config: MakeConfig) -> None:
    config = tiny_config(grey_share=1.0, noise=0.1)
    batch = CropSampler(find_pictures(config).training, config).batch(0)
    for crops in (batch.lr, batch.hr):
        np.testing.assert_array_equal(crops[..., 0], crops[..., 1])
        np.testing.assert_array_equal(crops[..., 0], crops[..., 2])


def test_noise_is_in_the_lr_pixels_only(tiny_config: MakeConfig) -> None:
    # The least share of grey, so that turns and places are drawn alike and no crop is grey.
    clean, noisy = (
        CropSampler(find_pictures(config).training, config).batch(0)
        for config in (tiny_config(grey_share=1e-9), tiny_config(grey_share=1e-9, noise=0.2))
    )
    np.testing.assert_array_equal(clean.hr, noisy.hr)
    assert np.abs(clean.lr.astype(float) - noisy.lr).mean() > 1.0
    assert np.ptp(noisy.lr.astype(float) - clean.lr, axis=-1).mean() > 1.0, "each colour has its own noise"


def test_which_crops_are_taken_does_not_depend_on_the_camera(tiny_config: MakeConfig) -> None:
    training = find_pictures(tiny_config()).training
    digest = hashlib.sha256(CropSampler(training, tiny_config(seed=3)).batch(5).hr.tobytes())
    again = CropSampler(training, tiny_config(seed=3, noise=0.1)).batch(5).hr
    assert hashlib.sha256(again.tobytes()).digest() == digest.digest()


# --- reduced pictures -----------------------------------------------------------------------------------------------


def sampler_of(folder: Path, picture: np.ndarray, config: TrainConfig) -> CropSampler:
    """Return what draws from one picture alone."""
    PIL.Image.fromarray(picture).save(folder / "one.png")
    height, width = picture.shape[:2]
    return CropSampler([Picture(folder / "one.png", "0", float(height * width))], config)


@pytest.mark.parametrize(("side_px", "factor"), [(64, 0.5), (128, 0.25), (50, 0.25), (33, 0.25)])
def test_a_picture_is_reduced_as_far_as_one_crop_still_fits(
    tiny_config: MakeConfig, tmp_path: Path, side_px: int, factor: float
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)
    sampler = sampler_of(tmp_path, noise, tiny_config(hr_scales=(factor,), batch_size=1))
    reduced = resize_bicubic(noise / np.float32(255.0), 32, 32)
    whole = np.rint(np.clip(reduced, 0.0, 1.0) * 255.0).astype(np.uint8)
    turned = [np.rot90(side, turn) for side in (whole, whole[:, ::-1]) for turn in range(4)]
    for step in range(4):
        (hr,) = sampler.batch(step).hr
        assert any(np.array_equal(hr, place) for place in turned)


@pytest.mark.parametrize("selection", ["uniform", "detail"])
def test_crops_lie_inside_pictures_of_every_size(tiny_config: MakeConfig, tmp_path: Path, selection: str) -> None:
    scales = (0.25, 0.333, 0.5, 0.7, 0.999, 1.0)
    for side_px in range(32, 70):
        picture = np.full((side_px, side_px + side_px % 7, 3), 99, np.uint8)
        config = tiny_config(hr_scales=scales, batch_size=12, crop_selection=selection)
        batch = sampler_of(tmp_path, picture, config).batch(side_px)
        assert (batch.lr.shape, batch.hr.shape) == ((12, 8, 8, 3), (12, 32, 32, 3))
        assert np.unique(batch.lr).tolist() == np.unique(batch.hr).tolist() == [99]

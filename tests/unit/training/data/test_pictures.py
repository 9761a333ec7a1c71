"""Which pictures a run has: found in folders and archives, each once, and on the same side for good."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import PIL.Image
import pytest

from srdesk.errors import ArchiveError, CheckpointError, DatasetError
from srdesk.training.config import CONFIG_NAME, TrainConfig
from srdesk.training.data.pictures import (
    Picture,
    Split,
    file_digest,
    find_pictures,
    is_held_out,
    pictures_of_run,
    read_rgb8,
)
from srdesk.training.run.runs import EVENTS_NAME, MEASURED_NAME, PICTURES_FOLDER

MakeConfig = Callable[..., TrainConfig]
NewPicture = Callable[..., None]


def test_all_sub_folders_are_searched_and_nothing_is_on_both_sides(tiny_config: MakeConfig) -> None:
    split = find_pictures(tiny_config())
    names = [picture.path.name for picture in (*split.training, *split.validation)]
    assert sorted(names) == [f"{number}.png" for number in range(6)]
    assert split.training
    assert split.validation


def made_run(folder: Path, new_picture: NewPicture) -> None:
    """Make a run folder that keeps crops of held-out pictures."""
    for seed in range(50, 53):
        new_picture(folder / PICTURES_FOLDER / f"{seed}_hr.png", seed)
    (folder / CONFIG_NAME).write_text("{}")
    (folder / EVENTS_NAME).touch()


def test_what_runs_keep_and_what_is_hidden_is_not_learnt_from(
    tiny_config: MakeConfig, pictures: Path, new_picture: NewPicture
) -> None:
    before = find_pictures(tiny_config())
    made_run(pictures / "runs" / "first", new_picture)
    new_picture(pictures / ".thumbnails" / "large" / "60.png", 60)
    (pictures / "._0.png").write_bytes(b"a note of a file system")
    split = find_pictures(tiny_config())
    assert (names(split.training), names(split.validation)) == (names(before.training), names(before.validation))
    assert split.skipped == ()


def test_pictures_that_lie_beside_those_of_a_run_are_used(
    tiny_config: MakeConfig, pictures: Path, new_picture: NewPicture
) -> None:
    before = find_pictures(tiny_config())
    made_run(pictures, new_picture)
    assert names(find_pictures(tiny_config()).training) == names(before.training)


def test_a_hidden_folder_that_is_named_is_searched(tiny_config: MakeConfig, pictures: Path) -> None:
    hidden = pictures.rename(pictures.with_name(".pictures"))
    split = find_pictures(tiny_config(data=(str(hidden),)))
    assert len(split.training) + len(split.validation) == 6


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


def names(pictures: Iterable[Picture]) -> set[str]:
    return {picture.path.name for picture in pictures}


def test_pictures_come_out_of_an_archive_unextracted(
    tiny_config: MakeConfig, coco_archive: Path, coco_members: dict[str, bytes]
) -> None:
    split = find_pictures(tiny_config(data=(str(coco_archive),), validation_share=0.1))
    assert len(split.training) + len(split.validation) == len(coco_members)
    assert 15 < len(split.validation) < 45
    first = split.training[0]
    assert first.read_rgb8().shape == (72, 80, 3)
    assert first.path.parent == coco_archive / "train2014"
    assert list(coco_archive.parent.iterdir()) == [coco_archive]


def test_a_picture_is_the_same_from_a_file_and_from_an_archive(
    tiny_config: MakeConfig, coco_archive: Path, coco_members: dict[str, bytes], tmp_path: Path
) -> None:
    picture = find_pictures(tiny_config(data=(str(coco_archive),))).training[0]
    (tmp_path / "same.jpg").write_bytes(coco_members[f"train2014/{picture.path.name}"])
    np.testing.assert_array_equal(picture.read_rgb8(), read_rgb8(tmp_path / "same.jpg"))


def test_folders_and_archives_mix_and_a_picture_in_both_counts_once(
    tiny_config: MakeConfig, pictures: Path, coco_archive: Path, coco_members: dict[str, bytes]
) -> None:
    name, content = next(iter(coco_members.items()))
    (pictures / "of coco.jpg").write_bytes(content)
    split = find_pictures(tiny_config(data=(str(coco_archive), str(pictures))))
    found = names((*split.training, *split.validation))
    assert len(split.training) + len(split.validation) == 6 + len(coco_members)
    assert "of coco.jpg" in found
    assert Path(name).name not in found


def test_folder_pictures_are_split_as_without_the_archive(
    tiny_config: MakeConfig, pictures: Path, coco_archive: Path
) -> None:
    alone = find_pictures(tiny_config())
    mixed = find_pictures(tiny_config(data=(str(pictures), str(coco_archive))))
    assert names(alone.validation) <= names(mixed.validation)
    assert names(alone.training) <= names(mixed.training)


def test_an_archive_of_the_same_pictures_under_another_name_is_split_alike(
    tiny_config: MakeConfig, coco_archive: Path
) -> None:
    before = find_pictures(tiny_config(data=(str(coco_archive),)))
    elsewhere = coco_archive.rename(coco_archive.parent / "coco.zip")
    after = find_pictures(tiny_config(data=(str(elsewhere),)))
    assert names(after.validation) == names(before.validation)


def test_an_archive_without_usable_pictures_is_refused(tiny_config: MakeConfig, coco_archive: Path) -> None:
    with pytest.raises(ArchiveError, match="none of 64 pictures in it is readable and has 96 pixels a side"):
        find_pictures(tiny_config(data=(str(coco_archive),), crop_px=24))


def test_only_good_members_are_measured(tiny_config: MakeConfig, coco_archive: Path) -> None:
    config = tiny_config(data=(str(coco_archive),), validation_pictures=4, validation_share=0.2)
    first = find_pictures(config).validation[0]
    content = coco_archive.read_bytes()
    assert first.member is not None
    at = first.member.header_at + 100
    coco_archive.write_bytes(content[:at] + bytes(40) + content[at + 40 :])
    split = find_pictures(config)
    assert first.digest not in {picture.digest for picture in (*split.validation, *split.training)}
    assert [path.name for path, _ in split.skipped] == [first.path.name]
    for picture in split.validation[:4]:
        picture.read_rgb8()


def test_a_folder_of_archives_is_answered_with_what_to_name(tiny_config: MakeConfig, coco_archive: Path) -> None:
    with pytest.raises(DatasetError) as refused:
        find_pictures(tiny_config(data=(str(coco_archive.parent),)))
    assert "“train2014.zip”" in refused.value.hint


# --- the measured ones ----------------------------------------------------------------------------------------------


def measured(split: Split, config: TrainConfig) -> list[str]:
    return [picture.path.name for picture in split.validation[: config.validation_pictures]]


def test_a_run_measures_the_same_pictures_when_its_folder_grows(
    tiny_config: MakeConfig, pictures: Path, tmp_path: Path, new_picture: NewPicture
) -> None:
    config = tiny_config(validation_pictures=2, validation_share=0.5)
    run = tmp_path / "run"
    before = measured(pictures_of_run(config, run), config)
    for seed in range(10, 40):
        new_picture(pictures / "new" / f"{seed}.png", seed)
    assert measured(find_pictures(config), config) != before
    split = pictures_of_run(config, run)
    assert measured(split, config) == before
    assert split.notices == ()


def test_a_run_that_measured_few_pictures_goes_on_with_those(
    tiny_config: MakeConfig, pictures: Path, tmp_path: Path, new_picture: NewPicture
) -> None:
    config = tiny_config(validation_pictures=24, validation_share=0.5)
    before = pictures_of_run(config, tmp_path / "run")
    for seed in range(10, 20):
        new_picture(pictures / "new" / f"{seed}.png", seed)
    after = pictures_of_run(config, tmp_path / "run")
    assert measured(after, config) == measured(before, config)
    assert not names(after.training) & names(find_pictures(config).validation)


def test_pictures_measured_for_want_of_others_stay_held_out(
    tiny_config: MakeConfig, pictures: Path, tmp_path: Path, new_picture: NewPicture
) -> None:
    config = tiny_config(validation_share=0.0)
    before = measured(pictures_of_run(config, tmp_path / "run"), config)
    new_picture(pictures / "new.png", 99)
    after = pictures_of_run(config, tmp_path / "run")
    assert measured(after, config) == before
    assert not names(after.training) & set(before)


def test_a_measured_picture_that_is_gone_is_reported(tiny_config: MakeConfig, tmp_path: Path) -> None:
    config = tiny_config(validation_share=0.5)
    pictures_of_run(config, tmp_path / "run").validation[0].path.unlink()
    (notice,) = pictures_of_run(config, tmp_path / "run").notices
    assert notice.startswith("1 of the pictures that the run measured before")


def test_a_damaged_list_of_measured_pictures_is_named(tiny_config: MakeConfig, tmp_path: Path) -> None:
    (tmp_path / MEASURED_NAME).write_text("{")
    with pytest.raises(CheckpointError, match="damaged"):
        pictures_of_run(tiny_config(), tmp_path)


# --- notices --------------------------------------------------------------------------------------------------------


def test_one_notice_says_how_many_pictures_are_too_small_for_which_factor(
    tiny_config: MakeConfig, pictures: Path, tmp_path: Path, new_picture: NewPicture
) -> None:
    # Six pictures have 72 pixels at their shorter side; a crop has 32.
    new_picture(pictures / "large.png", 7, height=128, width=128)
    run = tmp_path / "run"
    config = tiny_config(hr_scales=(1.0, 0.5, 0.4, 0.25), validation_share=0.0)
    split = pictures_of_run(config, run)
    too_small = sum(picture.path.name != "large.png" for picture in split.training)
    assert split.notices == (
        f"Of {len(split.training)} pictures, {too_small} cannot be reduced by 0.25 and {too_small} not by 0.4: "
        "they are too small, and are reduced as far as a crop of 32 × 32 pixels fits in.",
    )
    assert pictures_of_run(msgspec.structs.replace(config, hr_scales=(1.0, 0.5)), run).notices == ()


def test_a_picture_that_is_both_learnt_from_and_measured_is_told_of(tiny_config: MakeConfig, pictures: Path) -> None:
    split = find_pictures(tiny_config(data=(str(pictures / "more"),)))
    assert split.training == split.validation
    (notice,) = split.notices
    assert notice == (
        "There is only 1 picture, which is both learnt from and measured: the figures say nothing about other "
        "pictures. Add some."
    )
    assert find_pictures(tiny_config()).notices == ()


def test_of_archives_it_is_estimated_how_many_pictures_are_too_small(
    tiny_config: MakeConfig, coco_archive: Path, coco_members: dict[str, bytes]
) -> None:
    config = tiny_config(data=(str(coco_archive),), hr_scales=(0.25,))
    split = find_pictures(config)
    (notice,) = split.notices
    count = len(split.training)
    assert notice.startswith(f"Of {count} pictures, about {count} cannot be reduced by 0.25:")


# --- pixels ---------------------------------------------------------------------------------------------------------


def test_all_numbers_of_8_bits_are_taken_as_they_are(tmp_path: Path) -> None:
    numbers = np.arange(256, dtype=np.uint8).reshape(16, 16)
    PIL.Image.fromarray(numbers).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_rgb8(tmp_path / "grey.png"), np.repeat(numbers[:, :, None], 3, axis=2))


def test_16_bits_are_rounded_to_8(tmp_path: Path) -> None:
    numbers = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    PIL.Image.fromarray(numbers).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_rgb8(tmp_path / "deep.png")[..., 0], np.rint(numbers / 65535 * 255))


def test_a_damaged_picture_is_not_held_out(
    tiny_config: MakeConfig, pictures: Path, new_picture: NewPicture, tmp_path: Path
) -> None:
    for seed in range(60, 200):
        new_picture(tmp_path / "one.png", seed)
        content = (tmp_path / "one.png").read_bytes()[:-300]
        if is_held_out(file_digest(content), 0.3):
            break
    for file in pictures.rglob("*.png"):
        if is_held_out(file_digest(file.read_bytes()), 0.3):
            file.unlink()
    (pictures / "cut.png").write_bytes(content)
    split = find_pictures(tiny_config())
    assert [path.name for path, _ in split.skipped] == ["cut.png"]
    assert split.validation
    assert "cut.png" not in names((*split.training, *split.validation))


def test_pictures_of_which_none_can_be_read_are_no_run(tiny_config: MakeConfig, pictures: Path) -> None:
    for file in pictures.rglob("*.png"):
        file.write_bytes(file.read_bytes()[:-300])
    with pytest.raises(DatasetError, match="no readable picture"):
        find_pictures(tiny_config())

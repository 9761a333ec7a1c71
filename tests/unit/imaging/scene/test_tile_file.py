"""A file that grows tile by tile, and whose finished steps survive whatever ends its writer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from srdesk.errors import ImageWriteError
from srdesk.imaging.scene import tile_file
from srdesk.imaging.scene.tile_file import TileFile, unfinished_bytes

BIG = 2**33


@contextlib.contextmanager
def opened(target: Path, key: str = "same", largest_bytes: int = 0) -> Iterator[TileFile]:
    with TileFile.opened(target, key=key, tiles=4, largest_bytes=largest_bytes) as file:
        yield file


def step(file: TileFile, number: int) -> None:
    """Write two tiles as one step."""
    for tile in (2 * number + 1, 2 * number):
        file.append(tile, bytes([tile]) * (tile + 3))
    file.finish_step()


def whole(target: Path, largest_bytes: int = 0) -> bytes:
    """Write a file without interruption."""
    with opened(target, largest_bytes=largest_bytes) as file:
        step(file, 0)
        step(file, 1)
        file.finish({}, lambda part: None)
    return target.read_bytes()


@pytest.mark.parametrize("largest_bytes", [0, BIG])
@pytest.mark.parametrize("torn", [b"", b'{"end":99,"ti', b'{"end":1'])
def test_a_file_that_is_gone_on_with_is_byte_for_byte_the_same(tmp_path: Path, torn: bytes, largest_bytes: int) -> None:
    expected = whole(tmp_path / "whole.tif", largest_bytes)
    target = tmp_path / "a.tif"
    with opened(target, largest_bytes=largest_bytes) as file:
        step(file, 0)
        file.append(3, b"half a step")
    with (tmp_path / "a.tif.part.journal").open("ab") as journal:
        journal.write(torn)
    assert unfinished_bytes(target) == (tmp_path / "a.tif.part").stat().st_size
    with opened(target, largest_bytes=largest_bytes) as file:
        assert file.finished_steps == 1
        step(file, 1)
        file.finish({}, lambda part: None)
    assert target.read_bytes() == expected
    assert expected[2] == (43 if largest_bytes else 42)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("a.")] == ["a.tif"]


def test_a_run_that_died_while_finishing_finishes_again_to_the_same_bytes(tmp_path: Path) -> None:
    expected = whole(tmp_path / "whole.tif")
    target = tmp_path / "a.tif"

    def die(part: Path) -> None:
        part.write_bytes(part.read_bytes() + b"half an overview")
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt), opened(target) as file:
        step(file, 0)
        step(file, 1)
        file.finish({}, die)
    with opened(target) as file:
        assert file.finished_steps == 2
        file.finish({}, lambda part: None)
    assert target.read_bytes() == expected


def test_other_work_under_the_same_name_begins_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "a.tif") as file:
        step(file, 0)
    with opened(tmp_path / "a.tif", key="other") as file:
        assert file.finished_steps == 0
        assert file.size_bytes == 8


def test_a_part_shorter_than_its_journal_says_is_begun_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "a.tif") as file:
        step(file, 0)
    (tmp_path / "a.tif.part").write_bytes(b"II")
    with opened(tmp_path / "a.tif") as file:
        assert file.finished_steps == 0


def test_two_programs_never_write_one_file(tmp_path: Path) -> None:
    with opened(tmp_path / "a.tif") as file:
        with pytest.raises(ImageWriteError, match="another program is writing it"), opened(tmp_path / "a.tif"):
            pass
        step(file, 0)
    with opened(tmp_path / "a.tif") as file:
        assert file.finished_steps == 1


def test_a_part_of_another_program_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tif.part").write_bytes(b"theirs")
    with pytest.raises(ImageWriteError, match=r"a\.tif\.part"), opened(tmp_path / "a.tif"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif.part"]
    assert (tmp_path / "a.tif.part").read_bytes() == b"theirs"


def test_links_are_not_followed_by_the_part_but_by_the_result(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.tif").write_bytes(b"old")
    (tmp_path / "link.tif").symlink_to(tmp_path / "real" / "a.tif")
    content = whole(tmp_path / "link.tif")
    assert (tmp_path / "link.tif").is_symlink()
    assert (tmp_path / "real" / "a.tif").read_bytes() == content
    (tmp_path / "b.tif.part.journal").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ImageWriteError), opened(tmp_path / "b.tif"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "a.tif") as file:
        step(file, 0)
        file.discard()
    assert list(tmp_path.iterdir()) == []
    assert unfinished_bytes(tmp_path / "a.tif") == 0


def test_what_goes_wrong_elsewhere_is_not_said_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened(tmp_path / "a.tif"):
        (tmp_path / "another").stat()


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with opened(tmp_path / "a.tif") as file:
        monkeypatch.setattr(tile_file.os, "fsync", fail)
        with pytest.raises(ImageWriteError, match=r"“a\.tif” cannot be written: no space left on device"):
            step(file, 0)


def test_a_folder_that_is_missing_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="no such file"), opened(tmp_path / "no" / "a.tif"):
        pass

"""Which files are meant when files and folders are named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from srdesk.engine.files.inputs import InputFile, find_inputs
from srdesk.imaging.naming import OutputName

TEMPLATE = "{stem}_{model}_x{scale}{ext}"


def touched(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def found(*sources: Path | str, folder: Path | None = None, template: str = TEMPLATE, **options: Any) -> list[str]:
    """Return the names of the files that were found."""
    inputs = find_inputs([Path(source) for source in sources], folder, template=template, **options)
    return [file.path.name for file in inputs.files]


def test_files_are_inputs_whatever_they_are_called_and_folders_give_their_pictures(tmp_path: Path) -> None:
    top = tmp_path / "in"
    touched(top / "b.PNG", top / "deep" / "a.jpg", top / "notes.txt")
    (top / "loop").symlink_to(top)
    inputs = find_inputs([Path("strange.xyz"), top], None, template=TEMPLATE)
    assert inputs.files == (
        InputFile(Path("strange.xyz"), Path()),
        InputFile(top / "b.PNG", top),
        InputFile(top / "deep" / "a.jpg", top / "deep"),
    )
    assert inputs.failures == ()


def test_sub_folders_are_kept_below_the_output_folder(tmp_path: Path) -> None:
    touched(tmp_path / "in" / "a.png", tmp_path / "in" / "deep" / "b.png")
    inputs = find_inputs([tmp_path / "in"], tmp_path / "out", template=TEMPLATE)
    assert [file.output_folder for file in inputs.files] == [tmp_path / "out", tmp_path / "out" / "deep"]


def test_sub_folders_can_be_left_out(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "deep" / "b.png")
    assert found(tmp_path, is_recursive=False) == ["a.png"]


def test_a_folder_without_pictures_is_a_failure(tmp_path: Path) -> None:
    inputs = find_inputs([tmp_path], None, template=TEMPLATE)
    assert inputs.files == ()
    assert [failure.path for failure in inputs.failures] == [tmp_path]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything can be looked into")
def test_a_folder_that_cannot_be_looked_into_is_a_failure(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "shut" / "b.png")
    (tmp_path / "shut").chmod(0)
    inputs = find_inputs([tmp_path], None, template=TEMPLATE)
    (tmp_path / "shut").chmod(0o700)
    assert [failure.path.name for failure in inputs.failures] == ["shut"]


def test_results_below_the_input_folder_are_no_inputs(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "out" / "b.png")
    assert found(tmp_path, folder=tmp_path / "out") == ["a.png"]


def test_writing_into_the_input_folder_leaves_its_pictures_inputs(tmp_path: Path) -> None:
    touched(tmp_path / "a.png")
    assert found(tmp_path, folder=tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    "name",
    [
        "a_bicubic_x4.png",
        "a_srgan_x2.png",
        "a_mine_x4.png",
        "a_bicubic_x40x30.png",
        "a_srcnn_x4-2.png",
        "a_srcnn_x4.tif",
    ],
)
def test_results_beside_their_pictures_are_not_enlarged_again(tmp_path: Path, name: str) -> None:
    touched(tmp_path / "a.png", tmp_path / "b_bicubic_x4.png", tmp_path / name)
    inputs = find_inputs([tmp_path], None, template=TEMPLATE, models=["mine"])
    assert [file.path.name for file in inputs.files] == ["a.png", "b_bicubic_x4.png"]  # there is no b.png
    assert [path.name for path in inputs.results] == [name]


@pytest.mark.parametrize("name", ["a_paris_x4.png", "a_bicubic_x5.png", "a-2.png", "a_bicubic.png"])
def test_pictures_with_names_a_little_like_results_are_enlarged(tmp_path: Path, name: str) -> None:
    touched(tmp_path / "a.png", tmp_path / name)
    assert found(tmp_path) == sorted(["a.png", name])


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ("big {stem}", "big a (b).png"),
        ("{stem}+{date} {time}", "a (b)+2026-05-04 120000.png"),
        ("{model}.{n}.{stem}", "srcnn.17.a (b).png"),
        ("{stem}_{stem}{ext}", "a (b)_a (b).jpg"),
    ],
)
def test_results_of_any_template_are_known(tmp_path: Path, template: str, result: str) -> None:
    touched(tmp_path / "a (b).png", tmp_path / result, tmp_path / "c.png")
    assert found(tmp_path, template=template) == ["a (b).png", "c.png"]


def test_a_template_that_adds_nothing_but_a_number_makes_nothing_a_result(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "a-2.png")
    assert found(tmp_path, template="{stem}{ext}") == ["a-2.png", "a.png"]


def test_a_result_that_is_named_is_enlarged(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "a_bicubic_x4.png")
    assert found(tmp_path / "a_bicubic_x4.png", tmp_path / "a.png") == ["a_bicubic_x4.png", "a.png"]


def test_results_in_another_folder_that_is_searched_are_known(tmp_path: Path) -> None:
    touched(tmp_path / "1" / "a.png", tmp_path / "2" / "b.png", tmp_path / "2" / "a_bicubic_x4.png")
    assert found(tmp_path / "1", tmp_path / "2", folder=tmp_path / "2") == ["a.png", "b.png"]


def test_a_thousand_pictures_and_their_results_are_told_apart_at_once(tmp_path: Path) -> None:
    for number in range(500):
        touched(tmp_path / f"p{number}.png", tmp_path / f"p{number}_srgan_x4.png")
    assert len(found(tmp_path)) == 500


def test_results_may_go_to_the_folder_in_which_that_of_the_pictures_lies(tmp_path: Path) -> None:
    touched(tmp_path / "raw" / "a.png")
    assert found(tmp_path / "raw", folder=tmp_path) == ["a.png"]


def test_notes_of_a_file_system_are_no_pictures_unless_they_are_named(tmp_path: Path) -> None:
    note = tmp_path / "._a.png"
    touched(tmp_path / "a.png", note)
    assert found(tmp_path) == ["a.png"]
    assert found(note) == ["._a.png"]


def test_results_of_long_names_are_recognised(tmp_path: Path) -> None:
    long, wide = "a" * 235 + ".png", "顔" * 78 + "aa.png"
    named = OutputName(TEMPLATE)
    for name in (long, wide):
        touched(tmp_path / name, *(tmp_path / named.render(Path(name), model=model) for model in ("bicubic", "srcnn")))
    touched(tmp_path / ("b" * 235 + ".png"))
    assert sorted(found(tmp_path)) == sorted([long, wide, "b" * 235 + ".png"])

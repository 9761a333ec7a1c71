"""Which pictures are enlarged, and which file each of them becomes."""

from pathlib import Path

import numpy as np
import pytest

from srdesk.cli.outputs import Destination, InputFile, check_format, find_inputs, prepare_folder, suffix_for
from srdesk.errors import ConfigError, ImageWriteError, UnsupportedImageError
from srdesk.imaging.image import Image, Metadata
from srdesk.imaging.values import UINT16


def touched(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("text", ["there", "new/", "there/"])
def test_an_existing_folder_or_a_slash_means_a_folder(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    assert Destination.parse(text, ["a.png"]) == Destination(folder=Path(text))


def test_several_inputs_or_a_folder_mean_a_folder(tmp_path: Path) -> None:
    new = str(tmp_path / "new")
    assert Destination.parse(new, ["a.png", "b.png"]).folder == Path(new)
    assert Destination.parse(new, [str(tmp_path)]).folder == Path(new)
    with pytest.raises(ConfigError, match="output"):
        Destination.parse(f"{new}.png", ["a.png", "b.png"])


def test_a_suffix_means_a_file_and_none_is_refused() -> None:
    assert Destination.parse("out.TIF", ["a.png"]) == Destination(file=Path("out.TIF"))
    with pytest.raises(UnsupportedImageError):
        Destination.parse("out", ["a.png"])


def test_a_name_with_a_dot_may_be_a_folder_for_several(tmp_path: Path) -> None:
    new = str(tmp_path / "results v1.2")
    assert Destination.parse(new, ["a.png", "b.png"]).folder == Path(new)


def test_results_go_beside_the_input_or_below_the_folder() -> None:
    item = InputFile(Path("in/deep/a.png"), Path("deep"))
    assert Destination().folder_for(item) == Path("in/deep")
    assert Destination(folder=Path("out")).folder_for(item) == Path("out/deep")


def test_files_are_inputs_whatever_they_are_called_and_folders_give_their_pictures(tmp_path: Path) -> None:
    top = tmp_path / "in"
    touched(top / "b.PNG", top / "deep" / "a.jpg", top / "notes.txt")
    (top / "loop").symlink_to(top)
    inputs, failures = find_inputs(["strange.xyz", str(top)], Destination())
    assert inputs == [
        InputFile(Path("strange.xyz")),
        InputFile(top / "b.PNG", Path()),
        InputFile(top / "deep" / "a.jpg", Path("deep")),
    ]
    assert failures == []


def test_a_folder_without_pictures_is_a_failure(tmp_path: Path) -> None:
    inputs, failures = find_inputs([str(tmp_path)], Destination())
    assert inputs == []
    assert failures[0].path == tmp_path


def test_results_below_the_input_folder_are_no_inputs(tmp_path: Path) -> None:
    touched(tmp_path / "a.png", tmp_path / "out" / "a_x4.png")
    inputs, _ = find_inputs([str(tmp_path)], Destination(folder=tmp_path / "out"))
    assert [item.path.name for item in inputs] == ["a.png"]


def test_writing_into_the_input_folder_leaves_its_pictures_inputs(tmp_path: Path) -> None:
    touched(tmp_path / "a.png")
    inputs, _ = find_inputs([str(tmp_path)], Destination(folder=tmp_path))
    assert [item.path.name for item in inputs] == ["a.png"]


def picture(**fields: object) -> Image:
    return Image(np.zeros((2, 3, 3), np.float32), **fields)  # type: ignore[arg-type]


def test_a_result_keeps_the_suffix_of_its_input_or_gets_that_of_its_content() -> None:
    assert suffix_for(Path("a.JPeG"), picture()) == ".JPeG"
    assert suffix_for(Path("a"), picture(metadata=Metadata(format="TIFF"))) in (".tif", ".tiff")


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_lossless_formats_hold_sixteen_bits_and_alpha(name: str) -> None:
    check_format(Path(name), picture(values=UINT16), height=80, width=120, has_alpha=True)


def test_what_a_format_cannot_hold_is_refused_with_a_remedy() -> None:
    for has_alpha in (False, True):  # a background does not make 16 bits fit
        with pytest.raises(ImageWriteError) as caught:
            check_format(Path("a.jpg"), picture(values=UINT16), height=8, width=12, has_alpha=has_alpha)
        assert "another format" in caught.value.hint
        assert "--background" not in caught.value.hint
    with pytest.raises(ImageWriteError) as caught:
        check_format(Path("a.jpg"), picture(), height=8, width=12, has_alpha=True)
    assert "--background" in caught.value.hint


def test_a_size_that_a_format_cannot_hold_is_refused() -> None:
    with pytest.raises(ImageWriteError):
        check_format(Path("a.webp"), picture(), height=8, width=20_000, has_alpha=False)


def test_the_folder_of_an_output_is_made(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "a" / "b" / "c.png")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ImageWriteError):
        prepare_folder(tmp_path / "file" / "c.png")

"""`srdesk upscale`: what it prints, where results go, and what it never overwrites."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import PIL.Image
import pytest


def names(folder: Path) -> list[str]:
    """List the files in a folder and below."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def size(path: Path) -> tuple[int, int]:
    """Return width and height."""
    with PIL.Image.open(path) as image:
        return image.size


# --- what is printed ------------------------------------------------------------------------------------------------


def test_json_lists_each_output_with_how_it_was_made(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    source = photo(tmp_path / "a.png")
    ended = srdesk("upscale", source, "--model", "bicubic", "--json")
    assert (ended.status, ended.err) == (0, "")
    assert list(ended.document) == ["outputs"]
    (output,) = ended.document["outputs"]
    assert list(output) == [
        "input",
        "output",
        "model",
        "device",
        "precision",
        "window_px",
        "seconds",
        "megapixels_per_second",
    ]
    assert output["input"] == str(source)
    assert output["output"] == str(tmp_path / "a_bicubic_x4.png")
    assert (output["model"], output["device"], output["precision"]) == ("bicubic", "cpu", "fp32")
    assert isinstance(output["window_px"], int)
    assert output["seconds"] >= 0
    assert output["megapixels_per_second"] >= 0


def test_without_json_a_line_tells_what_became_of_what(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic")
    assert ended.status == 0
    assert ended.out.startswith(f"{tmp_path / 'a.png'} → {tmp_path / 'a_bicubic_x4.png'}  48 × 40 pixels")
    assert ended.err == ""


def test_the_result_is_written_beside_the_input_four_times_as_large(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic")
    assert names(tmp_path) == ["a.png", "a_bicubic_x4.png"]
    assert size(tmp_path / "a_bicubic_x4.png") == (48, 40)


# --- where results go -----------------------------------------------------------------------------------------------


def test_the_suffix_of_the_output_decides_the_format(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    source = photo(tmp_path / "a.png")
    for suffix, expected in {"jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "png": "PNG"}.items():
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / f"out.{suffix}")
        assert ended.status == 0, ended.err
        with PIL.Image.open(tmp_path / f"out.{suffix}") as image:
            assert image.format == expected


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_output_folder_takes_results_under_their_template_names(
    srdesk: Any, tmp_path: Path, slash: str, photo: Any
) -> None:
    if not slash:
        (tmp_path / "out").mkdir()
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", f"{tmp_path / 'out'}{slash}")
    assert ended.status == 0, ended.err
    assert names(tmp_path / "out") == ["a_bicubic_x4.png"]


def test_several_inputs_make_the_output_a_folder(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    ended = srdesk(
        "upscale",
        photo(tmp_path / "a.png"),
        photo(tmp_path / "b.png"),
        "--model",
        "bicubic",
        "-o",
        tmp_path / "out",
    )
    assert ended.status == 0, ended.err
    assert names(tmp_path / "out") == ["a_bicubic_x4.png", "b_bicubic_x4.png"]


def test_several_inputs_cannot_become_one_file(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    sources = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    ended = srdesk("upscale", *sources, "--model", "bicubic", "-o", tmp_path / "out.png")
    assert ended.status == 1
    assert "a folder" in ended.err
    assert names(tmp_path) == ["a.png", "b.png"]


def test_a_folder_keeps_its_sub_folders_below_the_output_folder(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "deep" / "b.jpg")
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    for _ in range(2):  # the second time, results below the input are no inputs
        ended = srdesk(
            "upscale",
            tmp_path / "in",
            "--model",
            "bicubic",
            "-o",
            tmp_path / "in" / "out",
            "--on-collision",
            "overwrite",
        )
        assert ended.status == 0, ended.err
        assert names(tmp_path / "in" / "out") == ["a_bicubic_x4.png", "deep/b_bicubic_x4.jpg"]


def test_inputs_of_the_same_name_do_not_overwrite_each_other(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    sources = [photo(tmp_path / "1" / "a.png"), photo(tmp_path / "2" / "a.png")]
    for policy in ("overwrite", "skip", "number"):
        out = tmp_path / policy
        ended = srdesk("upscale", *sources, "--model", "bicubic", "-o", out, "--on-collision", policy)
        assert ended.status == 0
        assert len(names(out)) == 2


@pytest.mark.parametrize("name", ["out", "out.gif"])
def test_an_output_name_that_says_no_format_is_refused(srdesk: Any, tmp_path: Path, name: str, photo: Any) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", tmp_path / name)
    assert ended.status == 1
    assert ".png" in ended.err
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("number", ["a.png", "out-2.png", "out.png"]),
        ("skip", ["a.png", "out.png"]),
        ("overwrite", ["a.png", "out.png"]),
    ],
)
def test_an_output_that_exists_is_treated_as_asked(
    srdesk: Any, tmp_path: Path, policy: str, expected: list[str], photo: Any
) -> None:
    source = photo(tmp_path / "a.png")
    (tmp_path / "out.png").write_text("precious")
    ended = srdesk(
        "upscale", source, "--model", "bicubic", "-o", tmp_path / "out.png", "--on-collision", policy, "--json"
    )
    assert ended.status == 0, ended.err
    assert names(tmp_path) == expected
    is_kept = (tmp_path / "out.png").read_bytes() == b"precious"
    assert is_kept == (policy != "overwrite")
    assert len(ended.document["outputs"]) == (policy != "skip")
    assert ("skipped" in ended.document) == (policy == "skip")


def test_nobody_is_asked_where_there_is_no_terminal(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "--on-collision", "ask")
    assert ended.status == 1
    assert "number, skip or overwrite" in ended.err


@pytest.mark.parametrize("policy", ["number", "overwrite"])
def test_the_input_is_never_the_output_not_even_through_a_link(
    srdesk: Any, tmp_path: Path, policy: str, photo: Any
) -> None:
    source = photo(tmp_path / "a.png")
    content = source.read_bytes()
    (tmp_path / "link.png").symlink_to(source)
    for output in (source, tmp_path / "link.png"):
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", output, "--on-collision", policy)
        assert ended.status == 1
        assert "input file itself" in ended.err
    assert source.read_bytes() == content


def test_no_input_of_a_batch_is_overwritten_by_the_result_of_another(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    sources = [photo(tmp_path / "a.png"), photo(tmp_path / "a_bicubic_x4.png")]
    content = sources[1].read_bytes()
    ended = srdesk("upscale", *sources, "--model", "bicubic", "--on-collision", "overwrite")
    assert ended.status == 1
    assert sources[1].read_bytes() == content

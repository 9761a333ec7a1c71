"""`srdesk upscale FOLDER`: many files, some of them bad, interrupted and gone on with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from srdesk.cli import upscale


def names(folder: Path) -> list[str]:
    """List the files in a folder and below."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pictures(folder: Path, photo: Any, count: int = 4) -> Path:
    for number in range(count):
        photo(folder / f"p{number}.png")
    return folder


def stop_at(monkeypatch: pytest.MonkeyPatch, name: str, error: type[BaseException]) -> list[str]:
    """Let the program end when it comes to a file; return the names of what it begins, also later."""
    begun: list[str] = []
    enlarge_file = upscale.enlarge_file

    def enlarged(source: Path, *rest: Any, **more: Any) -> Any:
        begun.append(source.name)
        if begun.count(name) == 1 and source.name == name:
            raise error
        return enlarge_file(source, *rest, **more)

    monkeypatch.setattr(upscale, "enlarge_file", enlarged)
    return begun


def state_files(home: Path) -> list[str]:
    return names(home / "state") if (home / "state").exists() else []


# --- going on ---------------------------------------------------------------------------------------------------------


def test_the_same_command_goes_on_where_it_was_interrupted(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, srdesk_home: Path
) -> None:
    words = ["upscale", pictures(tmp_path / "in", photo), "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    begun = stop_at(monkeypatch, "p2.png", KeyboardInterrupt)
    ended = srdesk(*words)
    assert ended.status == 130
    assert "2 enlarged of 4 files" in ended.err
    assert "The same command goes on with what is left." in ended.err
    assert names(tmp_path / "out") == ["p0_bicubic_x4.png", "p1_bicubic_x4.png"]
    ended = srdesk(*words)
    assert ended.status == 0, ended.err
    assert "2 of 4 files were enlarged by an earlier run of this command" in ended.err
    assert begun == ["p0.png", "p1.png", "p2.png", "p2.png", "p3.png"]
    assert names(tmp_path / "out") == [f"p{number}_bicubic_x4.png" for number in range(4)]
    assert state_files(srdesk_home) == []


def test_a_batch_that_is_done_is_done_anew_by_the_same_command(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    words = ["upscale", pictures(tmp_path / "in", photo, 2), "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    for _ in range(2):
        assert srdesk(*words).status == 0
    assert names(tmp_path / "out") == [
        "p0_bicubic_x4-2.png",
        "p0_bicubic_x4.png",
        "p1_bicubic_x4-2.png",
        "p1_bicubic_x4.png",
    ]


def test_the_same_command_tries_again_what_failed_and_nothing_else(
    srdesk: Any, tmp_path: Path, photo: Any, srdesk_home: Path
) -> None:
    source = pictures(tmp_path / "in", photo, 3)
    (source / "p1.png").write_text("no picture")
    words = ["upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    ended = srdesk(*words)
    assert ended.status == 1
    assert "2 enlarged, 1 failed of 3 files." in ended.err
    assert "The same command tries them again." in ended.err
    assert len(state_files(srdesk_home)) == 2
    photo(source / "p1.png")
    assert srdesk(*words).status == 0
    assert names(tmp_path / "out") == [f"p{number}_bicubic_x4.png" for number in range(3)]
    assert state_files(srdesk_home) == []


def test_pictures_that_came_or_were_changed_and_results_that_are_gone_are_seen_to(
    srdesk: Any, tmp_path: Path, photo: Any
) -> None:
    source = pictures(tmp_path / "in", photo)
    (source / "bad.png").touch()
    words = ["upscale", source, "-o", tmp_path / "out", "--model", "bicubic", "--json"]
    assert len(srdesk(*words).document["outputs"]) == 4
    (source / "p0.png").unlink()
    photo(source / "p1.png", height=11)
    photo(source / "deep" / "new.png")
    (tmp_path / "out" / "p2_bicubic_x4.png").unlink()
    document = srdesk(*words).document
    assert sorted(Path(output["output"]).name for output in document["outputs"]) == [
        "new_bicubic_x4.png",
        "p1_bicubic_x4-2.png",
        "p2_bicubic_x4.png",
    ]
    assert [Path(failure["input"]).name for failure in document["failures"]] == ["bad.png"]


@pytest.mark.parametrize(
    "other", [["--no-resume"], ["--size", "2x"], ["--back-projection", "0.5"], ["--on-collision", "overwrite"]]
)
def test_another_command_begins_anew(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, other: list[str]
) -> None:
    words = ["upscale", pictures(tmp_path / "in", photo, 3), "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    begun = stop_at(monkeypatch, "p1.png", KeyboardInterrupt)
    assert srdesk(*words).status == 130
    assert srdesk(*words, *other).status == 0
    assert begun == ["p0.png", "p1.png", "p0.png", "p1.png", "p2.png"]


def test_names_without_a_folder_mean_other_files_in_another_folder(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = pictures(tmp_path / "in", photo, 3), tmp_path / "one" / "out"
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    begun = stop_at(monkeypatch, "p1.png", KeyboardInterrupt)
    assert srdesk("upscale", source, "-o", "out/", "--model", "bicubic").status == 130
    assert names(output) == ["p0_bicubic_x4.png"]
    monkeypatch.chdir(tmp_path / "other")
    assert srdesk("upscale", source, "-o", f"{output}/", "--model", "bicubic").status == 0
    assert names(tmp_path / "other") == []
    assert "p2_bicubic_x4.png" in names(output)
    monkeypatch.chdir(tmp_path / "one")
    assert srdesk("upscale", source, "-o", "out/", "--model", "bicubic").status == 0
    assert begun == ["p0.png", "p1.png", "p0.png", "p1.png", "p2.png", "p1.png", "p2.png"]


def test_weights_that_were_changed_begin_anew(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, tiny_weights: Path
) -> None:
    source = pictures(tmp_path / "in", photo, 2)
    words = ["upscale", source, "-o", f"{tmp_path}/out/", "--model", "tiny", "--device", "cpu"]
    begun = stop_at(monkeypatch, "p1.png", KeyboardInterrupt)
    assert srdesk(*words).status == 130
    os.utime(tiny_weights, (1, 1))
    assert srdesk(*words).status == 0
    assert begun == ["p0.png", "p1.png", "p0.png", "p1.png"]


def test_without_resume_nothing_is_remembered(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, srdesk_home: Path
) -> None:
    source = pictures(tmp_path / "in", photo, 3)
    stop_at(monkeypatch, "p1.png", KeyboardInterrupt)
    ended = srdesk("upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic", "--no-resume")
    assert ended.status == 130
    assert "same command" not in ended.err
    assert state_files(srdesk_home) == []


def test_batches_that_nobody_goes_on_with_are_forgotten(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, srdesk_home: Path
) -> None:
    source = pictures(tmp_path / "in", photo, 2)
    stop_at(monkeypatch, "p0.png", KeyboardInterrupt)
    srdesk("upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic")
    kept = state_files(srdesk_home)
    assert len(kept) == 2
    for name in kept:
        long_ago_s = time.time() - 40 * 86400
        os.utime(srdesk_home / "state" / name, (long_ago_s, long_ago_s))
    srdesk("upscale", source / "p1.png", "-o", f"{tmp_path}/out/", "--model", "bicubic")
    assert state_files(srdesk_home) == []


# --- what is told -----------------------------------------------------------------------------------------------------


def test_the_end_tells_what_was_done_skipped_and_why_the_rest_failed(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    source = pictures(tmp_path / "in", photo, 5)
    (source / "p1.png").write_text("no picture")
    (source / "p3.png").write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p4_bicubic_x4.png").touch()
    ended = srdesk("upscale", source, "-o", tmp_path / "out", "--model", "bicubic", "--on-collision", "skip")
    assert ended.status == 1
    *_, counts, first, second, hint = ended.err.splitlines()
    assert counts == "srdesk: 2 enlarged, 1 skipped, 2 failed of 5 files."
    assert first == "srdesk:   “p1.png” is not supported: its content is no PNG, JPEG, WebP, TIFF or FITS."
    assert second == "srdesk:   “p3.png” cannot be opened: it is empty."
    assert hint == "srdesk: The same command tries them again."
    assert "“p4_bicubic_x4.png” exists already; “p4.png” is skipped." in ended.err


def test_what_nobody_foresaw_is_logged_and_the_others_go_on(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch, srdesk_home: Path
) -> None:
    stop_at(monkeypatch, "p0.png", ZeroDivisionError)
    ended = srdesk("upscale", pictures(tmp_path / "in", photo, 2), "-o", f"{tmp_path}/out/", "--model", "bicubic")
    assert ended.status == 1
    assert "Something unexpected went wrong: ZeroDivisionError()." in ended.err
    assert names(tmp_path / "out") == ["p1_bicubic_x4.png"]
    assert "Traceback" in (srdesk_home / "log" / "srdesk.log").read_text()


def test_weights_that_cannot_be_used_are_said_once(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    weights = tmp_path / "broken.safetensors"
    weights.write_bytes(b"nothing")
    ended = srdesk("upscale", pictures(tmp_path / "in", photo), "-o", f"{tmp_path}/out/", "--model", weights)
    assert ended.status == 1
    assert ended.err.count("“broken.safetensors” cannot be used") == 1


# --- which files ------------------------------------------------------------------------------------------------------


def test_a_folder_that_is_enlarged_twice_keeps_its_results_out(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    words = ["upscale", pictures(tmp_path, photo, 2), "--model", "bicubic"]
    assert srdesk(*words).status == 0
    ended = srdesk(*words, "--size", "2x")
    assert ended.status == 0, ended.err
    assert "2 results of earlier runs, which lie among the pictures, are left out." in ended.err
    assert [name for name in names(tmp_path) if name.count("bicubic") > 1] == []
    assert len(names(tmp_path)) == 6


def test_sub_folders_can_be_left_out(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    photo(tmp_path / "in" / "a.png")
    photo(tmp_path / "in" / "deep" / "b.png")
    words = ["upscale", tmp_path / "in", "-o", f"{tmp_path}/out/", "--model", "bicubic", "--no-recursive"]
    assert srdesk(*words).status == 0
    assert names(tmp_path / "out") == ["a_bicubic_x4.png"]


# --- what the disk does -----------------------------------------------------------------------------------------------


def during(monkeypatch: pytest.MonkeyPatch, name: str, happen: Callable[[], object]) -> None:
    """Let something happen as a file is about to be enlarged."""
    enlarge_file = upscale.enlarge_file

    def enlarged(source: Path, *rest: Any, **more: Any) -> Any:
        if source.name == name:
            happen()
        return enlarge_file(source, *rest, **more)

    monkeypatch.setattr(upscale, "enlarge_file", enlarged)


def test_a_folder_that_vanishes_meanwhile_fails_file_by_file(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = pictures(tmp_path / "in", photo, 3)
    during(monkeypatch, "p1.png", lambda: source.rename(tmp_path / "elsewhere"))
    ended = srdesk("upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic")
    assert ended.status == 1
    assert "1 enlarged, 2 failed of 3 files." in ended.err
    assert ended.err.count("no such file or directory") == 4  # as it happens, and at the end
    assert names(tmp_path / "out") == ["p0_bicubic_x4.png"]


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_a_disk_that_is_full_for_a_while_fails_file_by_file_and_leaves_nothing_half_written(
    srdesk: Any, tmp_path: Path, photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    source = pictures(tmp_path / "in", photo, 3)
    photo(source / "p1.png", height=120, width=120)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = ["upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    with monkeypatch.context() as patch:
        during(patch, "p1.png", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard)))
        ended = srdesk(*words)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert ended.status == 1
    assert "“p1_bicubic_x4.png” cannot be written: file too large." in ended.err
    assert names(tmp_path / "out") == ["p0_bicubic_x4.png", "p2_bicubic_x4.png"]
    assert srdesk(*words).status == 0
    assert len(names(tmp_path / "out")) == 3


def test_a_state_folder_that_cannot_be_written_is_one_sentence(
    srdesk: Any, tmp_path: Path, photo: Any, srdesk_home: Path
) -> None:
    srdesk_home.mkdir()
    (srdesk_home / "state").touch()
    source = pictures(tmp_path / "in", photo, 2)
    words = ["upscale", source, "-o", f"{tmp_path}/out/", "--model", "bicubic"]
    ended = srdesk(*words)
    assert ended.status == 1
    assert "cannot be used: " in ended.err
    assert "--no-resume" in ended.err
    assert srdesk(*words, "--no-resume").status == 0


# --- honesty ----------------------------------------------------------------------------------------------------------


def test_a_sidecar_is_an_option(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    source = photo(tmp_path / "a.png")
    assert srdesk("upscale", source, "--model", "bicubic", "--sidecar", "--back-projection", "1").status == 0
    assert names(tmp_path) == ["a.png", "a_bicubic_x4.png", "a_bicubic_x4.png.srdesk.json"]
    with PIL.Image.open(tmp_path / "a_bicubic_x4.png") as image:
        assert image.info["SRDESK_BACK_PROJECTION"] == "1"


@pytest.mark.parametrize("strength", ["-0.1", "1.1", "nan", "much"])
def test_a_strength_that_makes_no_sense_is_wrong_usage(srdesk: Any, strength: str) -> None:
    ended = srdesk("upscale", "a.png", "--back-projection", strength)
    assert ended.status == 2
    assert "between 0 and 1" in ended.err

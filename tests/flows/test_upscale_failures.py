"""`srdesk upscale`: what goes wrong, and how it ends."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest


def names(folder: Path) -> list[str]:
    """List the files in a folder and below."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def cut_jpeg(path: Path) -> None:
    stream = io.BytesIO()
    PIL.Image.effect_noise((200, 200), 50).save(stream, "JPEG")
    path.write_bytes(stream.getvalue()[:3000])


HOSTILE: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.touch(),
    "no picture": lambda path: path.write_text("<html>"),
    "cut": cut_jpeg,
    "fifo": os.mkfifo,
    "dangling": lambda path: path.symlink_to("nowhere"),
    "endless": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.hostile
@pytest.mark.parametrize("kind", HOSTILE)
def test_what_cannot_be_read_is_one_sentence_and_leaves_nothing(srdesk: Any, tmp_path: Path, kind: str) -> None:
    source = tmp_path / "in" / "a.png"
    source.parent.mkdir()
    HOSTILE[kind](source)
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", f"{tmp_path}/out/")
    assert ended.status == 1
    assert ended.err.startswith("srdesk: “a.png” ")
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()
    left = [path.name for path in source.parent.iterdir()]
    assert left == ([] if kind == "missing" else ["a.png"])


def test_one_bad_input_does_not_stop_the_others(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    good, bad, better = photo(tmp_path / "a.png"), tmp_path / "b.png", photo(tmp_path / "c.png")
    bad.write_text("no picture")
    ended = srdesk("upscale", good, bad, better, "--model", "bicubic", "-o", tmp_path / "out", "--json")
    assert ended.status == 1
    assert names(tmp_path / "out") == ["a_bicubic_x4.png", "c_bicubic_x4.png"]
    assert [output["input"] for output in ended.document["outputs"]] == [str(good), str(better)]
    (failure,) = ended.document["failures"]
    assert failure["input"] == str(bad)
    assert failure["error"] in ended.err
    assert failure["hint"]


def test_a_folder_without_pictures_is_an_error(srdesk: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ended = srdesk("upscale", tmp_path / "in", "--model", "bicubic")
    assert ended.status == 1
    assert "there is no picture in this folder" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.png", "--device", "tpu"],
        ["a.png", "--precision", "fp64"],
        ["a.png", "--window", "-1"],
        ["a.png", "--window", "big"],
        ["a.png", "--size", "5x"],
        ["a.png", "--on-collision", "die"],
        ["a.png", "--background", "colourless"],
        ["a.png", "--nonsense"],
        [""],
        ["a.png", "-o", ""],
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(srdesk: Any, words: list[str]) -> None:
    ended = srdesk("upscale", *words)
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.startswith("srdesk: ")
    assert "--help" in ended.err
    assert ended.err.count("\n") == 2


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_computed(
    srdesk: Any, tmp_path: Path, photo: Any
) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", f"{tmp_path}/file/out/")
    assert ended.status == 1
    assert "its folder cannot be made" in ended.err


def test_memory_that_runs_out_has_a_status_of_its_own(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Any
) -> None:
    from srdesk.engine.upscaler import BicubicUpscaler
    from srdesk.errors import OutOfMemoryError

    def greedy(*arguments: object, **options: object) -> None:
        raise OutOfMemoryError("Memory ran out.")

    monkeypatch.setattr(BicubicUpscaler, "upscale", greedy)
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic")
    assert ended.status == 3
    assert names(tmp_path) == ["a.png"]


# --- real processes -------------------------------------------------------------------------------------------------


@pytest.mark.process
def test_the_module_is_the_program(tmp_path: Path, photo: Any) -> None:
    source = photo(tmp_path / "a.png")
    command = [sys.executable, "-m", "srdesk", "upscale", str(source), "--model", "bicubic", "--json"]
    completed = subprocess.run(command, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    assert names(tmp_path) == ["a.png", "a_bicubic_x4.png"]


SLOW = """
import sys
from srdesk.__main__ import main
from srdesk.engine import upscaler
from srdesk.engine.control import Control

class Endless(upscaler.BicubicUpscaler):
    def upscale(self, source, sink, control=None, *, region=None):
        print("computing", flush=True)
        while True:
            control.token.check()

upscaler.BicubicUpscaler = Endless
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_command_with_status_130_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, photo: Any
) -> None:
    source = photo(tmp_path / "a.png")
    command = [sys.executable, "-c", SLOW, "upscale", str(source), "--model", "bicubic"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "computing\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "srdesk: Cancelled.\n"
    assert names(tmp_path) == ["a.png"]


@pytest.mark.process
def test_progress_is_shown_only_on_a_terminal(tmp_path: Path, photo: Any) -> None:
    import pty
    import termios

    source = photo(tmp_path / "a.png", height=300, width=300)
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    command = [sys.executable, "-m", "srdesk", "upscale", str(source), "--model", "bicubic"]
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE, stderr=slave) as process:
        os.close(slave)
        said = b""
        try:
            while chunk := os.read(master, 65536):
                said += chunk
        except OSError:  # the other end was closed
            pass
        process.communicate(timeout=30)
    os.close(master)
    assert process.returncode == 0
    assert "100 %" in said.decode()

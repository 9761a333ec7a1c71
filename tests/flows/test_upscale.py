"""The command `srdesk upscale`, from files to files."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

RNG = np.random.default_rng(5)


def photo(path: Path, height: int = 10, width: int = 12, mode: str = "RGB", **options: Any) -> Path:
    """Write a small noisy photo."""
    channels = len(mode) if mode != "L" else 1
    numbers = RNG.integers(0, 256, (height, width, channels), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(numbers.squeeze(), mode=None).save(path, **options)
    return path


def deep_photo(path: Path, height: int = 10, width: int = 12) -> Path:
    """Write a small noisy photo of 16 bits."""
    tifffile.imwrite(path, RNG.integers(0, 65536, (height, width, 3), np.uint16), photometric="rgb")
    return path


def pixels(path: Path) -> NDArray[np.uint8]:
    with PIL.Image.open(path) as image:
        return np.asarray(image)


def size(path: Path) -> tuple[int, int]:
    with PIL.Image.open(path) as image:
        return image.size


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# --- what is printed ------------------------------------------------------------------------------------------------


def test_json_lists_each_output_with_how_it_was_made(srdesk: Any, tmp_path: Path) -> None:
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


def test_without_json_a_line_tells_what_became_of_what(srdesk: Any, tmp_path: Path) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic")
    assert ended.status == 0
    assert ended.out.startswith(f"{tmp_path / 'a.png'} → {tmp_path / 'a_bicubic_x4.png'}  48 × 40 pixels")
    assert ended.err == ""


def test_the_result_is_written_beside_the_input_four_times_as_large(srdesk: Any, tmp_path: Path) -> None:
    srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic")
    assert names(tmp_path) == ["a.png", "a_bicubic_x4.png"]
    assert size(tmp_path / "a_bicubic_x4.png") == (48, 40)


# --- where results go -----------------------------------------------------------------------------------------------


def test_the_suffix_of_the_output_decides_the_format(srdesk: Any, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    for suffix, expected in {"jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "png": "PNG"}.items():
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / f"out.{suffix}")
        assert ended.status == 0, ended.err
        with PIL.Image.open(tmp_path / f"out.{suffix}") as image:
            assert image.format == expected


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_output_folder_takes_results_under_their_template_names(srdesk: Any, tmp_path: Path, slash: str) -> None:
    if not slash:
        (tmp_path / "out").mkdir()
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", f"{tmp_path / 'out'}{slash}")
    assert ended.status == 0, ended.err
    assert names(tmp_path / "out") == ["a_bicubic_x4.png"]


def test_several_inputs_make_the_output_a_folder(srdesk: Any, tmp_path: Path) -> None:
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


def test_several_inputs_cannot_become_one_file(srdesk: Any, tmp_path: Path) -> None:
    sources = [photo(tmp_path / "a.png"), photo(tmp_path / "b.png")]
    ended = srdesk("upscale", *sources, "--model", "bicubic", "-o", tmp_path / "out.png")
    assert ended.status == 1
    assert "a folder" in ended.err
    assert names(tmp_path) == ["a.png", "b.png"]


def test_a_folder_keeps_its_sub_folders_below_the_output_folder(srdesk: Any, tmp_path: Path) -> None:
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


def test_inputs_of_the_same_name_do_not_overwrite_each_other(srdesk: Any, tmp_path: Path) -> None:
    sources = [photo(tmp_path / "1" / "a.png"), photo(tmp_path / "2" / "a.png")]
    for policy in ("overwrite", "skip", "number"):
        out = tmp_path / policy
        ended = srdesk("upscale", *sources, "--model", "bicubic", "-o", out, "--on-collision", policy)
        assert ended.status == 0
        assert len(names(out)) == 2


@pytest.mark.parametrize("name", ["out", "out.gif"])
def test_an_output_name_that_says_no_format_is_refused(srdesk: Any, tmp_path: Path, name: str) -> None:
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
    srdesk: Any, tmp_path: Path, policy: str, expected: list[str]
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


def test_nobody_is_asked_where_there_is_no_terminal(srdesk: Any, tmp_path: Path) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "--on-collision", "ask")
    assert ended.status == 1
    assert "number, skip or overwrite" in ended.err


@pytest.mark.parametrize("policy", ["number", "overwrite"])
def test_the_input_is_never_the_output_not_even_through_a_link(srdesk: Any, tmp_path: Path, policy: str) -> None:
    source = photo(tmp_path / "a.png")
    content = source.read_bytes()
    (tmp_path / "link.png").symlink_to(source)
    for output in (source, tmp_path / "link.png"):
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", output, "--on-collision", policy)
        assert ended.status == 1
        assert "input file itself" in ended.err
    assert source.read_bytes() == content


def test_no_input_of_a_batch_is_overwritten_by_the_result_of_another(srdesk: Any, tmp_path: Path) -> None:
    sources = [photo(tmp_path / "a.png"), photo(tmp_path / "a_bicubic_x4.png")]
    content = sources[1].read_bytes()
    ended = srdesk("upscale", *sources, "--model", "bicubic", "--on-collision", "overwrite")
    assert ended.status == 1
    assert sources[1].read_bytes() == content


# --- sizes, formats, what is kept -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "expected", "name"),
    [
        ("4x", (48, 40), "a_bicubic_x4.png"),
        ("3x", (36, 30), "a_bicubic_x3.png"),
        ("2x", (24, 20), "a_bicubic_x2.png"),
        ("31x17", (31, 17), "a_bicubic_x31x17.png"),
    ],
)
def test_the_result_has_the_size_that_was_asked_for(
    srdesk: Any, tmp_path: Path, wish: str, expected: tuple[int, int], name: str
) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "--size", wish)
    assert ended.status == 0, ended.err
    assert size(tmp_path / name) == expected


def test_more_than_four_times_is_refused(srdesk: Any, tmp_path: Path) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "--size", "49x40")
    assert ended.status == 1
    assert "48x40" in ended.err
    assert names(tmp_path) == ["a.png"]


def test_sixteen_bits_stay_sixteen_bits(srdesk: Any, tmp_path: Path) -> None:
    source = deep_photo(tmp_path / "a.tif")
    for name in ("out.tif", "out.png"):
        assert srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / name).status == 0
    result = tifffile.imread(tmp_path / "out.tif")
    assert (result.dtype, result.shape) == (np.uint16, (40, 48, 3))
    assert len(np.unique(result)) > 256
    assert (tmp_path / "out.png").read_bytes()[24] == 16  # bit depth in the header


def test_sixteen_bits_are_not_squeezed_into_a_jpeg(srdesk: Any, tmp_path: Path) -> None:
    ended = srdesk("upscale", deep_photo(tmp_path / "a.tif"), "--model", "bicubic", "-o", tmp_path / "out.jpg")
    assert ended.status == 1
    assert "16-bit" in ended.err
    assert "another format" in ended.err
    assert names(tmp_path) == ["a.tif"]


def test_transparency_needs_a_background_to_become_a_jpeg(srdesk: Any, tmp_path: Path) -> None:
    source = tmp_path / "a.png"
    PIL.Image.new("RGBA", (6, 5), (255, 0, 0, 0)).save(source)
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.jpg")
    assert ended.status == 1
    assert "--background" in ended.err
    assert names(tmp_path) == ["a.png"]
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.jpg", "--background", "#0000ff")
    assert ended.status == 0, ended.err
    np.testing.assert_allclose(pixels(tmp_path / "out.jpg")[10, 10], (0, 0, 255), atol=2)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_grey_stays_grey_and_alpha_stays_alpha(srdesk: Any, tmp_path: Path, mode: str) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png", mode=mode), "--model", "bicubic", "-o", tmp_path / "out.png")
    assert ended.status == 0, ended.err
    with PIL.Image.open(tmp_path / "out.png") as image:
        assert image.mode == mode


def test_the_profile_stays_and_the_orientation_is_applied(srdesk: Any, tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    exif[0x010F] = "Maker"
    profile = bytes(RNG.integers(0, 256, 400, np.uint8))
    source = photo(tmp_path / "a.jpg", height=10, width=20, exif=exif, icc_profile=profile)
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.jpg")
    assert ended.status == 0, ended.err
    with PIL.Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (40, 80)
        assert image.info["icc_profile"] == profile
        assert image.getexif().get(0x0112, 1) == 1
        assert image.getexif()[0x010F] == "Maker"


def test_a_file_is_read_by_what_it_holds_and_not_by_its_name(srdesk: Any, tmp_path: Path) -> None:
    photo(tmp_path / "a.png").rename(tmp_path / "a")
    ended = srdesk("upscale", tmp_path / "a", "--model", "bicubic")
    assert ended.status == 0, ended.err
    assert names(tmp_path) == ["a", "a_bicubic_x4.png"]


@pytest.mark.parametrize("name", ["größe ☂.png", "-dash.png", "{stem}.png"])
def test_any_name_works(srdesk: Any, tmp_path: Path, name: str) -> None:
    ended = srdesk("upscale", "--model", "bicubic", photo(tmp_path / name))
    assert ended.status == 0, ended.err
    assert len(names(tmp_path)) == 2


def test_a_name_that_is_no_valid_text_works(srdesk: Any, tmp_path: Path) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    photo(tmp_path / "a.png").rename(source)
    for option in ([], ["--json"]):
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.png", *option)
        assert ended.status == 0, ended.err


# --- models ---------------------------------------------------------------------------------------------------------


def test_installed_weights_are_used_by_name_and_by_path(srdesk: Any, tmp_path: Path, tiny_weights: Path) -> None:
    source = photo(tmp_path / "a.png")
    for wish in ("tiny", tiny_weights):
        ended = srdesk("upscale", source, "--model", wish, "--device", "cpu", "--precision", "fp32", "--json")
        assert ended.status == 0, ended.err
        (output,) = ended.document["outputs"]
        assert (output["model"], output["device"], output["precision"]) == ("tiny", "cpu", "fp32")
    assert names(tmp_path)[:3] == ["a.png", "a_tiny_x4-2.png", "a_tiny_x4.png"]
    np.testing.assert_array_equal(pixels(tmp_path / "a_tiny_x4-2.png"), pixels(tmp_path / "a_tiny_x4.png"))


def test_every_window_gives_the_same_picture(srdesk: Any, tmp_path: Path, tiny_weights: Path) -> None:
    source = photo(tmp_path / "a.png", height=70, width=90)
    results = []
    for window in ("0", "32", "auto"):
        output = tmp_path / f"{window}.png"
        words = ["--model", "tiny", "--precision", "fp32", "--window", window, "-o", output]
        assert srdesk("upscale", source, *words).status == 0
        results.append(pixels(output).astype(int))
    assert abs(results[0] - results[1]).max() <= 1
    assert abs(results[0] - results[2]).max() <= 1


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ("srgan", "no SRGAN weights are installed yet"),
        ("nonsense", "none of that name"),
        ("missing.safetensors", "missing.safetensors"),
    ],
)
def test_a_model_that_is_not_there_is_said_at_once(
    srdesk: Any, tmp_path: Path, no_shipped_weights: None, wish: str, expected: str
) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", wish)
    assert ended.status == 1
    assert expected in ended.err
    assert ended.err.count("\n") == 2  # the sentence and the remedy
    assert names(tmp_path) == ["a.png"]


def test_the_settings_file_decides_unless_an_option_does(srdesk: Any, tmp_path: Path, srdesk_home: Path) -> None:
    settings = srdesk_home / "config" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('model = "bicubic"\noutput_name_template = "big {stem}{ext}"\non_collision = "skip"\n')
    source = photo(tmp_path / "a.png")
    assert srdesk("upscale", source).status == 0
    assert "skipped" in srdesk("upscale", source).err
    assert srdesk("upscale", source, "--on-collision", "number").status == 0
    assert names(tmp_path) == ["a.png", "big a-2.png", "big a.png"]


# --- what goes wrong ------------------------------------------------------------------------------------------------


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


def test_one_bad_input_does_not_stop_the_others(srdesk: Any, tmp_path: Path) -> None:
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
    ],
)
def test_wrong_usage_is_two_lines_and_status_2(srdesk: Any, words: list[str]) -> None:
    ended = srdesk("upscale", *words)
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.startswith("srdesk: ")
    assert "--help" in ended.err
    assert ended.err.count("\n") == 2


def test_a_folder_that_cannot_be_made_is_said_before_anything_is_computed(srdesk: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", f"{tmp_path}/file/out/")
    assert ended.status == 1
    assert "its folder cannot be made" in ended.err


def test_memory_that_runs_out_has_a_status_of_its_own(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
def test_the_module_is_the_program(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    command = [sys.executable, "-m", "srdesk", "upscale", str(source), "--model", "bicubic", "--json"]
    completed = subprocess.run(command, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert completed.stderr == ""
    assert size(tmp_path / "a_bicubic_x4.png") == (48, 40)


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
def test_ctrl_c_ends_the_command_with_status_130_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
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
def test_progress_is_shown_only_on_a_terminal(tmp_path: Path) -> None:
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

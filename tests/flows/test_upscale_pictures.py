"""`srdesk upscale`: sizes, formats, what is kept of a picture, and the models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile
from numpy.typing import NDArray

RNG = np.random.default_rng(5)


def names(folder: Path) -> list[str]:
    """List the files in a folder and below."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def size(path: Path) -> tuple[int, int]:
    """Return width and height."""
    with PIL.Image.open(path) as image:
        return image.size


def pixels(path: Path) -> NDArray[np.uint8]:
    """Return the numbers of a file."""
    with PIL.Image.open(path) as image:
        return np.asarray(image)


def deep_photo(path: Path, height: int = 10, width: int = 12) -> Path:
    """Write a small noisy photo of 16 bits."""
    tifffile.imwrite(path, RNG.integers(0, 65536, (height, width, 3), np.uint16), photometric="rgb")
    return path


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
    srdesk: Any, tmp_path: Path, wish: str, expected: tuple[int, int], name: str, photo: Any
) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "--size", wish)
    assert ended.status == 0, ended.err
    assert size(tmp_path / name) == expected


def test_more_than_four_times_is_refused(srdesk: Any, tmp_path: Path, photo: Any) -> None:
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
def test_grey_stays_grey_and_alpha_stays_alpha(srdesk: Any, tmp_path: Path, mode: str, photo: Any) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png", mode=mode), "--model", "bicubic", "-o", tmp_path / "out.png")
    assert ended.status == 0, ended.err
    with PIL.Image.open(tmp_path / "out.png") as image:
        assert image.mode == mode


def test_the_profile_stays_and_the_orientation_is_applied(srdesk: Any, tmp_path: Path, photo: Any) -> None:
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


def test_a_file_is_read_by_what_it_holds_and_not_by_its_name(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    photo(tmp_path / "a.png").rename(tmp_path / "a")
    ended = srdesk("upscale", tmp_path / "a", "--model", "bicubic")
    assert ended.status == 0, ended.err
    assert names(tmp_path) == ["a", "a_bicubic_x4.png"]


@pytest.mark.parametrize("name", ["größe ☂.png", "-dash.png", "{stem}.png"])
def test_any_name_works(srdesk: Any, tmp_path: Path, name: str, photo: Any) -> None:
    ended = srdesk("upscale", "--model", "bicubic", photo(tmp_path / name))
    assert ended.status == 0, ended.err
    assert len(names(tmp_path)) == 2


def test_a_name_that_is_no_valid_text_works(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    photo(tmp_path / "a.png").rename(source)
    for option in ([], ["--json"], ["--sidecar"]):
        ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.png", *option)
        assert ended.status == 0, ended.err
    [sidecar] = tmp_path.glob("*.srdesk.json")
    assert "\ufffd.png" in sidecar.read_text(encoding="utf-8")
    ended = srdesk("reproduce", sidecar, "--source", source)
    assert ended.status == 0, ended.err


def test_a_scene_whose_name_is_no_valid_text_is_not_called_damaged(
    srdesk: Any, make_geotiff: Any, tmp_path: Path
) -> None:
    source = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.tif"))
    make_geotiff("a.tif", np.ones((1, 20, 30), np.uint8)).rename(source)
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "out.tif")
    assert ended.status == 1
    assert "no valid UTF-8" in ended.err
    assert "Rename it" in ended.err


# --- models ---------------------------------------------------------------------------------------------------------


def test_installed_weights_are_used_by_name_and_by_path(
    srdesk: Any, tmp_path: Path, tiny_weights: Path, photo: Any
) -> None:
    source = photo(tmp_path / "a.png")
    for wish in ("tiny", tiny_weights):
        ended = srdesk("upscale", source, "--model", wish, "--device", "cpu", "--precision", "fp32", "--json")
        assert ended.status == 0, ended.err
        (output,) = ended.document["outputs"]
        assert (output["model"], output["device"], output["precision"]) == ("tiny", "cpu", "fp32")
    assert names(tmp_path)[:3] == ["a.png", "a_tiny_x4-2.png", "a_tiny_x4.png"]
    np.testing.assert_array_equal(pixels(tmp_path / "a_tiny_x4-2.png"), pixels(tmp_path / "a_tiny_x4.png"))


def test_every_window_gives_the_same_picture(srdesk: Any, tmp_path: Path, tiny_weights: Path, photo: Any) -> None:
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
    srdesk: Any, tmp_path: Path, no_shipped_weights: None, wish: str, expected: str, photo: Any
) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", wish)
    assert ended.status == 1
    assert expected in ended.err
    assert ended.err.count("\n") == 2  # the sentence and the remedy
    assert names(tmp_path) == ["a.png"]


def test_the_settings_file_decides_unless_an_option_does(
    srdesk: Any, tmp_path: Path, srdesk_home: Path, photo: Any
) -> None:
    settings = srdesk_home / "config" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('model = "bicubic"\noutput_name_template = "big {stem}{ext}"\non_collision = "skip"\n')
    source = photo(tmp_path / "a.png")
    assert srdesk("upscale", source).status == 0
    assert "skipped" in srdesk("upscale", source).err
    assert srdesk("upscale", source, "--on-collision", "number").status == 0
    assert names(tmp_path) == ["a.png", "big a-2.png", "big a.png"]

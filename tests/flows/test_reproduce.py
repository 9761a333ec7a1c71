"""`srdesk reproduce`: any result that has a sidecar is made again, byte for byte, or it is said why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits

from srdesk import paths

RNG = np.random.default_rng(41)
MakeGeoTiff = Callable[..., Path]


@pytest.fixture
def made(srdesk: Any, tiny_weights: Path) -> Callable[..., Path]:
    """Enlarge a picture with a sidecar, and return that."""

    def make(source: Path, output: Path, *words: object) -> Path:
        ended = srdesk("upscale", source, "-o", output, "--device", "cpu", "--sidecar", *words)
        assert ended.status == 0, ended.err
        return output.with_name(output.name + ".srdesk.json")

    return make


def changed(sidecar: Path, *keys: str, to: object) -> None:
    record = json.loads(sidecar.read_text())
    place = record
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    sidecar.write_text(json.dumps(record))


@pytest.mark.parametrize("model", ["tiny", "bicubic"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_photo_is_made_again_byte_for_byte(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, suffix: str, model: str
) -> None:
    output = tmp_path / f"large{suffix}"
    sidecar = made(photo(tmp_path / "photo.png"), output, "--model", model)
    ended = srdesk("reproduce", sidecar, "--json")
    assert ended.status == 0, ended.err
    again = tmp_path / f"large-2{suffix}"
    assert ended.document["output"] == str(again)
    assert again.read_bytes() == output.read_bytes()
    assert ended.document["is_equal"] is True
    assert ended.document["differences"] == []
    assert ended.document["sha256"] == ended.document["recorded_sha256"]


@pytest.mark.parametrize(
    "wishes",
    [
        ["--back-projection", "0.7"],
        ["--size", "2x"],
        ["--size", "30x20", "--back-projection", "1"],
        ["--background", "#203040"],
        ["--window", "16", "--precision", "bf16"],
    ],
)
def test_what_was_wished_for_is_done_again(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, wishes: list[str]
) -> None:
    sidecar = made(photo(tmp_path / "photo.png", 30, 40, "RGBA"), tmp_path / "large.png", "--model", "tiny", *wishes)
    ended = srdesk("reproduce", sidecar, "-o", tmp_path / "again.png")
    assert ended.status == 0, ended.err
    assert "byte-equal" in ended.out
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "large.png").read_bytes()


def test_the_quality_of_a_jpeg_is_that_of_then_not_of_the_settings(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path
) -> None:
    paths.config_file().parent.mkdir(parents=True)
    paths.config_file().write_text("version = 1\njpeg_quality = 60\n")
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.jpg", "--model", "tiny")
    assert json.loads(sidecar.read_text())["options"]["jpeg_quality"] == 60
    paths.config_file().unlink()
    assert srdesk("reproduce", sidecar).status == 0


@pytest.mark.parametrize("words", [[], ["--back-projection", "1"]])
def test_a_fits_frame_is_made_again_byte_for_byte(srdesk: Any, made: Any, tmp_path: Path, words: list[str]) -> None:
    counts = RNG.poisson(900, (12, 15)).astype(np.uint16)
    hdus = [astropy_fits.PrimaryHDU(), astropy_fits.ImageHDU(counts, name="SCI")]
    hdus[1].header["BUNIT"] = "adu"
    astropy_fits.HDUList(hdus).writeto(tmp_path / "frame.fits", checksum=True)
    sidecar = made(tmp_path / "frame.fits", tmp_path / "large.fits", "--model", "tiny", "--hdu", "SCI", *words)
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 0, ended.err
    assert (tmp_path / "large-2.fits").read_bytes() == (tmp_path / "large.fits").read_bytes()


def test_a_large_fits_image_is_made_again_from_disk_to_disk(
    srdesk: Any, made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from srdesk.imaging.fits import windows

    monkeypatch.setattr(windows, "MAX_HELD_BYTES", 0)
    astropy_fits.PrimaryHDU(RNG.normal(9, 1, (20, 25)).astype("f4")).writeto(tmp_path / "mosaic.fits")
    sidecar = made(tmp_path / "mosaic.fits", tmp_path / "large.fits", "--model", "tiny")
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 0, ended.err
    assert (tmp_path / "large-2.fits").read_bytes() == (tmp_path / "large.fits").read_bytes()


def test_a_scene_is_made_again_byte_for_byte(srdesk: Any, made: Any, make_geotiff: MakeGeoTiff, tmp_path: Path) -> None:
    source = make_geotiff("scene.tif", RNG.integers(300, 3000, (5, 40, 50), np.uint16), compress="deflate", nodata=0)
    sidecar = made(source, tmp_path / "large.tif", "--model", "tiny", "--bands", "4,3,2")
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 0, ended.err
    assert (tmp_path / "large-2.tif").read_bytes() == (tmp_path / "large.tif").read_bytes()


def test_picture_and_weights_are_found_wherever_they_went(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, tiny_weights: Path
) -> None:
    source = photo(tmp_path / "in" / "photo.png")
    sidecar = made(source, tmp_path / "out" / "large.png", "--model", "tiny")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in (source, sidecar):
        shutil.move(path, moved)
    tiny_weights.rename(tiny_weights.with_name("renamed.safetensors"))
    ended = srdesk("reproduce", moved / sidecar.name)
    assert ended.status == 0, ended.err
    assert (moved / "large.png").read_bytes() == (tmp_path / "out" / "large.png").read_bytes()


def test_picture_and_weights_can_be_named(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, tiny_weights: Path
) -> None:
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "tiny")
    source, weights = tmp_path / "away" / "p.png", tmp_path / "away" / "w.safetensors"
    source.parent.mkdir()
    (tmp_path / "photo.png").rename(source)
    tiny_weights.rename(weights)
    assert "--source" in srdesk("reproduce", sidecar).err
    assert "--weights" in srdesk("reproduce", sidecar, "--source", source).err
    ended = srdesk("reproduce", sidecar, "--source", source, "--weights", weights, "-o", tmp_path / "again.png")
    assert ended.status == 0, ended.err


def test_the_result_stands_for_the_sidecar_beside_it(srdesk: Any, made: Any, photo: Any, tmp_path: Path) -> None:
    made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "bicubic")
    assert srdesk("reproduce", tmp_path / "large.png").status == 0


def test_a_result_that_has_changed_meanwhile_is_said_to(srdesk: Any, made: Any, photo: Any, tmp_path: Path) -> None:
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "bicubic")
    PIL.Image.new("RGB", (3, 3)).save(tmp_path / "large.png")
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 0
    assert "“large.png” itself has changed" in ended.err


def test_other_bytes_are_said_with_what_is_different(srdesk: Any, made: Any, photo: Any, tmp_path: Path) -> None:
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "tiny")
    changed(sidecar, "output", "sha256", to="0" * 64)
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 1
    assert "not equal" in ended.out
    assert "nothing that is recorded explains it" in ended.err
    changed(sidecar, "computing", "libraries", "torch", to="1.0")
    changed(sidecar, "computing", "processor", to="Z80")
    ended = srdesk("reproduce", sidecar, "--json")
    assert ended.status == 1
    assert "torch 1.0 then" in ended.err
    assert "processor Z80 then" in ended.err
    assert ended.document["is_equal"] is False
    assert [difference["what"] for difference in ended.document["differences"]] == ["processor", "torch"]


@pytest.mark.parametrize(
    ("keys", "value", "said"),
    [
        (("format",), 9, "its format is 9"),
        (("source", "sha256"), "1" * 64, "has changed since"),
        (("source", "sha256"), "damaged", "it is no record"),
        (("source", "name"), "nowhere.png", "is not there"),
        (("source", "name"), "", "is not there"),
        (("source", "name"), "a\0/photo.png", "no file can have the name"),
        (("output",), None, "does not tell of a finished result"),
        (("output", "name"), "large", "no name that says a format"),
        (("model", "sha256"), None, "checksum of the weights"),
        (("model", "sha256"), "2" * 64, "no installed file has the checksum 222222222222…"),
        (("computing", "threads"), 10**9, "threads"),
        (("computing", "device"), "abacus", "device cannot be"),
        (("options", "size"), "9x", "size cannot be"),
    ],
)
def test_a_record_that_cannot_be_used_is_one_sentence(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, keys: tuple[str, ...], value: object, said: str
) -> None:
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "tiny")
    changed(sidecar, *keys, to=value)
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 1
    assert said in ended.err.splitlines()[0]
    assert ended.out == ""
    assert not (tmp_path / "large-2.png").exists()


def test_a_device_that_is_not_here_is_said_with_what_it_was(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "tiny")
    changed(sidecar, "computing", "device", to="cuda")
    changed(sidecar, "computing", "processor", to="A Large GPU")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    ended = srdesk("reproduce", sidecar)
    assert ended.status == 1
    assert "computed on “A Large GPU”; make it again where" in ended.err
    assert not (tmp_path / "large-2.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.srdesk.json"], "no such file"),
        (["{sidecar}", "--source", "{weights}"], "is not the picture that it tells of"),
        (["{sidecar}", "--weights", "{source}"], "the checksums differ"),
        (["{sidecar}", "-o", "again.jpg"], "a name that ends in “.png”"),
        (["{source}"], "it is no record"),
    ],
)
def test_what_is_no_such_file_is_said(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path, tiny_weights: Path, words: list[str], said: str
) -> None:
    sidecar = made(photo(tmp_path / "photo.png"), tmp_path / "large.png", "--model", "tiny")
    names = {"sidecar": sidecar, "source": tmp_path / "photo.png", "weights": tiny_weights}
    ended = srdesk("reproduce", *(word.format(**names) for word in words))
    assert ended.status == 1
    assert said in ended.err
    assert ended.out == ""


def test_a_record_cannot_send_the_result_into_another_folder(
    srdesk: Any, made: Any, photo: Any, tmp_path: Path
) -> None:
    sidecar = made(photo(tmp_path / "in" / "photo.png"), tmp_path / "in" / "large.png", "--model", "bicubic")
    for name in ("../out.png", "..\\out.png", "/tmp/out.png"):
        changed(sidecar, "output", "name", to=name)
        ended = srdesk("reproduce", sidecar, "--json")
        assert Path(ended.document["output"]).parent == tmp_path / "in"

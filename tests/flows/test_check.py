"""`srdesk check`: how far results can be trusted, in a table, as JSON and as maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits

MakeGeoTiff = Callable[..., Path]


@pytest.fixture
def wave(tmp_path: Path) -> Path:
    """A smooth picture, which the bicubic enlarges well and small random networks do not."""
    rows, columns = np.mgrid[0:48, 0:64]
    light = 127 + 120 * np.sin(rows / 8) * np.cos(columns / 7)
    PIL.Image.fromarray(np.stack([light, 255 - light, light / 2], 2).astype(np.uint8)).save(tmp_path / "wave.png")
    return tmp_path / "wave.png"


def test_a_table_has_a_row_for_each_model_the_bicubic_first(srdesk: Any, wave: Path, tiny_weights: Path) -> None:
    ended = srdesk("check", wave, "--models", "tiny")
    assert ended.status == 0, ended.err
    head, bicubic, tiny = ended.out.splitlines()
    assert head.split() == ["model", "consistency", "RMS", "consistency"]
    assert bicubic.split()[0] == "bicubic"
    assert tiny.split()[0] == "tiny"
    assert float(bicubic.split()[1]) < float(tiny.split()[1])


def test_json_has_every_number(srdesk: Any, wave: Path, tiny_weights: Path) -> None:
    words = ("check", wave, "--models", "tiny,bicubic", "--degrade", "--invented", "--precision", "fp32", "--json")
    ended = srdesk(*words)
    assert ended.status == 0, ended.err
    document = ended.document
    assert (document["width"], document["height"], document["is_degraded"]) == (16, 12, True)
    (part,) = document["parts"]
    assert part["region"] is None
    assert part["srgan_minus_srresnet"] is None
    bicubic, tiny = part["models"]
    assert (bicubic["model"], tiny["model"]) == ("bicubic", "tiny")
    assert bicubic["psnr_y_db"] > 25 > tiny["psnr_y_db"]
    assert bicubic["ssim_y"] > tiny["ssim_y"]
    assert bicubic["invented"]["max"] < 1e-5 < tiny["invented"]["mean"] <= tiny["invented"]["p99"]
    assert bicubic["flux"] is None
    assert document["maps"] == []


def test_srgan_and_srresnet_are_compared(srdesk: Any, wave: Path, tiny_weights: Path, tmp_path: Path) -> None:
    for name in ("srgan", "srresnet"):
        (tmp_path / f"{name}.safetensors").write_bytes(tiny_weights.read_bytes())
    models = f"{tmp_path}/srgan.safetensors,{tmp_path}/srresnet.safetensors"
    ended = srdesk("check", wave, "--models", models, "--json")
    assert ended.status == 0, ended.err
    assert ended.document["parts"][0]["srgan_minus_srresnet"] == {"mean": 0, "p99": 0, "max": 0}
    assert "|SRGAN − SRResNet|: 0.0000 on average" in srdesk("check", wave, "--models", models).out


def test_a_truth_is_measured_by(srdesk: Any, wave: Path, tmp_path: Path, no_shipped_weights: None) -> None:
    with PIL.Image.open(wave) as picture:
        picture.resize((16, 12), PIL.Image.Resampling.BICUBIC).save(tmp_path / "small.png")
    ended = srdesk("check", tmp_path / "small.png", "--truth", wave, "--json")
    assert ended.status == 0, ended.err
    assert ended.document["truth"] == str(wave)
    assert ended.document["parts"][0]["models"][0]["psnr_y_db"] > 25


def test_regions_have_tables_of_their_own(srdesk: Any, wave: Path, no_shipped_weights: None) -> None:
    words = ("check", wave, "--region", "0,0,20,10", "--region", "30,20,12,8", "--invented")
    ended = srdesk(*words)
    assert ended.status == 0, ended.err
    assert "\nRegion 0,0,20,10\n" in ended.out
    assert "\nRegion 30,20,12,8\n" in ended.out
    whole, first, second = srdesk(*words, "--json").document["parts"]
    assert [first["region"], second["region"]] == [[0, 0, 20, 10], [30, 20, 12, 8]]
    assert whole["models"][0]["invented"] is None
    assert first["models"][0]["invented"]["max"] < 1e-5


def test_maps_are_written_with_a_legend(srdesk: Any, wave: Path, tmp_path: Path, no_shipped_weights: None) -> None:
    ended = srdesk("check", wave, "--invented", "--maps", tmp_path / "maps")
    assert ended.status == 0, ended.err
    names = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert names == ["wave_consistency_bicubic.png", "wave_invented_bicubic.png"]
    assert all(f"→ {tmp_path / 'maps' / name}" in ended.out for name in names)


def test_a_fits_frame_has_flux_errors(srdesk: Any, tmp_path: Path, tiny_weights: Path) -> None:
    hdus = [astropy_fits.PrimaryHDU(), astropy_fits.ImageHDU(np.full((12, 15), 900, np.uint16), name="SCI")]
    hdus[1].data[5, 6] = 30_000
    hdus[1].header["BUNIT"] = "adu"
    astropy_fits.HDUList(hdus).writeto(tmp_path / "f.fits")
    ended = srdesk("check", tmp_path / "f.fits", "--hdu", "SCI", "--models", "tiny")
    assert ended.status == 0, ended.err
    assert "flux error, network alone" in ended.out
    flux = srdesk("check", tmp_path / "f.fits", "--hdu", "SCI", "--models", "tiny", "--json").document["parts"][0]
    assert [model["flux"]["quantity"] for model in flux["models"]] == ["sum", "sum"]


def test_bands_of_a_scene_are_chosen(srdesk: Any, make_geotiff: MakeGeoTiff, no_shipped_weights: None) -> None:
    numbers = np.random.default_rng(3).integers(300, 3000, (5, 20, 30), np.uint16)
    source = make_geotiff("scene.tif", numbers, photometric="minisblack")
    one, three = (srdesk("check", source, "--bands", bands, "--json") for bands in ("4", "4,3,2"))
    assert (one.status, three.status) == (0, 0), one.err + three.err
    rms = [ended.document["parts"][0]["models"][0]["consistency_rms"] for ended in (one, three)]
    assert rms[0] != rms[1]
    named = srdesk("check", source, "--hdu", "SCI")
    assert named.status == 1
    assert "it is no FITS file" in named.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["nowhere.png"], 1, "cannot be opened"),
        (["{wave}", "--models", "nonsense"], 1, "none of that name"),
        (["{wave}", "--truth", "{wave}"], 1, "truth cannot be"),
        (["{wave}", "--truth", "{wave}", "--degrade"], 2, "not allowed with"),
        (["{wave}", "--region", "1,2,3"], 2, "is not LEFT,TOP,WIDTH,HEIGHT"),
        (["{wave}", "--region", "60,40,20,20"], 1, "region cannot be"),
        (["{wave}", "--bands", "1,2"], 2, "is no band number"),
        (["{wave}", "--bands", "1"], 1, "bands cannot be"),
        (["{wave}", "--hdu", "SCI"], 1, "it is no FITS file"),
    ],
)
def test_what_cannot_be_measured_is_said(
    srdesk: Any, wave: Path, no_shipped_weights: None, words: list[str], status: int, said: str
) -> None:
    ended = srdesk("check", *(word.format(wave=wave) for word in words))
    assert ended.status == status
    assert said in ended.err
    assert ended.out == ""


def test_two_models_of_one_name_are_refused(srdesk: Any, wave: Path, tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.safetensors").write_bytes(tiny_weights.read_bytes())
    ended = srdesk("check", wave, "--models", f"tiny,{tmp_path}/tiny.safetensors")
    assert ended.status == 1
    assert "one model of the name “tiny”" in ended.err

"""`srdesk upscale` with FITS: any HDU, every model, flux that is conserved and said to be."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits as astropy_fits

from srdesk.imaging.fits import windows

RNG = np.random.default_rng(23)


def frame(path: Path, unit: str = "adu", **cards: object) -> Path:
    """Write a CCD frame of unsigned 16-bit numbers with a few stars, and a table behind it."""
    counts = RNG.poisson(900, (12, 15)).astype(np.uint16)
    counts[RNG.integers(0, 12, 4), RNG.integers(0, 15, 4)] = 30_000
    hdu = astropy_fits.PrimaryHDU(counts)
    hdu.header.update(cards)
    if unit:
        hdu.header["BUNIT"] = unit
    table = astropy_fits.BinTableHDU.from_columns([astropy_fits.Column("x", "E", array=np.arange(3))])
    astropy_fits.HDUList([hdu, table]).writeto(path)
    return path


def chips(path: Path) -> Path:
    images = [astropy_fits.ImageHDU(RNG.normal(9, 1, (4, 5)).astype("f4"), name=name) for name in ("SCI", "ERR")]
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), *images]).writeto(path)
    return path


@pytest.mark.parametrize("model", ["bicubic", "tiny"])
def test_a_frame_becomes_one_of_the_same_kind_with_the_same_counts(
    srdesk: Any, tmp_path: Path, tiny_weights: Path, model: str
) -> None:
    source = frame(tmp_path / "m13.fits")
    ended = srdesk("upscale", source, "--model", model, "--device", "cpu")
    assert ended.status == 0, ended.err
    assert "flux error 0 %" in ended.out
    assert "sums conserved" in ended.out
    output = tmp_path / f"m13_{model}_x4.fits"
    before, after = astropy_fits.getdata(source), astropy_fits.getdata(output)
    assert after.dtype == np.uint16
    blocks = after.astype(np.int64).reshape(12, 4, 15, 4).sum(axis=(1, 3))
    np.testing.assert_array_equal(blocks, before)
    history = "".join(astropy_fits.getheader(output)["HISTORY"])
    assert model in history
    assert ("weights sha256" in history) == (model == "tiny")


def test_json_has_the_flux_error(srdesk: Any, tmp_path: Path) -> None:
    ended = srdesk("upscale", frame(tmp_path / "m13.fits"), "--model", "bicubic", "--json")
    (output,) = ended.document["outputs"]
    assert output["flux"]["quantity"] == "sum"
    assert output["flux"]["unit"] == "adu"
    assert output["flux"]["frame_error_percent"] == 0.0
    assert output["flux"]["worst_source_error_percent"] == 0.0
    assert output["flux"]["sources"] >= 1
    assert output["flux"]["network_error_percent"] >= 0.0


@pytest.mark.parametrize(("unit", "said"), [("", "finds no BUNIT"), ("furlong", "does not know the unit “furlong”")])
def test_a_unit_that_does_not_say_what_to_conserve_is_said_not_to(
    srdesk: Any, tmp_path: Path, unit: str, said: str
) -> None:
    ended = srdesk("upscale", frame(tmp_path / "m13.fits", unit), "--model", "bicubic")
    assert ended.status == 0
    assert said in ended.err
    assert "means conserved" in ended.out


def test_any_image_of_a_file_can_be_named(srdesk: Any, tmp_path: Path) -> None:
    source = chips(tmp_path / "hst.fits")
    assert srdesk("upscale", source, "--model", "bicubic", "--hdu", "ERR").status == 0
    with astropy_fits.open(tmp_path / "hst_bicubic_x4.fits") as opened:
        assert [hdu.shape for hdu in opened] == [(), (4, 5), (16, 20)]
    ended = srdesk("upscale", source, "--model", "bicubic", "--hdu", "NOPE")
    assert ended.status == 1
    assert "NOPE" in ended.err
    assert "1 SCI, 2 ERR" in ended.err


def test_what_is_said_of_a_file_names_it_where_there_are_several(srdesk: Any, tmp_path: Path) -> None:
    one, other = chips(tmp_path / "one.fits"), chips(tmp_path / "other.fits")
    ended = srdesk("upscale", one, other, "--model", "bicubic")
    for path in (one, other):
        assert f"“{path.name}”: The other images of its pixels were not enlarged" in ended.err
    assert "srdesk: The other images" in srdesk("upscale", one, "--model", "bicubic").err


def test_flags_are_repeated_and_said_to_be(srdesk: Any, tmp_path: Path) -> None:
    flags = RNG.choice(np.array([0, 4, 8192, 16384], np.int16), (12, 15))
    image = astropy_fits.ImageHDU(RNG.normal(9, 1, (12, 15)).astype("f4"), name="SCI")
    source = tmp_path / "hst.fits"
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), image, astropy_fits.ImageHDU(flags, name="DQ")]).writeto(source)
    ended = srdesk("upscale", source, "--hdu", "DQ", "--model", "bicubic")
    assert "It holds flags, which were repeated, not enlarged." in ended.err
    assert "BUNIT" not in ended.err
    enlarged = astropy_fits.getdata(tmp_path / "hst_bicubic_x4.fits", "DQ")
    np.testing.assert_array_equal(enlarged, flags.repeat(4, 0).repeat(4, 1))


def test_a_packed_file_becomes_a_plain_one(srdesk: Any, tmp_path: Path) -> None:
    packed = tmp_path / "m13.fits.gz"
    packed.write_bytes(gzip.compress(frame(tmp_path / "m13.fits").read_bytes()))
    (tmp_path / "m13.fits").unlink()
    ended = srdesk("upscale", packed, "--model", "bicubic")
    assert ended.status == 0, ended.err
    assert (tmp_path / "m13_bicubic_x4.fits").exists()


def test_folders_are_searched_for_fits_files_too(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    photo(tmp_path / "in" / "a.png")
    frame(tmp_path / "in" / "b.fit")
    (tmp_path / "in" / "c.fts.gz").write_bytes(gzip.compress(frame(tmp_path / "c.fts").read_bytes()))
    ended = srdesk("upscale", tmp_path / "in", "-o", tmp_path / "out", "--model", "bicubic")
    assert ended.status == 0, ended.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a_bicubic_x4.png",
        "b_bicubic_x4.fit",
        "c_bicubic_x4.fts",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [(["-o", "out.tif"], "FITS can"), (["-o", "out.png"], "FITS can"), (["--size", "2x"], "measured values")],
)
def test_what_would_lose_what_was_measured_is_refused(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = srdesk("upscale", frame(tmp_path / "m13.fits"), "--model", "bicubic", *options)
    assert ended.status == 1
    assert said in ended.err
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["m13.fits"]


def test_a_photo_does_not_become_a_fits_file(srdesk: Any, tmp_path: Path, photo: Any) -> None:
    ended = srdesk("upscale", photo(tmp_path / "a.png"), "--model", "bicubic", "-o", tmp_path / "a.fits")
    assert ended.status == 1
    assert "from FITS images only" in ended.err


@pytest.mark.parametrize("options", [["--size", "2x"], ["--back-projection", "0.5"]])
def test_a_large_image_goes_from_disk_to_disk(
    srdesk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    source = frame(tmp_path / "m13.fits")
    assert srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "memory.fits").status == 0
    monkeypatch.setattr(windows, "MAX_HELD_BYTES", 0)
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "disk.fits", "--json")
    assert ended.status == 0, ended.err
    (output,) = ended.document["outputs"]
    assert (output["windows"], output["flux"]["frame_error_percent"]) == (1, 0.0)
    assert (tmp_path / "disk.fits").read_bytes() == (tmp_path / "memory.fits").read_bytes()
    ended = srdesk("upscale", source, "--model", "bicubic", "-o", tmp_path / "no.fits", *options)
    assert ended.status == 1
    assert "an image of this size" in ended.err
    assert not list(tmp_path.glob("no.fits*"))

"""What is saved on the desk is what the command line would have written, and it tells how it was made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile
from astropy.io import fits

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.enlarge import enlarge
from srdesk.engine.files.file_job import enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.file_stamp import file_stamp
from srdesk.engine.trust.honesty import back_projected
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import ImageWriteError
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.work.opening import open_document
from srdesk.gui.work.requests import Document, OpenRequest, Recipe, Rendered, SaveJob
from srdesk.gui.work.save_order import SaveOrder
from srdesk.gui.work.saving import save
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.scene.gdal_session import gdal_session


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def frame(tmp_path: Path) -> Path:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(np.random.default_rng(3).poisson(900, (12, 15)).astype(np.float32)).writeto(path)
    return path


@pytest.fixture
def job(decoder: Decoder) -> Callable[..., SaveJob]:
    """Open a picture, enlarge it with the bicubic, and order it to be saved."""

    def make(source: Path, output: Path, *, strength: float = 0.0, weights: Path | None = None, **order) -> SaveJob:
        document = open_document(OpenRequest(path=source), decoder, lambda: pytest.fail("it is no scene"))
        stored, facts = enlarge(document.image, BicubicUpscaler())
        stored = back_projected(document.image, stored, strength)
        recipe = Recipe(model="bicubic", weights=weights, weights_stamp=weights and file_stamp(weights))
        result = Rendered(1, "bicubic", stored, DisplayImage.build(stored, 4), facts, recipe, strength)
        order = SaveOrder(pane="bicubic", path=output, **order)
        return SaveJob(order=order, result=result, document=document)

    return make


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize(("size", "strength"), [("4x", 0.0), ("2x", 0.0), ("4x", 0.3), ("3x", 1.0)])
def test_a_photo_becomes_the_same_bytes_as_on_the_command_line(
    suffix: str, size: str, strength: float, job: Callable[..., SaveJob], decoder: Decoder, picture: Path
) -> None:
    desk, terminal = picture.with_name(f"desk{suffix}"), picture.with_name(f"terminal{suffix}")
    assert save(job(picture, desk, strength=strength, size=size), CancelToken()) == ()
    recipe = FileRecipe(model="bicubic", size=size, back_projection=strength)
    enlarge_file(picture, terminal, recipe, BicubicUpscaler, decoder, Control())
    assert desk.read_bytes() == terminal.read_bytes()


def test_a_measured_picture_becomes_the_same_bytes_too(
    job: Callable[..., SaveJob], decoder: Decoder, frame: Path, tmp_path: Path
) -> None:
    save(job(frame, tmp_path / "desk.fits"), CancelToken())
    recipe = FileRecipe(model="bicubic")
    enlarge_file(frame, tmp_path / "terminal.fits", recipe, BicubicUpscaler, decoder, Control())
    assert (tmp_path / "desk.fits").read_bytes() == (tmp_path / "terminal.fits").read_bytes()
    assert "SR Desk" in str(fits.getheader(tmp_path / "desk.fits")["HISTORY"])


def test_the_record_is_that_of_the_command_line_but_for_times(
    job: Callable[..., SaveJob], decoder: Decoder, picture: Path, tmp_path: Path
) -> None:
    desk, terminal = tmp_path / "desk" / "out.png", tmp_path / "terminal" / "out.png"
    for path in (desk, terminal):
        path.parent.mkdir()
    save(job(picture, desk, has_sidecar=True), CancelToken())
    recipe = FileRecipe(model="bicubic", sidecar=True)
    enlarge_file(picture, terminal, recipe, BicubicUpscaler, decoder, Control())
    told = [json.loads(path.with_name("out.png.srdesk.json").read_bytes()) for path in (desk, terminal)]
    for record in told:
        record["created"] = record["computing"]["seconds"] = None
    assert told[0] == told[1]


def test_a_result_whose_record_cannot_be_written_does_not_stay(
    job: Callable[..., SaveJob], picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.png.srdesk.json").mkdir()
    with pytest.raises(ImageWriteError):
        save(job(picture, tmp_path / "out.png", has_sidecar=True), CancelToken())
    assert not (tmp_path / "out.png").exists()


def test_a_result_that_replaced_an_older_one_stays_without_its_record(
    job: Callable[..., SaveJob], picture: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.png").write_bytes(b"old")
    (tmp_path / "out.png.srdesk.json").mkdir()
    with pytest.raises(ImageWriteError, match="“out\\.png” is whole and stays"):
        save(job(picture, tmp_path / "out.png", has_sidecar=True), CancelToken())
    with PIL.Image.open(tmp_path / "out.png") as opened:
        assert opened.info["SRDESK_MODEL"] == "bicubic"


def test_a_picture_that_changed_since_it_was_opened_is_not_named_as_the_source(
    job: Callable[..., SaveJob], picture: Path, tmp_path: Path
) -> None:
    order = job(picture, tmp_path / "out.png", has_sidecar=True)
    picture.write_bytes(picture.read_bytes() + b" ")
    remarks = save(order, CancelToken())
    assert any("has changed" in remark for remark in remarks)
    with PIL.Image.open(tmp_path / "out.png") as opened:
        assert "SRDESK_SOURCE_SHA256" not in opened.info
        assert opened.info["SRDESK_MODEL"] == "bicubic"
    assert not (tmp_path / "out.png.srdesk.json").exists()


def test_weights_that_are_gone_do_not_keep_a_result_from_being_saved(
    job: Callable[..., SaveJob], picture: Path, tmp_path: Path
) -> None:
    order = job(picture, tmp_path / "out.png", weights=tmp_path / "gone.safetensors", has_sidecar=True, model="mine")
    remarks = save(order, CancelToken())
    assert any("gone.safetensors" in remark for remark in remarks)
    with PIL.Image.open(tmp_path / "out.png") as opened:
        assert opened.info["SRDESK_MODEL"] == "mine"
    assert not (tmp_path / "out.png.srdesk.json").exists()


def test_weights_that_changed_since_are_not_said_to_be_those_of_the_result(
    job: Callable[..., SaveJob], picture: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"at first")
    order = job(picture, tmp_path / "out.png", weights=weights, has_sidecar=True, model="mine")
    weights.write_bytes(b"trained on")
    remarks = save(order, CancelToken())
    assert any("“mine.safetensors” have changed" in remark for remark in remarks)
    with PIL.Image.open(tmp_path / "out.png") as opened:
        assert "SRDESK_WEIGHTS_SHA256" not in opened.info
        assert opened.info["SRDESK_MODEL"] == "mine"
    assert not (tmp_path / "out.png.srdesk.json").exists()


@pytest.mark.parametrize("name", ["out.png", "out.fits"])
def test_what_was_in_no_file_tells_everything_but_its_source(
    name: str, job: Callable[..., SaveJob], picture: Path, frame: Path, tmp_path: Path
) -> None:
    order = job(frame if name.endswith("fits") else picture, tmp_path / name, has_sidecar=True)
    pasted: Document = dataclasses.replace(order.document, path=None, stamp=None)
    remarks = save(dataclasses.replace(order, document=pasted), CancelToken())
    assert len(remarks) == 1
    assert "no record" in remarks[0]
    if name.endswith("fits"):
        assert "input sha256" not in str(fits.getheader(tmp_path / name)["HISTORY"])
    else:
        with PIL.Image.open(tmp_path / name) as opened:
            assert "SRDESK_SOURCE_SHA256" not in opened.info


def test_the_weights_are_told_by_their_checksum(
    job: Callable[..., SaveJob], make_weights: Callable[..., Path], picture: Path, tmp_path: Path
) -> None:
    weights = make_weights(tmp_path / "own.safetensors")
    save(job(picture, tmp_path / "out.tif", weights=weights, model="own"), CancelToken())
    with tifffile.TiffFile(tmp_path / "out.tif") as opened:
        packet = opened.pages[0].tags["XMP"].value
    assert hashlib.sha256(weights.read_bytes()).hexdigest().encode() in bytes(packet)


def test_bands_of_a_scene_tell_in_their_tags_how_they_were_made(
    job: Callable[..., SaveJob], decoder: Decoder, make_geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    scene = make_geotiff("scene.tif", np.random.default_rng(4).integers(0, 4000, (1, 20, 24)).astype(np.uint16))
    save(job(scene, tmp_path / "out.tif"), CancelToken())
    with gdal_session() as rasterio, rasterio.open(tmp_path / "out.tif") as opened:
        tags = opened.tags()
    assert (tags["SRDESK_MODEL"], tags["SRDESK_SIZE"]) == ("bicubic", "4x")
    assert tags["SRDESK_SOURCE_SHA256"] == hashlib.sha256(scene.read_bytes()).hexdigest()

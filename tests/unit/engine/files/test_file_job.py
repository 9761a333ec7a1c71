"""One file enlarged, whatever it is: what the result is, and what it tells of itself."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits as astropy_fits

from srdesk.engine.control import CancelToken, Control
from srdesk.engine.files.file_job import FileFacts, Upscalers, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.trust import provenance
from srdesk.engine.upscaler import BicubicUpscaler
from srdesk.errors import (
    Cancelled,
    ConfigError,
    ImageReadError,
    ImageWriteError,
    OutOfMemoryError,
    OutputTakenError,
    UnsupportedImageError,
    WeightsError,
)
from srdesk.imaging.claim import claimed
from srdesk.imaging.decoder import Decoder
from srdesk.imaging.fidelity import consistency

RNG = np.random.default_rng(12)
BICUBIC = FileRecipe(model="bicubic")
Enlarge = Callable[..., FileFacts]


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def enlarge(decoder: Decoder) -> Enlarge:
    def run(source: Path, output: Path, recipe: FileRecipe = BICUBIC, **options: Any) -> FileFacts:
        control = options.pop("control", Control())
        model = options.pop("upscaler", BicubicUpscaler)
        return enlarge_file(source, output, recipe, model, decoder, control, **options)

    return run


def photo(path: Path, height: int = 10, width: int = 12, mode: str = "RGB") -> Path:
    pixels = RNG.integers(0, 256, (height, width, len(mode)), np.uint8)
    PIL.Image.fromarray(pixels.squeeze()).save(path)
    return path


def frame(path: Path, **cards: object) -> Path:
    hdu = astropy_fits.PrimaryHDU(RNG.poisson(900, (12, 15)).astype(np.uint16))
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_photo_tells_how_it_was_made(enlarge: Enlarge, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    facts = enlarge(source, tmp_path / "out" / "b.png")
    assert (facts.source, facts.output) == (source, tmp_path / "out" / "b.png")
    assert (facts.height, facts.width, facts.device, facts.windows) == (40, 48, "cpu", None)
    with PIL.Image.open(facts.output) as image:
        assert image.size == (48, 40)
        assert image.info["SRDESK_MODEL"] == "bicubic"
        assert image.info["SRDESK_SOURCE_SHA256"] == hashlib.sha256(source.read_bytes()).hexdigest()
    assert names(tmp_path / "out") == ["b.png"]


def test_the_same_file_gives_the_same_bytes(enlarge: Enlarge, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    for name in ("1.png", "2.png"):
        enlarge(source, tmp_path / name)
    assert (tmp_path / "1.png").read_bytes() == (tmp_path / "2.png").read_bytes()


def test_a_sidecar_is_written_where_one_is_wished_for(enlarge: Enlarge, tmp_path: Path) -> None:
    recipe = FileRecipe(model="bicubic", sidecar=True, size="2x", back_projection=0.5)
    enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", recipe)
    told = json.loads((tmp_path / "b.png.srdesk.json").read_bytes())
    assert told["options"] == {**told["options"], "size": "2x", "back_projection": 0.5}
    assert told["output"]["sha256"] == hashlib.sha256((tmp_path / "b.png").read_bytes()).hexdigest()


def test_a_result_whose_sidecar_cannot_be_written_does_not_stay(enlarge: Enlarge, tmp_path: Path) -> None:
    (tmp_path / "b.png.srdesk.json").mkdir()
    with pytest.raises(ImageWriteError, match=r"srdesk\.json"):
        enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", FileRecipe(model="bicubic", sidecar=True))
    assert names(tmp_path) == ["a.png", "b.png.srdesk.json"]


def test_a_result_that_replaced_an_older_one_stays_without_its_sidecar(enlarge: Enlarge, tmp_path: Path) -> None:
    source, output = photo(tmp_path / "a.png"), tmp_path / "b.png"
    output.write_bytes(b"old")
    (tmp_path / "b.png.srdesk.json").mkdir()
    with pytest.raises(ImageWriteError, match="“b\\.png” is whole and stays"):
        enlarge(source, output, FileRecipe(model="bicubic", sidecar=True))
    with PIL.Image.open(output) as image:
        assert image.size == (48, 40)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_scene_whose_sidecar_cannot_be_written_stays(
    enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path, *, is_there: bool
) -> None:
    source = make_geotiff("a.tif", RNG.integers(0, 3000, (1, 20, 30), np.uint16))
    enlarge(source, tmp_path / "same.tif")
    if is_there:
        (tmp_path / "b.tif").write_bytes(b"old")
    (tmp_path / "b.tif.srdesk.json").mkdir()
    with pytest.raises(ImageWriteError, match=r"srdesk\.json.*“b\.tif” is whole and stays") as caught:
        enlarge(source, tmp_path / "b.tif", FileRecipe(model="bicubic", sidecar=True))
    assert "without a record" in caught.value.hint
    assert (tmp_path / "b.tif").read_bytes() == (tmp_path / "same.tif").read_bytes()


def test_a_record_of_the_file_that_was_replaced_does_not_stay_beside_the_new_one(
    enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = FileRecipe(model="bicubic", sidecar=True)
    enlarge(make_geotiff("a.tif", RNG.integers(0, 3000, (1, 20, 30), np.uint16)), tmp_path / "b.tif", recipe)
    assert (tmp_path / "b.tif.srdesk.json").exists()

    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("srdesk.engine.trust.sidecar.atomic_write", full)
    with pytest.raises(ImageWriteError, match="no space left"):
        enlarge(make_geotiff("c.tif", RNG.integers(0, 3000, (1, 20, 30), np.uint16)), tmp_path / "b.tif", recipe)
    assert names(tmp_path) == ["a.tif", "b.tif", "c.tif"]


@pytest.mark.parametrize("suffix", [".tif", ".fits"])
def test_a_result_from_disk_to_disk_stays_when_it_is_cancelled_while_its_checksum_is_made(
    enlarge: Enlarge,
    make_geotiff: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
) -> None:
    if suffix == ".tif":
        source = make_geotiff("a.tif", RNG.integers(0, 3000, (1, 20, 30), np.uint16))
    else:
        source = frame(tmp_path / "a.fits", BUNIT="adu")
        monkeypatch.setattr("srdesk.engine.files.file_job.is_large", lambda *_: True)
    token, output = CancelToken(), tmp_path / f"b{suffix}"
    whole = provenance.completed

    def completed(*arguments: Any, **options: Any) -> provenance.Provenance:
        token.cancel()
        return whole(*arguments, **options)

    monkeypatch.setattr(provenance, "completed", completed)
    enlarge(source, output, FileRecipe(model="bicubic", sidecar=True), control=Control(token))
    told = json.loads(output.with_name(output.name + ".srdesk.json").read_bytes())
    assert told["output"]["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()


def test_a_photo_that_is_cancelled_while_its_checksum_is_made_leaves_nothing(
    enlarge: Enlarge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = CancelToken()
    whole = provenance.completed

    def completed(*arguments: Any, **options: Any) -> provenance.Provenance:
        token.cancel()
        return whole(*arguments, **options)

    monkeypatch.setattr(provenance, "completed", completed)
    recipe = FileRecipe(model="bicubic", sidecar=True)
    with pytest.raises(Cancelled):
        enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", recipe, control=Control(token))
    assert names(tmp_path) == ["a.png"]


def test_back_projection_makes_a_photo_more_consistent(enlarge: Enlarge, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png", 30, 40)
    with PIL.Image.open(source) as image:
        lr = np.asarray(image, np.float32) / 255
    differences = []
    for strength in (0.0, 0.5, 1.0):
        enlarge(source, tmp_path / "b.png", FileRecipe(model="bicubic", back_projection=strength))
        with PIL.Image.open(tmp_path / "b.png") as image:
            differences.append(consistency(np.asarray(image, np.float32) / 255, lr).rms)
    assert differences[0] > differences[1] > differences[2]


def test_a_smaller_size_is_made_of_what_was_back_projected(enlarge: Enlarge, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    facts = enlarge(source, tmp_path / "b.png", FileRecipe(model="bicubic", back_projection=1.0, size="2x"))
    assert (facts.height, facts.width) == (20, 24)
    enlarge(source, tmp_path / "c.png", FileRecipe(model="bicubic", size="2x"))
    with PIL.Image.open(tmp_path / "b.png") as one, PIL.Image.open(tmp_path / "c.png") as other:
        assert one.size == (24, 20)
        assert one.tobytes() != other.tobytes()


def test_a_back_projection_that_cannot_be_held_is_refused_before_anything_is_computed(
    enlarge: Enlarge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Little:
        available = 10_000

    source = photo(tmp_path / "a.png")
    monkeypatch.setattr("psutil.virtual_memory", lambda: Little)
    monkeypatch.setattr(BicubicUpscaler, "upscale", lambda *_, **__: pytest.fail("it was computed"))
    with pytest.raises(OutOfMemoryError, match="back-projection needs"):
        enlarge(source, tmp_path / "b.png", FileRecipe(model="bicubic", back_projection=1.0))
    assert names(tmp_path) == ["a.png"]


def test_back_projection_of_a_measurement_keeps_its_flux(enlarge: Enlarge, tmp_path: Path) -> None:
    source = frame(tmp_path / "a.fits", BUNIT="adu")
    facts = enlarge(source, tmp_path / "b.fits", FileRecipe(model="bicubic", back_projection=1.0))
    assert facts.flux is not None
    assert facts.flux.frame_percent == 0
    blocks = astropy_fits.getdata(tmp_path / "b.fits").astype(int).reshape(12, 4, 15, 4).sum(axis=(1, 3))
    np.testing.assert_array_equal(blocks, astropy_fits.getdata(source))
    assert "strength 1" in str(astropy_fits.getheader(tmp_path / "b.fits")["HISTORY"])


def test_a_unit_that_nobody_knows_is_said(enlarge: Enlarge, tmp_path: Path) -> None:
    said: list[str] = []
    enlarge(frame(tmp_path / "a.fits"), tmp_path / "b.fits", control=Control(on_notice=said.append))
    assert len(said) == 1
    assert "finds no BUNIT" in said[0]


def test_a_photo_of_several_pages_is_enlarged_as_the_first_and_that_is_said(enlarge: Enlarge, tmp_path: Path) -> None:
    pages = [PIL.Image.fromarray(RNG.integers(0, 256, (10, 12, 3), np.uint8)) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    said: list[str] = []
    enlarge(tmp_path / "a.tif", tmp_path / "b.png", control=Control(on_notice=said.append))
    assert said == ["“a.tif” holds 3 pictures; the first of them is enlarged."]
    said.clear()
    enlarge(photo(tmp_path / "one.tif"), tmp_path / "c.png", control=Control(on_notice=said.append))
    assert said == []


def test_a_scene_goes_from_disk_to_disk(enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path) -> None:
    source = make_geotiff("a.tif", RNG.integers(0, 3000, (2, 20, 30), np.uint16), photometric="minisblack")
    facts = enlarge(source, tmp_path / "b.tif")
    assert (facts.height, facts.width, facts.windows, facts.resumed_windows) == (80, 120, 2, 0)
    assert names(tmp_path) == ["a.tif", "b.tif"]


@pytest.mark.parametrize(
    "wish", [{"size": "2x"}, {"background": (0, 0, 0)}, {"back_projection": 0.5}, {"bands": (1, 2, 9)}]
)
def test_what_is_not_done_to_scenes_is_refused_before_a_model_is_loaded(
    enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path, wish: dict[str, Any]
) -> None:
    source = make_geotiff("a.tif", np.zeros((3, 20, 30), np.uint16), photometric="minisblack")
    with pytest.raises(ConfigError):
        enlarge(source, tmp_path / "b.tif", FileRecipe(model="bicubic", **wish), upscaler=never)
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize(("wish", "said"), [({"part": "SCI"}, "no FITS file"), ({"bands": (3, 2, 1)}, "bands cannot")])
@pytest.mark.parametrize("kind", ["photo", "scene as a photo", "scene"])
def test_what_is_chosen_of_other_kinds_of_files_is_refused(
    enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path, kind: str, wish: dict[str, Any], said: str
) -> None:
    if kind == "photo":
        source = photo(tmp_path / "a.png")
    else:
        source = make_geotiff("a.tif", RNG.integers(0, 255, (3, 20, 30), np.uint8), photometric="RGB")
    output = tmp_path / ("b.tif" if kind == "scene" else "b.png")
    if kind == "scene" and "bands" in wish:
        assert enlarge(source, output, FileRecipe(model="bicubic", **wish)).windows is not None
        return
    with pytest.raises((ConfigError, UnsupportedImageError), match=said):
        enlarge(source, output, FileRecipe(model="bicubic", **wish), upscaler=never)
    assert names(tmp_path) == [source.name]


def test_a_scene_that_becomes_a_photo_says_what_is_left_out(
    enlarge: Enlarge, make_geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    source = make_geotiff("a.tif", RNG.integers(0, 255, (3, 20, 30), np.uint8), photometric="RGB")
    assert any("place on Earth" in loss for loss in enlarge(source, tmp_path / "b.png").losses)
    assert not enlarge(photo(tmp_path / "c.png"), tmp_path / "d.png").losses


def never() -> BicubicUpscaler:
    pytest.fail("the model was loaded")


@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_what_the_format_cannot_hold_is_refused_before_a_model_is_loaded(
    enlarge: Enlarge, tmp_path: Path, mode: str
) -> None:
    source = photo(tmp_path / "a.png", mode=mode)
    with pytest.raises(ImageWriteError) as caught:
        enlarge(source, tmp_path / "out" / ("b.jpg" if mode == "RGBA" else "b.fits"), upscaler=never)
    assert ("--background" in caught.value.hint) == (mode == "RGBA")
    assert names(tmp_path) == ["a.png"]


def test_a_file_that_cannot_be_read_needs_no_model_and_leaves_no_folder(enlarge: Enlarge, tmp_path: Path) -> None:
    with pytest.raises(ImageReadError):
        enlarge(tmp_path / "a.png", tmp_path / "out" / "b.png", upscaler=never)
    assert names(tmp_path) == []


def test_a_size_larger_than_four_times_is_refused(enlarge: Enlarge, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="size"):
        enlarge(
            photo(tmp_path / "a.png"), tmp_path / "b.png", FileRecipe(model="bicubic", size="49x40"), upscaler=never
        )


def test_an_output_that_someone_else_makes_is_left_to_him(enlarge: Enlarge, tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    with claimed(tmp_path / "b.png", may_replace=True), pytest.raises(OutputTakenError):
        enlarge(source, tmp_path / "b.png", upscaler=never)
    (tmp_path / "b.png").write_text("new")
    with pytest.raises(OutputTakenError):
        enlarge(source, tmp_path / "b.png", upscaler=never, may_replace=False)
    assert (tmp_path / "b.png").read_text() == "new"
    enlarge(source, tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_memory_that_runs_out_is_one_sentence_and_leaves_nothing(enlarge: Enlarge, tmp_path: Path) -> None:
    class Greedy(BicubicUpscaler):
        def upscale(self, *_: object, **__: object) -> Any:
            raise MemoryError

    with pytest.raises(OutOfMemoryError, match=r"“a\.png” needs more memory"):
        enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", upscaler=Greedy)
    assert names(tmp_path) == ["a.png"]


def test_a_file_that_is_cancelled_leaves_nothing(enlarge: Enlarge, tmp_path: Path) -> None:
    token = CancelToken()

    def load() -> BicubicUpscaler:
        token.cancel()
        return BicubicUpscaler()

    with pytest.raises(Cancelled):
        enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", upscaler=load, control=Control(token))
    assert names(tmp_path) == ["a.png"]


def test_the_model_that_was_used_last_is_kept(tmp_path: Path) -> None:
    upscalers = Upscalers()
    first = upscalers.ready(BICUBIC)
    assert upscalers.ready(FileRecipe(model="bicubic", size="2x", jpeg_quality=50)) is first
    assert upscalers.ready(FileRecipe(model="bicubic", window_px=64)) is not first
    with pytest.raises(WeightsError):
        upscalers.ready(FileRecipe(model="mine", weights=tmp_path / "missing.safetensors"))


def test_weights_that_were_written_anew_are_loaded_anew(
    make_weights: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srdesk.engine.files.file_job._opened", lambda recipe: BicubicUpscaler())
    weights, upscalers = make_weights(tmp_path / "mine.safetensors"), Upscalers()
    recipe = FileRecipe(model="mine", weights=weights, device="cpu", precision="fp32")
    first = upscalers.ready(recipe)
    assert upscalers.ready(recipe) is first
    os.utime(weights, ns=(1, 1))
    assert upscalers.ready(recipe) is not first


def test_weights_that_change_while_they_are_loaded_are_those_that_the_result_tells_of(
    enlarge: Enlarge, make_weights: Callable[..., Path], tmp_path: Path
) -> None:
    weights = make_weights(tmp_path / "mine.safetensors")
    recipe = FileRecipe(model="mine", weights=weights)
    loaded: list[int] = []

    def load() -> BicubicUpscaler:
        loaded.append(weights.stat().st_mtime_ns)
        if len(loaded) == 1:
            os.utime(weights, ns=(1, 1))
        return BicubicUpscaler()

    enlarge(photo(tmp_path / "a.png"), tmp_path / "b.png", recipe, upscaler=load)
    assert len(loaded) == 2
    assert loaded[1] == 1

"""FITS images enlarged from disk to disk: the same bytes as in memory, and after a crash the same again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits as astropy_fits

from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.enlarge import enlarge
from srdesk.engine.scenes import scene
from srdesk.engine.scenes.fits_scene import enlarge_fits
from srdesk.engine.scenes.scene import SceneFacts
from srdesk.engine.upscaler import BicubicUpscaler, UpscaleFacts, Upscaler
from srdesk.errors import Cancelled, ImageReadError, ImageWriteError, UnsupportedImageError
from srdesk.imaging.fits import part_file, windows
from srdesk.imaging.fits.windows import is_large, open_windows
from srdesk.imaging.formats import open_image, save_image
from srdesk.imaging.image import Box
from srdesk.models.srresnet import SRResNet

RNG = np.random.default_rng(29)
HISTORY = ("made by a test",)

MakeFits = Callable[..., Path]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let even small images have several windows, in both directions."""
    monkeypatch.setattr(scene, "_WINDOW_ROWS_PX", 64)
    monkeypatch.setattr(scene, "_WINDOW_COLUMNS_PX", 128)


@pytest.fixture
def make_fits(tmp_path: Path) -> MakeFits:
    def make(numbers: Any, *, checksum: bool = True, **cards: object) -> Path:
        image = astropy_fits.ImageHDU(numbers, name="SCI")
        image.header.update(cards)
        flags = astropy_fits.ImageHDU(np.arange(6).reshape(2, 3), name="DQ")
        hdus = [astropy_fits.PrimaryHDU(), image, flags]
        astropy_fits.HDUList(hdus).writeto(tmp_path / "a.fits", checksum=checksum)
        return tmp_path / "a.fits"

    return make


def stars(dtype: str, shape: tuple[int, ...] = (130, 150)) -> Any:
    """Return a noisy sky with a few stars far beyond the range that the network sees."""
    sky = RNG.normal(1000, 9, shape)
    sky[RNG.random(shape) < 0.0005] = 20_000
    return sky.astype(dtype)


def from_disk(path: Path, output: Path, upscaler: Any = None, control: Control | None = None) -> SceneFacts:
    with open_windows(path, "SCI") as source:
        facts, _ = enlarge_fits(source, upscaler or BicubicUpscaler(), output, control, recipe="test", history=HISTORY)
    return facts


def in_memory(path: Path, output: Path, upscaler: Any = None) -> None:
    stored, _ = enlarge(open_image(path, "SCI"), upscaler or BicubicUpscaler())
    save_image(output, stored.with_metadata(replace(stored.metadata, history=HISTORY)))


@pytest.mark.parametrize("cards", [{"BUNIT": "adu"}, {"BUNIT": "MJy/sr", "DATAMIN": 0.0, "DATAMAX": 1.0}])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "float32", "float64"])
def test_the_file_is_that_which_is_made_in_memory(
    make_fits: MakeFits, tmp_path: Path, dtype: str, cards: dict[str, Any]
) -> None:
    numbers = stars(dtype) if dtype != "uint8" else RNG.integers(0, 256, (130, 150), np.uint8)
    path = make_fits(numbers, **cards)
    in_memory(path, tmp_path / "memory.fits")
    facts = from_disk(path, tmp_path / "disk.fits")
    assert (tmp_path / "disk.fits").read_bytes() == (tmp_path / "memory.fits").read_bytes()
    assert (facts.windows, facts.resumed_windows) == (6, 0)
    assert facts.run.flux is not None
    assert facts.run.flux.frame_percent < 1e-5


@pytest.mark.filterwarnings("error")
def test_the_flux_error_is_known_where_the_sum_is_beyond_the_largest_number(
    make_fits: MakeFits, tmp_path: Path
) -> None:
    facts = from_disk(make_fits(stars("float64") * 1e303, BUNIT="adu"), tmp_path / "disk.fits")
    assert facts.run.flux is not None
    assert facts.run.flux.frame_percent < 1e-5
    assert 0 < facts.run.flux.network_percent < 100


def test_three_planes_of_colours_go_together(make_fits: MakeFits, tmp_path: Path) -> None:
    path = make_fits(stars("int16", (3, 90, 100)), CTYPE3="RGB", BUNIT="adu")
    in_memory(path, tmp_path / "memory.fits")
    from_disk(path, tmp_path / "disk.fits")
    assert (tmp_path / "disk.fits").read_bytes() == (tmp_path / "memory.fits").read_bytes()


def test_a_network_gives_what_it_gives_in_memory(make_fits: MakeFits, tmp_path: Path, srresnet: SRResNet) -> None:
    path = make_fits(stars("float32"), BUNIT="electron")
    model = Upscaler(srresnet, "test", device="cpu", precision="fp32")
    in_memory(path, tmp_path / "memory.fits", model)
    from_disk(path, tmp_path / "disk.fits", model)
    before, after = (astropy_fits.getdata(tmp_path / name, "SCI") for name in ("memory.fits", "disk.fits"))
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-3)


def test_pixels_without_a_value_stay_so_and_spread_nowhere(make_fits: MakeFits, tmp_path: Path) -> None:
    numbers = stars("float32")
    numbers[40, 70] = np.nan
    numbers[100:, 120:] = np.nan
    from_disk(make_fits(numbers), tmp_path / "out.fits")
    result = astropy_fits.getdata(tmp_path / "out.fits", "SCI")
    np.testing.assert_array_equal(np.isnan(result), np.isnan(numbers).repeat(4, axis=0).repeat(4, axis=1))
    blocks = result.reshape(130, 4, 150, 4).mean(axis=(1, 3), dtype=float)
    np.testing.assert_allclose(blocks, numbers, rtol=1e-6)


class _StopAfter(CancelToken):
    """Stops the run once so much of it is done."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def look(self, progress: Progress) -> None:
        if progress.fraction > self._share:
            self.cancel()


@pytest.mark.parametrize("share", [0.4, 0.7])
def test_a_cancelled_run_goes_on_to_the_same_bytes(make_fits: MakeFits, tmp_path: Path, share: float) -> None:
    path = make_fits(stars("float32"), BUNIT="adu", DATAMIN=0.0, DATAMAX=1.0)
    from_disk(path, tmp_path / "whole.fits")
    token = _StopAfter(share)
    with pytest.raises(Cancelled):
        from_disk(path, tmp_path / "out.fits", control=Control(token, token.look, max_rate_hz=1e9))
    assert (tmp_path / "out.fits.part.journal").exists()
    assert not (tmp_path / "out.fits").exists()
    facts = from_disk(path, tmp_path / "out.fits")
    assert 0 < facts.resumed_windows < facts.windows
    assert (tmp_path / "out.fits").read_bytes() == (tmp_path / "whole.fits").read_bytes()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.fits", "out.fits", "whole.fits"]


def test_what_other_work_left_is_begun_anew(make_fits: MakeFits, tmp_path: Path) -> None:
    path = make_fits(stars("float32"))
    (tmp_path / "out.fits.part").write_bytes(b"something else")
    (tmp_path / "out.fits.part.journal").write_bytes(b'{"format":1,"key":"another"}\n{"before":1.0}\n')
    assert from_disk(path, tmp_path / "out.fits").resumed_windows == 0


def test_an_unfinished_file_of_another_program_is_left_alone(make_fits: MakeFits, tmp_path: Path) -> None:
    path = make_fits(stars("float32"))
    theirs = tmp_path / "out.fits.part"
    theirs.write_bytes(b"half a download")
    with pytest.raises(ImageWriteError, match=r"out\.fits\.part"):
        from_disk(path, tmp_path / "out.fits")
    assert theirs.read_bytes() == b"half a download"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.fits", "out.fits.part"]


def test_a_file_that_is_changed_while_it_is_read_gives_no_result(make_fits: MakeFits, tmp_path: Path) -> None:
    path = make_fits(stars("float32"))
    control = Control(on_progress=lambda progress: os.utime(path, (1, 1)))
    with pytest.raises(ImageReadError, match=r"“a\.fits”.* was changed"):
        from_disk(path, tmp_path / "out.fits", control=control)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]


def test_a_file_that_is_gone_before_it_is_read_to_its_end_is_blamed_itself(make_fits: MakeFits, tmp_path: Path) -> None:
    path = make_fits(stars("float32"))
    control = Control(on_progress=lambda progress: path.unlink(missing_ok=True))
    with pytest.raises(ImageReadError, match=r"“a\.fits”.* was changed"):
        from_disk(path, tmp_path / "out.fits", control=control)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_becomes_full_is_said_of_the_result(
    make_fits: MakeFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_fits(stars("float32"))

    def fill(_progress: Progress) -> None:
        def fail(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(part_file.os, "fsync", fail)

    with pytest.raises(ImageWriteError, match=r"“out\.fits”.* no space left on device"):
        from_disk(path, tmp_path / "out.fits", control=Control(on_progress=fill))
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]


def test_what_every_window_would_say_is_said_once(make_fits: MakeFits, tmp_path: Path) -> None:
    class Short(BicubicUpscaler):
        def upscale(
            self, source: Any, sink: Any, control: Control | None = None, *, region: Box | None = None
        ) -> UpscaleFacts:
            assert control is not None
            control.notify("Memory is short.")
            return super().upscale(source, sink, control, region=region)

    said: list[str] = []
    facts = from_disk(make_fits(stars("float32")), tmp_path / "out.fits", Short(), Control(on_notice=said.append))
    assert facts.windows > 1
    assert said == ["Memory is short."]
    assert facts.run.notices == ("Memory is short.",)


def test_too_little_room_is_said_first(make_fits: MakeFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_fits(stars("float32"))
    monkeypatch.setattr(scene.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(ImageWriteError, match="are free"):
        from_disk(path, tmp_path / "out.fits")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]


def test_large_images_are_known_by_their_headers(
    make_fits: MakeFits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_fits(stars("float32"))
    assert not is_large(path)
    monkeypatch.setattr(windows, "MAX_HELD_BYTES", 130 * 150 * 4 - 1)
    assert is_large(path)
    assert not is_large(path, "DQ")
    assert not is_large(path, "NOPE")
    assert not is_large(tmp_path / "missing.fits")
    packed = tmp_path / "b.fits"
    astropy_fits.HDUList([astropy_fits.PrimaryHDU(), astropy_fits.CompImageHDU(stars("float32"))]).writeto(packed)
    assert not is_large(packed)
    with pytest.raises(UnsupportedImageError, match="compressed in tiles"), open_windows(packed):
        pass


def test_an_image_without_any_value_is_refused(make_fits: MakeFits) -> None:
    path = make_fits(np.full((5, 6), np.nan))
    with pytest.raises(ImageReadError, match="none of its pixels"):
        from_disk(path, path.with_name("out.fits"))
    assert [entry.name for entry in path.parent.iterdir()] == ["a.fits"]


@pytest.mark.parametrize(
    ("keyword", "value"), [("PIXSCALE", "0,35"), ("CRPIX1", "1.0.0"), ("CD1_1", "1E400"), ("CRPIX1", "1E400")]
)
@pytest.mark.parametrize("enlarged", [from_disk, in_memory])
def test_a_card_that_makes_no_sense_is_an_error_that_says_what_to_do(
    make_fits: MakeFits, tmp_path: Path, enlarged: Callable[[Path, Path], object], keyword: str, value: str
) -> None:
    path = make_fits(stars("int16"), checksum=False, CTYPE1="RA---TAN", **{keyword: 0.35})
    card = f"{keyword:8}= {0.35:>20}".encode()
    assert card in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(card, f"{keyword:8}= {value:>20}".encode()))
    with pytest.raises((ImageReadError, ImageWriteError)) as caught:
        enlarged(path, tmp_path / "b.fits")
    assert "Correct" in (caught.value.hint or "")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.fits"]

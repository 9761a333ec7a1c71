"""The main job in the desk: drop a picture, see every pane, save the result, and get what the command line gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import astropy.io.fits
import msgspec
import numpy as np
import PIL.Image
import pytest
import rasterio
import torch
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from srdesk import paths
from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.gui.app import Desk
from srdesk.gui.work.session import Phase
from srdesk.imaging.image import Box
from srdesk.models import CATALOGUE
from srdesk.models.srcnn import SRCNNConfig
from srdesk.models.srresnet import SRResNetConfig

WAIT_MS = 60_000


@pytest.fixture
def tiny_weights(srdesk_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the panes SRCNN and SRResNet small random networks, in place of those that ship with the program."""
    monkeypatch.setattr(paths, "weights_folders", lambda: [paths.user_weights_folder()])
    paths.user_weights_folder().mkdir(parents=True)
    torch.manual_seed(1)
    configs = {"srcnn": SRCNNConfig(features=8, mapping=4), "srresnet": SRResNetConfig(channels=8, blocks=2)}
    for name, config in configs.items():
        card = WeightsCard(name=name, architecture=name, config=msgspec.to_builtins(config))
        save_weights(paths.user_weights_folder() / f"{name}_x4.safetensors", CATALOGUE[name].build(config), card)


@pytest.fixture
def desk(qtbot: QtBot, qapp: QApplication, tiny_weights: None) -> Iterator[Desk]:
    """The whole desk with real threads, decoder and networks."""
    desk = Desk(qapp)
    qtbot.addWidget(desk.window)
    with qtbot.waitSignal(desk.session.warmed_up, timeout=WAIT_MS):
        desk.window.show()
    yield desk
    assert desk.shutdown()
    qapp.setStyleSheet("")


def drop(desk: Desk, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    desk.window.dropEvent(
        QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def write_picture(path: Path, mode: str) -> Path:
    rng = np.random.default_rng(5)
    colours = rng.integers(0, 256, (40, 56, 4), np.uint8)
    if mode == "I;16":
        PIL.Image.fromarray(rng.integers(0, 65536, (40, 56), np.uint16)).save(path)
    else:
        PIL.Image.fromarray(colours).convert(mode).save(path)
    return path


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", ".png"), ("RGBA", ".png"), ("L", ".tif"), ("I;16", ".png")])
def test_drop_panes_export_gives_byte_for_byte_what_the_command_line_gives(
    qtbot: QtBot, desk: Desk, tmp_path: Path, mode: str, suffix: str
) -> None:
    from srdesk.__main__ import main

    picture = write_picture(tmp_path / f"photo{suffix}", mode)
    drop(desk, picture)
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    for pane in ("bicubic", "srcnn", "srresnet"):
        result = desk.session.renderer.result(pane)
        assert result is not None, pane
        assert (result.stored.height, result.stored.width) == (160, 224)
    with qtbot.waitSignal(desk.session.saved, timeout=WAIT_MS) as saved:
        desk.window.desk_actions.save.trigger()
    (exported,) = saved.args[0]
    assert exported.name == f"photo_srresnet_x4{suffix}"

    by_command = tmp_path / f"by_command{suffix}"
    assert main(["upscale", str(picture), "-o", str(by_command), "--model", "srresnet"]) == 0
    with PIL.Image.open(exported) as ours, PIL.Image.open(by_command) as theirs:
        assert ours.mode == theirs.mode
        assert (np.asarray(ours) == np.asarray(theirs)).all()


def test_a_fits_frame_is_seen_stretched_and_saved_as_the_command_line_does(
    qtbot: QtBot, desk: Desk, tmp_path: Path
) -> None:
    from srdesk.__main__ import main

    rng = np.random.default_rng(6)
    counts = rng.poisson(900, (40, 56)).astype(np.uint16)
    counts[10, 10] = 40_000
    astropy.io.fits.PrimaryHDU(counts, astropy.io.fits.Header({"BUNIT": "adu"})).writeto(tmp_path / "m13.fits")
    drop(desk, tmp_path / "m13.fits")
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    document = desk.session.document
    assert document is not None
    assert document.display.values_at(10.5, 39 - 10 + 0.5) == (40_000.0,)
    assert np.ptp(document.display.tile(0, Box(0, 0, 40, 56))) > 200
    with qtbot.waitSignal(desk.session.saved, timeout=WAIT_MS) as saved:
        desk.window.desk_actions.save.trigger()
    (exported,) = saved.args[0]
    assert exported.name == "m13_srresnet_x4.fits"
    assert desk.window.place_line.texts[1].startswith("SRResNet: flux error ")
    assert desk.window.place_line.texts[1].endswith("sums conserved")

    by_command = tmp_path / "by_command.fits"
    assert main(["upscale", str(tmp_path / "m13.fits"), "-o", str(by_command), "--model", "srresnet"]) == 0
    ours, theirs = (astropy.io.fits.getdata(path).astype(int) for path in (exported, by_command))
    assert abs(ours - theirs).max() <= 1
    assert (ours.reshape(40, 4, 56, 4).sum(axis=(1, 3)) == counts).all()


def test_bands_of_a_scene_are_saved_as_the_command_line_does(
    qtbot: QtBot, desk: Desk, tmp_path: Path, make_geotiff: Callable[..., Path]
) -> None:
    from srdesk.__main__ import main

    numbers = np.random.default_rng(7).integers(300, 9000, (4, 40, 56)).astype(np.uint16)
    numbers[:, 5:9, 5:9] = 0
    scene = make_geotiff("delta.tif", numbers, nodata=0)
    drop(desk, scene)
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    desk.window.science_bar.bands.chosen.emit((3, 2, 1))
    qtbot.waitUntil(lambda: desk.session.document.shown_bands == (3, 2, 1), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    with qtbot.waitSignal(desk.session.saved, timeout=WAIT_MS) as saved:
        desk.window.desk_actions.save.trigger()
    (exported,) = saved.args[0]
    assert exported.name == "delta_srresnet_x4.tif"

    by_command = tmp_path / "by_command.tif"
    options = ["--model", "srresnet", "--bands", "3,2,1"]
    assert main(["upscale", str(scene), "-o", str(by_command), *options]) == 0
    with rasterio.open(exported) as ours, rasterio.open(by_command) as theirs:
        assert (ours.crs, ours.transform, ours.nodata) == (theirs.crs, theirs.transform, theirs.nodata)
        apart = ours.read().astype(int) - theirs.read([3, 2, 1]).astype(int)
        assert abs(apart).max() <= 1
        assert (ours.read()[:, 20:36, 20:36] == 0).all()


def test_a_preview_of_what_is_seen_equals_that_part_of_the_whole_result(
    qtbot: QtBot, desk: Desk, tmp_path: Path
) -> None:
    desk.preferences.change(automatic_run_s=0)
    drop(desk, write_picture(tmp_path / "photo.png", "RGB"))
    with qtbot.waitSignal(desk.session.opened, timeout=WAIT_MS):
        pass
    desk.window.view.zoom_to(400)
    qtbot.waitUntil(lambda: desk.session.renderer.preview("srresnet") is not None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    preview = desk.session.renderer.preview("srresnet")
    desk.window.desk_actions.run.trigger()
    qtbot.waitUntil(lambda: desk.session.phase is Phase.DONE, timeout=WAIT_MS)
    whole = desk.session.renderer.result("srresnet")
    assert preview is not None
    assert whole is not None
    box = preview.region.scaled(4)
    part = whole.stored.numbers[box.top : box.bottom, box.left : box.right].astype(int)
    assert abs(part - preview.stored.numbers.astype(int)).max() <= 1


def test_a_damaged_weights_file_is_a_sentence_with_a_button_and_the_other_panes_go_on(
    qtbot: QtBot, desk: Desk, tmp_path: Path
) -> None:
    weights = paths.user_weights_folder() / "srresnet_x4.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 0xFF
    weights.write_bytes(content)
    drop(desk, write_picture(tmp_path / "photo.png", "RGB"))
    qtbot.waitUntil(lambda: desk.session.phase is Phase.FAILED, timeout=WAIT_MS)
    message = desk.window.banner.message
    assert message is not None
    assert weights.name in message.text
    assert message.remedy is not None
    assert desk.session.renderer.result("srcnn") is not None

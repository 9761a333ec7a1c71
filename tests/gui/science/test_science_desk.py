"""An astronomer and a surveyor at the desk: parts, bands, looks, flux, and what becomes of the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
import qimage2ndarray
import rasterio
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.science.look import Look
from srdesk.gui.work.requests import OpenRequest
from srdesk.gui.work.session import Phase, Session
from srdesk.imaging.image import Box

WAIT_MS = 10_000


@pytest.fixture
def choose(qtbot: QtBot, session: Session) -> Callable[[Callable[[], None]], None]:
    """Do something that opens the file in another way, and wait until it is open and computed."""

    def wait(act: Callable[[], None]) -> None:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            act()
        qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)

    return wait


def shown(window: MainWindow, pane: str) -> np.ndarray:
    """Return all of what a pane shows, as it was computed, as 8-bit pixels."""
    source = window.view._contents[pane].source
    assert isinstance(source, DisplayImage)
    return source.tile(0, Box(0, 0, source.height, source.width))


# --- which part, which bands ------------------------------------------------------------------------------------------


def test_the_bar_is_there_for_measured_pictures_only(
    window: MainWindow, open_in_window, fits_file: Path, scene_file: Path, picture: Path
) -> None:
    assert not window.science_bar.isVisible()
    seen = []
    for path in (fits_file, scene_file, picture):
        open_in_window(path)
        bar = window.science_bar
        seen.append((bar.isVisible(), bar.parts.isVisible(), bar.bands.isVisible(), window.place_line.isVisible()))
    assert seen == [(True, True, False, True), (True, False, True, True), (False, False, False, False)]
    open_in_window(fits_file)
    window.desk_actions.close.trigger()
    assert not window.science_bar.isVisible()


def test_another_image_of_the_file_can_be_chosen(
    window: MainWindow, session: Session, open_in_window, choose, fits_file: Path
) -> None:
    open_in_window(fits_file)
    box = window.science_bar.parts.box
    assert box.currentText() == "1 SCI:1 · 36 × 24, float32, ELECTRONS"
    assert [box.itemData(place) for place in range(box.count())] == ["1", "2", "3", "4", "5,1", "5,2", "5,3", "5,RGB"]
    choose(lambda: box.activated.emit(7))
    assert session.document.image.channels == 3
    assert box.currentData() == "5,RGB"
    assert shown(window, "srresnet").shape == (96, 144, 3)


def test_the_chosen_image_is_remembered_for_each_file(
    window: MainWindow, session: Session, open_in_window, choose, fits_file: Path, scene_file: Path
) -> None:
    open_in_window(fits_file)
    choose(lambda: window.science_bar.parts.chosen.emit("3"))
    open_in_window(scene_file)
    choose(lambda: window.science_bar.bands.chosen.emit((4, 3, 2)))
    open_in_window(fits_file)
    assert session.document.part == "3"
    open_in_window(scene_file)
    assert session.document.shown_bands == (4, 3, 2)


def test_the_chosen_image_is_remembered_when_its_next_opening_is_cancelled(
    window: MainWindow, session: Session, open_in_window, choose, fits_file: Path, picture: Path
) -> None:
    open_in_window(fits_file)
    choose(lambda: window.science_bar.parts.chosen.emit("3"))
    open_in_window(picture)
    window.open_flow.open([fits_file])
    session.cancel()
    open_in_window(fits_file)
    assert session.document.part == "3"


def test_the_chosen_image_is_remembered_when_something_else_cannot_be_opened(
    qtbot: QtBot, window: MainWindow, session: Session, open_in_window, choose, fits_file: Path, picture: Path
) -> None:
    open_in_window(fits_file)
    choose(lambda: window.science_bar.parts.chosen.emit("3"))
    open_in_window(picture)
    open_in_window(fits_file)
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):
        session.begin_opening(OpenRequest(path=picture.with_name("no.png")), "no.png")
    open_in_window(picture)
    open_in_window(fits_file)
    assert session.document.part == "3"


def test_a_remembered_image_that_is_gone_does_not_lock_the_file_out(
    qtbot: QtBot, window: MainWindow, session: Session, open_in_window, choose, fits_file: Path
) -> None:
    open_in_window(fits_file)
    choose(lambda: window.science_bar.parts.chosen.emit("3"))
    astropy.io.fits.PrimaryHDU(np.ones((9, 9), np.float32)).writeto(fits_file, overwrite=True)
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):
        window.open_flow.open([fits_file])
    open_in_window(fits_file)
    assert session.document.part == "0"


def test_bands_are_chosen_as_colours_and_as_the_file_says_again(
    window: MainWindow, session: Session, open_in_window, choose, scene_file: Path
) -> None:
    open_in_window(scene_file)
    assert session.document.shown_bands == (1,)
    bands = window.science_bar.bands
    choose(lambda: bands.preset.activated.emit(bands.preset.findText("Natural colours: 3, 2, 1")))
    assert session.document.shown_bands == (3, 2, 1)
    assert [box.currentText() for box in bands.boxes] == ["3 Red", "2 Green", "1 Blue"]
    with rasterio.open(scene_file) as dataset:
        assert (session.document.image.numbers[..., 0] == dataset.read(3)).all()
    choose(lambda: bands.preset.activated.emit(bands.preset.findText("As the file says")))
    assert session.document.shown_bands == (1,)


def test_other_bands_are_seen_at_the_same_place(window: MainWindow, open_in_window, choose, scene_file: Path) -> None:
    open_in_window(scene_file)
    window.view.zoom_to(700)
    region = window.view.visible_region()
    choose(lambda: window.science_bar.bands.chosen.emit((2,)))
    assert window.view.zoom_percent == 700
    assert window.view.visible_region() == region


# --- how it is seen ---------------------------------------------------------------------------------------------------


def test_a_look_is_that_of_all_panes_at_once(window: MainWindow, open_in_window, fits_file: Path) -> None:
    open_in_window(fits_file)
    before = {pane: shown(window, pane) for pane in ("lr", "bicubic", "srresnet")}
    window.science.choose(Look(range="linear", is_inverted=True))
    for pane, pixels in before.items():
        now, times = shown(window, pane), 1 if pane == "lr" else 4
        assert not (now == pixels).all()
        # The network of the tests repeats pixels, so that panes are alike where their looks are.
        assert (now == shown(window, "lr").repeat(times, 0).repeat(times, 1)).all()
    window.science_bar.stretch.reset.click()
    for pane, pixels in before.items():
        assert (shown(window, pane) == pixels).all()


def test_a_pane_that_is_computed_later_is_seen_in_the_same_way(
    qtbot: QtBot, window: MainWindow, session: Session, nearest, fits_file: Path
) -> None:
    nearest.gate.clear()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([fits_file])
    window.science.choose(Look(range="zscale", gamma=2.0))
    nearest.gate.set()
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    assert (shown(window, "srresnet") == shown(window, "lr").repeat(4, 0).repeat(4, 1)).all()


def test_saturated_pixels_are_marked_until_that_is_switched_off(
    window: MainWindow, open_in_window, fits_file: Path
) -> None:
    open_in_window(fits_file)

    def is_marked() -> bool:
        pixels = shown(window, "lr")
        return pixels.shape[2] == 3 and bool((pixels[..., 0] > pixels[..., 2]).any())

    assert window.science_bar.stretch.saturated.isVisible()
    assert is_marked()
    window.science_bar.stretch.saturated.click()
    assert not is_marked()


def test_menu_and_bar_are_of_one_mind(window: MainWindow, open_in_window, fits_file: Path, picture: Path) -> None:
    menu = window.desk_actions.stretch_menu
    assert not menu.isEnabled()
    open_in_window(fits_file)
    assert menu.isEnabled()
    actions = {action.text().replace("&", ""): action for action in menu.actions()}
    actions["Asinh"].trigger()
    actions["Invert"].trigger()
    assert window.science.look == Look(range="asinh", is_inverted=True)
    assert window.science_bar.stretch.ranges.currentText() == "Asinh"
    assert window.science_bar.stretch.inverted.isChecked()
    window.science_bar.stretch.choose(Look(range="linear"))
    assert actions["Linear"].isChecked()
    assert not actions["Invert"].isChecked()
    actions["Reset"].trigger()
    assert window.science.look == Look()
    open_in_window(picture)
    assert not menu.isEnabled()
    assert window.science.look is None


def test_the_ends_are_said_in_measured_units(window: MainWindow, open_in_window, fits_file: Path) -> None:
    open_in_window(fits_file)
    bar = window.science_bar.stretch
    bar.choose(Look(range="linear"))
    pixels = astropy.io.fits.getdata(fits_file, 1)
    usable = pixels[pixels < 800]
    assert float(bar.black.text()) == pytest.approx(usable.min(), rel=1e-3)
    assert float(bar.white.text()) == pytest.approx(usable.max(), rel=1e-3)


def test_a_photo_is_never_seen_through_the_stretch_of_a_file_before_it(
    window: MainWindow, open_in_window, fits_file: Path
) -> None:
    deep = _sixteen_bits(fits_file.with_name("deep.png"))
    open_in_window(deep)
    before = shown(window, "lr")
    open_in_window(fits_file)
    window.science.choose(Look(range="linear", gamma=3.0, is_inverted=True))
    open_in_window(deep)
    assert (shown(window, "lr") == before).all()


def _sixteen_bits(path: Path) -> Path:
    import PIL.Image

    PIL.Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30) * 100).save(path)
    return path


@pytest.mark.parametrize("look", [Look(range="linear"), Look(range="asinh", black=0.3, gamma=3.0, is_inverted=True)])
def test_the_saved_file_is_the_same_whatever_the_look(
    qtbot: QtBot, window: MainWindow, session: Session, open_in_window, fits_file: Path, scene_file: Path, look: Look
) -> None:
    for path in (fits_file, scene_file):
        open_in_window(path)
        contents = []
        for each in (Look(), look):
            window.science.choose(each)
            with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
                window.desk_actions.save.trigger()
            contents.append(saved.args[0][0].read_bytes())
        assert contents[0] == contents[1]


def test_a_copied_pane_is_copied_as_it_is_seen(window: MainWindow, open_in_window, fits_file: Path) -> None:
    open_in_window(fits_file)
    window.science.choose(Look(range="linear", is_inverted=True, marks_saturated=False))
    window.desk_actions.copy.trigger()
    copied = QGuiApplication.clipboard().image().convertToFormat(QImage.Format.Format_RGB32)
    assert (qimage2ndarray.rgb_view(copied)[..., :1] == shown(window, "srresnet")).all()


# --- what is trusted and kept -----------------------------------------------------------------------------------------


def test_srresnet_is_the_pane_that_is_marked_compared_and_saved(
    window: MainWindow, preferences: Preferences, panes_with_weights, open_in_window, fits_file: Path, picture: Path
) -> None:
    panes_with_weights["srgan"] = Path("srgan.safetensors")
    preferences.change(model="srgan")
    window.view.activate("srgan")
    window.view.set_compared("lr", "srgan")
    open_in_window(picture)
    assert window.view.active_pane == "srgan"  # a photo changes nothing
    open_in_window(fits_file)
    assert window.view.active_pane == "srresnet"
    assert window.view.compared == ("bicubic", "srresnet")
    assert window.save_flow.marked.result == "srresnet"


def test_a_hidden_or_missing_srresnet_is_not_marked(
    window: MainWindow, preferences: Preferences, open_in_window, fits_file: Path
) -> None:
    preferences.change(visible_panes=("lr", "bicubic"))
    window.view.activate("bicubic")
    open_in_window(fits_file)
    assert window.view.active_pane == "bicubic"


def test_what_the_person_marks_stays_when_another_image_of_the_file_is_chosen(
    window: MainWindow, open_in_window, choose, fits_file: Path
) -> None:
    open_in_window(fits_file)
    window.view.activate("bicubic")
    choose(lambda: window.science_bar.parts.chosen.emit("3"))
    assert window.view.active_pane == "bicubic"


def test_panes_of_srgan_say_that_detail_is_invented(window: MainWindow, panes_with_weights, open_in_window, fits_file):
    panes_with_weights["srgan"] = Path("srgan.safetensors")
    open_in_window(fits_file)
    remarks = {key: content.remark for key, content in window.view._contents.items()}
    assert remarks["srgan"] == "detail partly invented"
    assert remarks["srresnet"] == ""


def test_the_flux_error_of_the_marked_pane_is_said_with_what_was_conserved(
    window: MainWindow, open_in_window, fits_file: Path, scene_file: Path
) -> None:
    open_in_window(fits_file)
    assert window.place_line.texts[1] == ("SRResNet: flux error 0.02 %, worst of 7 sources 1.5 % · sums conserved")
    window.view.activate("bicubic")
    assert window.place_line.texts[1].startswith("Bicubic: flux error 0.02 %")
    window.view.activate("lr")
    assert window.place_line.texts[1] == ""
    window.view.activate("srresnet")
    open_in_window(scene_file)
    assert window.place_line.texts[1] == ""


@pytest.mark.parametrize(("unit", "why"), [("", "no BUNIT"), ("furlong", "“furlong” is not known")])
def test_a_guess_of_what_must_be_conserved_is_called_one(
    window: MainWindow, open_in_window, tmp_path: Path, unit: str, why: str
) -> None:
    header = astropy.io.fits.Header({"BUNIT": unit} if unit else {})
    astropy.io.fits.PrimaryHDU(np.arange(96.0).reshape(8, 12), header).writeto(tmp_path / "a.fits")
    open_in_window(tmp_path / "a.fits")
    assert window.place_line.texts[1].endswith(f" · means conserved ({why})")

"""The back-projection makes results more consistent, never less; what is shown is what is saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from astropy.io import fits
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Session

WAIT_MS = 10_000


@pytest.fixture
def strengthen(qtbot: QtBot, window: MainWindow, session: Session, honesty: Honesty) -> Callable[[int], float]:
    """Move the slider, wait until the result is measured, and return the RMS difference."""

    def move(percent: int) -> float:
        window.strength_bar.slider.setValue(percent)
        qtbot.waitUntil(lambda: honesty.projector.strength("srresnet") == percent / 100, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: honesty.appraiser.found("srresnet") is not None, timeout=WAIT_MS)
        found = honesty.appraiser.found("srresnet")
        assert found is not None
        return found.consistency.rms

    return move


@pytest.fixture
def on_the_strip(window: MainWindow, appraised: Callable[..., None]) -> Callable[..., None]:
    def show(*path: Path) -> None:
        appraised(*path)
        window.desk_actions.back_projection.trigger()
        assert window.strength_bar.isVisible()

    return show


@pytest.mark.parametrize("depth", ["8 bit", "16 bit", "measured"])
def test_the_number_never_goes_up_with_the_strength(
    depth: str, tmp_path: Path, picture: Path, on_the_strip: Callable[..., None], strengthen: Callable[[int], float]
) -> None:
    numbers = np.random.default_rng(5).integers(0, 60_000, (16, 24)).astype(np.uint16)
    path = {"8 bit": picture, "16 bit": tmp_path / "deep.png", "measured": tmp_path / "frame.fits"}[depth]
    if depth == "16 bit":
        PIL.Image.fromarray(numbers).save(path)
    elif depth == "measured":
        fits.PrimaryHDU(numbers.astype(np.float32)).writeto(path)
    on_the_strip(path)
    differences = [strengthen(percent) for percent in (1, 5, 25, 50, 75, 100)]
    assert all(after <= before for before, after in pairwise(differences)), differences
    assert differences[-1] < differences[0]


def test_the_strip_says_how_far_the_number_went_down(
    window: MainWindow,
    honesty: Honesty,
    on_the_strip: Callable[..., None],
    strengthen: Callable[[int], float],
    seen: Callable[[str], str],
) -> None:
    on_the_strip()
    found = honesty.appraiser.found("srresnet")
    assert found is not None
    before = found.consistency.rms
    after = strengthen(100)
    assert f"RMS {before * 255:.3g} → {after * 255:.3g} of 255" in window.strength_bar.words
    assert "Back-projected 100%" in seen("SRResNet")
    assert "Back-projected" not in seen("Bicubic")


def test_a_slider_that_was_moved_stays_there_while_it_is_computed(
    qtbot: QtBot, window: MainWindow, honesty: Honesty, on_the_strip: Callable[..., None]
) -> None:
    on_the_strip()
    slider = window.strength_bar.slider
    for percent in (10, 20, 30):
        with qtbot.waitSignal(window.strength_bar.strength_chosen, timeout=WAIT_MS):
            qtbot.keyClick(slider, Qt.Key.Key_PageUp)
        assert slider.value() == percent
    qtbot.waitUntil(lambda: honesty.projector.strength("srresnet") == 0.3, timeout=WAIT_MS)
    assert slider.value() == 30


def test_a_slider_goes_back_to_what_is_shown_when_the_wish_is_cancelled(
    window: MainWindow, honesty: Honesty, on_the_strip: Callable[..., None], strengthen: Callable[[int], float]
) -> None:
    on_the_strip()
    strengthen(20)
    honesty.projector.set_strength("srresnet", 0.6)
    assert window.strength_bar.slider.value() == 60
    honesty.projector.cancel()
    assert window.strength_bar.slider.value() == 20


def test_at_zero_the_result_is_again_what_the_network_made(
    session: Session, on_the_strip: Callable[..., None], strengthen: Callable[[int], float]
) -> None:
    on_the_strip()
    original = session.renderer.result("srresnet")
    strengthen(60)
    changed = session.renderer.result("srresnet")
    assert changed is not None
    assert original is not None
    assert (changed.stored.numbers != original.stored.numbers).any()
    strengthen(0)
    assert session.renderer.result("srresnet") is original


def test_strengths_are_applied_to_what_the_network_made_and_not_one_after_the_other(
    session: Session, on_the_strip: Callable[..., None], strengthen: Callable[[int], float]
) -> None:
    on_the_strip()
    strengthen(30)
    direct = session.renderer.result("srresnet")
    strengthen(90)
    strengthen(30)
    again = session.renderer.result("srresnet")
    assert direct is not None
    assert again is not None
    assert (direct.stored.numbers == again.stored.numbers).all()


def test_what_is_shown_is_saved_and_the_file_and_its_record_say_how_strongly(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    preferences: Preferences,
    picture: Path,
    on_the_strip: Callable[..., None],
    strengthen: Callable[[int], float],
) -> None:
    preferences.change(write_sidecar=True)
    on_the_strip()
    strengthen(40)
    shown = session.renderer.result("srresnet")
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
        window.desk_actions.save.trigger()
    [path] = saved.args[0]
    with PIL.Image.open(path) as opened:
        assert shown is not None
        assert (np.asarray(opened) == shown.stored.numbers).all()
        assert opened.info["SRDESK_BACK_PROJECTION"] == "0.4"
    told = json.loads(path.with_name(f"{path.name}.srdesk.json").read_bytes())
    assert told["options"]["back_projection"] == 0.4
    assert told["source"]["name"] == picture.name


def test_a_new_run_begins_without_back_projection(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    on_the_strip: Callable[..., None],
    strengthen: Callable[[int], float],
) -> None:
    on_the_strip()
    strengthen(80)
    before = session.renderer.result("srresnet")
    window.desk_actions.run.trigger()
    qtbot.waitUntil(lambda: session.renderer.result("srresnet") is not before, timeout=WAIT_MS)
    assert honesty.projector.strength("srresnet") == 0
    assert window.strength_bar.slider.value() == 0


def test_the_strip_follows_the_marked_pane_and_hides_on_request(
    window: MainWindow, on_the_strip: Callable[..., None], strengthen: Callable[[int], float]
) -> None:
    on_the_strip()
    strengthen(70)
    window.view.activate("bicubic")
    assert window.strength_bar.slider.value() == 0
    window.view.activate("srresnet")
    assert window.strength_bar.slider.value() == 70
    window.strength_bar.closed.emit()
    assert not window.strength_bar.isVisible()
    assert not window.desk_actions.back_projection.isChecked()


def test_a_pane_without_a_whole_result_cannot_be_back_projected(
    window: MainWindow, session: Session, on_the_strip: Callable[..., None], panes_with_weights: dict[str, Path]
) -> None:
    on_the_strip()
    panes_with_weights["srcnn"] = panes_with_weights["srresnet"]
    window.view.activate("srcnn")
    assert not window.strength_bar.slider.isEnabled()
    assert "F5" in window.strength_bar.words

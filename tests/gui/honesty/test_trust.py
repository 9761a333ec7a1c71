"""How consistent each result is stands in its pane, in the units of the file, without being asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from srdesk.engine.trust.honesty import consistency
from srdesk.gui.honesty import texts
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Session
from srdesk.imaging.image import Image
from srdesk.imaging.science import Science
from srdesk.imaging.values import UINT8, UINT16, ValueMap

WAIT_MS = 10_000


def test_every_result_says_how_consistent_it_is(
    session: Session, honesty: Honesty, appraised: Callable[[], None], seen: Callable[[str], str]
) -> None:
    appraised()
    assert session.document is not None
    result = session.renderer.result("srresnet")
    assert result is not None
    expected = consistency(session.document.image, result.stored)
    found = honesty.appraiser.found("srresnet")
    assert found is not None
    assert found.consistency.rms == expected.rms > 0
    assert f"RMS {expected.rms * 255:.3g} of 255" in seen("SRResNet")
    assert f"{expected.psnr_db:.2f} dB" in seen("SRResNet")
    assert seen("LR") == ""


def test_measured_pictures_are_told_in_their_own_unit(
    window: MainWindow, appraised: Callable[[Path], None], seen: Callable[[str], str], tmp_path: Path
) -> None:
    frame = fits.PrimaryHDU(np.random.default_rng(1).normal(500, 40, (16, 24)).astype(np.float32))
    frame.header["BUNIT"] = "mJy/beam"
    frame.writeto(tmp_path / "frame.fits")
    appraised(tmp_path / "frame.fits")
    assert "mJy/beam" in seen("SRResNet")
    assert "of 255" not in seen("SRResNet")


@pytest.mark.parametrize(
    ("values", "science", "expected"),
    [
        (UINT8, None, "1.28 of 255"),
        (UINT16, None, "328 of 65,535"),
        (ValueMap("float32", 1.0), None, "0.005"),
        (ValueMap("int16", 2000.0, 5.0), Science(scale=0.5, unit="adu"), "5 adu"),
        (ValueMap("int16", -2000.0, 5.0), Science(scale=-0.5, unit="K"), "5 K"),
        (ValueMap("float64", 3e6), Science(unit=""), "15,000"),
        (ValueMap("float64", 3e-20), Science(unit="Jy"), "1.5e-22 Jy"),
    ],
)
def test_numbers_are_written_as_people_read_them(values: ValueMap, science: Science | None, expected: str) -> None:
    image = Image(np.zeros((2, 2, 1), np.float32), None, values, science=science)
    assert texts.units_of(image).number(0.005) == expected


def test_the_notes_can_be_taken_away_and_stay_away(
    qtbot: QtBot,
    window: MainWindow,
    preferences: Preferences,
    appraised: Callable[..., None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    appraised()
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert seen("SRResNet") == ""
    appraised(save_picture("next.png"))
    assert seen("SRResNet") == ""
    assert not preferences.settings.show_notes
    qtbot.keyClick(window, Qt.Key.Key_N)
    assert "Consistency" in seen("SRResNet")


def test_a_pane_that_changes_its_weights_loses_its_number(
    qtbot: QtBot,
    session: Session,
    honesty: Honesty,
    appraised: Callable[[], None],
    panes_with_weights: dict[str, Path],
    seen: Callable[[str], str],
) -> None:
    appraised()
    del panes_with_weights["srresnet"]
    session.renderer.look_again()
    assert honesty.appraiser.found("srresnet") is None
    assert "Consistency" not in seen("SRResNet")
    assert honesty.appraiser.found("bicubic") is not None


def test_closing_the_picture_forgets_everything(
    session: Session, honesty: Honesty, window: MainWindow, appraised: Callable[[], None]
) -> None:
    appraised()
    window.desk_actions.consistency_map.trigger()
    session.close_document()
    assert honesty.appraiser.found("srresnet") is None
    assert not honesty.maps.is_working
    assert not window.desk_actions.map_pane.isVisible()
    assert not window.desk_actions.consistency_map.isEnabled()


def test_the_remark_about_srgan_stays(
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    panes_with_weights: dict[str, Path],
    appraised: Callable[[], None],
) -> None:
    panes_with_weights["srgan"] = panes_with_weights["srresnet"]
    appraised()
    qtbot.waitUntil(lambda: honesty.appraiser.found("srgan") is not None, timeout=WAIT_MS)
    titles = [pane.title_bar.texts[0] for pane in window.view._stage.panes()]
    assert "SRGAN · detail partly invented" in titles

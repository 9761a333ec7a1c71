"""Ground truth: beside which every result is measured, whether it was opened or the picture was degraded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_allclose
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from srdesk.engine.trust.honesty import score
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Phase, Session
from srdesk.imaging.formats import open_image

WAIT_MS = 10_000


@pytest.fixture
def open_truth(qtbot: QtBot, window: MainWindow, honesty: Honesty, answers) -> Callable[[Path], None]:
    def open_it(path: Path) -> None:
        answers.given = {"truth_path": path}
        with qtbot.waitSignal(honesty.appraiser.truth_changed, timeout=WAIT_MS):
            window.desk_actions.open_truth.trigger()
        qtbot.waitUntil(lambda: has_scores(honesty), timeout=WAIT_MS)

    return open_it


def has_scores(honesty: Honesty) -> bool:
    found = honesty.appraiser.found("srresnet")
    return found is not None and found.score is not None and honesty.appraiser.bicubic is not None


@pytest.mark.parametrize("size", [(96, 64), (99, 67)])
def test_every_result_is_measured_against_the_truth_with_the_bicubic_beside(
    size: tuple[int, int],
    session: Session,
    honesty: Honesty,
    appraised: Callable[[], None],
    open_truth: Callable[[Path], None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    appraised()
    truth = save_picture("sharp.png", size)
    open_truth(truth)
    result = session.renderer.result("srresnet")
    assert result is not None
    expected = score(result.stored, open_image(truth).pixels)
    assert f"PSNR {expected.psnr_y_db:.2f} dB · SSIM {expected.ssim_y:.4f}" in seen("SRResNet")
    bicubic = honesty.appraiser.bicubic
    assert bicubic is not None
    assert bicubic.score is not None
    assert f"bicubic {bicubic.score.psnr_y_db:.2f} dB" in seen("SRResNet")
    assert seen("HR") == "sharp.png"


def test_the_bicubic_stands_beside_although_its_pane_is_hidden(
    qtbot: QtBot,
    preferences: Preferences,
    window: MainWindow,
    honesty: Honesty,
    open_in_window: Callable[[Path], None],
    picture: Path,
    open_truth: Callable[[Path], None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    preferences.change(visible_panes=("lr", "srresnet"))
    open_in_window(picture)
    open_truth(save_picture("sharp.png", (96, 64)))
    assert "bicubic" in seen("SRResNet")


def test_the_truth_is_a_pane_with_a_key_of_its_own(
    qtbot: QtBot,
    window: MainWindow,
    appraised: Callable[[], None],
    open_truth: Callable[[Path], None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    appraised()
    assert not window.desk_actions.truth_pane.isVisible()
    open_truth(save_picture("sharp.png", (96, 64)))
    assert window.desk_actions.truth_pane.isChecked()
    qtbot.keyClick(window, Qt.Key.Key_6)
    assert seen("HR") == ""
    qtbot.keyClick(window, Qt.Key.Key_6)
    assert seen("HR") == "sharp.png"


@pytest.mark.parametrize("size", [(100, 64), (95, 64), (24, 16)])
def test_a_picture_of_another_size_is_refused_in_one_sentence(
    size: tuple[int, int],
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    answers,
    appraised: Callable[[], None],
    save_picture: Callable[..., Path],
    complaints,
) -> None:
    appraised()
    answers.given = {"truth_path": save_picture("other.png", size)}
    window.desk_actions.open_truth.trigger()
    qtbot.waitUntil(lambda: bool(complaints.failures), timeout=WAIT_MS)
    error = complaints.failures[0].error
    assert "“other.png”" in str(error)
    assert "96 × 64" in error.hint
    assert honesty.appraiser.truth is None
    assert window.banner.message is not None


def test_a_truth_is_not_that_of_a_picture_that_came_while_it_was_chosen(
    qtbot: QtBot, window: MainWindow, session: Session, honesty: Honesty, answers, open_in_window, save_picture, picture
) -> None:
    open_in_window(picture)
    truth = save_picture("truth.png", (96, 64))

    def look_at_the_dialog(_folder: str, _patterns: str) -> Path:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            pass
        return truth

    answers.truth_path = look_at_the_dialog
    window.open_flow.open([save_picture("other.png")])
    window.desk_actions.open_truth.trigger()
    assert honesty.appraiser.truth is None
    assert window.banner.message is not None
    assert "truth.png" in window.banner.message.text


def test_the_next_picture_has_no_truth(
    window: MainWindow,
    honesty: Honesty,
    appraised: Callable[..., None],
    open_truth: Callable[[Path], None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    appraised()
    open_truth(save_picture("sharp.png", (96, 64)))
    appraised(save_picture("next.png"))
    assert honesty.appraiser.truth is None
    assert not window.desk_actions.truth_pane.isVisible()
    assert "PSNR" not in seen("SRResNet")


def test_a_sharp_picture_is_degraded_and_compared_with_itself(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    appraised: Callable[..., None],
    save_picture: Callable[..., Path],
    seen: Callable[[str], str],
) -> None:
    sharp = save_picture("sharp.png", (98, 67))
    appraised(sharp)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.desk_actions.degrade.trigger()
    document = session.document
    assert document is not None
    assert (document.image.height, document.image.width, document.path) == (16, 24, None)
    assert document.truth is not None
    assert_allclose(document.truth.pixels, open_image(sharp).pixels[:64, :96])
    assert "sharp.png" in window.windowTitle()
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: has_scores(honesty), timeout=WAIT_MS)
    assert "PSNR" in seen("SRResNet")
    assert "bicubic" in seen("SRResNet")
    assert seen("HR") == "sharp.png"


def test_a_picture_that_is_too_small_to_be_degraded_stays_open(
    qtbot: QtBot, window: MainWindow, session: Session, appraised: Callable[[], None]
) -> None:
    appraised()
    before = session.document
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS) as failed:
        window.desk_actions.degrade.trigger()
    assert "24 × 16" in str(failed.args[0].error)
    assert session.document is before


def test_measured_pictures_are_compared_in_the_same_range(
    qtbot: QtBot,
    honesty: Honesty,
    appraised: Callable[..., None],
    open_truth: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(3)
    sharp = rng.normal(500, 40, (64, 96)).astype(np.float32)
    small = sharp.reshape(16, 4, 24, 4).mean(axis=(1, 3))
    fits.PrimaryHDU(sharp).writeto(tmp_path / "sharp.fits")
    fits.PrimaryHDU(small).writeto(tmp_path / "small.fits")
    appraised(tmp_path / "small.fits")
    open_truth(tmp_path / "sharp.fits")
    truth = honesty.appraiser.truth
    assert truth is not None
    image = open_image(tmp_path / "small.fits")
    assert_allclose(truth.pixels[:, :, 0], image.values.to_unit(sharp[::-1]).clip(0, 1), atol=1e-6)

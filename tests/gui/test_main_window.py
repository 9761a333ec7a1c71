"""What a person can do in the window, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QColor, QDropEvent, QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from srdesk.errors import DeviceUnavailableError, OutOfMemoryError, UnexpectedError
from srdesk.gui.compare.canvas import Canvas
from srdesk.gui.compare.comparison import CompareMode
from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.messages.message_list import Loudness, Message
from srdesk.gui.preferences import Preferences
from srdesk.gui.work.session import Phase, Session

WAIT_MS = 10_000


def drop(window: MainWindow, mime: QMimeData) -> None:
    window.dropEvent(
        QDropEvent(
            QPointF(100, 100), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
    )


def files_as_mime(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def test_a_dropped_file_is_opened_and_becomes_a_recent_file(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, picture: Path
) -> None:
    assert not window.desk_actions.save.isEnabled()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        drop(window, files_as_mime(picture))
    assert window.view.isVisible()
    assert "photo.png" in window.windowTitle()
    assert preferences.settings.recent_files == (str(picture),)
    assert window.desk_actions.recent_menu.actions()[0].text() == "photo.png"
    assert window.desk_actions.save.isEnabled()


def test_of_several_dropped_files_the_first_can_be_opened_and_the_others_are_within_reach(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, save_picture: Callable[..., Path]
) -> None:
    first, second, third = save_picture("1.png"), save_picture("2.png"), save_picture("3.png")
    drop(window, files_as_mime(first, second, third))
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        window.queue.intake.first.click()
    assert opened.args[0].path == first
    assert preferences.settings.recent_files == (str(first), str(second), str(third))


def test_a_picture_on_the_clipboard_is_pasted(qtbot: QtBot, window: MainWindow, session: Session) -> None:
    picture = QImage(9, 6, QImage.Format.Format_RGB32)
    picture.fill(QColor("teal"))
    QGuiApplication.clipboard().setImage(picture)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        window.desk_actions.paste.trigger()
    assert (opened.args[0].image.width, opened.args[0].image.height) == (9, 6)


def test_an_empty_clipboard_is_said_in_passing(window: MainWindow) -> None:
    QGuiApplication.clipboard().setText("words")
    window.desk_actions.paste.trigger()
    assert "no picture" in window.status.text
    assert window.banner.message is None


def test_a_pane_shows_why_it_has_no_picture(window: MainWindow, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    said = {canvas.accessibleName(): canvas.accessibleDescription() for canvas in window.view.findChildren(Canvas)}
    assert said["SRGAN"] == "No weights yet"
    assert "weights" not in said["SRResNet"]


def test_the_marked_pane_is_copied(window: MainWindow, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    window.desk_actions.copy.trigger()
    copied = QGuiApplication.clipboard().image()
    assert (copied.width(), copied.height()) == (24, 16)


def test_a_custom_size_is_checked_before_it_is_used(window: MainWindow, answers, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    answers.given = {"size": "5000x5000"}
    window.desk_actions.custom_size.trigger()
    assert window.banner.message is not None
    assert (window.choices.size, window.desk_actions.sizes["4x"].isChecked()) == ("4x", True)
    answers.given = {"size": "60×40"}
    window.desk_actions.custom_size.trigger()
    assert window.choices.size == "60x40"
    assert "60 × 40" in window.status.text


def test_a_custom_size_is_not_that_of_a_picture_that_came_while_it_was_asked_for(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, save_picture, picture: Path
) -> None:
    open_in_window(picture)

    def look_at_the_dialog(_current: str, _width: int, _height: int) -> str:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            pass
        return "30x20"

    answers.size = look_at_the_dialog
    window.open_flow.open([save_picture("other.png")])
    window.desk_actions.sizes["custom"].trigger()
    assert window.choices.size == "4x"
    assert window.desk_actions.sizes["4x"].isChecked()


def test_a_custom_size_ends_with_its_picture_and_that_is_said(
    qtbot: QtBot, window: MainWindow, answers, open_in_window, save_picture, picture: Path
) -> None:
    def said() -> str:
        return "" if window.banner.message is None else window.banner.message.text

    open_in_window(picture)
    answers.given = {"size": "80×60"}
    window.desk_actions.custom_size.trigger()
    window.say(Message("The training waits.", Loudness.NOTICE, is_about_picture=False))
    open_in_window(save_picture("smaller.png", (12, 8)))  # of which 80 × 60 is more than four times the size
    assert (window.choices.size, window.desk_actions.sizes["4x"].isChecked()) == ("4x", True)
    assert "48 × 32" in window.status.text
    sentence = "Results are 4× as large as the picture again: 80 × 60 px was for the one before."
    qtbot.waitUntil(lambda: said() == sentence, timeout=WAIT_MS)
    window.banner.dismiss()
    assert said() == "The training waits."


def test_escape_cancels_what_is_running(
    qtbot: QtBot, window: MainWindow, session: Session, nearest, picture: Path
) -> None:
    nearest.gate.clear()
    window.open_flow.open([picture])
    assert not nearest.started.acquire(timeout=0)
    qtbot.waitUntil(lambda: session.renderer.is_working and window.status.is_busy, timeout=WAIT_MS)
    assert window.desk_actions.cancel.isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not session.renderer.is_working, timeout=WAIT_MS)
    assert not window.status.is_busy
    assert not window.desk_actions.cancel.isEnabled()


def test_running_out_of_memory_offers_smaller_windows_and_the_button_works(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, nearest, picture: Path
) -> None:
    nearest.errors["srresnet"] = OutOfMemoryError("Memory ran out even with the smallest windows.")
    window.open_flow.open([picture])
    qtbot.waitUntil(lambda: session.phase is Phase.FAILED, timeout=WAIT_MS)
    message = window.banner.message
    assert message is not None
    assert message.remedy is not None
    assert message.hint
    assert "OutOfMemoryError" in message.details
    assert "Python" in message.details
    nearest.errors.clear()
    message.remedy.act()
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    assert preferences.settings.window_px == 64
    window.reporter.on_failed(Failure(OutOfMemoryError("The result is too large."), Doing.COMPUTING, "srresnet"))
    again = window.banner.message
    assert again is not None
    assert again.remedy is not None
    assert again.remedy.label == "Run Visible Region"


@pytest.mark.parametrize("error", [DeviceUnavailableError("No CUDA."), UnexpectedError("Something unexpected.")])
def test_every_error_has_a_button(window: MainWindow, error: Exception) -> None:
    window.reporter.on_failed(Failure(error, Doing.COMPUTING, "srresnet"))  # type: ignore[arg-type]
    assert window.banner.message is not None
    assert window.banner.message.remedy is not None
    window.banner.dismiss()
    assert not window.banner.isVisible()


def test_a_notice_is_shown_but_never_hides_an_error(window: MainWindow) -> None:
    window.say(Message("Smaller windows were used.", Loudness.NOTICE))
    assert window.banner.isVisible()
    window.say(Message("It failed.", Loudness.ERROR))
    window.say(Message("float32 was used.", Loudness.NOTICE))
    assert window.banner.message is not None
    assert window.banner.message.text == "It failed."


def test_a_notice_of_the_engine_reaches_the_banner(
    qtbot: QtBot, window: MainWindow, nearest, open_in_window, picture: Path
) -> None:
    nearest.notices["srresnet"] = "Smaller windows were used, because memory was short."
    open_in_window(picture)
    assert window.banner.message is not None
    assert window.banner.message.loudness is Loudness.NOTICE


def test_of_a_file_of_several_pages_the_first_is_shown_and_that_is_said(
    qtbot: QtBot, window: MainWindow, open_in_window, tmp_path: Path
) -> None:
    pages = [PIL.Image.new("RGB", (12, 8), colour) for colour in ("red", "green", "blue")]
    pages[0].save(tmp_path / "scan.tif", save_all=True, append_images=pages[1:])
    open_in_window(tmp_path / "scan.tif")
    qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
    assert window.banner.message is not None
    assert window.banner.message.text == "“scan.tif” holds 3 pictures; the first of them is shown."


def test_closing_while_a_run_that_was_asked_for_is_going_on_asks_first(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    preferences: Preferences,
    answers,
    nearest,
    open_in_window,
    picture,
) -> None:
    open_in_window(picture)
    nearest.gate.clear()
    window.desk_actions.run.trigger()
    answers.given = {"confirm_closing": (False, True)}
    assert not window.close()
    assert window.isVisible()
    answers.given = {"confirm_closing": (True, False)}
    assert window.close()
    assert not preferences.settings.ask_before_closing
    assert answers.asked == ["confirm_closing", "confirm_closing"]


def test_closing_with_nothing_to_lose_does_not_ask(window: MainWindow, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    assert window.close()


def test_one_pane_always_stays_visible(window: MainWindow, preferences: Preferences) -> None:
    for action in window.desk_actions.panes.values():
        action.trigger()
    assert preferences.settings.visible_panes == ("srgan",)
    assert window.desk_actions.panes["srgan"].isChecked()


def test_keys_switch_panes_and_modes(qtbot: QtBot, window: MainWindow, open_in_window, picture, preferences) -> None:
    open_in_window(picture)
    qtbot.keyClick(window, Qt.Key.Key_3)
    assert "srcnn" not in preferences.settings.visible_panes
    for key, mode in ((Qt.Key.Key_S, CompareMode.SLIDER), (Qt.Key.Key_D, CompareMode.DIFFERENCE)):
        qtbot.keyClick(window, key)
        assert window.view.mode is mode
        assert window.desk_actions.modes[mode.value].isChecked()


def test_closing_a_picture_leads_back_to_the_empty_desk(window: MainWindow, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    window.desk_actions.close.trigger()
    assert window.welcome.isVisible()
    assert not window.desk_actions.run.isEnabled()


def test_the_theme_can_be_chosen_and_icons_follow(window: MainWindow, preferences: Preferences) -> None:
    light = window.desk_actions.open.icon().pixmap(18).toImage()
    window.desk_actions.themes["dark"].trigger()
    assert preferences.settings.theme == "dark"
    assert QGuiApplication.palette().window().color().lightness() < 64
    assert window.desk_actions.open.icon().pixmap(18).toImage() != light
    window.desk_actions.themes["light"].trigger()
    assert QGuiApplication.palette().window().color().lightness() > 192


def test_no_two_actions_share_a_shortcut_and_every_button_has_a_name(window: MainWindow) -> None:
    keys = [action.shortcut().toString() for action in window.actions() if not action.shortcut().isEmpty()]
    assert len(keys) == len(set(keys))
    from PySide6.QtWidgets import QAbstractButton

    nameless = [
        button
        for button in window.findChildren(QAbstractButton)
        if button.isVisible() and not (button.text() or button.accessibleName() or button.toolTip())
    ]
    assert nameless == []


@pytest.mark.parametrize("name", ["getting_started", "shortcuts", "diagnostics", "licences", "about"])
def test_every_page_of_help_opens_and_says_something(window: MainWindow, name: str) -> None:
    action = getattr(window.desk_actions, name)
    assert isinstance(action, QAction)
    action.trigger()
    page = window.help.page
    assert page is not None
    assert len(page.text) > 80  # type: ignore[attr-defined]
    page.close()


def test_diagnostics_name_no_file_of_the_person(window: MainWindow, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    window.desk_actions.copy_diagnostics.trigger()
    report = QGuiApplication.clipboard().text()
    assert "PySide6" in report
    assert str(picture) not in report


def test_a_window_with_a_picture_and_the_queue_fits_on_a_small_screen(
    qtbot: QtBot, window: MainWindow, session: Session, picture: Path
) -> None:
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([picture])
    window.desk_actions.queue.trigger()

    qtbot.waitUntil(window.queue.dock.isVisible)
    assert window.minimumSizeHint().height() <= 600

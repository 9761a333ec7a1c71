"""What is asked before a pane is saved, and where it is saved."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.message_list import Loudness, Message
from srdesk.gui.preferences import Preferences
from srdesk.gui.work import file_worker
from srdesk.gui.work.saving import save
from srdesk.gui.work.session import Phase, Session
from srdesk.imaging.naming import CollisionPolicy

WAIT_MS = 10_000


def test_the_result_is_saved_beside_the_picture_and_never_over_it(
    qtbot: QtBot, window: MainWindow, session: Session, open_in_window, picture: Path, read_pixels
) -> None:
    open_in_window(picture)
    before = picture.read_bytes()
    for expected in ("photo_srresnet_x4.png", "photo_srresnet_x4-2.png"):
        with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
            window.desk_actions.save.trigger()
        assert saved.args == [(picture.with_name(expected),)]
    assert picture.read_bytes() == before
    result = read_pixels(picture.with_name("photo_srresnet_x4.png"))
    assert (result == read_pixels(picture).repeat(4, 0).repeat(4, 1)).all()


def test_all_panes_are_saved_under_their_names(
    qtbot: QtBot, window: MainWindow, session: Session, open_in_window, picture: Path
) -> None:
    open_in_window(picture)
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):
        window.desk_actions.save_all.trigger()
    names = {path.name for path in picture.parent.glob("photo_*")}
    assert names == {"photo_bicubic_x4.png", "photo_srresnet_x4.png"}


def test_saving_over_the_input_is_refused(window: MainWindow, answers, open_in_window, picture: Path) -> None:
    open_in_window(picture)
    answers.given = {"save_path": picture}
    window.desk_actions.save_as.trigger()
    assert window.banner.message is not None
    assert "input" in window.banner.message.text


@pytest.mark.parametrize(("answer", "kept"), [("skip", ["kept"]), ("number", ["kept", "new"]), ("overwrite", ["new"])])
def test_a_file_that_is_there_is_never_replaced_unasked(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers,
    open_in_window,
    save_picture,
    picture: Path,
    answer: str,
    kept: list[str],
) -> None:
    other = save_picture("other.png")
    before = other.read_bytes()
    open_in_window(picture)
    answers.given = {"save_path": other, "collision": answer}
    window.desk_actions.save_as.trigger()
    qtbot.waitUntil(lambda: not session.is_saving, timeout=WAIT_MS)
    assert "collision" in answers.asked
    found = [path for path in (other, other.with_name("other-2.png")) if path.exists()]
    assert ["kept" if path.read_bytes() == before else "new" for path in found] == kept


def test_files_that_are_kept_are_said(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, open_in_window, picture: Path
) -> None:
    preferences.change(on_collision="skip")
    open_in_window(picture)
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):
        window.desk_actions.save.trigger()
    window.desk_actions.save.trigger()
    assert not session.is_saving
    assert window.status.text == "“photo_srresnet_x4.png” is there already and was kept."
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):  # of two panes, one is there
        window.desk_actions.save_all.trigger()
    assert window.banner.message is not None  # for the status line says by now what was saved
    assert window.banner.message.text == "“photo_srresnet_x4.png” is there already and was kept."
    window.banner.dismiss()
    window.desk_actions.save_all.trigger()
    assert window.status.text == "“photo_bicubic_x4.png”, “photo_srresnet_x4.png” are there already and were kept."
    assert window.banner.message is None


def test_that_there_is_nothing_to_save_is_said(
    window: MainWindow, preferences: Preferences, open_in_window, picture: Path
) -> None:
    open_in_window(picture)
    preferences.change(visible_panes=("lr",))
    window.desk_actions.save_all.trigger()
    assert window.status.text == "No visible pane has a result to save."


def test_where_the_marked_pane_has_no_result_one_that_is_seen_is_saved(
    window: MainWindow, preferences: Preferences, open_in_window, picture: Path
) -> None:
    open_in_window(picture)
    window.view.activate("lr")
    assert window.save_flow.marked.result == preferences.settings.model == "srresnet"
    preferences.change(visible_panes=("lr", "bicubic"))
    assert window.save_flow.marked.result == "bicubic"
    preferences.change(visible_panes=("lr",))
    assert window.save_flow.marked.result == "srresnet"


@pytest.mark.parametrize("policy", ["number", "overwrite", "skip"])
def test_panes_that_would_have_one_name_get_numbers(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    preferences: Preferences,
    open_in_window,
    picture: Path,
    policy: CollisionPolicy,
) -> None:
    preferences.change(output_name_template="{stem}_large{ext}", on_collision=policy)
    open_in_window(picture)
    window.desk_actions.save_all.trigger()
    qtbot.waitUntil(lambda: not session.is_saving, timeout=WAIT_MS)
    assert {path.name for path in picture.parent.glob("photo_*")} == {"photo_large.png", "photo_large-2.png"}


def test_a_result_is_not_written_over_one_that_is_still_being_saved(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    open_in_window,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_write = threading.Event()
    monkeypatch.setattr(file_worker, "save", lambda *order: (may_write.wait(10), save(*order))[1])
    open_in_window(picture)
    for _ in range(3):
        window.desk_actions.save.trigger()
    may_write.set()
    qtbot.waitUntil(lambda: not session.is_saving, timeout=WAIT_MS)
    names = {path.name for path in picture.parent.glob("photo_*")}
    assert names == {f"photo_srresnet_x4{number}.png" for number in ("", "-2", "-3")}


def test_a_save_that_failed_is_still_said_when_the_next_picture_is_there(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, save_picture, picture: Path
) -> None:
    open_in_window(picture)
    answers.given = {"save_path": picture.with_name("no") / "folder" / "out.png"}
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):
        window.desk_actions.save_as.trigger()
    assert window.banner.message is not None
    assert window.banner.message.remedy is not None
    open_in_window(save_picture("next.png"))
    assert window.banner.message is not None
    assert "out.png" in window.banner.message.text
    assert window.banner.message.remedy is None  # it would save the next picture


def test_transparency_that_a_format_cannot_hold_is_asked_about(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    answers,
    open_in_window,
    save_picture,
    tmp_path: Path,
    read_pixels,
) -> None:
    open_in_window(save_picture("sprite.png", mode="RGBA"))
    answers.given = {"save_path": tmp_path / "flat.jpg", "background": (255, 255, 255)}
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):
        window.desk_actions.save_as.trigger()
    assert read_pixels(tmp_path / "flat.jpg").shape == (64, 96, 3)
    answers.given["background"] = None
    answers.given["save_path"] = tmp_path / "other.jpg"
    window.desk_actions.save_as.trigger()
    assert not session.is_saving


def test_sixteen_bits_are_never_put_into_a_jpeg_but_saved_as_png_if_the_person_agrees(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, tmp_path: Path
) -> None:
    deep = tmp_path / "deep.png"
    PIL.Image.fromarray(np.arange(192, dtype=np.uint16).reshape(12, 16) * 300).save(deep)
    open_in_window(deep)
    answers.given = {"save_path": tmp_path / "result.jpg", "format_instead": True}
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
        window.desk_actions.save_as.trigger()
    assert saved.args == [(tmp_path / "result.png",)]
    assert "JPEG" in answers.reason or "16" in answers.reason


def test_a_name_without_a_suffix_gets_that_of_the_picture(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, picture: Path, tmp_path: Path
) -> None:
    open_in_window(picture)
    answers.given = {"save_path": tmp_path / "my result"}
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS) as saved:
        window.desk_actions.save_as.trigger()
    assert saved.args == [(tmp_path / "my result.png",)]


def test_results_of_samples_and_pasted_pictures_are_saved_where_the_person_says(
    qtbot: QtBot, window: MainWindow, session: Session, answers, tmp_path: Path
) -> None:
    session.paste(QImage(8, 8, QImage.Format.Format_RGB32), "Pasted picture")
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    answers.given = {"save_path": tmp_path / "pasted.png"}
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):
        window.desk_actions.save.trigger()
    assert answers.suggestion.name == "Pasted picture_srresnet_x4.png"


def test_a_picture_that_comes_while_a_name_is_asked_for_is_not_saved_under_it(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, save_picture, picture: Path
) -> None:
    open_in_window(picture)

    def look_at_the_dialog(suggestion: Path, _filters: object) -> Path:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            pass
        return suggestion

    answers.save_path = look_at_the_dialog
    window.open_flow.open([save_picture("other.png")])
    window.desk_actions.save_as.trigger()
    assert not session.is_saving
    assert not list(picture.parent.glob("photo_*"))
    assert window.banner.message is not None
    assert "photo_srresnet_x4.png" in window.banner.message.text


def test_a_pane_is_not_saved_under_the_name_of_weights_that_did_not_make_it(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    preferences: Preferences,
    nearest,
    make_weights,
    panes_with_weights: dict[str, Path],
    picture: Path,
    tmp_path: Path,
) -> None:
    preferences.change(automatic_run_s=0)
    window.open_flow.open([picture])
    qtbot.waitUntil(lambda: session.document is not None and not session.renderer.is_working, timeout=WAIT_MS)
    nearest.gate.clear()
    window.desk_actions.save.trigger()
    panes_with_weights["srresnet"] = make_weights(tmp_path / "own" / "mine.safetensors")
    session.renderer.look_again()
    nearest.gate.set()
    qtbot.waitUntil(lambda: session.renderer.result("srresnet") is not None, timeout=WAIT_MS)
    assert not session.is_saving
    assert not list(picture.parent.glob("photo_*"))
    assert window.banner.message is not None
    assert "photo_srresnet_x4.png" in window.banner.message.text


def test_what_is_saved_after_a_cancel_is_computed(
    qtbot: QtBot, window: MainWindow, session: Session, preferences: Preferences, nearest, picture: Path
) -> None:
    preferences.change(automatic_run_s=0)
    window.open_flow.open([picture])
    qtbot.waitUntil(lambda: session.document is not None and not session.renderer.is_working, timeout=WAIT_MS)
    nearest.gate.clear()
    session.renderer.run(("srresnet",))
    window.desk_actions.cancel.trigger()
    with qtbot.waitSignal(session.saved, timeout=WAIT_MS):
        window.desk_actions.save.trigger()
        nearest.gate.set()
    assert [path.name for path in picture.parent.glob("photo_*")] == ["photo_srresnet_x4.png"]


def test_another_place_is_offered_for_what_could_not_be_saved(
    qtbot: QtBot, window: MainWindow, session: Session, answers, open_in_window, picture: Path
) -> None:
    open_in_window(picture)
    answers.given = {"save_path": picture.with_name("no") / "such" / "folder.png"}
    window.view.activate("bicubic")
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS):
        window.desk_actions.save_as.trigger()
    window.view.activate("srresnet")
    answers.given = {"save_path": None}
    window.banner.message.remedy.act()
    assert answers.suggestion.name == "photo_bicubic_x4.png"


def test_words_that_are_marked_in_a_message_are_copied_instead_of_the_picture(
    window: MainWindow, open_in_window, picture: Path
) -> None:
    open_in_window(picture)
    window.banner.say(Message("Something went wrong.", Loudness.ERROR))
    label = next(label for label in window.banner.findChildren(QLabel) if label.text() == "Something went wrong.")
    window.show()
    label.setFocus()
    label.setSelection(0, 9)
    window.desk_actions.copy.trigger()
    assert QGuiApplication.clipboard().text() == "Something"

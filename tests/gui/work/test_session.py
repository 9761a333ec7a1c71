"""Opening, saving and closing, without a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from srdesk.errors import ImageReadError, OutOfMemoryError
from srdesk.gui.messages.failure import Doing, Failure
from srdesk.gui.work.networks import Networks
from srdesk.gui.work.requests import RenderRequest
from srdesk.gui.work.save_order import SaveOrder
from srdesk.gui.work.session import Phase, Session
from srdesk.imaging.image import Box

WAIT_MS = 10_000


@pytest.fixture
def opened(qtbot: QtBot, session: Session, picture: Path) -> Session:
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        session.open(picture)
    return session


def order(pane: str, path: Path, size: str = "4x") -> SaveOrder:
    return SaveOrder(pane=pane, path=path, quality=95, size=size)


def test_a_session_goes_from_empty_to_done_and_back(qtbot: QtBot, session: Session, picture: Path) -> None:
    phases = [session.phase]
    session.phase_changed.connect(phases.append)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        session.open(picture)
    session.renderer.set_visible_region(Box(0, 0, 16, 24))
    qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)
    session.close_document()
    assert phases == [Phase.EMPTY, Phase.LOADED, Phase.WORKING, Phase.DONE, Phase.EMPTY]


def test_a_file_is_known_by_its_whole_path_however_it_was_named(
    qtbot: QtBot, session: Session, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recalled: list[Path] = []
    session.recall = lambda path: (recalled.append(path), ("", ()))[1]
    monkeypatch.chdir(picture.parent)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        session.open(Path(picture.name))
    assert opened.args[0].path == picture
    assert recalled == [picture]


def test_a_picture_that_cannot_be_opened_leaves_the_open_one_where_it_is(
    qtbot: QtBot, opened: Session, tmp_path: Path
) -> None:
    before = opened.document
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"<html>")
    with qtbot.waitSignal(opened.failed, timeout=WAIT_MS) as failed:
        opened.open(broken)
    failure = failed.args[0]
    assert (failure.doing, opened.document) == (Doing.OPENING, before)
    assert "broken.png" in str(failure.error)


def test_a_missing_file_is_a_sentence(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    with qtbot.waitSignal(session.failed, timeout=WAIT_MS) as failed:
        session.open(tmp_path / "nowhere.png")
    assert isinstance(failed.args[0].error, ImageReadError)


def test_of_several_pictures_the_newest_wish_wins(
    qtbot: QtBot, session: Session, save_picture: Callable[..., Path]
) -> None:
    documents = []
    session.opened.connect(documents.append)
    for number in range(5):
        session.open(save_picture(f"{number}.png"))
    qtbot.waitUntil(lambda: bool(documents), timeout=WAIT_MS)
    assert [document.name for document in documents] == ["4.png"]


def test_a_pasted_picture_is_opened_with_its_transparency(qtbot: QtBot, session: Session) -> None:
    pasted = QImage(7, 5, QImage.Format.Format_ARGB32)
    pasted.fill(QColor(255, 0, 51, 102))
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS) as opened:
        session.paste(pasted, "Pasted")
    image = opened.args[0].image
    assert (image.height, image.width, opened.args[0].path) == (5, 7, None)
    assert image.pixels[0, 0].tolist() == pytest.approx([1.0, 0.0, 0.2])
    assert image.alpha is not None
    assert image.alpha[4, 6] == pytest.approx(0.4)


def test_saving_a_pane_that_is_not_computed_computes_it_first(
    qtbot: QtBot, opened: Session, tmp_path: Path, read_pixels
) -> None:
    target = tmp_path / "result.png"
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS) as saved:
        opened.save([order("srresnet", target)])
        assert opened.is_saving
        assert opened.has_asked_work
    assert saved.args == [(target,)]
    assert read_pixels(target).shape == (64, 96, 3)
    assert not opened.has_asked_work


@pytest.mark.parametrize(
    ("size", "expected"), [("4x", (96, 64)), ("3x", (72, 48)), ("2x", (48, 32)), ("50x30", (50, 30))]
)
def test_results_are_saved_in_the_size_that_was_chosen(
    qtbot: QtBot, opened: Session, tmp_path: Path, size: str, expected: tuple[int, int], read_pixels
) -> None:
    target = tmp_path / "result.png"
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS):
        opened.save([order("bicubic", target, size)])
    assert read_pixels(target).shape == (*expected[::-1], 3)


def test_two_files_of_one_pane_that_is_not_computed_are_both_saved(
    qtbot: QtBot, opened: Session, tmp_path: Path, nearest: object
) -> None:
    targets = [tmp_path / "result.png", tmp_path / "result.jpg"]
    nearest.gate.clear()  # type: ignore[attr-defined]
    for target in targets:
        opened.save([order("srresnet", target)])
    assert opened.saves.promised == frozenset(targets)
    nearest.gate.set()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: not opened.is_saving, timeout=WAIT_MS)
    assert all(target.is_file() for target in targets)
    assert opened.saves.promised == frozenset()


@pytest.mark.parametrize("way", ["close", "open"])
def test_who_leaves_a_picture_is_told_what_was_not_saved(
    qtbot: QtBot, opened: Session, tmp_path: Path, picture: Path, nearest: object, way: str
) -> None:
    said: list[str] = []
    for signal, word in ((opened.opened, "opened"), (opened.closed, "closed")):
        signal.connect(lambda *_, word=word: said.append(word))
    opened.save_noticed.connect(said.append)
    nearest.gate.clear()  # type: ignore[attr-defined]
    opened.save([order("srresnet", tmp_path / "result.png")])
    if way == "close":
        opened.close_document()
    else:
        with qtbot.waitSignal(opened.opened, timeout=WAIT_MS):
            opened.open(picture)
    nearest.gate.set()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: len(said) == 2, timeout=WAIT_MS)
    assert said[0] == f"{way.removesuffix('e')}ed"
    assert "result.png" in said[1]
    assert not opened.is_saving


def test_a_wish_to_save_ends_with_the_run_that_it_needed(
    qtbot: QtBot, opened: Session, tmp_path: Path, nearest: object
) -> None:
    nearest.errors["srresnet"] = OutOfMemoryError("Memory ran out.")  # type: ignore[attr-defined]
    with qtbot.waitSignal(opened.failed, timeout=WAIT_MS):
        opened.save([order("srresnet", tmp_path / "result.png")])
    assert not opened.is_saving
    assert not (tmp_path / "result.png").exists()


def test_a_folder_that_does_not_exist_fails_the_save_and_nothing_else(
    qtbot: QtBot, opened: Session, tmp_path: Path
) -> None:
    with qtbot.waitSignal(opened.failed, timeout=WAIT_MS) as failed:
        opened.save([order("bicubic", tmp_path / "no" / "folder" / "result.png")])
    assert failed.args[0].doing is Doing.SAVING
    assert opened.renderer.result("bicubic") is not None


def test_cancelling_takes_back_the_wish_to_save(qtbot: QtBot, opened: Session, tmp_path: Path, nearest: object) -> None:
    nearest.gate.clear()  # type: ignore[attr-defined]
    opened.save([order("srresnet", tmp_path / "result.png")])
    assert nearest.started.acquire(timeout=10)  # type: ignore[attr-defined]
    opened.cancel()
    qtbot.waitUntil(lambda: not opened.renderer.is_working, timeout=WAIT_MS)
    assert not opened.has_asked_work
    assert not (tmp_path / "result.png").exists()


def test_a_file_that_cannot_be_written_keeps_no_other_from_being_saved(
    qtbot: QtBot, opened: Session, tmp_path: Path
) -> None:
    opened.renderer.run(("bicubic", "srresnet"))
    qtbot.waitUntil(lambda: not opened.renderer.asked, timeout=WAIT_MS)
    orders = [order("bicubic", tmp_path / "no" / "folder" / "1.png"), order("srresnet", tmp_path / "2.png")]
    failed: list[Failure] = []
    opened.failed.connect(failed.append)
    with qtbot.waitSignal(opened.saved, timeout=WAIT_MS) as saved:
        opened.save(orders)
    qtbot.waitUntil(lambda: bool(failed), timeout=WAIT_MS)
    assert [(failure.doing, failure.pane) for failure in failed] == [(Doing.SAVING, "bicubic")]
    assert saved.args == [(tmp_path / "2.png",)]
    assert (tmp_path / "2.png").is_file()


def test_a_wish_to_save_that_is_cancelled_is_told(
    qtbot: QtBot, opened: Session, tmp_path: Path, nearest: object
) -> None:
    nearest.gate.clear()  # type: ignore[attr-defined]
    opened.save([order("srresnet", tmp_path / "result.png")])
    with qtbot.waitSignal(opened.save_noticed, timeout=WAIT_MS) as told:
        opened.cancel()
    assert "cancelled: result.png" in told.args[0]


def test_weights_that_go_while_a_pane_waits_for_them_fail_it(
    qtbot: QtBot, opened: Session, tmp_path: Path, nearest: object, panes_with_weights: dict[str, Path]
) -> None:
    ready = nearest.answer  # type: ignore[attr-defined]

    def answer(request: object) -> object:
        if isinstance(request, RenderRequest) and request.recipe.weights is None:
            Networks().ready(request.recipe)
        return ready(request)

    nearest.answer = answer  # type: ignore[attr-defined]
    nearest.gate.clear()  # type: ignore[attr-defined]
    opened.save([order("srresnet", tmp_path / "result.png")])
    panes_with_weights.clear()
    with qtbot.waitSignal(opened.failed, timeout=WAIT_MS) as failed:
        opened.renderer.look_again()
        nearest.gate.set()  # type: ignore[attr-defined]
    assert failed.args[0].pane == "srresnet"
    assert opened.renderer.result("srresnet") is None
    assert not opened.is_saving

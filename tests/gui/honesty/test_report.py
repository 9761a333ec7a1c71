"""File ▸ Export Report: one HTML file on what the panes show."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtGui import QDesktopServices
from pytestqt.qtbot import QtBot

from srdesk.engine.control import Control
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.main_window import MainWindow
from srdesk.gui.work.requests import WasCancelled
from srdesk.gui.work.session import Session

WAIT_MS = 10_000


@pytest.fixture
def export(qtbot: QtBot, window: MainWindow, answers, tmp_path: Path) -> Callable[[str], str]:
    """Have the report written, and return its text."""

    def write(name: str = "report.html") -> str:
        answers.given = {"save_path": tmp_path / name}
        window.banner.dismiss()
        window.desk_actions.export_report.trigger()
        qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
        [path] = tmp_path.glob("*.html")
        return path.read_text(encoding="utf-8")

    return write


def test_the_report_holds_what_the_panes_show(
    window: MainWindow,
    honesty: Honesty,
    answers,
    appraised: Callable[..., None],
    export: Callable[..., str],
    picture: Path,
    panes_with_weights: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appraised()
    text = export()
    found = honesty.appraiser.found("srresnet")
    assert found is not None
    assert f"{found.consistency.rms:.5f}" in text
    assert hashlib.sha256(picture.read_bytes()).hexdigest() in text
    assert hashlib.sha256(panes_with_weights["srresnet"].read_bytes()).hexdigest() in text
    assert "bicubic" in text
    assert answers.suggestion.name == "photo_report.html"
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.fileName()))
    message = window.banner.message
    assert message is not None
    assert message.remedy is not None
    message.remedy.act()
    assert opened == ["report.html"]


def test_a_pane_whose_weights_have_changed_is_not_reported_with_the_checksum_of_the_new_ones(
    appraised: Callable[..., None], export: Callable[..., str], panes_with_weights: dict[str, Path]
) -> None:
    appraised()
    weights = panes_with_weights["srresnet"]
    weights.write_bytes(weights.read_bytes() + b"\0")
    text = export()
    assert hashlib.sha256(weights.read_bytes()).hexdigest() not in text
    assert "srresnet" not in text


def test_a_report_says_which_panes_it_is_without(
    window: MainWindow, session: Session, appraised: Callable[..., None], export: Callable[..., str]
) -> None:
    appraised()
    session.renderer._results.pop("srresnet")
    assert "srresnet" not in export()
    assert window.banner.message is not None
    assert "It is without SRResNet" in window.banner.message.text


def test_a_name_without_a_suffix_gets_one(appraised: Callable[..., None], export: Callable[..., str]) -> None:
    appraised()
    assert "<html" in export("mine")


@pytest.mark.parametrize(("answer", "expected"), [("number", "report-2.html"), ("skip", None)])
def test_a_report_of_that_name_is_never_lost_unasked(
    answer: str,
    expected: str | None,
    qtbot: QtBot,
    window: MainWindow,
    answers,
    appraised: Callable[..., None],
    tmp_path: Path,
) -> None:
    appraised()
    (tmp_path / "report.html").write_text("old")
    answers.given = {"save_path": tmp_path / "report.html", "collision": answer}
    window.desk_actions.export_report.trigger()
    if expected is not None:
        qtbot.waitUntil(lambda: window.banner.message is not None, timeout=WAIT_MS)
        assert "<html" in (tmp_path / expected).read_text(encoding="utf-8")
    assert not window.status.is_busy
    assert (tmp_path / "report.html").read_text() == "old"


def test_the_report_says_what_was_back_projected(
    qtbot: QtBot, honesty: Honesty, appraised: Callable[..., None], export: Callable[..., str]
) -> None:
    appraised()
    honesty.projector.set_strength("srresnet", 0.4)
    qtbot.waitUntil(lambda: honesty.projector.strength("srresnet") == 0.4, timeout=WAIT_MS)
    text = export()
    assert "with strength 0.4" in text
    assert "--back-projection 0.4" in text


def test_the_report_on_a_degraded_picture_measures_it_by_itself(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    honesty: Honesty,
    appraised: Callable[..., None],
    export: Callable[..., str],
    save_picture: Callable[..., Path],
) -> None:
    sharp = save_picture("sharp.png", (96, 64))
    appraised(sharp)
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.desk_actions.degrade.trigger()
    qtbot.waitUntil(lambda: honesty.appraiser.found("srresnet") is not None, timeout=WAIT_MS)
    text = export()
    assert "PSNR-Y" in text
    assert "--degrade" in text
    assert hashlib.sha256(sharp.read_bytes()).hexdigest() in text


def test_without_any_result_there_is_nothing_to_report(
    qtbot: QtBot, window: MainWindow, session: Session, nearest, picture: Path
) -> None:
    nearest.gate.clear()
    with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
        window.open_flow.open([picture])
    window.desk_actions.export_report.trigger()  # would ask for a name, which nobody expects
    qtbot.waitUntil(lambda: "F5" in window.status.text or window.status.is_busy, timeout=WAIT_MS)


def test_a_report_that_cannot_be_written_is_an_error_and_leaves_nothing(
    qtbot: QtBot, window: MainWindow, answers, appraised: Callable[..., None], tmp_path: Path, complaints
) -> None:
    appraised()
    answers.given = {"save_path": tmp_path / "no" / "folder" / "report.html"}
    window.desk_actions.export_report.trigger()
    qtbot.waitUntil(lambda: bool(complaints.failures), timeout=WAIT_MS)
    assert "report.html" in str(complaints.failures[0].error)
    assert not window.status.is_busy


@pytest.mark.parametrize("by", ["key", "button"])
def test_a_report_that_is_being_written_can_be_cancelled_and_leaves_nothing(
    by: str,
    qtbot: QtBot,
    window: MainWindow,
    honesty: Honesty,
    answers,
    appraised: Callable[..., None],
    cancel_by: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    appraised()

    def look_for_long(image: object, outcomes: object, control: Control, **others: object) -> None:
        while True:
            control.token.check()
            Event().wait(0.002)

    monkeypatch.setattr("srdesk.engine.trust.findings.find_out", look_for_long)
    answers.given = {"save_path": tmp_path / "report.html"}
    window.desk_actions.export_report.trigger()
    assert window.status.is_busy
    with qtbot.waitSignal(honesty.work.answered, timeout=WAIT_MS) as answered:
        cancel_by(by)
        assert not window.status.is_busy
    assert isinstance(answered.args[0], WasCancelled)
    assert list(tmp_path.glob("report*")) == []


def test_no_report_is_written_on_a_picture_that_came_while_its_place_was_chosen(
    qtbot: QtBot,
    window: MainWindow,
    session: Session,
    appraised: Callable[[], None],
    answers,
    save_picture: Callable[..., Path],
    tmp_path: Path,
) -> None:
    appraised()

    def look_at_the_dialog(_suggestion: Path, _filters: object) -> Path:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            pass
        return tmp_path / "report.html"

    answers.save_path = look_at_the_dialog
    window.open_flow.open([save_picture("other.png")])
    window.desk_actions.export_report.trigger()
    assert window.status.text == "“report.html” was not written, because the picture was left meanwhile."


def test_a_report_that_cannot_be_written_is_offered_again(
    qtbot: QtBot, window: MainWindow, answers, appraised: Callable[..., None], tmp_path: Path
) -> None:
    appraised()
    answers.given = {"save_path": tmp_path / "no" / "such" / "report.html"}
    with qtbot.waitSignal(window.tools.failed, timeout=WAIT_MS):
        window.desk_actions.export_report.trigger()
    assert window.banner.message.remedy.label == "Save Elsewhere…"
    answers.given = {"save_path": None}
    window.banner.message.remedy.act()
    assert answers.suggestion.suffix == ".html"

"""What the command line says, and where."""

import io
import signal
import sys
import threading
from pathlib import Path

import pytest

from srdesk.cli import terminal
from srdesk.engine.control import CancelToken, Progress
from srdesk.errors import Cancelled


class Terminal(io.StringIO):
    """A stream with a person at its end."""

    def isatty(self) -> bool:
        return True


def sit_down(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr and stdin; in the test itself, since pytest changes them in between."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdin", Terminal("x\nS\n"))
    return screen


def test_json_never_holds_what_json_does_not_know() -> None:
    with pytest.raises(ValueError, match="JSON"):
        terminal.print_json({"psnr": float("nan")})


def test_a_program_without_a_console_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    terminal.print_json({})
    terminal.print_problem("It failed.", "Try again.")
    assert not terminal.has_person()
    with terminal.ProgressBar("a.png") as bar:
        bar.control(CancelToken()).report(1, 2)


def test_progress_and_notices_go_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = sit_down(monkeypatch)
    with terminal.ProgressBar("a.png") as bar:
        control = bar.control(CancelToken())
        control.report(1, 4)
        control.notify("Smaller windows are used.")
        control.report(4, 4)
    said = screen.getvalue()
    assert "a.png" in said
    assert "100 %" in said
    assert "srdesk: Smaller windows are used.\n" in said


def test_progress_is_not_shown_elsewhere_but_notices_are(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.ProgressBar("a.png") as bar:
        control = bar.control(CancelToken())
        control.report(4, 4)
        control.notify("Smaller windows are used.")
    assert capsys.readouterr().err == "srdesk: Smaller windows are used.\n"


def test_progress_that_begins_again_is_shown_from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = sit_down(monkeypatch)
    with terminal.ProgressBar("a.png") as bar:
        control = bar.control(CancelToken())
        assert control.on_progress is not None
        for done in (3, 0, 4):
            control.on_progress(Progress(done, 4, 1.0))
    assert "100 %" in screen.getvalue()


def test_a_batch_shows_its_own_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = sit_down(monkeypatch)
    with terminal.BatchBar() as bar:
        bar.show("1/8 a.png", 0.0, None)
        assert "left" not in screen.getvalue()
        bar.show("2/8 b.png", 0.125, 61.0)
        bar.say("Smaller windows are used.")
    said = screen.getvalue()
    assert "2/8 b.png  12 %" in said
    assert "01:01 left" in said
    assert "\rsrdesk: Smaller windows are used.\n" in said


def test_a_question_is_asked_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = sit_down(monkeypatch)
    assert terminal.has_person()
    assert terminal.ask_about_collision(Path("a.png")) == "skip"
    assert screen.getvalue().count("“a.png” exists.") == 2


def test_no_answer_to_a_question_is_a_wish_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    before = signal.getsignal(signal.SIGINT)  # ignored where a shell started the tests in the background
    with pytest.raises(Cancelled):
        terminal.ask_about_collision(Path("a.png"))
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_raises_the_token_and_a_second_one_ends_at_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with terminal.cancelling_on_interrupt() as token:
        signal.raise_signal(number)
        assert token.is_cancelled
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_there_is_a_token_and_nothing_to_raise_it() -> None:
    tokens: list[CancelToken] = []

    def work() -> None:
        with terminal.cancelling_on_interrupt() as token:
            tokens.append(token)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not tokens[0].is_cancelled

"""The outer edge of the command line: every ending becomes a sentence and an exit code."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from srdesk.cli import VERBS, command, models
from srdesk.errors import Cancelled, ConfigError, OutOfMemoryError, SrDeskError, WeightsError


@pytest.mark.parametrize(
    ("raised", "status", "said"),
    [
        (SrDeskError("It failed.", hint="Try again."), 1, "srdesk: It failed.\n        Try again.\n"),
        (SrDeskError("It failed."), 1, "srdesk: It failed.\n"),
        (ConfigError("size", "9x", "4x"), 1, "srdesk: size cannot be '9x'.\n        Use 4x.\n"),
        (OutOfMemoryError("Memory ran out.", hint=""), 3, "srdesk: Memory ran out.\n"),
        (Cancelled(), 130, "srdesk: Cancelled.\n"),
        (KeyboardInterrupt(), 130, "srdesk: Cancelled.\n"),
    ],
)
def test_every_ending_has_its_words_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    status: int,
    said: str,
) -> None:
    def fail(arguments: object) -> int:
        raise raised

    monkeypatch.setattr(models, "run", fail)
    assert command.main(["models"]) == status
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", said)


def test_anything_else_is_one_sentence_with_the_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], srdesk_home: Path
) -> None:
    def fail(arguments: object) -> int:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(models, "run", fail)
    assert command.main(["models"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 2
    assert "a bug" in said
    log_file = srdesk_home / "log" / "srdesk.log"
    assert str(log_file) in said
    assert "Traceback" in log_file.read_text(encoding="utf-8")


def test_without_a_log_the_traceback_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], srdesk_home: Path
) -> None:
    srdesk_home.write_text("in the way")
    monkeypatch.setattr(models, "run", lambda arguments: 1 // 0)
    assert command.main(["models"]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["train"], ["train", "--model", "srcnn", "--help"]])
def test_train_hands_its_words_to_the_trainer_as_they_are(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    heard: list[list[str]] = []
    runner = ModuleType("srdesk.training.runner")
    runner.main = lambda argv, **folders: heard.append(argv) or 5  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "srdesk.training.runner", runner)
    assert command.main(words) == 5
    assert heard == [words[1:]]


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_names_every_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    assert f"\n    {verb}" in capsys.readouterr().out  # the longest has its description on a line of its own


@pytest.mark.parametrize("words", [["--nonsense"], ["models", "--nonsense"], ["models", "extra"]])
def test_wrong_usage_is_two_lines_and_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.process
def test_a_reader_that_has_seen_enough_ends_the_command_quietly() -> None:
    words = [sys.executable, "-m", "srdesk", "models", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_weights_errors_keep_the_remedy_of_their_class() -> None:
    assert "srdesk models" in WeightsError("a.safetensors", "it is broken").hint


@pytest.mark.parametrize(("chosen", "expected"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_wait_without_spinning_unless_the_person_chose(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, expected: str
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", chosen or "")
    if chosen is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    seen: list[str] = []
    monkeypatch.setattr(models, "run", lambda arguments: seen.append(os.environ["OMP_WAIT_POLICY"]) or 0)
    assert command.main(["models"]) == 0
    assert seen == [expected]

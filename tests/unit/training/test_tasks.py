"""Short tasks are asked for by options, tell their end, and are readable without a watching program."""

from __future__ import annotations

from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import ConfigError, DatasetError, DownloadError
from srdesk.training import events
from srdesk.training.runner import main
from srdesk.training.runner_options import parse
from srdesk.training.tasks import run_task, stop_at, task_of


def test_options_of_a_run_ask_for_no_task(tmp_path: Path) -> None:
    assert task_of(parse(["--data", str(tmp_path)])) is None


def test_a_check_needs_pictures() -> None:
    with pytest.raises(ConfigError, match="data"):
        task_of(parse(["--check"]))


def test_a_cancelled_task_says_that_it_was_stopped() -> None:
    told: list[events.AnyEvent] = []
    token = CancelToken()
    token.cancel()
    assert not run_task(lambda tell, token: token.check(), told.append, token)
    (finished,) = told
    assert isinstance(finished, events.Finished)
    assert finished.reason == "stopped"


@pytest.mark.parametrize("lines", [["hello\n", "stop\n"], [], ["pause\n"]])
def test_the_word_stop_and_the_end_of_words_stop_a_task(lines: list[str]) -> None:
    token = CancelToken()
    stop_at(lines, token)
    assert token.is_cancelled


@pytest.mark.process
def test_a_person_reads_what_is_wrong_with_the_pictures(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(25):
        (pictures / f"bad{number}.png").write_bytes(b"no picture")
    (pictures / "copy.png").write_bytes((pictures / "0.png").read_bytes())
    assert main(["--check", "--crop-px", "8", "--data", str(pictures)], runs_folder=tmp_path / "runs") == 0
    said = capsys.readouterr().out
    assert "6 usable pictures" in said
    assert "25 cannot be read:" in said
    assert "… and 5 more" in said
    assert f"{pictures / 'copy.png'} = {pictures / '0.png'}" in said
    assert "! 25 pictures cannot be read and will not be used: copy or fetch them again, or remove them." in said
    assert not (tmp_path / "runs").exists()


def test_a_person_reads_which_rate_is_suggested(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--find-learning-rate", "--model", "srcnn", "--crop-px", "8", "--batch-size", "2", "--data", str(pictures)]
    small = ["--set", 'model_options={"features": 4, "mapping": 4}', "threads=1", "--device", "cpu"]
    assert main([*words, *small], runs_folder=tmp_path / "runs") == 0
    *tried, suggestion = capsys.readouterr().out.splitlines()
    assert len(tried) > 20
    assert suggestion.startswith("Suggested: --learning-rate ")
    assert not (tmp_path / "runs").exists()


def test_errors_of_tasks_are_those_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone"):
        main(["--check", "--data", str(tmp_path / "gone")], runs_folder=tmp_path)
    with pytest.raises(DownloadError, match="does not begin with http"):
        main(["--download-coco", str(tmp_path), "--coco-url", "file:///"], runs_folder=tmp_path)

"""run.py makes an environment once, completes it, and never trusts a damaged or foreign one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import types
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.process


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for another process; pytest's time limit ends a wait in vain."""
    while not is_so():
        time.sleep(0.01)


def test_an_empty_folder_gets_an_environment_with_torch_before_the_rest(
    run: Any, plan: Any, commands: list[list[str]]
) -> None:
    run.ensure_ready(plan)

    assert ["venv" in command for command in commands] == [True, False, False]
    assert commands[1][-1] == "torch==2.13.0+cpu"
    assert {"--require-hashes", "--no-deps", f"--requirement={plan.locks[0]}"} <= set(commands[2])
    assert run.is_ready(plan)


def test_a_second_start_runs_nothing(run: Any, plan: Any, commands: list[list[str]]) -> None:
    run.ensure_ready(plan)
    commands.clear()

    run.ensure_ready(plan)

    assert not commands


def test_an_environment_for_tests_serves_the_program_too(
    run: Any, plan: Any, plan_with_tests: Any, commands: list[list[str]]
) -> None:
    run.ensure_ready(plan_with_tests)

    assert run.is_ready(plan)


def test_adding_the_tests_packages_keeps_torch(
    run: Any, plan: Any, plan_with_tests: Any, commands: list[list[str]]
) -> None:
    run.ensure_ready(plan)
    commands.clear()

    run.ensure_ready(plan_with_tests)

    assert [command[-1] for command in commands] == [f"--requirement={plan_with_tests.locks[1]}"]
    assert run.is_ready(plan)


def test_other_packages_are_installed_into_the_same_environment(run: Any, plan: Any, commands: list[list[str]]) -> None:
    run.ensure_ready(plan)
    commands.clear()
    plan.locks[0].write_text("requirements==2\n")

    run.ensure_ready(plan)

    assert len(commands) == 1


@pytest.mark.parametrize("change", [{"accelerator": "cuda"}, {"torch_pin": "torch==2.14.0"}])
def test_another_torch_makes_the_environment_anew(
    run: Any, plan: Any, commands: list[list[str]], change: dict[str, str]
) -> None:
    run.ensure_ready(plan)
    leftover = plan.venv / "lib" / "leftover"
    leftover.touch()

    run.ensure_ready(replace(plan, **change))

    assert not leftover.exists()
    assert not run.is_ready(plan)


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"base": 1, "locks": []}', "\x00"])
def test_a_damaged_stamp_is_not_believed(run: Any, plan: Any, commands: list[list[str]], damage: str) -> None:
    run.ensure_ready(plan)
    plan.stamp.write_text(damage)

    assert not run.is_ready(plan)


def test_an_environment_without_its_python_is_made_anew(run: Any, plan: Any, commands: list[list[str]]) -> None:
    run.ensure_ready(plan)
    plan.python.unlink()
    commands.clear()

    run.ensure_ready(plan)

    assert plan.python.exists()
    assert len(commands) == 3


def test_a_moved_environment_is_made_anew(run: Any, plan: Any, commands: list[list[str]], tmp_path: Path) -> None:
    run.ensure_ready(plan)
    moved = tmp_path / "elsewhere"
    plan.venv.rename(moved)

    assert not run.is_ready(replace(plan, venv=moved))


def test_an_interrupted_set_up_is_never_taken_for_a_whole_one(
    run: Any, plan_with_tests: Any, plan: Any, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run.ensure_ready(plan)
    pretend = run.run_logged

    def interrupt(plan: Any, command: Sequence[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "run_logged", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run.ensure_ready(plan_with_tests)
    assert not run.is_ready(plan)

    monkeypatch.setattr(run, "run_logged", pretend)
    commands.clear()
    run.ensure_ready(plan_with_tests)
    assert len(commands) == 3, "the environment is made anew"


def test_a_failing_command_is_told_with_the_end_of_its_output(run: Any, plan: Any) -> None:
    plan.venv.mkdir()
    program = "print('first'); print('no space left'); raise SystemExit(1)"

    with pytest.raises(run.SetupError, match=r"no space left(.|\n)*setup\.log"):
        run.run_logged(plan, [sys.executable, "-c", program])


def test_an_environment_that_someone_else_made_is_left_alone(run: Any, plan: Any, commands: list[list[str]]) -> None:
    (plan.venv / "bin").mkdir(parents=True)
    mine = plan.venv / "bin" / "activate"
    mine.write_text("mine")

    with pytest.raises(run.SetupError, match="not made by SR Desk"):
        run.ensure_ready(plan)

    assert [path.name for path in plan.venv.rglob("*")] == ["bin", "activate"]
    assert not commands


def test_a_link_to_another_environment_is_left_alone(
    run: Any, plan: Any, commands: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    plan.venv.symlink_to(tmp_path / "theirs")

    with pytest.raises(run.SetupError, match="not made by SR Desk"):
        run.ensure_ready(plan)


def test_too_little_disk_space_is_told_before_anything_is_installed(
    run: Any, plan: Any, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., None]
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=1_200_000_000))
    monkeypatch.setattr(run, "run_logged", refused)

    with pytest.raises(run.SetupError, match=r"needs 2\.5 GB.* 1\.2 GB are free"):
        run.ensure_ready(plan)


def test_a_folder_that_cannot_be_written_is_told(run: Any, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(run.SetupError, match="Read-only file system"):
        run.ensure_ready(plan)


def test_an_old_python_is_told_in_one_line(
    run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))

    assert run.main([]) == 1

    message = capsys.readouterr().err
    assert "needs Python 3.11" in message
    assert sys.executable in message
    assert message.count("\n") == 1


def test_the_lock_is_free_once_its_holder_was_killed(run: Any, plan: Any) -> None:
    plan.venv.mkdir()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import fcntl, sys; f = open({str(plan.marker)!r}, 'ab'); fcntl.flock(f, fcntl.LOCK_EX)\n"
            "print('locked', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder, plan.marker.open("ab") as marker:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert not run.try_lock(marker.fileno())
        holder.kill()
        holder.wait()
        assert run.try_lock(marker.fileno())


def test_an_installer_that_outlives_its_set_up_still_keeps_others_out(run: Any, plan: Any, tmp_path: Path) -> None:
    started, may_end = tmp_path / "started", tmp_path / "may end"
    installer = (
        "import pathlib, time\n"
        f"pathlib.Path({str(started)!r}).touch()\n"
        f"while not pathlib.Path({str(may_end)!r}).exists(): time.sleep(0.01)\n"
    )
    set_up = (
        "import pathlib, run, sys\n"
        f"plan = run.Plan(pathlib.Path({str(plan.venv)!r}), (), 'cpu', '', '')\n"
        "run.is_ready = lambda plan: False\n"
        f"run.set_up = lambda plan: run.run_logged(plan, [sys.executable, '-c', {installer!r}])\n"
        "run.ensure_ready(plan)\n"
    )
    with subprocess.Popen([sys.executable, "-c", set_up], cwd=ROOT) as first:
        wait_until(started.exists)
        first.kill()

    with plan.marker.open("ab") as marker:
        assert not run.try_lock(marker.fileno())
        may_end.touch()
        wait_until(lambda: run.try_lock(marker.fileno()))


def test_a_second_set_up_waits_and_then_uses_what_the_first_made(
    run: Any,
    plan: Any,
    commands: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = iter([False, False, True])

    def finish_meanwhile(pause_s: float) -> None:
        if not run.is_ready(plan):
            run.set_up(plan)
            commands.clear()

    monkeypatch.setattr(run, "try_lock", lambda descriptor: next(asked))
    monkeypatch.setattr(run.time, "sleep", finish_meanwhile)

    run.ensure_ready(plan)

    assert not commands
    assert "waiting" in capsys.readouterr().err

"""The machine is kept awake for as long as it is held, and no longer than the desk lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from srdesk.gui.queue import sleep_guard
from srdesk.gui.queue.sleep_guard import SleepGuard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a flag of the thread does it there")

WAIT_S = 10.0


@pytest.fixture
def inhibitor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that keeps nothing awake, in the place of that of the system; writes down how it was called."""
    program = tmp_path / "systemd-inhibit"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called\nexec cat\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sleep_guard.shutil, "which", lambda name: str(program) if "inhibit" in name else "/bin/cat")
    return tmp_path / "called"


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_the_machine_is_held_once_and_let_go(inhibitor: Path) -> None:
    guard = SleepGuard()
    guard.hold()
    guard.hold()
    assert guard.is_held
    assert len(children()) == 1
    guard.let_go()
    assert not guard.is_held
    assert children() == []
    guard.let_go()


def test_sleep_and_idleness_are_what_is_kept_away(inhibitor: Path) -> None:
    guard = SleepGuard()
    guard.hold()
    child = children()[0]
    guard.let_go()
    assert not child.is_running()
    words = inhibitor.read_text().split("\n")
    assert "--what=sleep:idle" in words
    assert "--who=SR Desk" in words


def test_it_ends_with_the_desk_however_that_ends(inhibitor: Path) -> None:
    script = """
import os, signal, sys
from srdesk.gui.queue import sleep_guard
sleep_guard.shutil.which = lambda name: sys.argv[1] if "inhibit" in name else "/bin/cat"
guard = sleep_guard.SleepGuard()
guard.hold()
print(guard._child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    program = inhibitor.with_name("systemd-inhibit")
    run = subprocess.run([sys.executable, "-c", script, str(program)], capture_output=True, text=True)
    assert run.returncode == -9
    orphan = int(run.stdout)
    if psutil.pid_exists(orphan):
        psutil.Process(orphan).wait(WAIT_S)


def test_a_system_that_cannot_do_it_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sleep_guard.shutil, "which", lambda name: None)
    guard = SleepGuard()
    guard.hold()
    assert not guard.is_held
    guard.let_go()


def test_a_system_that_refuses_is_no_failure(inhibitor: Path) -> None:
    inhibitor.with_name("systemd-inhibit").write_text("#!/bin/sh\nexit 1\n")
    guard = SleepGuard()
    guard.hold()
    children()[0].wait(WAIT_S)
    assert not guard.is_held
    guard.let_go()
    assert children() == []

"""The desk as a process of its own: it starts, and it ends in order whenever it is told to."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import psutil
import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]

PATIENCE_S = 60.0
"""For machines that are busy with other things."""

MOMENTS = 6
"""Random times at which the desk is closed; 50 by hand."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)).save(path)
    return path


def start(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"SRDESK_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-m", "srdesk", *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def wait_for_log(home: Path, words: str, desk: subprocess.Popen[bytes]) -> str:
    """Wait until the desk has written ``words`` to its log, and return the log."""
    log = home / "log" / "desk.log"
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        if words in text:
            return text
        assert desk.poll() is None, desk.communicate()[0].decode()
        time.sleep(0.02)
    desk.kill()
    pytest.fail(f"the log never said {words!r}: {text}")


def end(desk: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Close the desk and return its exit status and what it printed."""
    desk.send_signal(signal.SIGTERM)
    try:
        output, _ = desk.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        desk.kill()
        raise
    return desk.returncode, output.decode()


def test_the_desk_paints_its_window_before_it_loads_torch(tmp_path: Path) -> None:
    desk = start(tmp_path)
    log = wait_for_log(tmp_path, "torch is ready", desk)
    assert end(desk) == (0, "")
    assert log.index("first paint after") < log.index("torch is ready")


@pytest.mark.parametrize("seed", range(MOMENTS))
def test_closing_at_any_moment_ends_with_status_0_and_leaves_no_process_behind(
    tmp_path: Path, picture: Path, seed: int
) -> None:
    desk = start(tmp_path, str(picture))
    wait_for_log(tmp_path, "first paint", desk)
    time.sleep(random.Random(seed).uniform(0.0, 4.0))
    children = psutil.Process(desk.pid).children(recursive=True)
    assert end(desk) == (0, "")
    _, alive = psutil.wait_procs(children, timeout=PATIENCE_S)
    assert alive == []
    assert list(tmp_path.rglob("*.part")) == []


def test_a_file_that_cannot_be_opened_does_not_keep_the_desk_from_opening(tmp_path: Path) -> None:
    desk = start(tmp_path, str(tmp_path / "missing.png"))
    wait_for_log(tmp_path, "OpenRequest failed", desk)
    assert end(desk) == (0, "")


def test_an_exception_that_nobody_caught_is_logged_and_the_desk_stays_up(tmp_path: Path) -> None:
    script = """
import sys, threading
from PySide6.QtCore import QTimer
from srdesk.gui import app

class Faulty(app.Desk):
    def open(self, files):
        QTimer.singleShot(0, self.fail_here)
        thread = threading.Thread(target=self.fail_here)
        thread.start()
        thread.join()
        QTimer.singleShot(200, self.window.close_unasked)

    def fail_here(self):
        raise ValueError("on purpose")

app.Desk = Faulty
sys.exit(app.main([]))
"""
    environment = os.environ | {"SRDESK_HOME": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", script], env=environment, timeout=PATIENCE_S, check=False)
    log = (tmp_path / "log" / "desk.log").read_text(encoding="utf-8")
    assert run.returncode == 0
    assert log.count("nobody caught this") == 2

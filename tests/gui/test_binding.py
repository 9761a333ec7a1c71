"""Facts about PySide6 that the desk had to be made safe against."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest


@pytest.mark.process
def test_a_hundred_thousand_calls_of_qt_do_not_use_up_none_and_true() -> None:
    script = """
        import srdesk.gui
        from PySide6.QtCore import QTimer

        timer = QTimer()
        for _ in range(100_000):
            timer.setInterval(5)  # returns None
            timer.objectNameChanged.emit("")  # returns True
        print("alive")
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout.strip()) == (0, "alive"), run.stderr

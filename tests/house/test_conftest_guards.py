"""The guards of tests/conftest.py do stop what they are there to stop."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS_FOLDER = Path(__file__).parents[1]
CONFIG_FILE = TESTS_FOLDER.parent / "pyproject.toml"

LIMITING = """
import resource
import pytest

@pytest.fixture
def only_tiny_files():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("number", [1, 2])
def test_files_cannot_grow(only_tiny_files, tmp_path, number):
    with pytest.raises(OSError), open(tmp_path / "a", "wb") as file:
        file.write(b"12")
"""

OFFENDERS = """
import logging, socket, subprocess, sys, threading, time, warnings
import pytest

kept = []


def test_offends_by_asking_for_a_foreign_host():
    with pytest.raises(RuntimeError):
        socket.create_connection(("example.org", 80), timeout=1)


def test_offends_by_leaving_a_thread():
    kept.append(threading.Event())
    threading.Thread(target=kept[0].wait, daemon=True).start()


def test_offends_by_leaving_a_child():
    kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))


def test_offends_by_leaving_a_qt_thread(qapp):
    from PySide6.QtCore import QThread

    kept.append(QThread())
    kept[-1].start()


def test_offends_by_logging_a_warning():
    logging.getLogger("srdesk").warning("careful")


@pytest.mark.expects_warning_log("careful")
def test_offends_by_not_logging_what_it_announced():
    pass


def test_is_innocent(qapp, srdesk_home):
    kept[-1].quit()
    kept[-1].wait()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    assert not srdesk_home.exists()


@pytest.mark.expects_warning_log("careful")
def test_is_innocent_of_a_warning_that_it_announced():
    logging.getLogger("srdesk").warning("careful")
"""


def test_guards_catch_offenders_and_leave_the_innocent_alone(pytester: pytest.Pytester) -> None:
    guards = (TESTS_FOLDER / "conftest.py").read_text(encoding="utf-8")
    pytester.makeconftest(guards.replace("LEAK_PATIENCE_S = 5.0", "LEAK_PATIENCE_S = 0.2"))
    pytester.makepyfile(OFFENDERS)

    run = pytester.runpytest_subprocess("--config-file", str(TESTS_FOLDER.parent / "pyproject.toml"), "-rE")

    run.assert_outcomes(passed=8, errors=6)
    run.stdout.no_fnmatch_line("ERROR *::test_is_innocent*")
    run.stdout.fnmatch_lines_random([f"ERROR *::test_offends_{name}*" for name in ("by_asking", "by_leaving_a_thread")])


def test_a_test_of_full_disks_does_not_keep_the_report_from_being_written(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    limiting = tmp_path / "test_limit.py"
    limiting.write_text(LIMITING)
    report = tmp_path / "report.txt"
    with report.open("wb") as stdout:
        pytest_words = ["-q", "-c", CONFIG_FILE, "--rootdir", tmp_path, "-p", "no:cacheprovider", "-p", "conftest"]
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *pytest_words, limiting],
            env=os.environ | {"PYTHONPATH": str(TESTS_FOLDER)},
            stdout=stdout,
        )
    assert ended.returncode == 0, report.read_text()
    assert "2 passed" in report.read_text()
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before

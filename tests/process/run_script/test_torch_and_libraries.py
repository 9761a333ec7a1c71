"""run.py takes torch from the nearest place and sees to the system's libraries; its lock files fit it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from srdesk.cli import VERBS

ROOT = Path(__file__).parents[3]
LOCKS = {name: ROOT / name for name in ("requirements.lock", "requirements-test.lock")}

pytestmark = pytest.mark.process


class Answer(NamedTuple):
    """What a finished command left."""

    stdout: str
    returncode: int = 0


def offering(version: str) -> Callable[..., Answer]:
    report = {"install": [{"metadata": {"name": "torch", "version": version}}]}
    return lambda *arguments, **options: Answer(json.dumps(report))


def test_torch_that_the_machine_offers_is_found(run: Any, plan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", offering("2.13.0+cpu"))

    assert run.find_offered_torch(plan) == "2.13.0+cpu"
    assert run.find_offered_torch(replace(plan, accelerator="cuda")) is None, "a CPU build is no use to a GPU"


@pytest.mark.parametrize("output", ["", "ERROR: none", '{"install": []}'])
def test_no_offer_is_no_error(run: Any, plan: Any, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: Answer(output, 1))

    assert run.find_offered_torch(plan) is None


@pytest.fixture
def torch_attempts(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Let every way of installing torch but the default index fail, and list them."""
    attempts: list[tuple[str, ...]] = []

    def attempt(plan: Any, *arguments: str) -> None:
        attempts.append(arguments)
        if len(arguments) > 1:
            raise run.SetupError("no route to host")

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(run, "find_offered_torch", lambda plan: None)
    monkeypatch.setattr(run, "refuse_full_disk", lambda folder, needed_bytes: None)
    monkeypatch.setattr(run, "pip_install", attempt)
    return attempts


def test_without_a_gpu_the_cpu_build_is_tried_first_and_the_size_of_the_other_is_told(
    run: Any, plan: Any, torch_attempts: list[tuple[str, ...]], capsys: pytest.CaptureFixture[str]
) -> None:
    run.install_torch(plan)

    assert len(torch_attempts) == 2
    assert {f"--index-url={run.CPU_TORCH_INDEX}", "--retries=1", "--timeout=20", "--no-deps"} < set(torch_attempts[0])
    assert torch_attempts[1] == ("torch==2.13.0",)
    assert "2.7 GB" in capsys.readouterr().err


def test_with_a_gpu_the_default_index_is_asked_at_once(
    run: Any, plan: Any, torch_attempts: list[tuple[str, ...]]
) -> None:
    run.install_torch(replace(plan, accelerator="cuda"))

    assert torch_attempts == [("torch==2.13.0",)]


@pytest.mark.parametrize(("listing", "accelerator"), [("GPU 0: NVIDIA H100", "cuda"), ("No devices were found", "cpu")])
def test_a_gpu_is_found_by_its_driver(
    run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listing: str, accelerator: str
) -> None:
    driver = tmp_path / "nvidia-smi"
    driver.write_text(f"#!/bin/sh\necho {listing}\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")

    assert run.find_accelerator("auto") == accelerator


def test_a_wish_for_torchs_build_is_obeyed_or_refused(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert [run.find_accelerator(wish) for wish in ("auto", "cpu", "cuda")] == ["mps", "cpu", "cuda"]
    with pytest.raises(run.SetupError, match="rocm"):
        run.find_accelerator("rocm")


MISSING = {"libm.so.6": "libc6", "libthere-is-none.so.1": "libthere-is-none1"}


def test_missing_libraries_are_installed_where_that_needs_no_password(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def record(command: list[str], **options: object) -> Answer:
        seen.append(command)
        return Answer("")

    monkeypatch.setattr(run, "root_prefix", lambda: ["sudo", "-n"])
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", record)

    run.require_libraries(MISSING, "for the tests")

    assert seen[0][2:] == ["apt-get", "update"]
    assert seen[1][:4] == ["sudo", "-n", "apt-get", "install"]
    assert seen[1][-1] == "libthere-is-none1"
    assert "libc6" not in seen[1]


def test_missing_libraries_are_told_with_the_command_where_a_password_is_needed(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "root_prefix", lambda: None)

    with pytest.raises(run.SetupError, match=r"sudo apt-get install .*libthere-is-none1"):
        run.require_libraries(MISSING, "for SR Desk's window")


def test_commands_without_a_window_need_no_libraries_of_a_screen(
    run: Any, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., None]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(run, "ensure_ready", lambda plan: None)
    monkeypatch.setattr(run, "become", started.append)
    monkeypatch.setattr(run, "require_libraries", refused)

    for verb in VERBS:
        run.main([verb, "photo.png"])

    assert [command[-2] for command in started] == list(VERBS)


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_lock_files_leave_torchs_build_to_the_machine_and_name_no_address(lock: Path) -> None:
    text = lock.read_text()
    names = re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE)

    assert "pyside6-essentials" in names
    assert not [name for name in names if name.startswith(("torch", "nvidia", "cuda", "triton"))]
    assert text.count("--hash=sha256:") >= len(names)
    assert "://" not in text


def test_the_tests_lock_holds_everything_that_the_programs_does() -> None:
    pins = [set(re.findall(r"^[a-z0-9.-]+==[^\\\n]*", lock.read_text(), re.MULTILINE)) for lock in LOCKS.values()]

    assert pins[0] < pins[1]


def test_the_program_takes_the_scripts_place_wherever_it_is_started(clone: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "srdesk.py").write_text("raise SystemExit('a file of the current folder was run')")

    done = subprocess.run(
        [sys.executable, str(clone / "run.py"), "upscale", "ö.png"], cwd=elsewhere, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout, done.stderr) == (42, "['upscale', 'ö.png']\n", "")

"""The set-up script as a module, and a way to run it without pip and without a network."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def load_run_script(path: Path = ROOT / "run.py") -> Any:
    specification = importlib.util.spec_from_file_location("run_script", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["run_script"] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def run() -> Any:
    """The script as a module of its own, so that a test can replace parts of it."""
    return load_run_script()


@pytest.fixture
def plan(run: Any, tmp_path: Path) -> Any:
    """A plan for an environment in an empty folder."""
    locks = (tmp_path / "requirements.lock", tmp_path / "requirements-test.lock")
    for lock in locks:
        lock.write_text(f"{lock.stem}==1\n")
    return run.Plan(tmp_path / ".venv", locks[:1], "cpu", "torch>=2.10,<3", "torch==2.13.0")


@pytest.fixture
def plan_with_tests(plan: Any, tmp_path: Path) -> Any:
    """The same environment with the tests' packages."""
    return replace(plan, locks=(*plan.locks, tmp_path / "requirements-test.lock"))


def without_pip(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Let set-up run without pip or a network; return the list that fills with the commands it would have run."""
    seen: list[list[str]] = []

    def pretend(plan: Any, command: Sequence[str]) -> None:
        seen.append(list(command))
        if "venv" in command:
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(plan.venv)], check=True)

    monkeypatch.setattr(run, "run_logged", pretend)
    monkeypatch.setattr(run, "find_offered_torch", lambda plan: "2.13.0+cpu")
    monkeypatch.setattr(run, "refuse_full_disk", lambda folder, needed_bytes: None)
    return seen


@pytest.fixture
def commands(run: Any, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that set-up would have run."""
    return without_pip(run, monkeypatch)


@pytest.fixture
def refused() -> Callable[..., None]:
    """A stand-in for what must not be called."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"was called with {arguments}")

    return refuse


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone that is set up, in a folder with a difficult name; its program prints its arguments and exits with 42."""
    clone = tmp_path / "schöne Bilder"
    (clone / "srdesk").mkdir(parents=True)
    for name in ("run.py", "pyproject.toml", "requirements.lock", "requirements-test.lock"):
        shutil.copy(ROOT / name, clone)
    (clone / "srdesk" / "__init__.py").touch()
    (clone / "srdesk" / "__main__.py").write_text("import sys; print(sys.argv[1:]); sys.exit(42)")
    monkeypatch.setenv("SRDESK_TORCH", "cpu")
    run = load_run_script(clone / "run.py")
    without_pip(run, monkeypatch)
    run.ensure_ready(run.read_plan(with_tests=False))
    return clone

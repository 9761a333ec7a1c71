"""The house rules that tools can check, so that one command covers everything."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MAX_FILE_LINES = 400
MAX_GUI_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

FORBIDDEN_MODULE_NAMES = {"base", "common", "constants", "helpers", "manager", "misc", "util", "utils"}

TOP_LEVEL_NAMES = {
    ".ci",
    ".gitattributes",
    ".gitignore",
    "LICENSE",
    "README.md",
    "pyproject.toml",
    "requirements-test.lock",
    "requirements.lock",
    "resources",
    "run.py",
    "srdesk",
    "tests",
    "weights",
}

ROOM_WIDE_TESTS = {"test_fuzz.py", "test_hostile.py", "test_without_torch.py"}
"""Unit tests of everything that a room does to a file, rather than of one module."""

TORCH_FREE_MODULES = (
    "srdesk.errors",
    "srdesk.imaging",
    "srdesk.imaging.*",
    "srdesk.engine.control",
    "srdesk.engine.library",
    "srdesk.engine.streaming.plan",
    "srdesk.engine.weights_copy",
    "srdesk.training.config",
    "srdesk.training.events",
    "srdesk.paths",
    "srdesk.settings",
    "srdesk.gui",
    "srdesk.gui.*",
    "srdesk.cli.*",
    "srdesk.__main__",
)


def tracked_files() -> list[Path]:
    """List what git tracks or would track; without git, everything that is not a dot-folder."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listing.returncode != 0:
        pytest.skip("not a git work tree")
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def python_files() -> list[Path]:
    """List the Python files of the program and its tests."""
    return sorted([*ROOT.glob("*.py"), *(ROOT / "srdesk").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])


def shown(path: Path) -> str:
    """Write a path the way that editors jump to."""
    return path.relative_to(ROOT).as_posix()


def run_tool(*arguments: str) -> str:
    """Run a checker with this environment's Python in the repository; fail with its own words, or return them."""
    completed = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert completed.returncode == 0, f"{' '.join(arguments)}\n{completed.stdout}{completed.stderr}"
    return completed.stdout


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Walk over every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_ruff_finds_nothing() -> None:
    run_tool("-m", "ruff", "check", "--no-cache")


def test_ruff_would_format_nothing() -> None:
    run_tool("-m", "ruff", "format", "--check", "--no-cache")


def test_mypy_strict_finds_nothing() -> None:
    assert "no issues found" in run_tool("-m", "mypy")


def test_imports_lean_one_way() -> None:
    command = "from importlinter.cli import lint_imports_command as check; check()"
    assert " 0 broken" in run_tool("-c", command, "--no-cache", "--no-logo")


def test_files_and_functions_are_small() -> None:
    too_long = []
    for path in python_files():
        text = path.read_text(encoding="utf-8")
        limit = MAX_GUI_FILE_LINES if path.is_relative_to(ROOT / "srdesk" / "gui") else MAX_FILE_LINES
        if (lines := text.count("\n")) > limit:
            too_long.append(f"{shown(path)}: {lines} lines, at most {limit}")
        for function in functions(ast.parse(text)):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                too_long.append(f"{shown(path)}:{function.lineno}: {function.name} has {lines} lines")
    assert not too_long, "\n".join(too_long)


def test_modules_are_named_after_what_they_hold() -> None:
    nameless = [shown(path) for path in (ROOT / "srdesk").rglob("*.py") if path.stem in FORBIDDEN_MODULE_NAMES]
    assert not nameless


def test_everything_at_the_top_has_a_reason() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked_files()}
    assert names <= TOP_LEVEL_NAMES


def test_unit_tests_mirror_the_program() -> None:
    homeless = []
    for test in (ROOT / "tests" / "unit").rglob("test_*.py"):
        if test.name in ROOM_WIDE_TESTS:
            continue
        room = ROOT / "srdesk" / test.parent.relative_to(ROOT / "tests" / "unit")
        subject = test.stem.removeprefix("test_")
        if not any(module.stem == subject or subject.startswith(f"{module.stem}_") for module in room.glob("*.py")):
            homeless.append(shown(test))
    assert not homeless, f"no module of that name: {homeless}"


def test_tracked_files_name_no_machine_and_no_package_index() -> None:
    # Written in pieces so that this file passes its own test.
    forbidden = re.compile("|".join(["/" + "work/", "/" + "opt/", "/" + "root/", "py" + "pi.org", "python" + "hosted"]))
    # PyTorch's index of CPU builds is the one address that set-up needs, and stands in one place only.
    allowed = {"run.py": 1}
    found = []
    for path in tracked_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        found += [f"{shown(path)}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if forbidden.search(line)]
        index_lines = text.count("download." + "pytorch.org")
        if index_lines > allowed.get(shown(path), 0):
            found.append(f"{shown(path)}: names PyTorch's index")
    assert not found, "\n".join(found)


def test_the_torch_free_part_imports_without_torch() -> None:
    names = []
    for pattern in TORCH_FREE_MODULES:
        parts = pattern.split(".")
        folder = ROOT.joinpath(*parts[:-1])
        stems = [path.stem for path in folder.glob("*.py")] if parts[-1] == "*" else [parts[-1]]
        assert set(stems) - {"__init__"}, f"no modules {pattern}"
        names += [".".join([*parts[:-1], stem]) for stem in stems if stem != "__init__"]
    program = (
        "import importlib, sys\n"
        "sys.modules['torch'] = None\n"  # makes any import of it an ImportError
        f"for name in {sorted(set(names))!r}:\n"
        "    importlib.import_module(name)\n"
    )
    run_tool("-c", program)

"""Where the program begins: the desk or the command line."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import srdesk
from srdesk import __main__ as beginning


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the desk was opened with, which here is only a note."""
    calls: list[list[str]] = []
    desk = ModuleType("srdesk.gui.app")
    desk.main = lambda files: calls.append(files) or 7  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "srdesk.gui.app", desk)
    monkeypatch.setattr(beginning, "can_open_windows", lambda platform, environment: True)
    return calls


@pytest.mark.parametrize("words", [[], ["a.png"], ["a.png", "b c.tif"], ["folder/upscale"]])
def test_without_a_verb_the_desk_opens_with_the_files(opened: list[list[str]], words: list[str]) -> None:
    assert beginning.main(words) == 7
    assert opened == [words]


@pytest.mark.parametrize("words", [[], ["models"]])
def test_ctrl_c_while_modules_are_imported_is_no_traceback(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    def interrupted(platform: str, environment: object) -> bool:
        raise KeyboardInterrupt

    class Importer:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "srdesk.cli.command":
                raise KeyboardInterrupt

    monkeypatch.setattr(beginning, "can_open_windows", interrupted)
    monkeypatch.delitem(sys.modules, "srdesk.cli.command", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Importer(), *sys.meta_path])
    assert beginning.main(words) == 130


@pytest.mark.parametrize("words", [["models"], ["models", "--json"]])
def test_with_a_verb_the_desk_stays_closed(opened: list[list[str]], words: list[str]) -> None:
    assert beginning.main(words) == 0
    assert opened == []


def test_a_verb_with_a_typing_error_is_no_file(opened: list[list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    assert beginning.main(["upscal", "a.png"]) == 2
    assert "upscale" in capsys.readouterr().err
    assert opened == []


def test_a_file_that_is_called_almost_like_a_verb_is_a_file(
    opened: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "upscal").touch()
    monkeypatch.chdir(tmp_path)
    beginning.main(["upscal"])
    assert opened == [["upscal"]]


def test_without_a_screen_the_program_says_what_it_can_do_without_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(beginning, "can_open_windows", lambda platform, environment: False)
    assert beginning.main(["a.png"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("srdesk: There is no screen to open a window on.\n")
    assert "srdesk upscale" in said


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Path]:
    """The socket of a display server."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "wayland-0"))
        listener.listen()
        yield tmp_path / "wayland-0"


def test_a_display_server_that_answers_is_a_screen(server: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(server.parent), "WAYLAND_DISPLAY": server.name}
    assert beginning.can_open_windows("linux", environment)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ""}, False),
        ({"DISPLAY": ":987654"}, False),
        ({"DISPLAY": "unix:987654.0"}, False),
        ({"WAYLAND_DISPLAY": "wayland-nobody", "XDG_RUNTIME_DIR": "/nowhere"}, False),
        ({"DISPLAY": "localhost:10.0"}, True),
        ({"QT_QPA_PLATFORM": "offscreen"}, True),
    ],
)
def test_a_screen_is_there_if_something_can_be_asked_for_it(environment: dict[str, str], expected: bool) -> None:
    assert beginning.can_open_windows("linux", environment) is expected


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_always_have_a_screen(platform: str) -> None:
    assert beginning.can_open_windows(platform, {})


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["upscale", "--help"], ["models", "--json"]])
def test_help_and_lists_need_neither_torch_nor_qt(words: list[str]) -> None:
    program = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['PySide6'] = None\n"
        "from srdesk.__main__ import main\n"
        f"sys.exit(main({words!r}))\n"
    )
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout


def test_a_frozen_application_can_start_itself_as_its_decoder() -> None:
    from srdesk.imaging.decoder import FROZEN_FLAG

    command = [sys.executable, "-m", "srdesk", FROZEN_FLAG]
    completed = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    assert completed.returncode == 0, completed.stderr
    assert b'"ready"' in completed.stdout


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert beginning.main(["--version"]) == 0
    assert capsys.readouterr().out == f"srdesk {srdesk.__version__}\n"


def test_the_start_of_python_is_before_now_and_before_the_package() -> None:
    program = "import time; before = time.perf_counter(); import srdesk; print(srdesk.STARTED_S < before)"
    completed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert completed.stdout == "True\n", completed.stderr
    assert time.perf_counter() > srdesk.STARTED_S

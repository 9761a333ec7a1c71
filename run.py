#!/usr/bin/env python3
"""Set SR Desk up if that has not been done yet, then run it.

    python3 run.py                        open the desk
    python3 run.py photo.png              open the desk with a picture
    python3 run.py upscale photo.png      any command of srdesk; `--help` lists them
    python3 run.py test [-k NAME …]       run all tests (or what pytest's options choose)

Needs nothing but Python. Everything goes into the folder `.venv` beside this file; once that is done, no later start
looks at the network. `SRDESK_TORCH=cpu|cuda` chooses torch's build where the automatic choice is not the right one.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent

CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of builds without CUDA: on Linux the default index has only the large ones."""

DISK_BYTES = {"cpu": 2_500_000_000, "mps": 2_500_000_000, "cuda": 9_000_000_000}
"""Free disk space that a new environment needs while it is being made."""

# Commands that never show a window, so that Qt's system libraries may be missing.
WINDOWLESS_COMMANDS = {"upscale", "check", "report", "reproduce", "evaluate", "train", "models", "bench"}

QT_LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
"""System libraries that Qt loads even without a screen, and their Debian packages."""
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
"""System libraries that Qt needs besides to show a window, and their Debian packages."""


class SetupError(Exception):
    """Why SR Desk cannot be set up, and what to do about it."""


def say(text: str, end: str = "\n") -> None:
    """Tell the person at the terminal; standard output belongs to the program."""
    sys.stderr.write(text + end)
    sys.stderr.flush()


@dataclass(frozen=True)
class Plan:
    """What the environment has to hold."""

    venv: Path
    locks: tuple[Path, ...]
    """Files with the exact packages and their hashes; the last one holds everything in the others."""
    accelerator: str
    """`cpu`, `cuda` or `mps`."""
    torch_range: str
    """Requirement for torch, as in pyproject.toml."""
    torch_pin: str
    """The one version in that range that the lock files were made for."""

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def marker(self) -> Path:
        """A file that tells an environment of ours from any other; whoever changes the environment holds it locked."""
        return self.venv / "made-by-srdesk"

    @property
    def stamp(self) -> Path:
        """A file that is written last and says what the environment holds."""
        return self.venv / "srdesk-stamp.json"

    @property
    def base_key(self) -> str:
        """Hash of what cannot be changed without making the environment anew."""
        python = sys.implementation.cache_tag
        return digest(str(self.venv), python, sys.platform, platform.machine(), self.accelerator, self.torch_pin)

    @property
    def lock_keys(self) -> list[str]:
        """Hashes of the locks."""
        return [digest(lock.read_text(encoding="utf-8")) for lock in self.locks]


def digest(*texts: str) -> str:
    """Return one hash of several texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def read_plan(*, with_tests: bool) -> Plan:
    """Read from the project what has to be installed."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return Plan(
        venv=ROOT / ".venv",
        locks=tuple(ROOT / f"requirements{part}.lock" for part in (("", "-test") if with_tests else ("",))),
        accelerator=find_accelerator(os.environ.get("SRDESK_TORCH", "auto")),
        torch_range=next(entry for entry in project["project"]["dependencies"] if entry.startswith("torch>")),
        torch_pin=project["tool"]["uv"]["constraint-dependencies"][0],
    )


def find_accelerator(wish: str) -> str:
    """Return `cpu`, `cuda` or `mps` for the wish `auto`, `cpu` or `cuda`."""
    if wish in ("cpu", "cuda"):
        return wish
    if wish != "auto":
        raise SetupError(f"SRDESK_TORCH cannot be “{wish}”. Use auto, cpu or cuda.")
    if sys.platform == "darwin":
        return "mps"
    if nvidia_smi := shutil.which("nvidia-smi"):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            listing = subprocess.run([nvidia_smi, "-L"], capture_output=True, text=True, timeout=20)
            if listing.stdout.startswith("GPU"):
                return "cuda"
    return "cpu"


def read_stamp(plan: Plan) -> list[str]:
    """Return the hashes of the locks that the environment satisfies; none if it is unfinished or another one."""
    try:
        stamp = json.loads(plan.stamp.read_text(encoding="utf-8"))
        return list(stamp["locks"]) if stamp["base"] == plan.base_key and plan.python.exists() else []
    except (OSError, ValueError, LookupError, TypeError):
        return []


def is_ready(plan: Plan) -> bool:
    """Whether the environment holds everything, so that neither pip nor the network is needed."""
    return set(plan.lock_keys) <= set(read_stamp(plan))


def ensure_ready(plan: Plan) -> None:
    """Make or complete the environment unless it is there, one process at a time."""
    if is_ready(plan):
        return
    refuse_foreign_folder(plan)
    try:
        plan.venv.mkdir(exist_ok=True)
        lock = plan.marker.open("ab")
    except OSError as error:
        raise SetupError(
            f"SR Desk cannot be set up in “{plan.venv.parent}”: {error.strerror}.\n"
            "Copy its folder to a place that you can write to, and start it there."
        ) from error
    with lock:  # freed by the system when this process and its installers have ended, however they did
        os.set_inheritable(lock.fileno(), True)
        if not try_lock(lock.fileno()):
            say("Another set-up of SR Desk is running here; waiting for it to finish …")
            while not try_lock(lock.fileno()):
                time.sleep(0.2)
        if not is_ready(plan):
            set_up(plan)


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; return whether nobody else had it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def set_up(plan: Plan) -> None:
    """Install torch and the locked packages.

    The stamp comes last: what an interrupted set-up left is never trusted, but made anew.
    """
    is_new = not read_stamp(plan)
    plan.stamp.unlink(missing_ok=True)
    if is_new:
        refuse_full_disk(plan.venv.parent, DISK_BYTES[plan.accelerator])
        say(f"Setting up SR Desk in “{plan.venv}”. This is done once and takes a few minutes.")
        make_venv(plan)
        install_torch(plan)
    with step("Installing the packages that SR Desk uses"):
        pip_install(plan, "--require-hashes", "--no-deps", "--only-binary=:all:", f"--requirement={plan.locks[-1]}")
    make_importable(plan)
    unfinished = plan.stamp.with_suffix(".part")
    unfinished.write_text(json.dumps({"base": plan.base_key, "locks": plan.lock_keys}), encoding="utf-8")
    unfinished.replace(plan.stamp)


def refuse_foreign_folder(plan: Plan) -> None:
    """Never touch a `.venv` that someone else made."""
    if plan.venv.is_symlink() or (plan.venv.exists() and not plan.marker.exists() and any(plan.venv.iterdir())):
        raise SetupError(
            f"“{plan.venv}” was not made by SR Desk, so it is left alone.\nMove it away or rename it, and start again."
        )


def refuse_full_disk(folder: Path, needed_bytes: int) -> None:
    """Fail before the download instead of in the middle of it."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise SetupError(
            f"Setting up SR Desk needs {needed_bytes / 1e9:.1f} GB of disk space in “{folder}”, "
            f"and {free_bytes / 1e9:.1f} GB are free.\nFree some space and start again."
        )


def make_venv(plan: Plan) -> None:
    """Make an empty environment in place of whatever an interrupted set-up left."""
    if importlib.util.find_spec("ensurepip") is None:  # Debian ships Python without it
        require_packages(["python{}.{}-venv".format(*sys.version_info)], "to make an environment for SR Desk")
    for leftover in plan.venv.iterdir():
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        elif leftover != plan.marker:
            leftover.unlink()
    with step("Making an environment for Python packages"):
        # The interpreter below an active environment: this script may have been started from the one that it replaces.
        run_logged(plan, [getattr(sys, "_base_executable", sys.executable), "-I", "-m", "venv", str(plan.venv)])


def install_torch(plan: Plan) -> None:
    """Install torch from the nearest place: this machine, PyTorch's index of CPU builds, the default index."""
    if offered := find_offered_torch(plan):
        with step(f"Installing torch {offered}, which this machine offers"):
            pip_install(plan, "--no-index", "--no-deps", f"torch=={offered}")
        return
    size = "200 MB"
    if sys.platform == "linux":
        if plan.accelerator == "cpu":
            with contextlib.suppress(SetupError), step(f"Installing torch for the CPU, about {size}"):
                index = ("--retries=1", "--timeout=20", f"--index-url={CPU_TORCH_INDEX}")
                pip_install(plan, *index, "--no-deps", plan.torch_pin)
                return
            refuse_full_disk(plan.venv.parent, DISK_BYTES["cuda"])
        size = "2.7 GB"
    with step(f"Installing torch from the default package index, about {size}"):
        pip_install(plan, plan.torch_pin)


def find_offered_torch(plan: Plan) -> str | None:
    """Return the version of torch that the machine's own pip settings offer without a network, if it fits."""
    command = [*pip(plan), "install", "--no-index", "--no-deps", "--dry-run", "--quiet", "--report=-", plan.torch_range]
    probe = subprocess.run(command, capture_output=True, text=True)
    try:
        version = str(json.loads(probe.stdout)["install"][0]["metadata"]["version"])
    except (ValueError, LookupError):
        return None
    return None if plan.accelerator == "cuda" and version.endswith("+cpu") else version


def make_importable(plan: Plan) -> None:
    """Let the environment import the program from this folder, from wherever it is started."""
    folders = {"base": str(plan.venv), "platbase": str(plan.venv)}
    site_packages = Path(sysconfig.get_path("purelib", "venv", folders))
    # `site` reads these files in the locale's encoding before Python 3.13.
    encoding = "utf-8" if sys.version_info >= (3, 13) else "locale"
    (site_packages / "srdesk.pth").write_text(f"{ROOT}\n", encoding=encoding)


def pip(plan: Plan) -> list[str]:
    """Return the start of a pip command that no PYTHON* variable can lead astray."""
    return [str(plan.python), "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]


def pip_install(plan: Plan, *arguments: str) -> None:
    """Install with the environment's pip."""
    run_logged(plan, [*pip(plan), "install", *arguments])


def run_logged(plan: Plan, command: Sequence[str]) -> None:
    """Run a command with its output in the log; fail with the log's last lines."""
    log_path = plan.venv / "setup.log"
    with log_path.open("ab") as log:
        log.write(f"\n$ {' '.join(command)}\n".encode())
        log.flush()
        # The open lock is handed on: an installer that outlives this process keeps others out until it ends too.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, close_fds=False)
    if done.returncode != 0:
        said = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        reasons = [line for line in said if line.startswith("ERROR")][-2:] or said[-4:]
        advice = f"The whole story is in “{log_path}”. If the network was missing, connect and start again."
        raise SetupError("\n".join(["Set-up could not go on:", *(f"    {reason}" for reason in reasons), advice]))


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Show one line for a part of the set-up, and how long it took or that it failed."""
    say(f"  {what} … ", end="")
    started_s = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started_s:.0f} s")


def require_libraries(libraries: dict[str, str], purpose: str) -> None:
    """Install the system libraries that cannot be loaded, or say which packages hold them."""
    missing = []
    for library, package in libraries.items() if sys.platform == "linux" else ():
        try:
            ctypes.CDLL(library)
        except OSError:
            missing.append(package)
    if missing:
        require_packages(missing, purpose)


def require_packages(packages: Sequence[str], purpose: str) -> None:
    """Install Debian packages where that needs no password; else say the command."""
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    as_root = root_prefix() if shutil.which("apt-get") else None
    if as_root is not None:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with step(f"Installing {' '.join(packages)} {purpose}"):
            subprocess.run([*as_root, "apt-get", "update"], env=environment, capture_output=True)
            if subprocess.run([*as_root, *install], env=environment, capture_output=True).returncode == 0:
                return
    raise SetupError(
        f"System packages are missing {purpose}. Install them, then start again:\n    sudo {' '.join(install)}"
    )


def root_prefix() -> list[str] | None:
    """Return what to put before a command that only root may run; None if that would ask for a password."""
    if os.name == "posix" and os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    return (
        sudo if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True).returncode == 0 else None
    )


def become(command: list[str]) -> NoReturn:
    """Go on as another program: its exit code, signals and terminal are this process's own."""
    if os.name == "nt":  # where exec returns to the shell at once
        sys.exit(subprocess.run(command).returncode)
    os.execv(command[0], command)


def main(arguments: list[str]) -> int:
    """Set up what the arguments need, then run it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever has an older one should be told
        say(f"SR Desk needs Python 3.11 or newer; this is {platform.python_version()} ({sys.executable}).")
        return 1
    is_test = arguments[:1] == ["test"]
    try:
        plan = read_plan(with_tests=is_test)
        ensure_ready(plan)
        if is_test:
            require_libraries(QT_LIBRARIES, "for the tests")
        elif not arguments or (arguments[0] not in WINDOWLESS_COMMANDS and not arguments[0].startswith("-")):
            require_libraries(QT_LIBRARIES | WINDOW_LIBRARIES, "for SR Desk's window")
    except (SetupError, OSError) as error:
        say(str(error) if isinstance(error, SetupError) else f"SR Desk cannot be set up: {error}.")
        return 1
    except KeyboardInterrupt:
        say("Stopped. The next start sets SR Desk up again.")
        return 130
    if is_test:
        os.chdir(ROOT)
    program = ["pytest", *arguments[1:]] if is_test else ["srdesk", *arguments]
    become([str(plan.python), "-P", "-m", *program])  # -P: a file in the current folder is never taken for a module


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What every test gets without asking: no screen, no network, a home of its own, and nothing left running.

The environment is set while this file is imported, since Qt, torch and OpenMP read theirs only once.
"""

from __future__ import annotations

import gc
import hashlib
import ipaddress
import json
import logging
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import PIL.Image
import psutil
import pytest
from numpy.typing import NDArray

LEAK_PATIENCE_S = 5.0
"""How long threads and children may take to end after the test that started them."""

_session_home = tempfile.TemporaryDirectory(prefix="srdesk-tests-", ignore_cleanup_errors=True)

os.environ.update(
    HOME=_session_home.name,
    XDG_CACHE_HOME=str(Path(_session_home.name, ".cache")),
    XDG_CONFIG_HOME=str(Path(_session_home.name, ".config")),
    XDG_DATA_HOME=str(Path(_session_home.name, ".local", "share")),
    XDG_STATE_HOME=str(Path(_session_home.name, ".local", "state")),
    SRDESK_HOME=str(Path(_session_home.name, "srdesk")),
    QT_QPA_PLATFORM="offscreen",
    QT_SCALE_FACTOR="1",
    OMP_NUM_THREADS="2",
    OMP_WAIT_POLICY="PASSIVE",
    TQDM_MONITOR_INTERVAL="0",
)
for _name in ("QT_STYLE_OVERRIDE", "QT_QPA_PLATFORMTHEME", "XDG_CURRENT_DESKTOP", "CUDA_VISIBLE_DEVICES"):
    os.environ.pop(_name, None)

hypothesis.settings.register_profile(
    "srdesk",
    deadline=None,
    database=None,
    print_blob=True,
    derandomize="CI" in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("srdesk")


# --- no network -----------------------------------------------------------------------------------------------------

_network_attempts: list[str] = []


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a path or bytes is AF_UNIX
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not _is_local(host):
        _network_attempts.append(f"{event} {host}")
        raise RuntimeError(f"Tests may not use the network: {event} {host}")


sys.addaudithook(_refuse_the_network)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    _network_attempts.clear()
    yield
    if _network_attempts:
        pytest.fail(f"used the network: {', '.join(_network_attempts)}")


# --- a home of its own ----------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Let files grow again as soon as a test has ended: pytest itself may be writing its report into one."""
    if sys.platform == "win32":
        return (yield)
    import resource

    try:
        return (yield)
    finally:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


@pytest.fixture(autouse=True)
def srdesk_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test its own SRDESK_HOME, a folder that does not exist yet."""
    name = re.sub(r"\W+", "_", request.node.name)[:60]
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_session_home.name), "home")
    monkeypatch.setenv("SRDESK_HOME", str(home))
    return home


# --- nothing said, nothing left over --------------------------------------------------------------------------------


class _WarningCollector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


@pytest.fixture(autouse=True)
def _no_unexpected_warning_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    expected = [re.compile(mark.args[0]) for mark in request.node.iter_markers("expects_warning_log")]
    collector = _WarningCollector()
    logging.getLogger().addHandler(collector)
    yield
    logging.getLogger().removeHandler(collector)
    surprises = [line for line in collector.lines if not any(pattern.search(line) for pattern in expected)]
    if surprises:
        pytest.fail("logged unexpectedly:\n" + "\n".join(surprises))
    for pattern in expected:
        if not any(pattern.search(line) for line in collector.lines):
            pytest.fail(f"never logged a warning like {pattern.pattern!r}")


def _is_foreign(thread: threading.Thread) -> bool:
    # Python makes a dummy for every thread of Qt or torch that once ran Python code, and keeps it for good.
    return isinstance(thread, threading._DummyThread)


def _children() -> set[psutil.Process]:
    # multiprocessing keeps one resource tracker for the life of the process.
    return {child for child in psutil.Process().children() if not _is_resource_tracker(child)}


def _is_resource_tracker(process: psutil.Process) -> bool:
    try:
        return "multiprocessing.resource_tracker" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _running_qt_threads() -> list[str]:
    """Name the running QThreads that Python knows of; dropping one of them would abort the process."""
    from PySide6.QtCore import QThread
    from shiboken6 import isValid

    mine = QThread.currentThread()
    # type() and not isinstance(), which asks each object for its __class__: one of torch's answers with a warning.
    threads = [found for found in gc.get_objects() if issubclass(type(found), QThread) and isValid(found)]
    return [repr(thread) for thread in threads if thread is not mine and thread.isRunning()]


@pytest.fixture(autouse=True)
def _nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    threads_before, children_before = set(threading.enumerate()), _children()
    yield
    give_up_at = time.monotonic() + LEAK_PATIENCE_S
    while True:
        threads = [t for t in threading.enumerate() if t not in threads_before and not _is_foreign(t)]
        children = [c for c in _children() - children_before if c.is_running()]
        if not threads and not children:
            break
        if time.monotonic() > give_up_at:
            for child in children:
                child.kill()
            pytest.fail(f"left running: threads {threads}, child processes {children}")
        time.sleep(0.01)
    if {"qtbot", "qapp"} & set(request.fixturenames) and (qt_threads := _running_qt_threads()):
        pytest.fail(f"left running: {qt_threads}")


@pytest.fixture(scope="session", autouse=True)
def _no_garbage_on_other_threads() -> Iterator[None]:
    """Collect as the desk does, see `srdesk.gui.garbage`: the garbage of one test is there while others run threads."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def _collect_between_tests() -> Iterator[None]:
    yield
    for generation in reversed(range(3)):
        if gc.get_count()[generation] > gc.get_threshold()[generation]:
            gc.collect(generation)
            break


@pytest.fixture
def make_geotiff(tmp_path: Path) -> Callable[..., Path]:
    """Return a maker of GeoTIFFs out of ``(bands, H, W)`` numbers, with options of rasterio."""
    from srdesk.imaging.scene.gdal_session import gdal_session

    def make(
        name: str, numbers: NDArray[np.generic], finish: Callable[[Any], None] | None = None, **options: Any
    ) -> Path:
        count, height, width = numbers.shape
        shape = {"count": count, "height": height, "width": width, "dtype": numbers.dtype.name}
        where = {"crs": "EPSG:32633", "transform": (10.0, 0.0, 5e5, 0.0, -10.0, 5e6)}
        with gdal_session() as rasterio:
            options = where | options
            if options["transform"] is not None:
                options["transform"] = rasterio.Affine(*options["transform"])
            with rasterio.open(tmp_path / name, "w", driver="GTiff", **shape, **options) as dataset:
                dataset.write(numbers)
                if finish is not None:
                    finish(dataset)
        return tmp_path / name

    return make


@pytest.fixture
def make_weights() -> Callable[..., Path]:
    """Return a maker of weights files with one tensor of four bytes."""
    from srdesk.engine.library import CARD_KEY

    def make(path: Path, name: str = "", architecture: str = "srresnet", data: bytes = b"1234") -> Path:
        card = {"name": name or path.stem, "architecture": architecture, "config": {}}
        card["sha256"] = hashlib.sha256(b"1234").hexdigest()
        slot = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
        text = json.dumps({"__metadata__": {CARD_KEY: json.dumps(card)}, "one": slot}).encode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(len(text).to_bytes(8, "little") + text + data)
        return path

    return make


@pytest.fixture
def read_pixels() -> Callable[[Path], NDArray[np.uint8]]:
    """Return a reader of the pixels of photos."""

    def read(path: Path) -> NDArray[np.uint8]:
        with PIL.Image.open(path) as opened:
            return np.asarray(opened)

    return read

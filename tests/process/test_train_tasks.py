"""The short tasks of `srdesk train` as processes that the desk watches and stops."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from srdesk.training import events

pytestmark = pytest.mark.process


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "srdesk", "train", *arguments, "--events"]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def finish(process: subprocess.Popen[bytes]) -> list[events.AnyEvent]:
    """Wait for the end without closing stdin first, whose end would stop the task."""
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdin, process.stdout, process.stderr:
        told = [events.decode(line) for line in process.stdout]
        assert process.wait(60) == 0, process.stderr.read().decode()
    return told


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        coarse = np.random.default_rng(seed).integers(0, 256, (26, 26, 3), dtype=np.uint8)
        PIL.Image.fromarray(coarse).resize((104, 104), PIL.Image.Resampling.BICUBIC).save(folder / f"{seed}.png")
    (folder / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    return folder


def test_a_check_ends_with_its_report(pictures: Path) -> None:
    *progress, report, finished = finish(start("--check", "--data", str(pictures)))
    assert all(isinstance(event, events.HealthProgress) for event in progress)
    assert isinstance(report, events.HealthReport)
    assert report.pictures == 3
    assert [Path(name).name for name, _ in report.corrupt] == ["cut.jpg"]
    assert isinstance(finished, events.Finished)
    assert finished.reason == "done"


class _Endless(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(13_510_573_713))
        self.end_headers()
        try:
            while not self.server.is_over.wait(0.01):  # type: ignore[attr-defined]
                self.wfile.write(bytes(10_000))
        except OSError:
            pass  # the one who asked is gone

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endless_url() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.is_over = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.is_over.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("way", ["the word", "the end of stdin"])
def test_a_download_is_stopped_and_keeps_what_came(endless_url: str, tmp_path: Path, way: str) -> None:
    process = start("--download-coco", str(tmp_path), "--coco-url", endless_url)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    if b'"failed"' in first and b"free space" in first:
        process.communicate()
        pytest.skip("20 GB do not fit here")
    assert isinstance(events.decode(first), events.Downloading)
    if way == "the word":
        process.stdin.write(b"stop\n")
        process.stdin.flush()
    else:
        process.stdin.close()
    with process.stdout, process.stderr:
        last = events.decode(list(process.stdout)[-1])
        assert process.wait(30) == 0
    process.stdin.close()
    assert isinstance(last, events.Finished)
    assert last.reason == "stopped"
    assert (tmp_path / "train2014.zip.part").stat().st_size > 0

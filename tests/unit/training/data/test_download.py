"""A download gets there over a bad line, keeps what came, and never takes a wrong file for the right one."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.errors import Cancelled, DownloadError
from srdesk.training import events
from srdesk.training.data import download
from srdesk.training.data.download import COCO_2014, COCO_URL, Patience, RemoteFile, run_download

CONTENT = bytes(range(256)) * 4096
FILES = [RemoteFile("train2014.zip", len(CONTENT), hashlib.md5(CONTENT).hexdigest())]
HASTE = Patience(answer_s=0.3, attempts=3, first_pause_s=0.01)


@dataclass
class Behaviour:
    """What the server does; each list entry is for one request, the last one for all further ones."""

    content: bytes = CONTENT
    breaks_after: list[int | None] = field(default_factory=lambda: [None])
    statuses: list[int] = field(default_factory=lambda: [200])
    has_ranges: bool = True
    has_length: bool = True
    etag: str = '"one"'
    redirects_to: str = ""
    piece_bytes: int = 2**30
    stalls: threading.Event | None = None
    requests: list[dict[str, str]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    behaviour: Behaviour

    def do_GET(self) -> None:
        does = self.behaviour
        count = len(does.requests)
        does.requests.append(dict(self.headers))
        status = does.statuses[min(count, len(does.statuses) - 1)]
        breaks_after = does.breaks_after[min(count, len(does.breaks_after) - 1)]
        if does.redirects_to and not self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", does.redirects_to)
            self.end_headers()
            return
        if status != 200:
            self.send_error(status)
            return
        self._send(does, breaks_after)

    def _send(self, does: Behaviour, breaks_after: int | None) -> None:
        first = self._first(does)
        body = does.content[first:]
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(does.content) - 1}/{len(does.content)}")
        if does.has_length:
            self.send_header("Content-Length", str(len(body)))
        if does.etag:
            self.send_header("ETag", does.etag)
        self.end_headers()
        body_sent = body[:breaks_after]
        for at in range(0, len(body_sent), does.piece_bytes):
            if at:
                time.sleep(0.01)
            self.wfile.write(body_sent[at : at + does.piece_bytes])
        if breaks_after is not None and does.stalls is not None:
            self.wfile.flush()
            does.stalls.wait(20)

    def _first(self, does: Behaviour) -> int:
        wanted = self.headers.get("Range")
        if not (does.has_ranges and wanted) or self.headers.get("If-Range", does.etag) != does.etag:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


Serve = Callable[[Behaviour], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[tuple[http.server.ThreadingHTTPServer, threading.Thread]] = []

    def start(behaviour: Behaviour) -> str:
        handler = type("BoundHandler", (Handler,), {"behaviour": behaviour})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = False  # so that closing waits for them
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


class Listener:
    """Keeps the events, and may do something at the first one about progress."""

    def __init__(self, at_progress: Callable[[], None] = lambda: None) -> None:
        self.told: list[events.AnyEvent] = []
        self._at_progress = at_progress

    def __call__(self, event: events.AnyEvent) -> None:
        self.told.append(event)
        if isinstance(event, events.Downloading):
            self._at_progress()


def fetch(folder: Path, url: str, *, files: list[RemoteFile] = FILES, listener: Listener | None = None) -> Listener:
    listener = listener or Listener()
    run_download(folder, listener, CancelToken(), url=url, files=files, patience=HASTE)
    return listener


def test_what_is_fetched_is_what_coco_publishes() -> None:
    assert COCO_URL == "http://images.cocodataset.org/zips"
    assert [(file.name, file.size_bytes) for file in COCO_2014] == [
        ("train2014.zip", 13_510_573_713),
        ("val2014.zip", 6_645_013_297),
    ]


def test_a_file_comes_whole_and_is_reported(serve: Serve, tmp_path: Path) -> None:
    told = fetch(tmp_path / "new" / "folder", serve(Behaviour())).told
    target = tmp_path / "new" / "folder" / "train2014.zip"
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert told[-1] == events.Downloaded(path=str(target))
    progress = [event for event in told if isinstance(event, events.Downloading)]
    assert progress[-1].done_bytes == progress[-1].total_bytes == len(CONTENT)
    assert progress[-1].bytes_per_second > 0


def test_a_line_that_breaks_off_again_and_again_gets_there(serve: Serve, tmp_path: Path) -> None:
    behaviour = Behaviour(breaks_after=[100_000, 100_000, 1, 300_000, None])
    fetch(tmp_path, serve(behaviour))
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT
    assert [request.get("Range") for request in behaviour.requests] == [
        None,
        "bytes=100000-",
        "bytes=200000-",
        "bytes=200001-",
        "bytes=500001-",
    ]
    assert behaviour.requests[-1]["If-Range"] == '"one"'


def test_a_server_that_answers_slowly_is_waited_for(serve: Serve, tmp_path: Path) -> None:
    behaviour = Behaviour(piece_bytes=50_000)
    fetch(tmp_path, serve(behaviour))
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT
    assert len(behaviour.requests) == 1


def test_a_server_that_says_nothing_any_more_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    stall = threading.Event()
    behaviour = Behaviour(breaks_after=[70_000, None], stalls=stall)
    try:
        fetch(tmp_path, serve(behaviour))
    finally:
        stall.set()
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT
    assert behaviour.requests[1]["Range"] == "bytes=70000-"


def test_a_later_start_goes_on_where_the_last_one_was_stopped(serve: Serve, tmp_path: Path) -> None:
    token, behaviour = CancelToken(), Behaviour(breaks_after=[400_000, None])
    url = serve(behaviour)
    with pytest.raises(Cancelled):
        run_download(tmp_path, Listener(token.cancel), token, url=url, files=FILES, patience=HASTE)
    kept_bytes = (tmp_path / "train2014.zip.part").stat().st_size
    assert 0 < kept_bytes < len(CONTENT)
    fetch(tmp_path, url)
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT
    assert behaviour.requests[1]["Range"] == f"bytes={kept_bytes}-"


def test_without_range_support_the_file_is_fetched_from_its_beginning(serve: Serve, tmp_path: Path) -> None:
    fetch(tmp_path, serve(Behaviour(breaks_after=[300_000, None], has_ranges=False)))
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


def test_a_part_of_another_version_is_not_continued(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "train2014.zip.part").write_bytes(b"old" * 1000)
    (tmp_path / "train2014.zip.part.etag").write_text('"old"')
    behaviour = Behaviour()
    fetch(tmp_path, serve(behaviour))
    assert behaviour.requests[0]["If-Range"] == '"old"'
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


def test_a_complete_part_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "train2014.zip.part").write_bytes(CONTENT)
    fetch(tmp_path, "http://127.0.0.1:9")
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


def test_wrong_bytes_are_removed_and_named(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="damaged and was removed") as failed:
        fetch(tmp_path, serve(Behaviour(content=bytes(len(CONTENT)))))
    assert "--coco-url" in failed.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"<html>Please log in</html>", CONTENT + b"more"])
def test_a_file_of_another_length_is_refused_before_it_is_fetched(serve: Serve, tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DownloadError, match=f"another file, of {len(content):,} bytes"):
        fetch(tmp_path, serve(Behaviour(content=content)))


def test_an_endless_answer_without_a_length_is_cut(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="longer than the file should be"):
        fetch(tmp_path, serve(Behaviour(content=CONTENT * 3, has_length=False)))
    assert (tmp_path / "train2014.zip.part").stat().st_size == 0


def test_a_missing_file_is_not_asked_for_again(serve: Serve, tmp_path: Path) -> None:
    behaviour = Behaviour(statuses=[404])
    with pytest.raises(DownloadError, match=r"train2014\.zip answers 404"):
        fetch(tmp_path, serve(behaviour))
    assert len(behaviour.requests) == 1


def test_a_busy_server_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    fetch(tmp_path, serve(Behaviour(statuses=[503, 500, 200])))
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


def test_attempts_that_bring_nothing_come_to_an_end(serve: Serve, tmp_path: Path) -> None:
    behaviour = Behaviour(breaks_after=[0])
    with pytest.raises(DownloadError, match="broke off"):
        fetch(tmp_path, serve(behaviour))
    assert len(behaviour.requests) == HASTE.attempts


def test_a_server_that_is_not_there_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="cannot be reached") as failed:
        fetch(tmp_path, "http://127.0.0.1:9")
    assert "goes on where it stopped" in failed.value.hint


def test_redirections_are_followed(serve: Serve, tmp_path: Path) -> None:
    elsewhere = serve(Behaviour())
    fetch(tmp_path, serve(Behaviour(redirects_to=f"{elsewhere}/moved/train2014.zip")))
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc", "ftp://127.0.0.1/zips", "zips"])
def test_only_web_addresses_are_asked(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match="does not begin with http"):
        fetch(tmp_path, url)


def test_a_redirection_away_from_the_web_is_not_followed(serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(DownloadError):
        fetch(tmp_path, serve(Behaviour(redirects_to="file:///etc/passwd")))


def test_a_disk_that_is_too_small_is_found_out_first(tmp_path: Path) -> None:
    huge = [RemoteFile("train2014.zip", 10**18, "")]
    with pytest.raises(DownloadError, match="GB of free space"):
        fetch(tmp_path, "http://127.0.0.1:9", files=huge)


def test_a_disk_that_gets_full_is_named_and_what_came_is_kept(serve: Serve, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    url = serve(Behaviour())
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(DownloadError, match="the disk says: File too large") as failed:
            fetch(tmp_path, url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert "what has come is kept" in failed.value.hint
    assert (tmp_path / "train2014.zip.part").stat().st_size == 300_000
    fetch(tmp_path, url)
    assert (tmp_path / "train2014.zip").read_bytes() == CONTENT


def test_a_file_that_is_there_is_checked_and_not_fetched(serve: Serve, tmp_path: Path) -> None:
    behaviour = Behaviour()
    (tmp_path / "train2014.zip").write_bytes(CONTENT)
    assert isinstance(fetch(tmp_path, serve(behaviour)).told[-1], events.Downloaded)
    assert behaviour.requests == []


def test_a_wrong_file_that_is_there_is_left_alone(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "train2014.zip").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="is there already"):
        fetch(tmp_path, serve(Behaviour()))
    assert (tmp_path / "train2014.zip").read_bytes() == b"mine"


def test_a_second_download_into_the_same_folder_is_refused(serve: Serve, tmp_path: Path) -> None:
    refused: list[DownloadError] = []
    url = serve(Behaviour())

    def try_as_well() -> None:
        with pytest.raises(DownloadError, match="another download") as caught:
            fetch(tmp_path, url)
        refused.append(caught.value)

    fetch(tmp_path, url, listener=Listener(try_as_well))
    assert refused


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="the disk says"):
        fetch(tmp_path / "file", "http://127.0.0.1:9")


def test_progress_is_told_at_most_four_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(download, "time", types.SimpleNamespace(monotonic=lambda: now_s[0]))
    listener = Listener()
    progress = download._Progress(RemoteFile("a", 10_000, ""), listener)
    progress.begin(0)
    for tick in range(1, 1001):
        now_s[0] = tick / 100
        progress.report(tick)
    assert len(listener.told) in (40, 41)
    last = listener.told[-1]
    assert isinstance(last, events.Downloading)
    assert last.bytes_per_second == pytest.approx(100, rel=0.02)

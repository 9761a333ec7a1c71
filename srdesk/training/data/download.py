"""Fetching COCO 2014: two archives of 20 GB together, over a line that may break at any time, and only when asked.

What has come is kept in ``NAME.part``, and the next attempt, of this process or a later one, asks for the rest. A file
gets its own name when all of it is on the disk and its checksum is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import filelock

from srdesk.engine.control import CancelToken
from srdesk.errors import DownloadError
from srdesk.imaging.atomic import PART_SUFFIX, flush_folder
from srdesk.training import events

COCO_URL = "http://images.cocodataset.org/zips"
"""Where the COCO project keeps its archives (https://cocodataset.org/#download)."""

REPORT_EVERY_S = 0.25
"""Least time between two events about progress."""

SPEED_WINDOW_S = 5.0
"""Time that the speed is taken over."""

_CHUNK_BYTES = 2**18
_HASH_CHUNK_BYTES = 2**22
_SPARE_BYTES = 2**28
"""Free space that is left to the rest of the system."""
_LOOK_EVERY_S = 0.1
_TRIED_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that another attempt may change (RFC 9110, section 15; RFC 6585; RFC 8470)."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that never changes, and how to know it."""

    name: str
    """Last part of its address, and its name on the disk."""
    size_bytes: int
    """Length."""
    md5: str
    """Checksum: what the world has published for these archives. It finds damage, not malice."""


COCO_2014 = (
    RemoteFile("train2014.zip", 13_510_573_713, "0da8c0bd3d6becc4dcb32757491aca88"),
    RemoteFile("val2014.zip", 6_645_013_297, "a3d79f5ed8d289b7a7554ce06a5782b3"),
)
"""82,783 and 40,504 pictures."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download bears with a line that does not work."""

    answer_s: float = 10.0
    """Longest time without a byte before the connection is given up; also the longest wait for a cancel."""
    attempts: int = 8
    """Attempts in a row that bring nothing before the download is given up."""
    first_pause_s: float = 1.0
    """Wait after the first of them; each further one is twice as long, up to a minute."""

    def pause_s(self, failures: int) -> float:
        """Return how long to wait after so many attempts that brought nothing."""
        return float(min(60.0, self.first_pause_s * 2.0 ** (failures - 1)))


def run_download(
    folder: Path,
    tell: Callable[[events.AnyEvent], None],
    token: CancelToken,
    *,
    url: str = COCO_URL,
    files: Sequence[RemoteFile] = COCO_2014,
    patience: Patience | None = None,
) -> None:
    """Fetch the archives of COCO 2014 into a folder, or what is missing of them.

    Args:
        folder: where they will be; made if need be.
        tell: hears `Downloading` a few times a second, `Downloaded` for each file, and `Notice`.
        token: looked at all the time; what has come is kept.
        url: the folder of the archives on a web server.
        files: what to fetch.
        patience: with bad lines.

    Raises:
        DownloadError: the server, the line or the disk does not allow it, or what came is not the file.
        Cancelled: someone asked to stop.
    """
    if not url.startswith(("http://", "https://")):
        raise DownloadError(url, "its address does not begin with http:// or https://", hint="Check --coco-url.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _held(folder):
            _check_space(folder, files)
            for file in files:
                _Download(folder, url.rstrip("/"), file, tell, token, patience or Patience()).run()
    except OSError as error:
        hint = "Choose a folder that you can write to and that has enough free space; what has come is kept."
        raise DownloadError(folder.name, f"the disk says: {error.strerror or error}", hint=hint) from error


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other downloads out of the folder."""
    lock = filelock.FileLock(folder / "download.lock", blocking=False)
    try:
        with lock:
            try:
                yield
            finally:
                with contextlib.suppress(OSError):  # Windows does not remove what is open
                    Path(lock.lock_file).unlink(missing_ok=True)
    except filelock.Timeout as error:
        hint = "Wait for the other one, or stop it."
        raise DownloadError(folder.name, "another download into this folder is going on", hint=hint) from error


def _check_space(folder: Path, files: Sequence[RemoteFile]) -> None:
    missing_bytes = 0
    for file in files:
        if not (folder / file.name).exists():
            part = folder / (file.name + PART_SUFFIX)
            missing_bytes += file.size_bytes - (part.stat().st_size if part.exists() else 0)
    free_bytes = shutil.disk_usage(folder).free
    if missing_bytes and missing_bytes + _SPARE_BYTES > free_bytes:
        needed, free = f"{(missing_bytes + _SPARE_BYTES) / 1e9:.1f} GB", f"{free_bytes / 1e9:.1f} GB"
        hint = "Choose a folder on a larger disk, or make room."
        raise DownloadError(folder.name, f"it needs {needed} of free space and there are {free}", hint=hint)


class _LineError(Exception):
    """The line or the server failed in a way that another attempt may mend."""


class _Download:
    """The way of one file."""

    def __init__(
        self,
        folder: Path,
        url: str,
        file: RemoteFile,
        tell: Callable[[events.AnyEvent], None],
        token: CancelToken,
        patience: Patience,
    ) -> None:
        self._file, self._tell, self._token, self._patience = file, tell, token, patience
        self._url = f"{url}/{file.name}"
        self._target = folder / file.name
        self._part = folder / (file.name + PART_SUFFIX)
        self._validator = folder / (file.name + PART_SUFFIX + ".etag")
        self._progress = _Progress(file, tell)

    def run(self) -> None:
        """Make the file be there."""
        if self._target.exists():
            self._verify(self._target, "Move it away, and start again.")
        else:
            self._fetch()
            self._verify(self._part, "Start the download again; if that does not help, try a mirror with --coco-url.")
            self._part.replace(self._target)
            flush_folder(self._target.parent)
        self._validator.unlink(missing_ok=True)
        self._tell(events.Downloaded(path=str(self._target)))

    def _fetch(self) -> None:
        """Ask for what is missing until all of it is in the part file."""
        failures = 0
        with self._part.open("ab") as part:
            most_bytes = part.tell()
            while part.tell() < self._file.size_bytes:
                self._token.check()
                try:
                    self._attempt(part)
                    continue
                except _LineError as error:
                    reason = str(error)
                failures = 1 if part.tell() > most_bytes else failures + 1
                most_bytes = max(most_bytes, part.tell())
                if failures >= self._patience.attempts:
                    raise DownloadError(self._file.name, reason)
                self._wait(self._patience.pause_s(failures))
            part.flush()
            os.fsync(part.fileno())

    def _attempt(self, part: BinaryIO) -> None:
        """Ask once, and take what comes.

        Raises:
            _LineError: less came than is missing.
            DownloadError: the server has something else.
        """
        done_bytes = part.tell()
        request = urllib.request.Request(self._url, headers=self._headers(done_bytes))
        try:
            response = urllib.request.urlopen(request, timeout=self._patience.answer_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and done_bytes:
                _cut(part, 0)
                raise _LineError("the server does not know the part that is missing") from error
            if error.code in _TRIED_AGAIN:
                raise _LineError(f"the server answers {error.code} ({error.reason})") from error
            hint = "Check the address, or try a mirror with --coco-url."
            raise DownloadError(
                self._file.name, f"{self._url} answers {error.code} ({error.reason})", hint=hint
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise _LineError(f"the server cannot be reached ({_words(error)})") from error
        with response:
            self._begin(response, part)
            self._take(response, part)
        if part.tell() < self._file.size_bytes:
            raise _LineError("the connection broke off")

    def _headers(self, done_bytes: int) -> dict[str, str]:
        headers = {"User-Agent": "srdesk", "Accept-Encoding": "identity"}
        if done_bytes:
            headers["Range"] = f"bytes={done_bytes}-"
            if self._validator.exists() and (validator := self._validator.read_text()):
                headers["If-Range"] = validator
        return headers

    def _begin(self, response: http.client.HTTPResponse, part: BinaryIO) -> None:
        """Make the part file end where the answer begins, or refuse an answer that is about another file."""
        begins_at, total_bytes = 0, response.length
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            begins_at, total_bytes = _content_range(response.headers.get("Content-Range", ""))
        if total_bytes not in (None, self._file.size_bytes):
            hint = "Try again from another network, or a mirror with --coco-url."
            reason = f"{self._url} is another file, of {total_bytes:,} bytes instead of {self._file.size_bytes:,}"
            raise DownloadError(self._file.name, reason, hint=hint)
        if begins_at > part.tell():
            raise _LineError("the server sends another part than was asked for")
        _cut(part, begins_at)
        etag = response.headers.get("ETag", "")
        # RFC 9110, section 13.1.5: a weak tag does not tell whether bytes are the same.
        validator = response.headers.get("Last-Modified", "") if etag.startswith("W/") or not etag else etag
        self._validator.write_text(validator)

    def _take(self, response: http.client.HTTPResponse, part: BinaryIO) -> None:
        self._progress.begin(part.tell())
        while True:
            self._token.check()
            try:
                chunk = response.read1(_CHUNK_BYTES)
            except (OSError, http.client.HTTPException) as error:
                raise _LineError(f"the connection broke off ({_words(error)})") from error
            if not chunk:
                return
            if part.tell() + len(chunk) > self._file.size_bytes:
                _cut(part, 0)
                hint = "Try again from another network, or a mirror with --coco-url."
                raise DownloadError(self._file.name, f"{self._url} is longer than the file should be", hint=hint)
            part.write(chunk)
            self._progress.report(part.tell())

    def _verify(self, path: Path, hint: str) -> None:
        """Compare length and checksum; a part file that is wrong is removed.

        Raises:
            DownloadError: they are not those of the file.
        """
        self._tell(events.Notice(message=f"Checking “{self._file.name}”."))
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK_BYTES):
                self._token.check()
                digest.update(chunk)
        if digest.hexdigest() == self._file.md5:
            return
        if path == self._part:
            path.unlink()
            self._validator.unlink(missing_ok=True)
            raise DownloadError(self._file.name, "what came is damaged and was removed", hint=hint)
        raise DownloadError(self._file.name, f"“{path}” is there already and is not the file of COCO", hint=hint)

    def _wait(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self._token.check()
            time.sleep(min(_LOOK_EVERY_S, seconds))


class _Progress:
    """Tells how far the download is and how fast, not more often than is good for whoever listens."""

    def __init__(self, file: RemoteFile, tell: Callable[[events.AnyEvent], None]) -> None:
        self._file = file
        self._tell = tell
        self._told_s = float("-inf")
        self._points: deque[tuple[float, int]] = deque()

    def begin(self, done_bytes: int) -> None:
        """Measure the speed anew: what was there already did not come now."""
        self._points = deque([(time.monotonic(), done_bytes)])

    def report(self, done_bytes: int) -> None:
        """Tell, unless that was done very recently."""
        now_s = time.monotonic()
        if now_s - self._told_s < REPORT_EVERY_S and done_bytes < self._file.size_bytes:
            return
        self._told_s = now_s
        self._points.append((now_s, done_bytes))
        while len(self._points) > 2 and now_s - self._points[0][0] > SPEED_WINDOW_S:
            self._points.popleft()
        since_s, since_bytes = self._points[0]
        self._tell(
            events.Downloading(
                name=self._file.name,
                done_bytes=done_bytes,
                total_bytes=self._file.size_bytes,
                bytes_per_second=(done_bytes - since_bytes) / max(now_s - since_s, 1e-3),
            )
        )


def _cut(part: BinaryIO, length_bytes: int) -> None:
    part.truncate(length_bytes)
    part.seek(length_bytes)


def _content_range(header: str) -> tuple[int, int | None]:
    """Return where the sent part begins, and how long the whole is (RFC 9110, section 14.4)."""
    unit, _, rest = header.partition(" ")
    span, _, total = rest.partition("/")
    first = span.partition("-")[0]
    if unit != "bytes" or not first.isdecimal() or not (total.isdecimal() or total == "*"):
        raise _LineError("the server does not say which part it sends")
    return int(first), None if total == "*" else int(total)


def _words(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        return _words(error.reason)
    if isinstance(error, TimeoutError):
        return "no answer for too long"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__

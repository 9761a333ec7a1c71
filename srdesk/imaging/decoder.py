"""Opening pictures in a process of their own, so that no file can take the desk down, hang it or fill its memory."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol, TypeVar

import msgspec
import numpy as np

from srdesk.errors import Cancelled, ImageReadError, UnsupportedImageError
from srdesk.imaging import decode_wire
from srdesk.imaging.fits.structure import BZIP2_MAGIC, GZIP_MAGIC
from srdesk.imaging.image import Image
from srdesk.imaging.probe import MAX_DECODED_BYTES, MAX_SIDE_PX
from srdesk.imaging.stored import Numbers, StoredImage

FROZEN_FLAG = "--decode-child"
"""First argument with which a frozen application, which has no ``-m``, starts itself as the child."""

_START_LIMIT_S = 60.0
_HEADER_LIMIT_S = 5.0
_IMPORT_LIMIT_S = 30.0
"""What the first file of a kind is given on top, since the libraries that read it are loaded for it."""

_DECODE_BYTES_PER_S = 10e6
"""Slowest decoding that is not taken for a hang: a tenth of what a small laptop does."""

_PACKED_BYTES_PER_S = 2e6
"""Slowest unpacking of gzip or bzip2 that is not taken for a hang, in bytes of the packed file."""

_LOOK_EVERY_S = 0.03
_LAST_WORDS_S = 0.5
_MAX_BLOCK_BYTES = 64 * 2**20
_PIPE_BYTES = 2**20

_log = logging.getLogger(__name__)
_AnswerT = TypeVar("_AnswerT")


class Cancellable(Protocol):
    """What the decoder needs to know of a cancel token."""

    @property
    def is_cancelled(self) -> bool:
        """Whether someone asked to stop."""


class Decoder:
    """One decode child, started when it is first needed and again after it crashed, hung or was stopped.

    Safe to use from several threads, one picture at a time. To be closed, or used as a context manager.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._known_kinds: set[tuple[str, bool]] = set()
        self._is_closed = False

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the child now, so that the first picture need not wait for it.

        Raises:
            ImageReadError: this system cannot start it.
            Cancelled: the decoder was closed.
        """
        with self._turn:
            self._ready_child(Path("picture"))

    def open(self, path: Path | str, token: Cancellable | None = None, *, part: str = "") -> Image:
        """Open a picture as `srdesk.imaging.formats.open_image` does, within limits of time and memory.

        Args:
            path: the file.
            token: looked at several times a second; once it is raised, the child is stopped.
            part: which picture of a file with several, as `srdesk.imaging.fits.reader.probe` has it.

        Raises:
            ImageReadError: the file is missing, no regular file, damaged, or crashes or hangs the decoder.
            UnsupportedImageError: it is of a kind or size that is not handled.
            Cancelled: the token was raised, or the decoder was closed.
        """
        return self.open_stored(path, token, part=part).to_image()

    def open_stored(self, path: Path | str, token: Cancellable | None = None, *, part: str = "") -> StoredImage:
        """Open a picture as the numbers in its file; otherwise as `open`."""
        return self._open(Path(path), _request(Path(path), part=part), None, token)

    def open_stored_bytes(self, content: bytes, path: Path | str, token: Cancellable | None = None) -> StoredImage:
        """Open a picture that is in memory, as a member of an archive is, and that errors call ``path``; as `open`."""
        return self._open(Path(path), _request(Path(path), content_bytes=len(content)), content, token)

    def open_scene(self, path: Path | str, token: Cancellable | None = None, *, bands: tuple[int, ...] = ()) -> Image:
        """Open bands of a scene that can be held in memory as `srdesk.imaging.scene.held.read` does; as `open`."""
        request = _request(Path(path), bands=bands)
        return self._open(Path(path), request, None, token).to_image()

    def _open(
        self, path: Path, request: decode_wire.Open, content: bytes | None, token: Cancellable | None
    ) -> StoredImage:
        with self._turn:
            child = self._ready_child(path)
            kind = (path.suffix.lower(), request.bands is not None)
            limit_s = _HEADER_LIMIT_S + _packed_bytes(path, content) / _PACKED_BYTES_PER_S
            watch = _Watch(child, token, limit_s + (0.0 if kind in self._known_kinds else _IMPORT_LIMIT_S))
            try:
                with watch:
                    stored = self._exchange(child, path, request, content, watch)
            except (_ChildEndedError, OSError):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.wait(_LAST_WORDS_S)  # so that the log has its own status and not that of the kill
                self._dismiss()
                self._say_why(path, child, watch)
            except BaseException as error:
                if not isinstance(error, ImageReadError | UnsupportedImageError):
                    self._dismiss()  # an answer may still be on its way
                raise
            else:
                self._known_kinds.add(kind)
            finally:
                if watch.was_cancelled or watch.was_late:
                    self._dismiss()  # it was killed, maybe just after its answer
        stored.freeze()
        return stored

    def close(self) -> None:
        """Stop the child; a picture that is being opened in another thread is cancelled. May be called again."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.kill()
        with self._turn:
            self._dismiss()

    def _ready_child(self, path: Path) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is not None:
            self._dismiss()
        is_new = self._child is None and not self._is_closed
        if is_new:
            self._child = _started()
        # Only now, since `close` first raises this flag and then kills the child that it sees.
        if self._is_closed or self._child is None:
            raise Cancelled
        if is_new:
            with _Watch(self._child, None, _START_LIMIT_S):
                try:
                    _read_answer(self._child, decode_wire.Ready)
                except (_ChildEndedError, OSError) as error:
                    self._dismiss()
                    if self._is_closed:
                        raise Cancelled from error
                    raise ImageReadError(path, "the process that opens pictures does not start") from error
        return self._child

    def _exchange(
        self,
        child: subprocess.Popen[bytes],
        path: Path,
        request: decode_wire.Open,
        content: bytes | None,
        watch: _Watch,
    ) -> StoredImage:
        """Ask for a picture and take it.

        Raises:
            _ChildEndedError: the child is gone, or says what it never says.
            ImageReadError: its answer.
            UnsupportedImageError: its answer.
        """
        assert child.stdin is not None
        child.stdin.write(msgspec.json.encode(request) + b"\n" + (content or b""))
        child.stdin.flush()
        answer = _read_answer(child, decode_wire.Began, decode_wire.Failed)
        if isinstance(answer, decode_wire.Began):
            watch.extend(min(answer.decoded_bytes, MAX_DECODED_BYTES) / _DECODE_BYTES_PER_S)
            answer = _read_answer(child, decode_wire.Opened, decode_wire.Failed)
        if isinstance(answer, decode_wire.Failed):
            kind = ImageReadError if answer.kind == "read" else UnsupportedImageError
            raise kind(path, answer.reason, hint=answer.hint)
        assert isinstance(answer, decode_wire.Opened)
        return _receive(child, answer)

    def _say_why(self, path: Path, child: subprocess.Popen[bytes], watch: _Watch) -> None:
        if watch.was_cancelled or self._is_closed:
            raise Cancelled
        if watch.was_late:
            raise ImageReadError(path, "decoding it does not come to an end")
        _log.warning("the decoder ended with status %s on %s", child.returncode, path)
        raise ImageReadError(path, "it is damaged in a way that ended its decoder")

    def _dismiss(self) -> None:
        child, self._child = self._child, None
        self._known_kinds.clear()
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # unsent requests have nowhere to go
                    stream.close()


class _ChildEndedError(Exception):
    """The child is gone, or does not keep to the protocol."""


class _Watch:
    """Kills a child that takes too long or is no longer wanted, whose pipe then ends for whoever reads it."""

    def __init__(self, child: subprocess.Popen[bytes], token: Cancellable | None, limit_s: float) -> None:
        self.was_cancelled = False
        self.was_late = False
        self._child = child
        self._token = token
        self._deadline_s = time.monotonic() + limit_s
        self._is_done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decode-watch", daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_done.set()
        self._thread.join()

    def extend(self, seconds: float) -> None:
        """Give the child more time."""
        self._deadline_s += seconds

    def _run(self) -> None:
        while not self._is_done.wait(_LOOK_EVERY_S):
            self.was_cancelled = self._token is not None and self._token.is_cancelled
            self.was_late = time.monotonic() > self._deadline_s
            if self.was_cancelled or self.was_late:
                self._child.kill()
                return


def _request(
    path: Path, *, content_bytes: int | None = None, part: str = "", bands: tuple[int, ...] | None = None
) -> decode_wire.Open:
    absolute = os.fsencode(os.path.abspath(path))  # noqa: PTH100 - links are not to be resolved
    return decode_wire.Open(absolute, content_bytes, part, bands)


def _packed_bytes(path: Path, content: bytes | None) -> int:
    """Return the size of a file that has to be unpacked before its header can be read; 0 of any other."""
    magic = (GZIP_MAGIC, BZIP2_MAGIC)
    if content is not None:
        return len(content) if content.startswith(magic) else 0
    with contextlib.suppress(OSError):  # the child will say why
        if path.is_file():
            with path.open("rb") as stream:
                return os.fstat(stream.fileno()).st_size if stream.read(3).startswith(magic) else 0
    return 0


def _started() -> subprocess.Popen[bytes]:
    if getattr(sys, "frozen", False):
        command = [sys.executable, FROZEN_FLAG]
    else:
        # -P: modules that lie in the current folder, perhaps beside a downloaded picture, are not to be imported.
        command = [sys.executable, "-P", "-m", "srdesk.imaging.decode_child"]
    # One thread: the mapped stacks of a thread pool would count against the address-space limit.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    package_folder = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package_folder, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        pipesize=_PIPE_BYTES,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _read_answer(child: subprocess.Popen[bytes], *kinds: type[_AnswerT]) -> _AnswerT:
    """Read one line and make sure that it is one of ``kinds``.

    Raises:
        _ChildEndedError: it is not.
    """
    assert child.stdout is not None
    line = child.stdout.readline(decode_wire.MAX_LINE_BYTES)
    try:
        answer = msgspec.json.decode(line, type=decode_wire.Answer)
    except msgspec.MsgspecError as error:
        raise _ChildEndedError from error
    if not isinstance(answer, kinds):
        raise _ChildEndedError
    return answer


def _receive(child: subprocess.Popen[bytes], opened: decode_wire.Opened) -> StoredImage:
    """Take the pixels and blocks that were announced, none of whose sizes is believed unchecked."""
    assert child.stdout is not None
    sides_are_sound = 0 < opened.height <= MAX_SIDE_PX and 0 < opened.width <= MAX_SIDE_PX
    if not sides_are_sound or opened.numbers_bytes > MAX_DECODED_BYTES:
        raise _ChildEndedError
    shape = (opened.height, opened.width, opened.channels)
    numbers = _read_array(child.stdout, shape, opened.dtype)
    alpha = _read_array(child.stdout, shape[:2], opened.dtype) if opened.has_alpha else None
    sizes = (opened.icc_profile_bytes, opened.exif_bytes, opened.xmp_bytes, opened.iptc_bytes)
    return decode_wire.assembled(opened, numbers, alpha, _read_blocks(child.stdout, sizes))


def _read_array(stream: IO[bytes], shape: tuple[int, ...], dtype: str) -> Numbers:
    array: Numbers = np.empty(shape, dtype)
    view = array.reshape(-1).view(np.uint8).data
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined] # a buffered pipe has it
        if not count:
            raise _ChildEndedError
        view = view[count:]
    return array


def _read_blocks(stream: IO[bytes], sizes: tuple[int | None, ...]) -> Iterator[bytes | None]:
    for size in sizes:
        if size is None:
            yield None
            continue
        if not 0 <= size <= _MAX_BLOCK_BYTES:
            raise _ChildEndedError
        block = stream.read(size)
        if len(block) < size:
            raise _ChildEndedError
        yield block

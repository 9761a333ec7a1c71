"""The process in which untrusted bytes are decoded: started by `srdesk.imaging.decoder`, and nothing without it.

It reads requests from its standard input and ends when that does, which is also when its parent dies. An exception that
is not an `ImageError` ends it, as a crash of a decoding library does; the parent reports both as a damaged file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import BinaryIO

ADDRESS_SPACE_BYTES = 5 * 2**29
"""Limit of the address space where the system has one: the largest picture within budget, decoded, turned and sent."""


def main() -> int:
    """Answer requests until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent to decide on
    requests, answers = _wire()
    _limit_address_space()
    warnings.simplefilter("ignore")
    logging.disable()

    from srdesk.imaging.decode_wire import Ready

    _say(answers, Ready())
    with contextlib.suppress(BrokenPipeError):
        while line := requests.readline():
            _answer(line, requests, answers)
    return 0


def _wire() -> tuple[BinaryIO, BinaryIO]:
    """Take the two standard streams for the protocol, so that a library's print cannot get into it."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    with Path(os.devnull).open("r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    return requests, answers


def _limit_address_space() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(ValueError, OSError):  # macOS refuses it
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(line: bytes, requests: BinaryIO, answers: BinaryIO) -> None:
    import msgspec

    from srdesk.errors import ImageReadError, UnsupportedImageError
    from srdesk.imaging import decode_wire, formats
    from srdesk.imaging.probe import check_budget
    from srdesk.imaging.scene import held

    request = msgspec.json.decode(line, type=decode_wire.Open)
    path = Path(os.fsdecode(request.path))
    content = None if request.content_bytes is None else requests.read(request.content_bytes)
    try:
        if request.bands is not None:
            probed = held.probe(path, request.bands)
        elif content is None:
            probed = formats.probe_image(path, request.part)
        else:
            probed = formats.probe_image_bytes(content, path)
        check_budget(path, probed)
        _say(answers, decode_wire.Began(probed.decoded_bytes))
        if request.bands is not None:
            stored = held.read(path, request.bands)
        elif content is None:
            stored = formats.open_stored(path, request.part)
        else:
            stored = formats.open_stored_bytes(content, path)
    except ImageReadError as error:
        _say(answers, decode_wire.Failed("read", error.reason, error.hint))
    except UnsupportedImageError as error:
        _say(answers, decode_wire.Failed("unsupported", error.reason, error.hint))
    else:
        _say(answers, decode_wire.announcement(stored))
        for part in decode_wire.payload(stored):
            _write(answers, part)


def _say(answers: BinaryIO, message: object) -> None:
    import msgspec

    _write(answers, msgspec.json.encode(message) + b"\n")


def _write(answers: BinaryIO, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[answers.write(view) :]


if __name__ == "__main__":
    sys.exit(main())

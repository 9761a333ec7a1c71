"""Checksums of files: how a picture, weights or a result are known again, whatever they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from srdesk.errors import ImageReadError
from srdesk.imaging.formats import regular_file

_CHUNK_BYTES = 1 << 22


def file_sha256(path: Path, check: Callable[[], None] | None = None) -> str:
    """Return the SHA-256 of a file.

    Raises:
        ImageReadError: it cannot be read.
    """
    return file_digest(path, check)[0]


def file_digest(path: Path, check: Callable[[], None] | None = None) -> tuple[str, int]:
    """Return the SHA-256 and the length of a file.

    Raises:
        ImageReadError: it cannot be read.
    """
    try:
        with regular_file(path) as stream:
            return _digest(stream, check)
    except OSError as error:
        raise ImageReadError(path, (error.strerror or "reading failed").lower()) from error


def sha256_of(stream: BinaryIO) -> str:
    """Return the SHA-256 of what is left of a stream."""
    return _digest(stream, None)[0]


def _digest(stream: BinaryIO, check: Callable[[], None] | None) -> tuple[str, int]:
    """Return the SHA-256 and the length of what is left of a stream."""
    digest, size_bytes = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK_BYTES):
        digest.update(chunk)
        size_bytes += len(chunk)
        if check is not None:
            check()
    return digest.hexdigest(), size_bytes

"""Checksums that other programs print as well."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from srdesk.engine.control import CancelToken
from srdesk.engine.trust.digest import file_digest, file_sha256, sha256_of
from srdesk.errors import Cancelled, ImageReadError


def test_the_checksum_is_that_of_the_whole_file(tmp_path: Path) -> None:
    content = os.urandom(5 << 20)  # more than one piece
    (tmp_path / "f").write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert file_sha256(tmp_path / "f") == expected
    assert file_digest(tmp_path / "f") == (expected, len(content))
    with (tmp_path / "f").open("rb") as stream:
        assert sha256_of(stream) == expected


def test_it_can_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        file_sha256(tmp_path / "f", token.check)


def test_what_is_no_file_is_said_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "nowhere", "\0"):
        with pytest.raises(ImageReadError):
            file_sha256(tmp_path / name)

"""The record beside a result: written and read again whole, and never trusted."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from srdesk.engine.trust.provenance import Computing, ModelFile, Options, OutputFile, Provenance, SourceFile
from srdesk.engine.trust.sidecar import moved, read_sidecar, sidecar_path, source_path, write_sidecar
from srdesk.errors import ImageWriteError, SidecarError

SHA256 = "0123456789abcdef" * 4
RECORD = Provenance(
    source=SourceFile(sha256=SHA256, size_bytes=5, name="../in/photo.png", part="SCI", bands=(3, 2, 1)),
    model=ModelFile(name="tiny", architecture="srresnet", file="tiny.safetensors", sha256=SHA256),
    options=Options(size="2x", background=(1, 2, 3), back_projection=0.25, window_px=64),
    created="2026-01-02T03:04:05Z",
    output=OutputFile(name="large.png", sha256=SHA256, size_bytes=6),
    computing=Computing(
        device="cpu",
        precision="fp32",
        threads=2,
        processor="AVX2",
        seconds=0.5,
        window_px=64,
        libraries={"torch": "2"},
    ),
)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = write_sidecar(tmp_path / "large.png", RECORD)
    assert path == sidecar_path(tmp_path / "large.png") == tmp_path / "large.png.srdesk.json"
    assert read_sidecar(path) == RECORD


def test_an_old_one_is_replaced(tmp_path: Path) -> None:
    write_sidecar(tmp_path / "large.png", RECORD)
    write_sidecar(tmp_path / "large.png", msgspec.structs.replace(RECORD, created="later"))
    assert read_sidecar(tmp_path / "large.png.srdesk.json").created == "later"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match="no such file"):
        write_sidecar(tmp_path / "nowhere" / "large.png", RECORD)


def test_the_picture_is_told_as_seen_from_the_sidecar(tmp_path: Path) -> None:
    path = tmp_path / "out" / "large.png.srdesk.json"
    assert os.path.normpath(source_path(path, RECORD)) == str(tmp_path / "in" / "photo.png")
    there = moved(RECORD, tmp_path / "photo.png", tmp_path / "deep" / "er" / "large.png")
    assert there.source.name == "../../photo.png"
    assert there.output == RECORD.output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no record"),
        (b"\xff\xfe", "no record"),
        (b"[" * 100_000, "no record"),
        (b"{}", "no record"),
        (b" " * (1 << 20) + b"{}", "too long"),
        (msgspec.json.encode(RECORD).replace(b'"format":1', b'"format":2'), "its format is 2"),
        (msgspec.json.encode(RECORD).replace(SHA256.encode(), b"ABC"), "no record"),
        (msgspec.json.encode(RECORD).replace(b'"back_projection":0.25', b'"back_projection":7'), "no record"),
        (msgspec.json.encode(RECORD)[:-9], "no record"),
    ],
)
def test_what_is_no_record_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.srdesk.json"
    path.write_bytes(content)
    with pytest.raises(SidecarError, match=said) as raised:
        read_sidecar(path)
    assert "\n" not in str(raised.value)


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.srdesk.json")
    with pytest.raises(SidecarError, match="a pipe"):
        read_sidecar(tmp_path / "x.srdesk.json")

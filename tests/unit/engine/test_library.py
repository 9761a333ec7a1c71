"""The weights folders as a list."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srdesk.engine.library import CARD_KEY, WeightsLibrary, read_header
from srdesk.errors import WeightsFormatError


def header_file(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_a_sound_file_is_listed_with_its_card(weights_file: Path) -> None:
    (entry,) = WeightsLibrary([weights_file.parent]).entries()
    assert (entry.name, entry.path, entry.error) == ("narrow", weights_file, None)
    assert entry.card is not None
    assert (entry.card.architecture, entry.card.steps) == ("srresnet", 7)


def test_a_broken_file_is_listed_with_its_reason(weights_file: Path) -> None:
    broken = weights_file.with_name("broken.safetensors")
    broken.write_bytes(weights_file.read_bytes()[:-1])
    entry = WeightsLibrary([weights_file.parent]).find("broken")
    assert entry is not None
    assert entry.card is None
    assert isinstance(entry.error, WeightsFormatError)
    assert "broken.safetensors" in str(entry.error)


def test_folders_that_do_not_exist_are_empty(tmp_path: Path) -> None:
    assert WeightsLibrary([tmp_path / "missing"]).entries() == []


def test_other_files_are_not_listed(weights_file: Path) -> None:
    weights_file.with_name("readme.txt").write_text("hello")
    assert len(WeightsLibrary([weights_file.parent]).entries()) == 1


def test_weights_of_a_later_folder_never_hide_those_of_an_earlier_one(weights_file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("mine", "narrow"):
        shutil.copy(weights_file, mine / f"{name}.safetensors")
    library = WeightsLibrary([weights_file.parent, mine])
    assert [(entry.name, entry.path) for entry in library.entries()] == [
        ("narrow", weights_file),
        ("mine", mine / "mine.safetensors"),
        ("narrow-2", mine / "narrow.safetensors"),
    ]
    shipped = library.find("narrow")
    assert shipped is not None
    assert shipped.path == weights_file
    assert library.find("nothing") is None


def test_a_card_can_say_what_later_versions_will_add(tmp_path: Path) -> None:
    card = {"name": "n", "architecture": "srresnet", "config": {}, "colour": "blue"}
    path = header_file(tmp_path / "n.safetensors", {"__metadata__": {CARD_KEY: json.dumps(card)}})
    assert read_header(path).card.name == "n"


SLOT = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
CARD = {CARD_KEY: json.dumps({"name": "n", "architecture": "srresnet", "config": {}})}


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a safetensors file"),
        (b"x", "not a safetensors file"),
        (b"<html><body>Not found</body></html>", "not a safetensors file"),
        (b"\x80\x04\x95\x10\x00\x00\x00\x00", "contains code"),
        (b"PK\x03\x04" + bytes(60), "contains code"),
        ((1 << 20).to_bytes(8, "little") + b"{}", "cut short"),
        ((1 << 63).to_bytes(8, "little") + b"{}", "longer than 1 MB"),
    ],
)
def test_files_of_other_kinds_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsFormatError, match=reason):
        read_header(path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        (b"{", b"", "header is damaged"),
        (b"[]", b"", "header is damaged"),
        (b"\xff\xfe", b"", "header is damaged"),
        (b"[" * 100_000, b"", "header is damaged"),
        ({"__metadata__": {CARD_KEY: 3}}, b"", "header is damaged"),
        ({"a": {"dtype": "F32", "shape": ["x"], "data_offsets": [0, 4]}}, b"1234", "header is damaged"),
        ({"a": SLOT}, b"1234", "no card"),
        ({"a": SLOT, "__metadata__": {CARD_KEY: "{}"}}, b"1234", "card is damaged"),
        ({"a": SLOT, "__metadata__": {CARD_KEY: "[" * 100_000}}, b"1234", "card is damaged"),
        ({"a": SLOT, "__metadata__": CARD}, b"12345", "fill the file exactly"),
        ({"a": SLOT, "b": SLOT, "__metadata__": CARD}, b"1234", "fill the file exactly"),
        ({"a": {**SLOT, "data_offsets": [4, 0]}, "__metadata__": CARD}, b"", "fill the file exactly"),
        ({"a": {**SLOT, "shape": [-1]}, "__metadata__": CARD}, b"1234", "fill the file exactly"),
        ({str(number): {**SLOT, "data_offsets": [0, 0]} for number in range(5001)}, b"", "more than 5000"),
    ],
)
def test_damaged_headers_are_refused(tmp_path: Path, header: object, data: bytes, reason: str) -> None:
    with pytest.raises(WeightsFormatError, match=reason):
        read_header(header_file(tmp_path / "x.safetensors", header, data))


@pytest.mark.hostile
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_a_fifo_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "fifo.safetensors"
    os.mkfifo(path)
    with pytest.raises(WeightsFormatError, match="not a regular file"):
        read_header(path)


@pytest.mark.hostile
def test_links_and_folders_that_are_no_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "dangling.safetensors").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.safetensors").symlink_to(tmp_path / "loop.safetensors")
    entries = WeightsLibrary([tmp_path]).entries()
    assert len(entries) == 3
    assert all(isinstance(entry.error, WeightsFormatError) for entry in entries)


@pytest.mark.process
def test_listing_weights_does_not_load_torch(weights_file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from srdesk.engine.library import WeightsLibrary;"
        f"assert WeightsLibrary([Path({str(weights_file.parent)!r})]).find('narrow').error is None;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

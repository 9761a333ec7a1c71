"""Archives are judged before use and read member by member; a trap refuses the whole, damage only one picture."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from srdesk.errors import ArchiveError, ImageReadError
from srdesk.training.data import archive as archive_module
from srdesk.training.data.archive import Archive

pytestmark = pytest.mark.hostile

PICTURE = bytes(range(256)) * 8


def zipped(path: Path, names: list[str], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name in names:
            archive.writestr(name, PICTURE)
    return path


def test_every_member_is_read_as_it_was_packed(coco_archive: Path, coco_members: dict[str, bytes]) -> None:
    members = Archive(coco_archive).members
    assert {member.name: member.read() for member in members} == coco_members


def test_members_can_be_read_from_many_threads(coco_archive: Path, coco_members: dict[str, bytes]) -> None:
    members = Archive(coco_archive).members
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(lambda member: member.read(), members * 3))
    assert contents == [coco_members[member.name] for member in members] * 3


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_streamed_archive_with_lengths_after_the_data_is_read(tmp_path: Path, method: int) -> None:
    path = tmp_path / "streamed.zip"
    read_end, write_end = os.pipe()
    with ThreadPoolExecutor(1) as pool, os.fdopen(read_end, "rb") as source:
        content = pool.submit(source.read)
        with os.fdopen(write_end, "wb") as sink, zipfile.ZipFile(sink, "w", method) as archive:
            archive.writestr("a.jpg", PICTURE)
            archive.writestr("b.jpg", PICTURE[::-1])
        path.write_bytes(content.result())
    assert [member.read() for member in Archive(path).members] == [PICTURE, PICTURE[::-1]]


def test_an_archive_with_64_bit_numbers_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # zipfile then believes that nothing fits 32 bits.
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 1)
    path = zipped(tmp_path / "large.zip", ["a.jpg", "b.jpg"])
    assert b"PK\6\6" in path.read_bytes()
    assert [member.read() for member in Archive(path).members] == [PICTURE, PICTURE]


def test_what_is_no_picture_is_passed_over(tmp_path: Path) -> None:
    names = ["a.jpg", "notes.txt", "__MACOSX/._a.jpg", "folder/.hidden.jpg", "folder/b.PNG", "c.jpg/"]
    assert [member.name for member in Archive(zipped(tmp_path / "a.zip", names)).members] == ["a.jpg", "folder/b.PNG"]


def test_a_comment_at_the_end_does_no_harm(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ["a.jpg"])
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by hand" * 100
    assert len(Archive(path).members) == 1


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "C:evil.jpg", "a\\evil.jpg", "a\nb.jpg", "evil\x7f.jpg"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="is not a name for a file") as refused:
        Archive(zipped(tmp_path / "a.zip", ["good.jpg", name]))
    assert "\n" not in str(refused.value)


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("evil.jpg")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="a link or a device"):
        Archive(tmp_path / "a.zip")


def changed_entry(path: Path, at: int, pack: str, value: int) -> Path:
    """Overwrite a field of the first entry of the directory."""
    content = bytearray(path.read_bytes())
    struct.pack_into(pack, content, content.index(b"PK\1\2") + at, value)
    path.write_bytes(content)
    return path


def test_encryption_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = changed_entry(zipped(tmp_path / "a.zip", ["a.jpg"]), 8, "<H", 1)
    with pytest.raises(ArchiveError, match="encrypted") as refused:
        Archive(path)
    assert "Unpack it" in refused.value.hint


def test_packing_methods_other_than_the_two_common_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="packed in a way"):
        Archive(zipped(tmp_path / "a.zip", ["a.jpg"], method=zipfile.ZIP_LZMA))


def test_a_member_that_says_it_is_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="unpacks to 4,000 MB"):
        Archive(changed_entry(zipped(tmp_path / "a.zip", ["a.jpg"]), 24, "<L", 4_000_000_000))


def test_a_member_that_packs_suspiciously_well_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10_000_000))
    with pytest.raises(ArchiveError, match="more than 100 times its size"):
        Archive(tmp_path / "a.zip")


def test_a_member_that_is_longer_than_it_says_is_damaged_and_does_not_unfold(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", bytes(10_000_000))
    (member,) = Archive(changed_entry(tmp_path / "a.zip", 24, "<L", 2000)).members
    with pytest.raises(ImageReadError, match=r"damaged in “a\.zip”"):
        member.read()


def raw_member(name: bytes, packed: bytes, *, extra: bytes = b"") -> bytes:
    crc, size = zlib.crc32(PICTURE), len(PICTURE)
    return (
        struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), size, len(name), len(extra))
        + name
        + extra
    )


def raw_entry(name: bytes, packed_bytes: int, header_at: int) -> bytes:
    crc, size = zlib.crc32(PICTURE), len(PICTURE)
    numbers = (20, 20, 0, 8, 0, 0, crc, packed_bytes, size, len(name), 0, 0, 0, 0, 0, header_at)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers) + name


def raw_archive(path: Path, content: bytes, entries: list[bytes]) -> Path:
    directory = b"".join(entries)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), len(content), 0)
    path.write_bytes(content + directory + end)
    return path


def deflated(content: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()


def test_members_that_share_their_data_are_refused(tmp_path: Path) -> None:
    packed = deflated(PICTURE)
    content = raw_member(b"a.jpg", packed) + packed
    entries = [raw_entry(name, len(packed), 0) for name in (b"a.jpg", b"b.jpg")]
    with pytest.raises(ArchiveError, match="overlaps"):
        Archive(raw_archive(tmp_path / "bomb.zip", content, entries))


def test_members_that_quote_the_header_of_the_next_are_refused(tmp_path: Path) -> None:
    """As in the bomb of D. Fifield, “A better zip bomb”, WOOT 2019: each member contains the next one's header."""
    packed = deflated(PICTURE)
    inner = raw_member(b"b.jpg", packed) + packed
    quoted = struct.pack("<BHH", 0, len(inner) - len(packed), (len(inner) - len(packed)) ^ 0xFFFF) + inner
    content = raw_member(b"a.jpg", quoted) + quoted
    at = len(content) - len(inner)
    entries = [raw_entry(b"a.jpg", len(quoted), 0), raw_entry(b"b.jpg", len(packed), at)]
    with pytest.raises(ArchiveError, match="overlaps"):
        Archive(raw_archive(tmp_path / "bomb.zip", content, entries))


def test_a_member_whose_header_reaches_into_the_next_is_damaged(tmp_path: Path) -> None:
    packed = deflated(PICTURE)
    honest = raw_member(b"b.jpg", packed) + packed
    content = raw_member(b"a.jpg", packed, extra=b"") + packed + honest
    # The directory says that the first one is as long as it may be, its own header moves its data into the second.
    content = content[:28] + struct.pack("<H", 40) + content[30:]
    at = len(content) - len(honest)
    path = raw_archive(
        tmp_path / "a.zip", content, [raw_entry(b"a.jpg", len(packed), 0), raw_entry(b"b.jpg", len(packed), at)]
    )
    first, second = Archive(path).members
    with pytest.raises(ImageReadError):
        first.read()
    assert second.read() == PICTURE


def test_a_directory_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 3, 3, 2**31, 0, 0))
    with pytest.raises(ArchiveError, match="3 members; at most"):
        Archive(path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_MEMBERS", 2)
    with pytest.raises(ArchiveError, match="3 members; at most 2"):
        Archive(zipped(tmp_path / "a.zip", ["a.jpg", "b.jpg", "c.jpg"]))


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>not found</html>", b"PK\5\6" + b"\xff" * 18, b"PK\5\6"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ArchiveError):
        Archive(tmp_path / "a.zip")


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    content = zipped(tmp_path / "a.zip", ["a.jpg", "b.jpg"]).read_bytes()
    for length in range(0, len(content), 7):
        (tmp_path / "cut.zip").write_bytes(content[:length])
        with pytest.raises(ArchiveError):
            Archive(tmp_path / "cut.zip")


def test_damage_never_raises_anything_unnamed(tmp_path: Path, rng_bytes: Callable[[int, bytes], bytes]) -> None:
    content = zipped(tmp_path / "a.zip", ["a.jpg", "b.jpg"]).read_bytes()
    for seed in range(300):
        (tmp_path / "damaged.zip").write_bytes(rng_bytes(seed, content))
        try:
            for member in Archive(tmp_path / "damaged.zip").members:
                assert member.read() == PICTURE
        except (ArchiveError, ImageReadError):
            continue


@pytest.fixture
def rng_bytes() -> Callable[[int, bytes], bytes]:
    import random

    def damage(seed: int, content: bytes) -> bytes:
        source, damaged = random.Random(seed), bytearray(content)
        for _ in range(source.randint(1, 4)):
            damaged[source.randrange(len(damaged))] = source.choice((0, 255, source.randrange(256)))
        return bytes(damaged)

    return damage


def test_pipes_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "folder.zip").mkdir()
    for name in ("pipe.zip", "folder.zip", "gone.zip"):
        with pytest.raises(ArchiveError):
            Archive(tmp_path / name)


def test_an_archive_that_changes_after_it_was_listed_is_noticed(tmp_path: Path) -> None:
    member = Archive(zipped(tmp_path / "a.zip", ["a.jpg"])).members[0]
    zipped(tmp_path / "a.zip", ["other.jpg", "a.jpg"])
    with pytest.raises(ImageReadError, match="it has changed"):
        member.read()
    (tmp_path / "a.zip").unlink()
    with pytest.raises(ImageReadError, match="No such file"):
        member.read()

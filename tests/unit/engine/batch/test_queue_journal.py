"""What a queue remembers of itself on the disk."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from srdesk.engine.batch.queue_item import QueueItem
from srdesk.engine.batch.queue_journal import Ordered, QueueJournal, Record, Removed
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import QueueError, QueueTakenError

RECIPE = FileRecipe(model="mine", weights=Path("/w/ö %41.safetensors"), size="2x", bands=(4, 3, 2), back_projection=0.5)


def item(number: int, state: str = "waiting", name: str = "a.png") -> QueueItem:
    return QueueItem(
        id=number,
        source=Path("/in") / name,
        output_folder=Path("/out"),
        recipe=RECIPE,
        template="{stem}",
        on_collision="skip",
        state=state,  # type: ignore[arg-type]
    )


def written(path: Path, *batches: tuple[list[Record], list[QueueItem]]) -> None:
    journal = QueueJournal(path)
    for records, items in batches:
        journal.write(records, items)
    journal.close()


def read(path: Path) -> list[QueueItem]:
    journal = QueueJournal(path)
    journal.close()
    return journal.items


def test_everything_comes_back(tmp_path: Path) -> None:
    whole = QueueItem(
        id=3,
        source=Path(os.fsdecode(b"/in/\xff \n%2F\xc3\xb6.png")),
        output_folder=Path("relative"),
        recipe=RECIPE,
        template="{stem}",
        on_collision="overwrite",
        wanted=Path("/out/x.png"),
        batch=4,
        number=7,
        state="failed",
        output=Path("/out/y.png"),
        error="It “failed”.",
        hint="Try.",
        seconds=1.5,
        megapixels=0.25,
        stamp=(5, 6),
    )
    written(tmp_path / "j", ([], [item(1)]), ([whole], [item(1), whole]))
    assert read(tmp_path / "j") == [item(1), whole]


def test_changes_are_applied_in_their_order(tmp_path: Path) -> None:
    items = [item(1), item(2), item(3)]
    written(
        tmp_path / "j",
        ([], items),
        ([item(2, "running"), Ordered((3, 1, 2))], items),
        ([Removed((1, 9)), item(2, "done")], items),
    )
    assert read(tmp_path / "j") == [item(3), item(2, "done")]


def test_half_a_line_at_the_end_is_ignored_and_never_followed(tmp_path: Path) -> None:
    written(tmp_path / "j", ([], [item(1)]), ([item(1, "done")], [item(1, "done")]))
    whole = (tmp_path / "j").read_bytes()
    for cut in range(whole.rindex(b"{"), len(whole)):
        (tmp_path / "j").write_bytes(whole[:cut])
        assert read(tmp_path / "j")[0].state == "waiting", cut
        written(tmp_path / "j", ([item(2)], [item(1), item(2)]))
        assert [found.id for found in read(tmp_path / "j")] == [1, 2], cut


def test_a_damaged_line_costs_what_it_told_and_no_more(tmp_path: Path) -> None:
    written(tmp_path / "j", ([], [item(1), item(2), item(3)]))
    lines = (tmp_path / "j").read_bytes().split(b"\n")
    for damage in (b"", b"\0" * 50, b"\xff", b'{"type":"item"}', b'{"type":"nonsense"}', b"[1]", lines[2][:-9]):
        (tmp_path / "j").write_bytes(b"\n".join([*lines[:2], damage, *lines[3:]]))
        assert [found.id for found in read(tmp_path / "j")] == [1, 3], damage


def test_it_does_not_grow_without_end(tmp_path: Path) -> None:
    journal = QueueJournal(tmp_path / "j")
    items = [item(1)]
    largest = 0
    for number in range(3000):
        items = [item(1, ("waiting", "done")[number % 2])]
        journal.write(items, items)
        largest = max(largest, (tmp_path / "j").stat().st_size)
    journal.close()
    assert largest < 1100 * 500
    assert read(tmp_path / "j") == items


def test_a_journal_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "j").write_text('{"type":"queue","format":2}\n')
    for _ in range(2):  # and its lock is free again
        with pytest.raises(QueueError, match="later version"):
            QueueJournal(tmp_path / "j")


def test_a_journal_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(QueueError, match="directory"):
        QueueJournal(tmp_path / "j")
    (tmp_path / "file").touch()
    with pytest.raises(QueueError):
        QueueJournal(tmp_path / "file" / "j")


def test_it_can_be_closed_by_another_thread_than_the_one_that_opened_it(tmp_path: Path) -> None:
    opened: list[QueueJournal] = []
    thread = threading.Thread(target=lambda: opened.append(QueueJournal(tmp_path / "j")))
    thread.start()
    thread.join()
    with pytest.raises(QueueTakenError):
        QueueJournal(tmp_path / "j")
    opened[0].close()
    QueueJournal(tmp_path / "j").close()

"""What is done already and waits again: looking at its files takes time, in which the queue goes on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from srdesk.engine.batch import queue as queues
from srdesk.engine.batch.queue import Queue
from srdesk.engine.control import CancelToken
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.inputs import InputFile


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """Three pictures that are done, and were changed afterwards."""
    queue = Queue()
    for name in ("a", "b", "c"):
        picture = tmp_path / f"{name}.png"
        picture.touch()
        queue.add_files(
            [InputFile(picture, tmp_path)], FileRecipe(model="bicubic"), template="{stem}_x4", on_collision="number"
        )
        found = queue.take(CancelToken())
        assert found is not None
        queue.end(found[0].id, "done", output=picture)
        picture.write_text("another picture")
    return queue


def look_and(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Let something happen every time when a file is looked at."""
    stamp = queues.file_stamp

    def looked(path: Path) -> object:
        do()
        return stamp(path)

    monkeypatch.setattr(queues, "file_stamp", looked)


def test_nobody_waits_while_files_are_looked_at(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = []
    with ThreadPoolExecutor(1) as pool:
        look_and(monkeypatch, lambda: answers.append(wait([pool.submit(queue.fraction)], timeout=1).done))
        assert queue.retry_changed() == [1, 2, 3]
    assert len(answers) == 3
    assert all(answers)


def test_what_is_taken_out_meanwhile_does_not_come_back(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    look_and(monkeypatch, lambda: queue.remove([2]))
    assert queue.retry_changed() == [1, 3]
    assert [item.id for item in queue.items()] == [1, 3]

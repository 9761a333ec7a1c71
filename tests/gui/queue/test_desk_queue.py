"""The queue with its two threads: everything that is asked for happens, and nothing is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import QueueTakenError
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.orders import (
    ClearRequest,
    MoveRequest,
    Order,
    PlaceRequest,
    RemoveRequest,
    RetryRequest,
    ReviseRequest,
)
from srdesk.gui.queue.run_state import RunState, RunSummary

WAIT_MS = 20_000
States = Callable[[], list[str]]


@pytest.fixture
def another(desk_queue: DeskQueue, enlarger, machine, tmp_path: Path):
    """Make another desk with the same journal; whoever makes one shuts it down."""

    def make() -> DeskQueue:
        return DeskQueue(tmp_path / "state" / "queue.jsonl", weights_folders=[], sleep=machine, enlarge_one=enlarger)

    return make


def names(queue: DeskQueue) -> list[str]:
    return [item.source.name for item in queue.items]


def test_files_are_enlarged_one_after_the_other_and_each_is_reported(
    qtbot: QtBot, added: DeskQueue, enlarger, states: States, tmp_path: Path
) -> None:
    progressed: list[int] = []
    added.progressed.connect(lambda item_id, progress: progressed.append(item_id))
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS) as ended:
        added.start()
    assert ended.args == [RunSummary(done=3, skipped=0, failed=0)]
    assert enlarger.begun == ["p0.png", "p1.png", "p2.png"]
    assert states() == ["done"] * 3
    assert [item.output for item in added.items] == [tmp_path / f"p{n}_bicubic_x4.png" for n in range(3)]
    assert sorted(set(progressed)) == [1, 2, 3]
    assert added.state is RunState.IDLE


def test_sizes_are_read_before_anything_is_begun(qtbot: QtBot, added: DeskQueue) -> None:
    qtbot.waitUntil(lambda: all(item.megapixels for item in added.items), timeout=WAIT_MS)
    assert added.items[2].megapixels == pytest.approx(10 * 6 * 16 / 1e6)


def test_a_file_that_fails_says_why_and_can_be_tried_again(
    qtbot: QtBot, added: DeskQueue, enlarger, states: States
) -> None:
    enlarger.failing = {"p1.png"}
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS) as ended:
        added.start()
    assert ended.args == [RunSummary(done=2, skipped=0, failed=1)]
    assert states() == ["done", "failed", "done"]
    assert "it is damaged" in added.items[1].error
    assert added.items[1].hint
    enlarger.failing = set()
    added.edit(RetryRequest())
    qtbot.waitUntil(lambda: states()[1] == "waiting", timeout=WAIT_MS)
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS) as ended:
        added.start()
    assert ended.args == [RunSummary(done=1, skipped=0, failed=0)]
    added.edit(ClearRequest())
    qtbot.waitUntil(lambda: added.items == (), timeout=WAIT_MS)


def test_it_is_edited_while_it_runs(
    qtbot: QtBot, added: DeskQueue, enlarger, order: Order, save_picture: Callable[..., Path]
) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    added.edit(PlaceRequest(ids=(3,), place=0))
    added.edit(MoveRequest(ids=(2,), offset=-1))
    added.edit(ReviseRequest(ids=(2,), order=replace(order, recipe=FileRecipe(model="other"))))
    added.add([save_picture("late.png")], order)
    qtbot.waitUntil(lambda: names(added) == ["p2.png", "p1.png", "p0.png", "late.png"], timeout=WAIT_MS)
    added.edit(RemoveRequest(ids=(3,)))
    qtbot.waitUntil(lambda: names(added) == ["p1.png", "p0.png", "late.png"], timeout=WAIT_MS)
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert enlarger.begun == ["p0.png", "p1.png", "late.png"]
    assert added.items[0].output is not None
    assert added.items[0].output.name == "p1_other_x4.png"


def test_removing_what_is_being_enlarged_stops_it_alone(
    qtbot: QtBot, added: DeskQueue, enlarger, states: States
) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    added.edit(RemoveRequest(ids=(1,)))
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    assert enlarger.begun == ["p0.png", "p1.png"]
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert states() == ["done", "done"]


def test_stopping_lets_the_file_wait_again(qtbot: QtBot, added: DeskQueue, enlarger, states: States) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    added.stop()
    assert added.state is RunState.STOPPING
    qtbot.waitUntil(lambda: added.state is RunState.IDLE, timeout=WAIT_MS)
    assert states() == ["waiting"] * 3
    enlarger.gate.set()
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        added.start()
    assert states() == ["done"] * 3


@pytest.mark.parametrize("reason", ["pause", "panes"])
def test_it_waits_in_the_midst_of_a_file_and_goes_on(
    qtbot: QtBot, added: DeskQueue, enlarger, order: Order, pictures: list[Path], reason: str
) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    if reason == "pause":
        added.pause()
        assert added.state is RunState.PAUSED
    else:
        added.let_panes_first(are_busy=True)
        assert added.state is RunState.WAITING
    enlarger.gate.set()  # the file that was begun may end, but no other begins
    with qtbot.waitSignal(added.found, timeout=WAIT_MS):
        added.find(pictures, order.template)
    assert enlarger.begun == ["p0.png"]
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        added.start() if reason == "pause" else added.let_panes_first(are_busy=False)
    assert enlarger.begun == ["p0.png", "p1.png", "p2.png"]


def test_a_paused_queue_can_be_stopped(qtbot: QtBot, added: DeskQueue, enlarger, states: States) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    added.pause()
    added.stop()
    qtbot.waitUntil(lambda: added.state is RunState.IDLE, timeout=WAIT_MS)
    assert states() == ["waiting"] * 3


def test_the_machine_stays_awake_while_it_runs_and_only_then(qtbot: QtBot, added: DeskQueue, enlarger, machine) -> None:
    enlarger.gate.clear()
    assert not machine.is_held
    added.start()
    assert machine.is_held
    added.pause()
    assert not machine.is_held
    added.start()
    assert machine.is_held
    added.let_panes_first(are_busy=True)
    assert machine.is_held
    added.let_panes_first(are_busy=False)
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        enlarger.gate.set()
    assert machine.asked == ["hold", "let go", "hold", "let go"]


def test_files_that_wait_already_are_not_added_twice(
    qtbot: QtBot, added: DeskQueue, order: Order, pictures: list[Path], save_picture: Callable[..., Path]
) -> None:
    other = save_picture("other.png")
    with qtbot.waitSignal(added.added, timeout=WAIT_MS) as answer:
        added.add([*pictures, other], order)
    assert (answer.args[0].count, answer.args[0].known) == (1, 3)
    assert names(added) == ["p0.png", "p1.png", "p2.png", "other.png"]


@pytest.mark.parametrize(
    ("policy", "states", "name"),
    [("skip", ["skipped"], "p0_bicubic_x4.png"), ("number", ["done"], "p0_bicubic_x4-2.png")],
)
def test_results_that_are_there_are_kept(
    qtbot: QtBot,
    desk_queue: DeskQueue,
    order: Order,
    pictures: list[Path],
    policy: str,
    states: list[str],
    name: str,
) -> None:
    old = pictures[0].with_name("p0_bicubic_x4.png")
    old.write_text("old")
    with qtbot.waitSignal(desk_queue.added, timeout=WAIT_MS):
        desk_queue.add(pictures[:1], replace(order, on_collision=policy))
    with qtbot.waitSignal(desk_queue.ended, timeout=WAIT_MS):
        desk_queue.start()
    assert [item.state for item in desk_queue.items] == states
    assert desk_queue.items[0].output == old.with_name(name)
    assert old.read_text() == "old"


def test_folders_keep_their_sub_folders_and_an_empty_one_is_told(
    qtbot: QtBot, desk_queue: DeskQueue, order: Order, tmp_path: Path, save_picture: Callable[..., Path]
) -> None:
    for folder in ("in/deep", "empty"):
        (tmp_path / folder).mkdir(parents=True)
    save_picture("in/a.png")
    save_picture("in/deep/b.png")
    with qtbot.waitSignal(desk_queue.added, timeout=WAIT_MS) as answer:
        desk_queue.add([tmp_path / "in", tmp_path / "empty"], replace(order, folder=tmp_path / "out"))
    assert [item.output_folder for item in desk_queue.items] == [tmp_path / "out", tmp_path / "out" / "deep"]
    assert ["no picture" in str(failure) for failure in answer.args[0].failures] == [True]


def test_pictures_are_found_without_being_queued(
    qtbot: QtBot, desk_queue: DeskQueue, order: Order, pictures: list[Path], tmp_path: Path
) -> None:
    with qtbot.waitSignal(desk_queue.found, timeout=WAIT_MS) as found:
        desk_queue.find([tmp_path], order.template)
    assert found.args == [tuple(pictures)]
    assert desk_queue.items == ()


def test_what_is_left_is_found_by_the_next_desk(
    qtbot: QtBot, added: DeskQueue, enlarger, states: States, another: Callable[[], DeskQueue]
) -> None:
    enlarger.gate.clear()
    added.start()
    qtbot.waitUntil(lambda: enlarger.started.acquire(blocking=False), timeout=WAIT_MS)
    assert added.shutdown(5.0)
    enlarger.gate.set()
    later = another()
    with qtbot.waitSignal(later.taken_up, timeout=WAIT_MS) as taken_up:
        later.look_around()
    assert taken_up.args == [3]
    assert names(later) == ["p0.png", "p1.png", "p2.png"]
    with qtbot.waitSignal(later.ended, timeout=WAIT_MS):
        later.start()
    assert later.shutdown(5.0)


def test_a_queue_with_nothing_left_is_forgotten(
    qtbot: QtBot, added: DeskQueue, another: Callable[[], DeskQueue], tmp_path: Path
) -> None:
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        added.start()
    assert added.shutdown(5.0)
    assert list((tmp_path / "state").iterdir()) == []


def test_a_second_desk_says_so_when_it_is_used_and_leaves_the_queue_of_the_first_alone(
    qtbot: QtBot, added: DeskQueue, another: Callable[[], DeskQueue], order: Order, pictures: list[Path], tmp_path: Path
) -> None:
    journal = (tmp_path / "state" / "queue.jsonl").read_bytes()
    second = another()
    failures: list[object] = []
    second.failed.connect(failures.append)
    second.look_around()
    with qtbot.waitSignal(second.failed, timeout=WAIT_MS) as failed:
        second.add(pictures, order)
    assert isinstance(failed.args[0], QueueTakenError)
    assert "open already" in failed.args[0].hint
    assert len(failures) == 1  # looking around alone is no reason to complain
    assert second.items == ()
    assert second.shutdown(5.0)
    assert (tmp_path / "state" / "queue.jsonl").read_bytes() == journal
    assert added.shutdown(5.0)
    third = another()
    with qtbot.waitSignal(third.taken_up, timeout=WAIT_MS):
        third.look_around()
    assert third.shutdown(5.0)


def test_looking_around_begins_no_queue(qtbot: QtBot, desk_queue: DeskQueue, order: Order, tmp_path: Path) -> None:
    desk_queue.look_around()
    with qtbot.waitSignal(desk_queue.found, timeout=WAIT_MS):
        desk_queue.find([], order.template)  # answered after the other one
    assert not (tmp_path / "state").exists()


def test_a_disk_that_takes_no_journal_is_told_once(
    qtbot: QtBot, added: DeskQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srdesk.engine.batch.queue_journal.os.fsync", fail)
    monkeypatch.setattr("srdesk.engine.batch.queue_journal.atomic_write", fail)
    failures: list[object] = []
    added.failed.connect(failures.append)
    with qtbot.waitSignal(added.ended, timeout=WAIT_MS):
        added.start()
    monkeypatch.undo()
    assert ["no space" in str(error) for error in failures] == [True]

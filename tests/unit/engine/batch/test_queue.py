"""A queue of files: edited while it is worked through, from any thread, and what it remembers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srdesk.engine.batch.queue import Queue, QueueItem
from srdesk.engine.batch.queue_item import Place
from srdesk.engine.control import CancelToken, Progress
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.files.inputs import InputFile
from srdesk.errors import ConfigError, ImageReadError, QueueError

RECIPE = FileRecipe(model="bicubic")
TEMPLATE = "{stem}_{model}_x{scale}{ext}"


def filled(queue: Queue, count: int = 4, **options: Any) -> list[int]:
    """Append files that need not exist."""
    files = [InputFile(Path(f"/in/p{number}.png"), Path("/out")) for number in range(count)]
    return queue.add_files(files, RECIPE, **{"template": TEMPLATE, "on_collision": "number"} | options)


def ids(queue: Queue) -> list[int]:
    return [item.id for item in queue.items()]


def states(queue: Queue) -> str:
    """Return the first letters of the states in order."""
    return "".join(item.state[0] for item in queue.items())


def taken(queue: Queue) -> QueueItem:
    found = queue.take(CancelToken())
    assert found is not None
    return found[0]


# --- adding, removing, moving ----------------------------------------------------------------------------------------


def test_folders_are_added_with_all_their_pictures_and_keep_their_sub_folders(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.jpg", "notes.txt"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    queue = Queue()
    added = queue.add([tmp_path / "in"], tmp_path / "out", RECIPE, template=TEMPLATE, on_collision="skip")
    assert added == [1, 2]
    assert [item.output_folder for item in queue.items()] == [tmp_path / "out", tmp_path / "out" / "deep"]
    assert [item.number for item in queue.items()] == [1, 2]
    assert {item.on_collision for item in queue.items()} == {"skip"}


def test_a_template_that_makes_no_sense_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Queue().add([tmp_path / "a.png"], None, RECIPE, template="{nonsense}", on_collision="skip")


def test_ids_are_never_given_again() -> None:
    queue = Queue()
    filled(queue, 2)
    queue.remove([1, 2])
    assert filled(queue, 2) == [3, 4]


@pytest.mark.parametrize(
    ("chosen", "offset", "expected"),
    [
        ([3], -1, [1, 3, 2, 4, 5]),
        ([3], 1, [1, 2, 4, 3, 5]),
        ([1, 2], -1, [1, 2, 3, 4, 5]),
        ([2, 4], -1, [2, 1, 4, 3, 5]),
        ([2, 3], 9, [1, 4, 5, 2, 3]),
        ([3, 5], -9, [3, 5, 1, 2, 4]),
        ([7], 1, [1, 2, 3, 4, 5]),
        ([], 1, [1, 2, 3, 4, 5]),
    ],
)
def test_items_move_together_and_stay_in_their_order(chosen: list[int], offset: int, expected: list[int]) -> None:
    queue = Queue()
    filled(queue, 5)
    queue.move(chosen, offset)
    assert ids(queue) == expected


def test_items_are_worked_on_in_the_order_that_they_were_moved_to() -> None:
    queue = Queue()
    filled(queue)
    queue.move([4], -3)
    assert taken(queue).id == 4
    queue.place([3], 0)
    assert ids(queue) == [3, 4, 1, 2]
    assert taken(queue).id == 3


def test_what_waits_or_has_failed_can_be_enlarged_in_another_way() -> None:
    queue = Queue()
    filled(queue)
    queue.end(taken(queue).id, "done")
    queue.end(taken(queue).id, "failed", error=ImageReadError("p.png", "it is damaged"))
    other = FileRecipe(model="srcnn")
    assert queue.revise([1, 2, 3], other, template="{stem}{ext}", on_collision="skip") == [2, 3]
    assert [item.recipe.model for item in queue.items()] == ["bicubic", "srcnn", "srcnn", "bicubic"]
    assert (queue.items()[2].template, queue.items()[2].on_collision) == ("{stem}{ext}", "skip")
    with pytest.raises(ConfigError):
        queue.revise([3], other, template="{nonsense}", on_collision="skip")


def test_what_is_finished_can_be_cleared_and_what_failed_tried_again() -> None:
    queue = Queue()
    filled(queue)
    queue.end(taken(queue).id, "done", output=Path("/out/x"), seconds=1.0)
    queue.end(taken(queue).id, "failed", error=ImageReadError("/in/p1.png", "it is empty"))
    queue.end(taken(queue).id, "skipped")
    assert states(queue) == "dfsw"
    failed = queue.items()[1]
    assert failed.error == "“p1.png” cannot be opened: it is empty."
    assert failed.hint
    assert queue.retry_failed() == [2]
    assert states(queue) == "dwsw"
    assert (queue.items()[1].error, queue.items()[1].hint) == ("", "")
    queue.clear_finished()
    assert ids(queue) == [2, 4]


def test_results_that_are_gone_and_pictures_that_were_changed_are_made_again(tmp_path: Path) -> None:
    queue = Queue()
    for name in ("kept", "gone", "changed"):
        (tmp_path / f"{name}.png").touch()
        queue.add_files(
            [InputFile(tmp_path / f"{name}.png", tmp_path)], RECIPE, template=TEMPLATE, on_collision="number"
        )
        (tmp_path / f"{name}.out").touch()
        queue.end(taken(queue).id, "done", output=tmp_path / f"{name}.out")
    (tmp_path / "gone.out").unlink()
    (tmp_path / "changed.png").write_text("another picture")
    assert queue.retry_changed() == [2, 3]
    assert states(queue) == "dww"


# --- while it is worked through ---------------------------------------------------------------------------------------


def test_a_running_item_that_is_removed_is_cancelled_alone() -> None:
    queue = Queue()
    filled(queue)
    whole = CancelToken()
    first, second = queue.take(whole), queue.take(whole)
    assert first is not None
    assert second is not None
    queue.remove([first[0].id])
    assert first[1].is_cancelled
    assert not second[1].is_cancelled
    assert queue.end(first[0].id, "waiting") is None
    assert ids(queue) == [2, 3, 4]
    whole.cancel()
    assert second[1].is_cancelled


def test_a_paused_queue_gives_nothing_out() -> None:
    queue = Queue()
    filled(queue)
    queue.pause()
    assert queue.take(CancelToken()) is None
    queue.resume()
    assert taken(queue).id == 1


def test_two_items_of_a_batch_never_choose_the_same_output() -> None:
    queue = Queue()
    filled(queue, 3)
    wanted, other = Path("/out/a.png"), Path("/out/a-2.png")

    def choose(is_ours: Callable[[Path], bool]) -> Place:
        return Place(other if is_ours(wanted) else wanted)

    first, second = taken(queue), taken(queue)
    assert queue.reserve(first.id, choose) == Place(wanted)
    assert queue.reserve(second.id, choose) == Place(other)
    queue.end(first.id, "failed", error=ImageReadError("a.png", "it is empty"))
    assert queue.reserve(taken(queue).id, choose) == Place(wanted)


def test_another_batch_may_choose_the_same_output() -> None:
    queue, output = Queue(), Path("/out/a")
    for _ in range(2):
        filled(queue, 1)
        assert queue.reserve(taken(queue).id, lambda is_ours: None if is_ours(output) else Place(output))


def test_subscribers_hear_of_every_change_until_they_end_it() -> None:
    queue = Queue()
    heard: list[tuple[int, str]] = []
    end = queue.subscribe(lambda: heard.append((threading.get_ident(), states(queue))))
    filled(queue, 1)
    thread = threading.Thread(target=lambda: queue.take(CancelToken()))
    thread.start()
    thread.join()
    assert [state for _, state in heard] == ["w", "r"]
    assert heard[0][0] == threading.get_ident() != heard[1][0]
    end()
    queue.remove([1])
    assert len(heard) == 2


def test_a_snapshot_does_not_change_and_shares_what_stays_the_same() -> None:
    queue = Queue()
    filled(queue)
    before = queue.items()
    queue.end(taken(queue).id, "done")
    after = queue.items()
    assert [item.state for item in before] == ["waiting"] * 4
    assert before[0] is not after[0]
    assert before[1] is after[1]


# --- how long it takes ------------------------------------------------------------------------------------------------


def sized(queue: Queue, *megapixels: float) -> None:
    queue.measured(dict(zip(filled(queue, len(megapixels)), megapixels, strict=True)))


def test_the_remaining_time_is_learnt_from_what_is_done() -> None:
    queue = Queue()
    sized(queue, 2, 4, 6)
    assert queue.remaining_s() is None
    queue.end(taken(queue).id, "done", seconds=1.0)
    assert queue.remaining_s() == pytest.approx(5.0)
    queue.end(taken(queue).id, "done", seconds=2.0)
    assert queue.remaining_s() == pytest.approx(3.0)


def test_what_a_file_costs_is_told_apart_from_what_a_pixel_costs() -> None:
    queue = Queue()
    sized(queue, 1, 2, 10)
    for seconds in (3.0, 4.0):
        queue.end(taken(queue).id, "done", seconds=seconds)
    assert queue.remaining_s() == pytest.approx(12.0)


def test_a_running_item_counts_as_far_as_it_is() -> None:
    queue = Queue()
    sized(queue, 4, 4)
    item = taken(queue)
    queue.progressed(item.id, Progress(done=25, total=100, elapsed_s=1.0))
    assert queue.remaining_s() == pytest.approx(3.0 + 4.0)  # as fast as this one, as long as nothing is done
    assert queue.fraction() == pytest.approx(0.125)
    queue.end(item.id, "done", seconds=4.0)
    queue.progressed(taken(queue).id, Progress(done=25, total=100, elapsed_s=1.0))
    assert queue.remaining_s() == pytest.approx(3.0)
    assert queue.fraction() == pytest.approx(0.625)


def test_each_file_is_told_when_it_will_be_done() -> None:
    queue = Queue()
    sized(queue, 2, 4, 6)
    assert queue.arrivals_s() == {}
    queue.end(taken(queue).id, "done", seconds=1.0)
    queue.place([3], 0)
    queue.progressed(taken(queue).id, Progress(done=1, total=3, elapsed_s=1.0))
    queue.place([2], 0)
    assert queue.arrivals_s() == pytest.approx({3: 2.0, 2: 4.0})  # what is running comes first, wherever it stands


def test_of_another_kind_of_work_nothing_is_known() -> None:
    queue = Queue()
    sized(queue, 4)
    other = FileRecipe(model="mine", weights=Path("/w/mine.safetensors"))
    queue.add_files([InputFile(Path("/in/x.png"), Path("/out"))], other, template=TEMPLATE, on_collision="number")
    queue.progressed(taken(queue).id, Progress(done=25, total=100, elapsed_s=1.0))
    assert queue.remaining_s() is None
    queue.remove([2])
    assert queue.remaining_s() == pytest.approx(3.0)


def test_files_whose_size_nobody_knows_count_like_the_others() -> None:
    queue = Queue()
    sized(queue, 2)
    queue.end(taken(queue).id, "done", seconds=1.0)
    filled(queue, 3)
    assert queue.remaining_s() == pytest.approx(3.0)


def test_nothing_left_takes_no_time() -> None:
    assert Queue().remaining_s() == 0


# --- what it remembers ------------------------------------------------------------------------------------------------


def test_what_was_running_waits_again_after_a_crash(tmp_path: Path) -> None:
    queue = Queue.load(tmp_path / "queue.jsonl")
    filled(queue)
    queue.end(taken(queue).id, "done", output=Path("/out/x.png"), seconds=2.0)
    item = taken(queue)
    queue.reserve(item.id, lambda _: Place(Path("/out/y.png")))
    queue.close()  # as a crash does: nothing is written here
    again = Queue.load(tmp_path / "queue.jsonl")
    assert states(again) == "dwww"
    assert again.items()[0].output == Path("/out/x.png")
    assert again.items()[1].output == Path("/out/y.png")  # the name that it had been given
    assert again.items()[1].recipe == RECIPE
    assert filled(again, 1) == [5]
    again.close()


@pytest.mark.parametrize(
    ("policy", "sidecar", "made", "state"),
    [
        ("number", False, ["a.out"], "done"),
        ("skip", False, ["a.out"], "done"),
        ("number", False, [], "waiting"),
        ("overwrite", False, ["a.out"], "waiting"),
        ("number", True, ["a.out"], "waiting"),
        ("number", True, ["a.out", "a.out.srdesk.json"], "done"),
    ],
)
def test_a_result_that_was_finished_as_the_program_was_killed_is_not_made_again(
    tmp_path: Path, policy: Any, sidecar: bool, made: list[str], state: str
) -> None:
    queue = Queue.load(tmp_path / "queue.jsonl")
    recipe = FileRecipe(model="bicubic", sidecar=sidecar)
    queue.add_files([InputFile(tmp_path / "a.png", tmp_path)], recipe, template=TEMPLATE, on_collision=policy)
    queue.reserve(taken(queue).id, lambda _: Place(tmp_path / "a.out"))
    queue.close()
    for name in made:
        (tmp_path / name).touch()
    again = Queue.load(tmp_path / "queue.jsonl")
    assert again.items()[0].state == state
    again.close()


def test_two_programs_cannot_have_the_same_queue(tmp_path: Path) -> None:
    queue = Queue.load(tmp_path / "queue.jsonl")
    with pytest.raises(QueueError, match="another program"):
        Queue.load(tmp_path / "queue.jsonl")
    queue.close()
    Queue.load(tmp_path / "queue.jsonl").close(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_made_up_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue.load(tmp_path / "queue.jsonl")
    filled(queue, 2)
    real = os.write

    def full(descriptor: int, data: bytes) -> int:
        real(descriptor, bytes(data)[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    item = taken(queue)
    assert queue.trouble is not None
    assert "no space left" in str(queue.trouble)
    assert states(queue) == "rw"  # the work goes on
    monkeypatch.setattr(os, "write", real)
    queue.end(item.id, "done")
    queue.move([2], -1)
    assert queue.trouble is None
    queue.close()
    again = Queue.load(tmp_path / "queue.jsonl")
    assert [(item.id, item.state) for item in again.items()] == [(2, "waiting"), (1, "done")]
    again.close()


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    queue = Queue.load(tmp_path / "queue.jsonl")

    def add_and_work() -> None:
        for _ in range(10):
            filled(queue, 2)
            queue.move([1], 1)
            item = taken(queue)
            queue.end(item.id, "done", seconds=0.1)

    threads = [threading.Thread(target=add_and_work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(queue)) == list(range(1, 81))
    assert states(queue).count("d") == 40
    remembered = queue.items()
    queue.close()
    again = Queue.load(tmp_path / "queue.jsonl")
    assert again.items() == remembered
    again.close()

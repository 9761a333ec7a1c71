"""Working through a queue: whatever becomes of one file, the others go on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from srdesk.engine.batch.queue import Queue, QueueItem
from srdesk.engine.batch.queue_run import Ears, run_queue
from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.files.file_job import FileFacts
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.errors import Cancelled, ImageReadError, ImageWriteError, OutputTakenError

RECIPE = FileRecipe(model="bicubic")
Work = Callable[[QueueItem, Path, Control, bool], None]


def pictures(folder: Path, count: int = 4) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"p{number}.png" for number in range(count)]
    for path in paths:
        PIL.Image.new("L", (5, 4)).save(path)
    return paths


def queue_of(sources: list[Path], out: Path | None, *, policy: Any = "number", journal: Path | None = None) -> Queue:
    queue = Queue() if journal is None else Queue.load(journal)
    queue.add(sources, out, RECIPE, template="{stem}_x{scale}{ext}", on_collision=policy)
    return queue


class Worker:
    """Writes the name of its input into the output, after doing what a test wants."""

    def __init__(self, work: Work | None = None) -> None:
        self.begun: list[str] = []
        self._work = work

    def __call__(self, item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        self.begun.append(item.source.name)
        if self._work is not None:
            self._work(item, output, control, may_replace)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(item.source.name)
        return FileFacts(item.source, output, 16, 20, 0.1, "cpu", "fp32", 64, 1.0, loading_s=0.0)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_file_is_made_and_told_of(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in"), tmp_path / "out")
    ended: list[tuple[str, str]] = []

    def hear(item: QueueItem, outcome: object) -> None:
        assert isinstance(outcome, FileFacts)
        ended.append((item.source.name, item.state))

    run_queue(queue, Worker(), CancelToken(), ears=Ears(on_ended=hear))
    assert ended == [(f"p{number}.png", "done") for number in range(4)]
    assert names(tmp_path / "out") == [f"p{number}_x4.png" for number in range(4)]
    item = queue.items()[0]
    assert item.output == tmp_path / "out" / "p0_x4.png"
    assert item.megapixels == pytest.approx(5 * 4 * 16 / 1e6)
    assert item.stamp is not None
    assert queue.fraction() == 1.0


def test_a_file_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    sources = pictures(tmp_path / "in")
    sources[0].write_text("no picture")
    sources[3].unlink()

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.source == sources[1]:
            raise ImageReadError(item.source, "it is damaged")

    queue = queue_of(sources, tmp_path / "out")
    run_queue(queue, Worker(work), CancelToken())
    assert [item.state for item in queue.items()] == ["failed", "failed", "done", "failed"]
    assert all(item.error and item.hint for item in queue.items() if item.state == "failed")


def test_what_nobody_foresaw_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in"), tmp_path / "out")

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_queue(queue, Worker(work), CancelToken())
    assert [item.state for item in queue.items()] == ["done", "waiting", "waiting", "waiting"]


def test_a_run_that_is_cancelled_leaves_the_rest_waiting(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in"), tmp_path / "out")
    token = CancelToken()

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 2:
            token.cancel()
            control.token.check()

    with pytest.raises(Cancelled):
        run_queue(queue, Worker(work), token)
    assert [item.state for item in queue.items()] == ["done", "waiting", "waiting", "waiting"]
    assert names(tmp_path / "out") == ["p0_x4.png"]


def test_a_file_that_is_removed_while_it_is_enlarged_is_given_up_alone(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in"), tmp_path / "out")

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 2:
            queue.remove([2])
            control.token.check()

    run_queue(queue, Worker(work), CancelToken())
    assert [item.id for item in queue.items()] == [1, 3, 4]
    assert {item.state for item in queue.items()} == {"done"}


def test_of_a_scene_that_is_removed_while_it_is_enlarged_nothing_stays(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in", 1), tmp_path / "out")

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        output.parent.mkdir()
        for suffix in (".part", ".part.journal"):
            output.with_name(output.name + suffix).touch()
        (output.parent / "another.tif.part").touch()
        queue.remove([1])
        control.token.check()

    run_queue(queue, Worker(work), CancelToken())
    assert names(tmp_path / "out") == ["another.tif.part"]


def test_what_is_added_moved_and_removed_while_it_runs_counts(tmp_path: Path) -> None:
    sources = pictures(tmp_path / "in", 6)
    queue = queue_of(sources[:4], tmp_path / "out")

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 1:
            queue.add(sources[4:], tmp_path / "out", RECIPE, template="{stem}{ext}", on_collision="number")
            queue.move([6], -9)
            queue.remove([3])

    worker = Worker(work)
    run_queue(queue, worker, CancelToken())
    assert worker.begun == ["p0.png", "p5.png", "p1.png", "p3.png", "p4.png"]


def test_a_queue_that_is_paused_ends_after_the_file_and_goes_on_later(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in"), tmp_path / "out")

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 2:
            queue.pause()

    run_queue(queue, Worker(work), CancelToken())
    assert [item.state for item in queue.items()] == ["done", "done", "waiting", "waiting"]
    queue.resume()
    run_queue(queue, Worker(), CancelToken())
    assert {item.state for item in queue.items()} == {"done"}


def test_progress_and_notices_are_passed_on_with_their_file(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in", 1), tmp_path / "out")
    heard: list[object] = []

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        control.report(1, 2)
        assert queue.fraction() == pytest.approx(0.5)
        control.notify("Smaller windows are used.")

    def hear(item: QueueItem, progress: Progress) -> None:
        heard.append((item.id, progress.fraction))

    ears = Ears(on_progress=hear, on_notice=lambda item, sentence: heard.append((item.id, sentence)))
    run_queue(queue, Worker(work), CancelToken(), ears=ears)
    assert heard == [(1, 0.5), (1, "Smaller windows are used.")]


def test_several_threads_share_the_work(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in", 12), tmp_path / "out")
    both = threading.Barrier(2, timeout=20)

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id <= 2:
            both.wait()  # which one thread alone would never pass

    worker = Worker(work)
    threads = [threading.Thread(target=run_queue, args=(queue, worker, CancelToken())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(worker.begun) == sorted(path.name for path in (tmp_path / "in").iterdir())
    assert len(names(tmp_path / "out")) == 12


# --- where results go ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "states", "expected"),
    [
        ("number", ["done", "done"], {"p0_x4.png": "old", "p0_x4-2.png": "p0.png", "p1_x4.png": "p1.png"}),
        ("skip", ["skipped", "done"], {"p0_x4.png": "old", "p1_x4.png": "p1.png"}),
        ("overwrite", ["done", "done"], {"p0_x4.png": "p0.png", "p1_x4.png": "p1.png"}),
    ],
)
def test_the_policy_decides_where_a_result_exists(
    tmp_path: Path, policy: str, states: list[str], expected: dict[str, str]
) -> None:
    queue = queue_of(pictures(tmp_path / "in", 2), tmp_path / "out", policy=policy)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p0_x4.png").write_text("old")
    run_queue(queue, Worker(), CancelToken())
    assert [item.state for item in queue.items()] == states
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == expected
    assert queue.items()[0].output is not None


def test_a_question_is_put_where_a_result_exists(tmp_path: Path) -> None:
    queue = queue_of(pictures(tmp_path / "in", 1), tmp_path / "out", policy="ask")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p0_x4.png").touch()
    asked: list[Path] = []

    def ask(path: Path) -> Any:
        asked.append(path)
        return "skip"

    run_queue(queue, Worker(), CancelToken(), ask=ask)
    assert asked == [tmp_path / "out" / "p0_x4.png"]
    assert queue.items()[0].state == "skipped"


@pytest.mark.parametrize("policy", ["number", "skip", "overwrite"])
def test_results_of_one_batch_never_replace_each_other(tmp_path: Path, policy: str) -> None:
    sources = [*pictures(tmp_path / "1", 1), *pictures(tmp_path / "2", 1), *pictures(tmp_path / "3", 1)]
    queue = queue_of(sources, tmp_path / "out", policy=policy)
    run_queue(queue, Worker(), CancelToken())
    assert names(tmp_path / "out") == ["p0_x4-2.png", "p0_x4-3.png", "p0_x4.png"]


def test_a_result_never_replaces_its_own_picture_or_another_one_of_the_queue(tmp_path: Path) -> None:
    first, second = pictures(tmp_path / "in", 2)
    (tmp_path / "in" / "p0_x4.png").hardlink_to(second)
    queue = queue_of([first, second], None, policy="overwrite")
    run_queue(queue, Worker(), CancelToken())
    assert [item.state for item in queue.items()] == ["failed", "done"]
    assert "input file itself" in queue.items()[0].error


@pytest.mark.parametrize(
    ("policy", "state", "begun"), [("number", "done", 2), ("skip", "skipped", 1), ("overwrite", "failed", 1)]
)
def test_an_output_that_another_program_is_writing_is_left_to_it(
    tmp_path: Path, policy: str, state: str, begun: int
) -> None:
    queue = queue_of(pictures(tmp_path / "in", 1), tmp_path / "out", policy=policy)

    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if output.name == "p0_x4.png":
            raise OutputTakenError(output, "another program is writing it")

    worker = Worker(work)
    run_queue(queue, worker, CancelToken())
    assert queue.items()[0].state == state
    assert len(worker.begun) == begun
    if policy == "number":
        assert names(tmp_path / "out") == ["p0_x4-2.png"]


def test_a_very_file_can_be_wanted(tmp_path: Path) -> None:
    from srdesk.engine.files.inputs import InputFile

    queue = Queue()
    (source,) = pictures(tmp_path / "in", 1)
    wanted = tmp_path / "result.tif"
    queue.add_files([InputFile(source, tmp_path)], RECIPE, template="{stem}{ext}", on_collision="number", wanted=wanted)
    run_queue(queue, Worker(), CancelToken())
    assert queue.items()[0].output == wanted
    assert wanted.exists()


def test_what_a_killed_program_had_begun_gets_the_name_that_it_had(tmp_path: Path) -> None:
    sources = pictures(tmp_path / "in", 2)
    queue = queue_of(sources, tmp_path / "out", policy="overwrite", journal=tmp_path / "j")

    def die(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        queue.close()
        output.parent.mkdir(exist_ok=True)
        output.write_text("older")
        raise SystemExit

    with pytest.raises(SystemExit):
        run_queue(queue, Worker(die), CancelToken())
    again = Queue.load(tmp_path / "j")
    seen: list[tuple[str, bool]] = []
    worker = Worker(lambda item, output, control, may_replace: seen.append((output.name, may_replace)))
    run_queue(again, worker, CancelToken())
    again.close()
    assert seen == [("p0_x4.png", True), ("p1_x4.png", True)]


def test_what_was_to_be_replaced_is_not_taken_for_the_result_of_a_killed_program(tmp_path: Path) -> None:
    sources = pictures(tmp_path / "in", 1)
    older = tmp_path / "out" / "p0_x4.png"
    older.parent.mkdir()
    older.write_text("older")
    queue = queue_of(sources, tmp_path / "out", policy="ask", journal=tmp_path / "j")

    def die(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        queue.close()
        raise SystemExit

    with pytest.raises(SystemExit):
        run_queue(queue, Worker(die), CancelToken(), ask=lambda path: "overwrite")
    again = Queue.load(tmp_path / "j")
    run_queue(again, Worker(), CancelToken(), ask=lambda path: pytest.fail("it was answered"))
    again.close()
    assert older.read_text() == "p0.png"


@pytest.mark.parametrize("begins_anew", [False, True])
def test_what_an_earlier_run_left_unfinished_goes_if_a_queue_begins_anew(begins_anew: bool, tmp_path: Path) -> None:
    queue = Queue(begins_anew=begins_anew)
    queue.add(pictures(tmp_path / "in", 1), tmp_path / "out", RECIPE, template="r{ext}", on_collision="number")
    left = [tmp_path / "out" / f"r.png{suffix}" for suffix in (".part", ".part.journal")]
    left[0].parent.mkdir()
    for path in left:
        path.touch()
    seen: list[bool] = []
    run_queue(queue, Worker(lambda *_: seen.extend(path.exists() for path in left)), CancelToken())
    assert seen == [not begins_anew] * 2


def test_an_output_that_cannot_be_written_fails_alone(tmp_path: Path) -> None:
    def work(item: QueueItem, output: Path, control: Control, may_replace: bool) -> None:
        if item.id == 1:
            raise ImageWriteError(output, "no space left on device")

    queue = queue_of(pictures(tmp_path / "in", 2), tmp_path / "out")
    run_queue(queue, Worker(work), CancelToken())
    assert [item.state for item in queue.items()] == ["failed", "done"]
    assert queue.items()[0].output is None

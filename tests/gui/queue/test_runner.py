"""What really enlarges the files of the queue: photos, measured pictures and scenes, in turn with others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from srdesk.engine.batch.queue import Queue
from srdesk.engine.control import CancelToken, Control, Progress
from srdesk.engine.files import file_job
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.gui.queue.orders import ItemEnded, ItemProgressed, ItemRemarked, Ran, RunRequest
from srdesk.gui.queue.runner import QueueRunner
from srdesk.gui.queue.turn import Turn, TurnToken, Wait
from srdesk.gui.work.requests import WasCancelled
from srdesk.imaging.formats import open_image
from srdesk.imaging.scene.probe import is_scene

BICUBIC = FileRecipe(model="bicubic")


def queue_of(*sources: Path) -> Queue:
    queue = Queue()
    queue.add(sources, None, BICUBIC, template="{stem}_{model}_x{scale}{ext}", on_collision="number")
    return queue


@pytest.fixture
def run(qtbot: QtBot):
    """Work through a queue on this thread, and return the answer and all reports."""

    def work(queue: Queue, turn: Turn | None = None, token: CancelToken | None = None):
        turn = turn or Turn()
        runner = QueueRunner(turn)
        answers: list[object] = []
        reports: list[object] = []
        runner.answered.connect(answers.append)
        runner.reported.connect(reports.append)
        runner.handle(RunRequest(queue=queue, token=token or TurnToken(turn)))
        assert len(answers) == 1
        return answers[0], reports

    return work


def test_photos_measured_pictures_and_scenes_are_enlarged_alike(
    run, save_picture: Callable[..., Path], make_geotiff: Callable[..., Path], tmp_path: Path
) -> None:
    photo = save_picture("photo.png", (30, 20))
    scene = make_geotiff("scene.tif", np.arange(4 * 24 * 30, dtype=np.uint16).reshape(4, 24, 30))
    frame = tmp_path / "frame.fits"
    astropy.io.fits.PrimaryHDU(np.random.default_rng(1).random((20, 24), np.float32)).writeto(frame)
    queue = queue_of(photo, scene, frame)
    answer, reports = run(queue)
    assert isinstance(answer, Ran)
    assert [item.state for item in queue.items()] == ["done"] * 3
    results = [item.output for item in queue.items()]
    assert [path.name for path in results] == [
        "photo_bicubic_x4.png",
        "scene_bicubic_x4.tif",
        "frame_bicubic_x4.fits",
    ]
    assert is_scene(results[1])
    assert [(open_image(path).width, open_image(path).height) for path in (results[0], results[2])] == [
        (120, 80),
        (96, 80),
    ]
    assert [report.state for report in reports if isinstance(report, ItemEnded)] == ["done"] * 3
    assert {report.item_id for report in reports if isinstance(report, ItemProgressed)} == {1, 2, 3}
    assert [report.item_id for report in reports if isinstance(report, ItemRemarked)] == [3]  # it has no BUNIT


@pytest.mark.expects_warning_log("a file of the queue failed unexpectedly")
def test_a_damaged_file_and_one_that_nobody_foresaw_leave_the_others_alone(
    run, save_picture: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n")
    really = file_job.enlarge_file

    def enlarge(source: Path, *rest: object, **options: object):
        if source.name == "odd.png":
            raise ZeroDivisionError("of all things")
        return really(source, *rest, **options)

    monkeypatch.setattr(file_job, "enlarge_file", enlarge)
    queue = queue_of(damaged, save_picture("odd.png"), save_picture("good.png"))
    answer, _ = run(queue)
    assert isinstance(answer, Ran)
    assert [item.state for item in queue.items()] == ["failed", "failed", "done"]
    assert "damaged.png" in queue.items()[0].error
    assert "unexpected" in queue.items()[1].error
    assert "log" in queue.items()[1].hint


def test_time_that_others_had_their_turn_does_not_count(
    run, save_picture: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = Turn()
    began = threading.Event()

    def enlarge(source: Path, output: Path, recipe: object, upscaler: object, decoder: object, control: Control, **_):
        turn.set_waiting(Wait.PANES, shall_wait=True)
        began.set()
        control.token.check()
        assert control.on_progress is not None
        control.on_progress(Progress(1, 2, 100.0 + turn.waited_s))
        return file_job.FileFacts(source, output, 4, 4, 0.0, "cpu", "fp32", 0, 1.0)

    def let_go_on() -> None:
        began.wait(10)
        threading.Event().wait(0.2)
        turn.set_waiting(Wait.PANES, shall_wait=False)

    monkeypatch.setattr(file_job, "enlarge_file", enlarge)
    other = threading.Thread(target=let_go_on)
    other.start()
    queue = queue_of(save_picture())
    _, reports = run(queue, turn)
    other.join()
    assert turn.waited_s >= 0.2
    assert queue.items()[0].seconds < turn.waited_s
    elapsed = [report.progress.elapsed_s for report in reports if isinstance(report, ItemProgressed)]
    assert elapsed == pytest.approx([100.0])


def test_a_stop_is_no_failure(run, save_picture: Callable[..., Path]) -> None:
    turn = Turn()
    token = TurnToken(turn)
    token.cancel()
    queue = queue_of(save_picture())
    answer, reports = run(queue, turn, token)
    assert isinstance(answer, WasCancelled)
    assert (reports, queue.items()[0].state) == ([], "waiting")


def test_a_scene_that_was_stopped_goes_on_where_it_was(
    run, make_geotiff: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_geotiff("scene.tif", np.ones((1, 2100, 40), np.uint8))
    turn = Turn()
    token = TurnToken(turn)
    shall_stop = True
    facts: list[file_job.FileFacts] = []
    really = file_job.enlarge_file

    def enlarge(source: Path, output: Path, recipe: FileRecipe, upscaler, decoder, control: Control, **options):
        def report(progress: Progress) -> None:
            if shall_stop and progress.fraction > 0.5:
                token.cancel()

        watched = Control(control.token, report, control.on_notice, max_rate_hz=1e9)
        facts.append(really(source, output, recipe, upscaler, decoder, watched, **options))
        return facts[-1]

    monkeypatch.setattr(file_job, "enlarge_file", enlarge)
    queue = queue_of(scene)
    answer, reports = run(queue, turn, token)
    assert isinstance(answer, WasCancelled)
    assert queue.items()[0].state == "waiting"
    remarks = [report.sentence for report in reports if isinstance(report, ItemRemarked)]
    assert remarks == ["What is finished of “scene_bicubic_x4.tif” is kept: enlarging it again goes on from there."]
    shall_stop = False
    answer, _ = run(queue)
    assert isinstance(answer, Ran)
    assert facts[-1].windows is not None
    assert 0 < facts[-1].resumed_windows < facts[-1].windows

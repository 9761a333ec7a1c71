"""How the queue is written for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from srdesk.engine.batch.queue import QueueItem, State
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.gui.queue import texts
from srdesk.gui.queue.orders import Added
from srdesk.gui.queue.run_state import RunState, RunSummary


def item(state: State, number: int = 1) -> QueueItem:
    return QueueItem(
        id=number,
        source=Path("/in/a.png"),
        output_folder=Path("/out"),
        recipe=FileRecipe(model="bicubic"),
        template="{stem}",
        on_collision="number",
        state=state,
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.PNG", "PNG"), ("m13.fits.fz", "FITS"), ("scene.tif", "TIFF"), ("a.xyz", "XYZ"), ("README", "–")],
)
def test_a_file_is_called_by_its_kind(name: str, expected: str) -> None:
    assert texts.kind(Path(name)) == expected


@pytest.mark.parametrize(
    ("megapixels", "expected"),
    [(None, ""), (0.0, ""), (0.0123, "0.012 MPix"), (12.6, "13 MPix"), (1928.7, "1,929 MPix")],
)
def test_sizes_have_as_many_digits_as_are_useful(megapixels: float | None, expected: str) -> None:
    assert texts.size(megapixels) == expected


@pytest.mark.parametrize(
    ("states", "state", "remaining_s", "expected"),
    [
        ([], RunState.IDLE, None, ""),
        (["waiting"], RunState.IDLE, None, "0 of 1 file"),
        (["done", "running"], RunState.RUNNING, 130.0, "1 of 2 files  ·  2 min 10 s left"),
        (["done", "waiting"], RunState.PAUSED, 4.0, "Paused  ·  1 of 2 files  ·  4 s left"),
        (["running"], RunState.WAITING, None, "Waits for the open picture  ·  0 of 1 file"),
        (["waiting"], RunState.STOPPING, None, "Stopping…  ·  0 of 1 file"),
        (["failed", "skipped", "done"], RunState.IDLE, 0.0, "3 of 3 files  ·  1 skipped  ·  1 failed"),
    ],
)
def test_the_whole_queue_is_one_line(
    states: list[State], state: RunState, remaining_s: float | None, expected: str
) -> None:
    items = [item(each, number) for number, each in enumerate(states)]
    assert texts.whole(items, state, remaining_s) == expected


def test_the_end_of_a_run_says_what_became_of_its_files() -> None:
    assert texts.summary(RunSummary(12, 0, 0)) == "The queue is done: 12 enlarged."
    assert texts.summary(RunSummary(1_950, 3, 50)) == "The queue is done: 1,950 enlarged, 3 skipped, 50 failed."


def test_what_was_not_added_is_said() -> None:
    assert texts.addition(Added(1, None, 1, 0, 0, ())) == "Added 1 file."
    said = texts.addition(Added(1, None, 2, 3, 4, ()))
    assert said == "Added 2 files; 3 were waiting already; 4 results of earlier runs were left out."
    said = texts.addition(Added(1, None, 2, 1, 1, ()))
    assert said == "Added 2 files; 1 was waiting already; 1 result of an earlier run was left out."


def test_a_tiny_result_is_not_told_in_powers_of_ten() -> None:
    assert texts.size(1.6e-05) == "< 0.01 MPix"

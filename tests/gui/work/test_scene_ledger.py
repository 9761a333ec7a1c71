"""Runs that were broken off are found again when their scene is opened, by any desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from srdesk import paths
from srdesk.gui.work.requests import Recipe
from srdesk.gui.work.scene_ledger import SceneLedger
from srdesk.gui.work.scene_requests import SceneOrder


def leave_unfinished(output: Path, steps: int) -> None:
    Path(f"{output}.part").write_bytes(b"tiles")
    Path(f"{output}.part.journal").write_bytes(b"line\n" * (steps + 1))


@pytest.fixture
def order(tmp_path: Path) -> SceneOrder:
    source = tmp_path / "scène \udcff.tif"
    source.write_bytes(b"scene")
    recipe = Recipe(
        model="srresnet",
        weights=tmp_path / "w.safetensors",
        weights_stamp=(5, 7),
        device="cpu",
        precision="fp32",
        window_px=64,
    )
    return SceneOrder(pane="srresnet", source=source, output=tmp_path / "out.tif", recipe=recipe, colours=(3, 2, 1))


def test_a_run_of_which_something_is_finished_is_found_with_all_its_settings(order: SceneOrder) -> None:
    SceneLedger().note(order)
    leave_unfinished(order.output, steps=2)
    assert SceneLedger().unfinished(order.source) == [order]
    assert (paths.state_folder() / "scenes").is_dir()


def test_a_run_that_has_finished_nothing_is_not_worth_a_word(order: SceneOrder, tmp_path: Path) -> None:
    ledger = SceneLedger(tmp_path / "ledger")
    ledger.note(order)
    assert ledger.unfinished(order.source) == []
    leave_unfinished(order.output, steps=0)
    assert ledger.unfinished(order.source) == []


def test_a_scene_that_was_changed_has_no_unfinished_runs(order: SceneOrder, tmp_path: Path) -> None:
    ledger = SceneLedger(tmp_path / "ledger")
    ledger.note(order)
    leave_unfinished(order.output, steps=2)
    order.source.write_bytes(b"another scene")
    assert ledger.unfinished(order.source) == []
    order.source.unlink()
    assert ledger.unfinished(order.source) == []


def test_another_scene_has_runs_of_its_own(order: SceneOrder, tmp_path: Path) -> None:
    ledger = SceneLedger(tmp_path / "ledger")
    ledger.note(order)
    leave_unfinished(order.output, steps=2)
    other = tmp_path / "other.tif"
    other.write_bytes(b"scene")
    assert ledger.unfinished(other) == []


def test_what_is_forgotten_is_gone(order: SceneOrder, tmp_path: Path) -> None:
    ledger = SceneLedger(tmp_path / "ledger")
    ledger.note(order)
    leave_unfinished(order.output, steps=2)
    ledger.forget(order.output)
    ledger.forget(order.output)
    assert ledger.unfinished(order.source) == []
    assert not list((tmp_path / "ledger").iterdir())


def test_damaged_notes_are_passed_over(order: SceneOrder, tmp_path: Path) -> None:
    ledger = SceneLedger(tmp_path / "ledger")
    ledger.note(order)
    leave_unfinished(order.output, steps=2)
    (tmp_path / "ledger" / "0000.json").write_bytes(b"{")
    assert ledger.unfinished(order.source) == [order]

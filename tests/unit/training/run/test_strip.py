"""Pictures of a run are kept for whoever watches, but not without end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from srdesk.training.run.runs import PICTURES_FOLDER
from srdesk.training.run.strip import MAX_STEPS, keep_references, keep_step, kept_steps


def test_what_is_kept_can_be_looked_at(tmp_path: Path) -> None:
    pixels = np.linspace(0.0, 1.0, 8 * 8 * 3, dtype=np.float32).reshape(8, 8, 3)
    keep_references(tmp_path, {0: {"lr": pixels[:2, :2], "hr": pixels}})
    keep_step(tmp_path, 500, {0: pixels})
    with PIL.Image.open(tmp_path / PICTURES_FOLDER / "00_step-00000500.png") as kept:
        assert np.array_equal(np.asarray(kept), np.rint(pixels * 255))
    with PIL.Image.open(tmp_path / PICTURES_FOLDER / "00_lr.png") as kept:
        assert kept.size == (2, 2)


def test_of_many_steps_some_are_dropped_but_never_the_first_and_the_latest(tmp_path: Path) -> None:
    dot = np.zeros((1, 1, 3), np.float32)
    for step in range(0, 3 * MAX_STEPS):
        keep_step(tmp_path, step, {0: dot, 1: dot}, best_step=min(step, 41))
        steps = kept_steps(tmp_path)
        assert min(step, 41) in steps
        assert len(steps) <= MAX_STEPS
        assert (steps[0], steps[-1]) == (0, step)
    assert len(list((tmp_path / PICTURES_FOLDER).glob("01_*.png"))) == len(kept_steps(tmp_path))

"""What enlarging a scene will take, told before it begins: its windows, its room on the disk, what is there already."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from srdesk.engine.enlarge import SCALE
from srdesk.engine.scenes.scene import check_scene, expected_bytes, plan_passes, plan_windows
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.scene.tile_file import unfinished_bytes, unfinished_steps
from srdesk.imaging.scene.writer import ScenePlan


@dataclass(frozen=True, slots=True)
class SceneForecast:
    """What can be said of a run before it begins."""

    height: int
    """Rows of the result."""
    width: int
    """Columns of the result."""
    passes: int
    """How often a model goes over the scene: once for a colour triple, once for every other band."""
    steps: int
    """Windows of all passes."""
    finished_steps: int
    """Those of them that an earlier run has finished."""
    expected_bytes: int
    """About how large the result will be."""
    free_bytes: int
    """Room on its disk, what is there of it already counted in."""

    @property
    def finished_share(self) -> float:
        """Share of the steps that an earlier run has finished."""
        return self.finished_steps / self.steps


def foresee(path: Path, output: Path, colours: tuple[int, int, int] | None = None) -> SceneForecast:
    """Return what enlarging a scene will take.

    Args:
        path: the scene.
        output: its result.
        colours: numbers of the red, the green and the blue band; those that the file names if None.

    Raises:
        ImageError: it cannot be opened or enlarged, or the disk has too little room.
        ConfigError: it has no such bands.
    """
    with open_geotiff(path) as scene:
        check_scene(scene, output, colours)
        passes = plan_passes(scene, colours)
        plan = ScenePlan(scene, SCALE, is_interleaved=len(passes) == 1 and scene.is_interleaved)
        folder = next(folder for folder in output.absolute().parents if folder.exists())
        return SceneForecast(
            height=plan.height,
            width=plan.width,
            passes=len(passes),
            steps=len(passes) * len(plan_windows(scene.height, scene.width, SCALE)),
            finished_steps=unfinished_steps(output),
            expected_bytes=expected_bytes(plan),
            free_bytes=shutil.disk_usage(folder).free + unfinished_bytes(output),
        )

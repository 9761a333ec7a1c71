"""Measure how much faster two workers are than one: `srdesk upscale --cluster local:N`, one CPU thread each.

    python tests/bench/measure_cluster.py --windows 4 --rounds 3

Both clusters stand ready, with the network loaded, and take turns at the steps of the same scene; what is measured is
the time from the first step that is asked for to the last that is there, compressed tiles included. On a machine that
others use as well, the times of a clock say little: two workers get no more of it than one. Then look at the processor
time, which is what the steps cost, at how evenly it is shared, and at how much of the time the workers were at work and
did not wait for this program: processor time of one, over that of the busier of two, times their share at work, is how
much faster two are where each has a core to itself. The bound: two workers at least 1.8 times as fast.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srdesk.engine.cluster.cluster import connected
from srdesk.engine.cluster.cluster_address import ClusterAddress
from srdesk.engine.cluster.cluster_crew import ClusterCrew
from srdesk.engine.control import CancelToken, Control
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.scenes.scene import plan_passes, plan_windows
from srdesk.engine.scenes.scene_step import SceneOrder, SceneStep
from srdesk.imaging.scene.bands import measured_values
from srdesk.imaging.scene.gdal_session import gdal_session
from srdesk.imaging.scene.geotiff import open_geotiff
from srdesk.imaging.scene.writer import ScenePlan

BOUND = 1.8
SCALE = 4
WINDOW_ROWS_PX = 1024


@dataclass(frozen=True)
class Turn:
    """One cluster's turn at all steps."""

    wall_s: float
    cpu_s: list[float]
    """Processor time of every worker."""
    at_work: float
    """Share of the time in which the workers were doing a step."""
    tiles: list[list[tuple[int, bytes]]]


def make_scene(path: Path, windows: int, width_px: int) -> None:
    """Write a scene of soft 16-bit noise that has so many windows."""
    rng = np.random.default_rng(1)
    height_px = WINDOW_ROWS_PX * windows
    coarse = rng.integers(200, 4000, (height_px // 8, width_px // 8))
    numbers = coarse.repeat(8, axis=0).repeat(8, axis=1) + rng.integers(0, 50, (height_px, width_px))
    shape = {"width": width_px, "height": height_px, "count": 1, "dtype": "uint16", "compress": "deflate"}
    with gdal_session() as rasterio:
        where = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)}
        with rasterio.open(path, "w", driver="GTiff", **shape, **where) as dataset:
            dataset.write(numbers.astype(np.uint16), 1)


def order_of(path: Path) -> tuple[SceneOrder, list[SceneStep]]:
    """Return what workers must know of a scene, and its steps."""
    with open_geotiff(path) as scene:
        (only,) = plan_passes(scene, None)
        values = {only: measured_values(scene, only.bands, lambda: None)}
        order = SceneOrder(path, ScenePlan(scene, SCALE, is_interleaved=False).layout, SCALE, values)
        return order, [SceneStep(window, only) for window in plan_windows(scene.height, scene.width, SCALE)]


def take_turn(crew: ClusterCrew, order: SceneOrder, steps: list[SceneStep]) -> Turn:
    """Let a cluster make all steps."""
    nothing = (0.0, 0.0)
    before = {worker: (total.seconds, total.cpu_seconds) for worker, total in crew.totals().items()}
    started_s = time.perf_counter()
    made = [step.tiles for step in crew.make(order, steps, Control())]
    wall_s = time.perf_counter() - started_s
    after = {worker: (total.seconds, total.cpu_seconds) for worker, total in crew.totals().items()}
    busy_s = sum(seconds - before.get(worker, nothing)[0] for worker, (seconds, _) in after.items())
    cpu_s = sorted(spent - before.get(worker, nothing)[1] for worker, (_, spent) in after.items())
    return Turn(wall_s, cpu_s, busy_s / (len(after) * wall_s), made)


def measure(folder: Path, options: argparse.Namespace) -> int:
    """Let both clusters take turns; the status says whether two workers were fast enough."""
    path = folder / "scene.tif"
    make_scene(path, options.windows, options.width)
    order, steps = order_of(path)
    recipe = FileRecipe(model="bench", weights=options.weights, device="cpu", precision="fp32")
    ratios, shares = [], []
    with contextlib.ExitStack() as stack:
        crews = []
        for workers in (1, 2):
            address = ClusterAddress(workers, "")
            crew = ClusterCrew(stack.enter_context(connected(address, recipe, CancelToken(), threads=1)))
            take_turn(crew, order, steps[: 2 * workers])  # loads torch and the network
            crews.append(crew)
        for number in range(1, options.rounds + 1):
            load = os.getloadavg()[0]
            one, two = (take_turn(crew, order, steps) for crew in crews)
            if one.tiles != two.tiles:
                raise SystemExit("the workers do not agree")
            ratios.append(one.wall_s / two.wall_s)
            shares.append(sum(one.cpu_s) / max(two.cpu_s) * two.at_work)
            print_line(
                f"round {number}: one worker {one.wall_s:.2f} s (CPU {sum(one.cpu_s):.2f} s), two {two.wall_s:.2f} s "
                f"(CPU {' + '.join(f'{spent:.2f}' for spent in two.cpu_s)} s, at work {two.at_work:.1%}): "
                f"{ratios[-1]:.2f} times by the clock, {shares[-1]:.2f} by CPU time; load before {load:.1f}"
            )
    ratio, share = statistics.median(ratios), statistics.median(shares)
    print_line(
        f"two workers are {ratio:.2f} times as fast as one by the clock (best {max(ratios):.2f}), {share:.2f} times by "
        f"CPU time and time at work (medians of {options.rounds} rounds of {len(steps)} steps; {os.cpu_count()} "
        f"processors, {len(os.sched_getaffinity(0))} of them usable); at least {BOUND} is asked for"
    )
    return 0 if ratio >= BOUND else 1


def print_line(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path(__file__).parents[2] / "weights/srresnet_x4.safetensors")
    parser.add_argument("--windows", type=int, default=4, help="windows of the scene; an even number is fair")
    parser.add_argument("--width", type=int, default=48, help="columns of the scene")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), options)


if __name__ == "__main__":
    sys.exit(main())

"""`srdesk upscale --cluster`: real workers, some of them killed, and the bytes of a run without any."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from srdesk.engine.control import Control
from srdesk.engine.files.file_job import Upscalers, enlarge_file
from srdesk.engine.files.file_recipe import FileRecipe
from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.imaging.decoder import Decoder
from srdesk.models.srresnet import SRResNet, SRResNetConfig

pytestmark = [pytest.mark.process, pytest.mark.slow]
pytest.importorskip("distributed")

MakeGeoTiff = Callable[..., Path]
Process = subprocess.Popen[str]
PATIENCE_S = 90.0
WINDOWS = 5


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    config = {"channels": 8, "blocks": 1}
    path = tmp_path / "tiny.safetensors"
    card = WeightsCard(name="tiny", architecture="srresnet", config=config)
    save_weights(path, SRResNet(SRResNetConfig(**config)), card)
    return path


@pytest.fixture
def scene(make_geotiff: MakeGeoTiff) -> Path:
    """A scene of several windows, with a hole that reaches over an edge between two."""
    pixels = np.random.default_rng(2).integers(1, 4000, (1, 1024 * WINDOWS - 50, 40), np.uint16)
    pixels[:, 1000:1060, 5:20] = 0
    return make_geotiff("scene.tif", pixels, compress="deflate", nodata=0)


@pytest.fixture
def start(weights: Path) -> Iterator[Callable[..., Process]]:
    """Begin to enlarge with some options more."""
    begun = []

    def begin(source: Path, output: Path, *more: str) -> Process:
        command = [sys.executable, "-m", "srdesk", "upscale", str(source), "-o", str(output), "--model", str(weights)]
        command += ["--device", "cpu", *more]
        begun.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def result(process: Process) -> dict[str, Any]:
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, stderr
    return dict(json.loads(stdout))


def alone(source: Path, weights: Path, output: Path) -> bytes:
    """Return what a file becomes in this process."""
    recipe = FileRecipe(model="tiny", weights=weights, device="cpu")
    with Decoder() as decoder:
        enlarge_file(source, output, recipe, lambda: Upscalers().ready(recipe), decoder, Control())
    return output.read_bytes()


def wait_until(condition: Callable[[], object], process: Process) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def finished_windows(output: Path) -> int:
    """Count the whole lines of the journal behind its first."""
    try:
        return max(0, Path(f"{output}.part.journal").read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return 0


def workers_of(process: Process) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children()
    return [child for child in children if any("spawn_main" in word for word in child.cmdline())]


def test_a_killed_worker_changes_nothing(
    scene: Path, weights: Path, tmp_path: Path, start: Callable[..., Process]
) -> None:
    output = tmp_path / "out.tif"
    process = start(scene, output, "--cluster", "local:2", "--json")
    wait_until(lambda: finished_windows(output) >= 1, process)
    workers_of(process)[0].kill()
    document = result(process)
    assert output.read_bytes() == alone(scene, weights, tmp_path / "alone.tif")
    assert document["outputs"][0]["windows"] == WINDOWS
    assert sum(worker["tasks"] for worker in document["workers"]) == WINDOWS


def test_a_killed_client_leaves_no_worker_and_its_work_is_gone_on_with(
    scene: Path, weights: Path, tmp_path: Path, start: Callable[..., Process]
) -> None:
    output = tmp_path / "out.tif"
    process = start(scene, output, "--cluster", "local:2")
    wait_until(lambda: finished_windows(output) >= 1, process)
    workers = workers_of(process)
    process.kill()
    process.communicate()
    assert psutil.wait_procs(workers, timeout=PATIENCE_S)[1] == []
    kept = finished_windows(output)

    process = start(scene, output, "--cluster", "local:1")
    wait_until(lambda: finished_windows(output) > kept or output.exists(), process)
    workers = workers_of(process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert psutil.wait_procs(workers, timeout=PATIENCE_S)[1] == []
    if process.returncode != 0:  # it may have been faster than the signal
        assert process.returncode == 130
        assert "What is finished of “out.tif” is kept: enlarging it again goes on from there." in said
        kept = finished_windows(output)
        alone(scene, weights, output)  # goes on, without any worker
        assert kept > 1
    assert output.read_bytes() == alone(scene, weights, tmp_path / "alone.tif")


def test_a_folder_becomes_what_it_becomes_on_one_machine_whoever_is_killed(
    weights: Path, tmp_path: Path, start: Callable[..., Process]
) -> None:
    folder = tmp_path / "in" / "below"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (20, 30 + number, 3), np.uint8)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes((folder / "0.png").read_bytes()[:90])
    process = start(tmp_path / "in", tmp_path / "out", "--cluster", "local:2", "--json")
    while process.poll() is None and not list((tmp_path / "out").glob("below/*.png")):
        time.sleep(0.005)
    for worker in workers_of(process)[:1]:
        worker.kill()
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1, stderr
    document = json.loads(stdout)
    names = [f"{number}_tiny_x4.png" for number in range(5)]
    assert sorted(path.name for path in (tmp_path / "out" / "below").iterdir()) == names
    for number, name in enumerate(names):
        bytes_alone = alone(folder / f"{number}.png", weights, tmp_path / name)
        assert (tmp_path / "out" / "below" / name).read_bytes() == bytes_alone
    assert len(document["outputs"]) == 5
    assert [Path(one["input"]).name for one in document["failures"]] == ["broken.png"]
    assert sum(worker["tasks"] for worker in document["workers"]) >= 5


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """A scheduler of its own on this machine: its address, its process, and the file by which workers find it."""
    file = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *options, "--dashboard-address", "127.0.0.1:0"],
        stderr=subprocess.DEVNULL,
    )
    give_up_at = time.monotonic() + PATIENCE_S
    while not (file.exists() and file.read_text().strip().endswith("}")):
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    yield json.loads(file.read_text())["address"], process, file
    process.kill()
    process.wait()


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Begin a worker of a scheduler, without a nanny."""
    begun = []

    def begin(scheduler_file: Path, *, tasks: int = 1) -> None:
        options = ["--scheduler-file", str(scheduler_file), "--nthreads", str(tasks), "--no-nanny", "--no-dashboard"]
        options += ["--local-directory", str(tmp_path / "scratch"), "--death-timeout", "60", "--host", "127.0.0.1"]
        command = [sys.executable, "-m", "distributed.cli.dask_worker", *options]
        begun.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))

    yield begin
    for process in begun:
        process.kill()
        process.wait()


def test_the_loss_of_the_scheduler_is_one_sentence_and_keeps_what_is_finished(
    scene: Path,
    weights: Path,
    tmp_path: Path,
    start: Callable[..., Process],
    scheduler: tuple[str, subprocess.Popen[bytes], Path],
    start_worker: Callable[..., None],
) -> None:
    address, its_process, file = scheduler
    output = tmp_path / "out.tif"
    start_worker(file)
    process = start(scene, output, "--cluster", address)
    wait_until(lambda: finished_windows(output) >= 1, process)
    its_process.kill()
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "srdesk: The scheduler of the cluster is lost.\n        See that scheduler and workers run;" in said
    assert "Traceback" not in said
    kept = finished_windows(output)
    assert kept >= 1
    assert result(start(scene, output, "--json"))["outputs"][0]["resumed_windows"] == kept
    assert output.read_bytes() == alone(scene, weights, tmp_path / "alone.tif")


def test_a_worker_that_does_several_tasks_at_a_time_is_refused_by_name(
    scene: Path,
    tmp_path: Path,
    start: Callable[..., Process],
    scheduler: tuple[str, subprocess.Popen[bytes], Path],
    start_worker: Callable[..., None],
) -> None:
    address, _, file = scheduler
    start_worker(file, tasks=2)
    process = start(scene, tmp_path / "out.tif", "--cluster", address)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "does 2 tasks at a time instead of one." in said
    assert "`--nthreads 1`" in said
    assert not (tmp_path / "out.tif.part").exists()


def test_a_scheduler_that_is_not_there_is_one_sentence(
    scene: Path, tmp_path: Path, start: Callable[..., Process]
) -> None:
    process = start(scene, tmp_path / "out.tif", "--cluster", "tcp://127.0.0.1:9")
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "srdesk: There is no Dask scheduler at “tcp://127.0.0.1:9”.\n" in said
    assert "Traceback" not in said

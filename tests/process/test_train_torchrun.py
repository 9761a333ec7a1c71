"""Several processes that train one run: the same result as one, also when one of them is killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import PIL.Image
import psutil
import pytest
import torch

from srdesk.training.learning.checkpoint import load_checkpoint
from srdesk.training.run.runs import Run

pytestmark = [pytest.mark.process, pytest.mark.slow]

OPTIONS = (
    'model_options={"channels": 8, "blocks": 1}',
    'discriminator_options={"channels": [8, 8, 8, 8], "dense": 8}',
    "feature_weight=0",
    "discriminator_learning_rate=1e-5",
    "learning_rate=1e-4",
    "warmup_steps=10",
    "batch_size=4",
    "crop_px=8",
    "validation_crop_px=64",
    "validate_every_steps=50",
    "checkpoint_every_steps=25",
    "report_every_steps=1",
    "threads=1",
    "precision=fp32",
    "device=cpu",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torchrun")
    (folder / "pictures").mkdir()
    for seed in range(6):
        coarse = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        picture = PIL.Image.fromarray(coarse).resize((80, 80), PIL.Image.Resampling.BICUBIC)
        picture.save(folder / "pictures" / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def trained_by_two(folder: Path) -> Run:
    """Return a run of SRResNet that two processes trained undisturbed."""
    return trained(folder / "by two", "srresnet", "--standalone", processes=2)


def start(
    folder: Path, model: str, *launch: str, processes: int, steps: int = 100, options: tuple[str, ...] = OPTIONS
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m"]
    if processes > 1:
        command += ["torch.distributed.run", f"--nproc-per-node={processes}", *launch, "-m", "--"]
    command += ["srdesk", "train", "--model", model, "--data", str(folder.parent / "pictures")]
    command += ["--run", str(folder), "--steps", str(steps), "--set", *options]
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE)


def trained(
    folder: Path, model: str, *launch: str, processes: int, steps: int = 100, options: tuple[str, ...] = OPTIONS
) -> Run:
    with start(folder, model, *launch, processes=processes, steps=steps, options=options) as process:
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors.decode()
    return Run(folder)


def weights(run: Run) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(run.folder)
    assert checkpoint is not None
    assert checkpoint.state.step == run.config().steps
    return {name: tensor for name, tensor in checkpoint.tensors.items() if name.startswith(("model/", "average/"))}


def largest_difference(one: Run, other: Run) -> float:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)


def test_two_processes_make_the_weights_that_one_makes(folder: Path, trained_by_two: Run) -> None:
    assert largest_difference(trained(folder / "by one", "srresnet", processes=1), trained_by_two) <= 1e-6


def test_two_processes_have_one_geometric_mean(folder: Path) -> None:
    options = (*OPTIONS, "pixel_loss=psnr")
    alone = trained(folder / "psnr by one", "srresnet", processes=1, steps=25, options=options)
    together = trained(folder / "psnr by two", "srresnet", "--standalone", processes=2, steps=25, options=options)
    assert largest_difference(alone, together) <= 1e-6


def test_two_processes_make_the_generator_that_one_makes(folder: Path) -> None:
    # Two networks that play against each other magnify rounding: after 100 steps one process alone, given the crops of
    # each batch in another order, differs from itself by as much as from two (9e-5 with the usual rates).
    alone = trained(folder / "gan by one", "srgan", processes=1, steps=25)
    together = trained(folder / "gan by two", "srgan", "--standalone", processes=2, steps=25)
    assert largest_difference(alone, together) <= 1e-6


def test_a_killed_process_is_started_again_and_changes_nothing(folder: Path, trained_by_two: Run) -> None:
    run = Run(folder / "killed")
    launch = ("--max-restarts=3", f"--master-port={free_port()}")
    with start(run.folder, "srresnet", *launch, processes=2) as process:
        give_up_at = time.monotonic() + 60
        while not run.events_path.exists() or run.overview().step < 40:
            assert process.poll() is None
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        children = psutil.Process(process.pid).children()
        (victim,) = (child for child in children if child.environ().get("RANK") == "0")
        victim.kill()
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors.decode()
    assert largest_difference(run, trained_by_two) == 0.0
    assert run.state() == "done"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

"""A compiled network learns what the network itself learns, or the missing compiler is named."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from srdesk.errors import ConfigError
from srdesk.training.config import TrainConfig
from srdesk.training.data.dataset import Batch
from srdesk.training.learning.learner import Learner, StepFigures, build_model

MakeConfig = Callable[..., TrainConfig]


def learner_for(config: TrainConfig) -> Learner:
    return Learner(build_model(config), config, device=torch.device("cpu"), precision="fp32")


def batch_of(step: int) -> Batch:
    random = np.random.default_rng(step)
    return Batch(random.integers(0, 256, (2, 8, 8, 3), np.uint8), random.integers(0, 256, (2, 32, 32, 3), np.uint8))


def learn(config: TrainConfig) -> dict[str, list[StepFigures]]:
    """Make five steps plainly, compiled, and compiled with the last three by another learner that goes on."""
    torch.set_num_threads(config.threads)
    faster = msgspec.structs.replace(config, compile=True)
    ways = {"plain": learner_for(config), "compiled": learner_for(faster)}
    figures = {name: [way.step(batch_of(step), step) for step in range(2)] for name, way in ways.items()}
    figures["resumed"] = list(figures["compiled"])
    ways["resumed"] = learner_for(faster)
    ways["resumed"].load_tensors(ways["compiled"].tensors(), "checkpoint")
    for name, way in ways.items():
        figures[name] += [way.step(batch_of(step), step) for step in range(2, 5)]
    return figures


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, which torch compiles with")
def test_it_learns_the_same_and_goes_on_bit_for_bit(
    tiny_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "kernels"))
    # In a process of its own: torch's compiler leaves threads running.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as elsewhere:
        figures = elsewhere.submit(learn, tiny_config(freeze_batch_norm_at=3)).result()
    assert figures["resumed"] == figures["compiled"]
    losses = {name: [step.loss for step in steps] for name, steps in figures.items()}
    assert losses["compiled"] == pytest.approx(losses["plain"], rel=1e-4)
    kernels = list((tmp_path / "kernels").rglob("*.so"))
    assert len(kernels) > 2  # not only the trial of the compiler


def test_a_machine_without_compiler_is_told_what_to_install(
    tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("No working C++ compiler found\nand more")

    monkeypatch.setattr(torch, "compile", fail)
    with pytest.raises(ConfigError, match="compile") as caught:
        learner_for(tiny_config(compile=True))
    assert "Install a C++ compiler (Debian: g++)" in caught.value.hint
    assert "No working C++ compiler found)." in caught.value.hint

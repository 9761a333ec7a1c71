"""Processes that step by SOAP hold the same weights, even where their machines find other bases."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [pytest.mark.process]

PROGRAM = """
import sys
import torch
from torch import distributed, nn
from srdesk.training.learning import soap

rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
if rank == 1:  # as another processor might: eigenvectors of other signs and another order
    found = soap._eigenbasis
    soap._eigenbasis = lambda covariance: -found(covariance).flip(1)
parameter = nn.Parameter(torch.zeros(6, 2, 3, 3))
optimizer = soap.Soap([parameter], lr=0.01)
generator = torch.Generator().manual_seed(7)
for _ in range(3 * soap.BASIS_EVERY_STEPS):
    parameter.grad = torch.randn(6, 2, 3, 3, generator=generator)
    optimizer.step()
torch.save(parameter.detach(), out)
distributed.destroy_process_group()
"""


def test_they_take_the_directions_of_the_main_process(tmp_path: Path) -> None:
    files = [tmp_path / f"{rank}.pt" for rank in (0, 1)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM]
    processes = [
        subprocess.Popen([*command, str(rank), str(tmp_path / "store"), str(path)], env=environment)
        for rank, path in enumerate(files)
    ]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    main, other = (torch.load(path, weights_only=True) for path in files)
    assert float(main.abs().max()) > 0.01
    assert torch.equal(main, other)

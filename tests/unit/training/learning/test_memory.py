"""A training step finds the memory that the step before it has freed, and says so where there is none."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest
import torch

from srdesk.errors import OutOfMemoryError
from srdesk.training.learning.memory import told_where_it_ends

MEASUREMENT = """
import resource
from srdesk.training.learning.memory import kept_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        b"x" * 80_000_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
with kept_memory():
    faults()
    kept = faults()
print(usual, kept)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is another")
def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    # In a process of its own: what is free beforehand decides where memory comes from.
    child = subprocess.run([sys.executable, "-c", MEASUREMENT], capture_output=True, text=True, check=True)
    usual, kept = (int(word) for word in child.stdout.split())
    assert kept < usual / 10


@pytest.mark.parametrize(
    "error", [MemoryError(), torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: not enough memory")]
)
def test_memory_that_runs_out_is_told_with_what_helps_a_training(error: Exception) -> None:
    with pytest.raises(OutOfMemoryError) as caught, told_where_it_ends():
        raise error
    assert caught.value.exit_code == 3
    assert "batch" in caught.value.hint
    assert caught.value.__cause__ is error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="no such operator"), told_where_it_ends():
        raise RuntimeError("no such operator")

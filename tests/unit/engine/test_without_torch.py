"""What the desk, a queue and a cluster import before anything is computed comes without torch, which takes seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.process
@pytest.mark.parametrize(
    "module", ["files.file_job", "files.file_outlook", "files.inputs", "batch.queue_run", "trust.sidecar"]
)
def test_importing_it_imports_no_torch(module: str) -> None:
    program = f"import srdesk.engine.{module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0

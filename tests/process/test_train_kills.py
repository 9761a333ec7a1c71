"""A trainer that is killed at random moments loses nothing; `tests/bench/kill_trainer.py` does it more often."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.slow]

SCRIPT = Path(__file__).parents[1] / "bench" / "kill_trainer.py"


@pytest.mark.skipif(sys.platform == "win32", reason="the script forks")
@pytest.mark.parametrize("model", ["srresnet", "srgan"])
def test_kills_at_random_moments_corrupt_nothing_and_change_no_bit(model: str) -> None:
    command = [sys.executable, str(SCRIPT), "--model", model, "--kills", "12"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"{model}: 12 kills" in ended.stdout
    assert "0 problems" in ended.stdout

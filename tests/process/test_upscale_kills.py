"""`srdesk upscale scene.tif` killed at any moment goes on where it was, to the same bytes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from srdesk.engine.library import WeightsCard
from srdesk.engine.weights import save_weights
from srdesk.models.srresnet import SRResNet, SRResNetConfig

pytestmark = [pytest.mark.process, pytest.mark.slow]

MakeGeoTiff = Callable[..., Path]
PATIENCE_S = 60.0


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    config = {"channels": 8, "blocks": 1}
    path = tmp_path / "tiny.safetensors"
    save_weights(
        path, SRResNet(SRResNetConfig(**config)), WeightsCard(name="tiny", architecture="srresnet", config=config)
    )
    return path


def start(source: Path, output: Path, weights: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "srdesk", "upscale", str(source), "-o", str(output), "--model", str(weights)]
    return subprocess.Popen([*command, "--device", "cpu", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished_windows(output: Path) -> int:
    """Count the whole lines of the journal behind its first."""
    try:
        return max(0, Path(f"{output}.part.journal").read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return 0


def end_after(process: subprocess.Popen[bytes], output: Path, windows: int, how: signal.Signals) -> tuple[int, str]:
    """End a run once it has finished so many windows; return how many it had in the end, and what it said."""
    give_up_at = time.monotonic() + PATIENCE_S
    while finished_windows(output) < windows:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at
        time.sleep(0.002)
    process.send_signal(how)
    _, stderr = process.communicate()
    return finished_windows(output), stderr.decode()


def test_a_killed_run_redoes_one_window_at_most_and_ends_in_the_same_bytes(
    make_geotiff: MakeGeoTiff, tmp_path: Path, weights: Path
) -> None:
    pixels = np.random.default_rng(2).integers(0, 4000, (1, 12_000, 64), np.uint16)
    source = make_geotiff("scene.tif", pixels, compress="deflate", nodata=0)
    start(source, tmp_path / "whole.tif", weights).communicate()
    output = tmp_path / "out.tif"
    done, _ = end_after(start(source, output, weights), output, 1, signal.SIGKILL)
    done, said = end_after(start(source, output, weights), output, done + 1, signal.SIGINT)
    assert "What is finished of “out.tif” is kept: enlarging it again goes on from there." in said
    assert not output.exists()
    last = start(source, output, weights)
    stdout, stderr = last.communicate()
    assert last.returncode == 0, stderr
    (facts,) = json.loads(stdout)["outputs"]
    assert (facts["windows"], facts["resumed_windows"]) == (12, done)
    assert output.read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.tif",
        "scene.tif",
        "tiny.safetensors",
        "whole.tif",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_full_disk_is_one_sentence_and_nothing_is_left_over(
    make_geotiff: MakeGeoTiff, tmp_path: Path, weights: Path
) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (1, 300, 300), np.uint8)
    source = make_geotiff("scene.tif", pixels)
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000));"
        "from srdesk.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["upscale", str(source), "-o", str(tmp_path / "out.tif"), "--model", "bicubic"]
    ended = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "“out.tif” cannot be written: file too large." in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scene.tif", "tiny.safetensors"]

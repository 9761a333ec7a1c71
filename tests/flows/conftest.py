"""What the flows of the command line share: a way to run it, and weights that are made on the fly."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from srdesk import paths
from srdesk.__main__ import main


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON object on stdout, which must hold nothing else."""
        return json.loads(self.out)


Run = Callable[..., Ended]
Photo = Callable[..., Path]


@pytest.fixture
def photo() -> Photo:
    """Write small noisy photos."""
    numbers = np.random.default_rng(5)

    def write(path: Path, height: int = 10, width: int = 12, mode: str = "RGB", **options: Any) -> Path:
        noise = numbers.integers(0, 256, (height, width, len(mode)), np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(noise.squeeze()).save(path, **options)
        return path

    return write


@pytest.fixture
def srdesk(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def run(*words: object) -> Ended:
        capsys.readouterr()
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


@pytest.fixture
def no_shipped_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the weights that the test makes."""
    monkeypatch.setattr(paths, "_PACKAGE_FOLDER", tmp_path / "nowhere" / "srdesk")


@pytest.fixture
def tiny_weights(no_shipped_weights: None, srdesk_home: Path) -> Path:
    """Weights of a small random SRResNet, installed under the name ``tiny``."""
    import torch

    from srdesk.engine.library import WeightsCard
    from srdesk.engine.weights import save_weights
    from srdesk.models.srresnet import SRResNet, SRResNetConfig

    torch.manual_seed(3)
    config = {"channels": 8, "blocks": 1}
    card = WeightsCard(
        name="tiny",
        architecture="srresnet",
        config=config,
        training_data="nothing",
        steps=12,
        metrics={"set5_psnr_y_db": 9.5},
        licence="CC0-1.0",
    )
    path = paths.user_weights_folder() / "tiny.safetensors"
    path.parent.mkdir(parents=True)
    save_weights(path, SRResNet(SRResNetConfig(**config)), card)
    return path

"""A run's events reach TensorBoard's writer where the package is installed; here a stand-in takes its place."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from srdesk.engine.control import CancelToken
from srdesk.training import events
from srdesk.training.config import TrainConfig
from srdesk.training.tensorboard import TensorBoardLog
from srdesk.training.trainer import train

STARTED = events.Started(
    run_folder="runs/a", model="srresnet", device="cpu", precision="fp32", threads=1, parameters=1,
    training_pictures=1, validation_pictures=1, skipped_pictures=0, first_step=0, steps=10,
    bicubic_psnr_y_db=25.0, bicubic_ssim_y=0.8,
)  # fmt: skip
STEP = events.Step(
    step=3, loss=0.5, learning_rate=1e-4, gradient_norm=1.0, steps_per_second=2.0, data_wait_share=0.0,
    remaining_s=1.0, memory_bytes=1, terms={"pixel": 0.1, "feature": 0.2}, discriminator_loss=0.7,
    real_probability=0.6, fake_probability=0.4,
)  # fmt: skip
VALIDATED = events.Validated(step=3, psnr_y_db=26.0, ssim_y=0.9, is_best=True)


class Writer:
    """Remembers what `torch.utils.tensorboard.SummaryWriter` would have written."""

    made: list[Writer]
    disk_is_full = False

    def __init__(self, log_dir: str, purge_step: int) -> None:
        self.folder, self.purge_step = Path(log_dir), purge_step
        self.scalars: dict[tuple[str, int], float] = {}
        self.images: dict[tuple[str, int], Any] = {}
        self.is_closed = False
        Writer.made.append(self)

    def add_custom_scalars(self, layout: object) -> None:
        pass

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        if Writer.disk_is_full:
            raise OSError("No space left on device")
        self.scalars[tag, step] = value

    def add_image(self, tag: str, pixels: Any, step: int, *, dataformats: str) -> None:
        assert dataformats == "HWC"
        assert pixels.dtype == np.uint8
        self.images[tag, step] = pixels

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[Writer]:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(Writer, "made", [], raising=False)
    monkeypatch.setattr(Writer, "disk_is_full", False)
    return Writer.made


def test_figures_are_written_with_the_line_to_beat(writers: list[Writer], tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    for event in (STARTED, STEP, VALIDATED):
        assert log.tell(event) is None
    log.close()
    (writer,) = writers
    assert writer.folder == tmp_path
    assert writer.is_closed
    assert writer.scalars["loss/all", 3] == 0.5
    assert writer.scalars["loss/feature", 3] == 0.2
    assert writer.scalars["training/learning_rate", 3] == 1e-4
    assert (writer.scalars["discriminator/real", 3], writer.scalars["discriminator/fake", 3]) == (0.6, 0.4)
    assert writer.scalars["validation/psnr_y_db", 3] == 26.0
    assert writer.scalars["validation/bicubic_psnr_y_db", 3] == 25.0
    assert ("validation/feature_distance", 3) not in writer.scalars


def test_a_resumed_run_goes_on_after_its_checkpoint(writers: list[Writer], tmp_path: Path) -> None:
    for first_step in (0, 250):
        log = TensorBoardLog(tmp_path)
        log.tell(msgspec.structs.replace(STARTED, first_step=first_step))
        log.close()
    assert [writer.purge_step for writer in writers] == [0, 251]


def test_a_roll_back_declares_later_steps_void(writers: list[Writer], tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.tell(STARTED)
    log.tell(events.RolledBack(step=40, to_step=20, reason="The loss rose.", rate_factor=0.5))
    log.close()
    assert [writer.purge_step for writer in writers] == [0, 21]
    assert all(writer.is_closed for writer in writers)


def test_a_real_run_shows_its_pictures(
    writers: list[Writer], tiny_config: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    log = TensorBoardLog(tmp_path / "tensorboard")
    for event in train(tiny_config(strip_pictures=1), tmp_path / "run", CancelToken()):
        assert log.tell(event) is None
    log.close()
    (writer,) = writers
    assert set(writer.images) == {
        ("00/lr", 0), ("00/bicubic", 0), ("00/hr", 0), ("00/now", 0), ("00/now", 3), ("00/now", 6)
    }  # fmt: skip
    assert writer.images["00/hr", 0].shape == writer.images["00/now", 6].shape == (64, 64, 3)


def test_a_full_disk_is_said_once_and_ends_nothing_but_the_log(writers: list[Writer], tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path)
    log.tell(STARTED)
    Writer.disk_is_full = True
    notice = log.tell(STEP)
    assert notice is not None
    assert "No space left" in notice.message
    assert log.tell(STEP) is None
    log.close()


def test_a_run_folder_that_is_gone_is_not_made_again(writers: list[Writer], tmp_path: Path) -> None:
    log = TensorBoardLog(tmp_path / "gone" / "tensorboard")
    notice = log.tell(STARTED)
    assert notice is not None
    assert "gone" in notice.message
    assert writers == []
    assert not (tmp_path / "gone").exists()


def test_without_the_package_nothing_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # what makes an import fail
    log = TensorBoardLog(tmp_path / "tensorboard")
    for event in (STARTED, STEP, VALIDATED):
        assert log.tell(event) is None
    log.close()
    assert not (tmp_path / "tensorboard").exists()

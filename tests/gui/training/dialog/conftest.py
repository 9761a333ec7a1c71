"""A training dialog whose tasks are played by the tests, and whose runs lie in a folder as if they had happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from srdesk.gui.preferences import Preferences
from srdesk.gui.training.outcome import Finished, RunOutcome
from srdesk.gui.training.questions import TrainingQuestions
from srdesk.gui.training.setup_page import SetupPage
from srdesk.gui.training.train_dialog import TrainDialog
from srdesk.gui.training.training import Training
from srdesk.settings import Settings
from srdesk.training import events
from srdesk.training.config import TrainConfig

DONE = Finished(events.Finished(reason="done", step=0, best_psnr_y_db=None, elapsed_s=1.0))


class FakeTask(QObject):
    """A `TaskProcess` without a process."""

    progressed = Signal(object)
    ended = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.arguments: tuple[str, ...] = ()
        self.was_cancelled = self.was_killed = False

    def start(self, *arguments: str) -> None:
        self.arguments = arguments

    def cancel(self) -> None:
        self.was_cancelled = True

    def end_now(self) -> None:
        self.was_killed = True

    def tell(self, *told: events.AnyEvent) -> None:
        for event in told:
            self.progressed.emit(event)

    def end(self, outcome: RunOutcome = DONE) -> None:
        self.ended.emit(outcome)


class FakeTasks(list[FakeTask]):
    """Makes tasks, and keeps them for the test."""

    def __call__(self) -> FakeTask:
        self.append(FakeTask())
        return self[-1]

    def of(self, flag: str) -> FakeTask:
        """Return the latest task with ``flag`` among its arguments."""
        return next(task for task in reversed(self) if flag in task.arguments)


class Answers(TrainingQuestions):
    """A person whose answers are known beforehand; a question that was not expected fails the test."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.given: dict[str, object] = {}

    def _answer(self, question: str) -> Any:
        assert question in self.given, f"nobody expected to be asked about {question}"
        return self.given[question]

    def data_folder(self) -> Path | None:
        return self._answer("data_folder")

    def archives(self) -> list[Path]:
        return self._answer("archives")

    def weights(self) -> Path | None:
        return self._answer("weights")

    def features(self) -> Path | None:
        return self._answer("features")

    def download_folder(self) -> Path | None:
        return self._answer("download_folder")

    def confirm_discarding(self, run: str) -> bool:
        return self._answer("confirm_discarding")


@pytest.fixture
def tasks() -> FakeTasks:
    """The tasks that were started."""
    return FakeTasks()


@pytest.fixture
def training(qtbot: QtBot, tmp_path: Path) -> Iterator[Training]:
    """Runs and own weights in folders of the test; no weights came with the program."""
    training = Training(
        Preferences(Settings(), save=lambda settings: None),
        runs_folder=tmp_path / "runs",
        weights_folders=[tmp_path / "shipped", tmp_path / "own"],
    )
    yield training
    training.shutdown()


@pytest.fixture
def dialog(
    qtbot: QtBot, training: Training, tasks: FakeTasks, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TrainDialog]:
    """The dialog; its questions are `Answers`."""
    monkeypatch.setattr("srdesk.gui.training.train_dialog.TrainingQuestions", Answers)
    monkeypatch.setattr("srdesk.gui.training.health_view.SETTLES_MS", 0)
    dialog = TrainDialog(training, make_task=tasks)
    qtbot.addWidget(dialog)
    dialog.resize(1200, 740)  # the screen without a screen is small
    yield dialog
    dialog.shutdown()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder that could be trained on."""
    folder = tmp_path / "aerial pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def make_run(training: Training, make_started: Callable[..., events.Started]) -> Callable[..., Path]:
    """Write the folder of a run that told some events, with two steps of one picture."""

    def make(*told: events.AnyEvent, name: str = "2026-01-01_roofs", **fields: object) -> Path:
        folder = training.runs_folder / name
        (folder / "pictures").mkdir(parents=True)
        config = TrainConfig(**{"data": ("pictures",), "steps": 100, "name": "roofs"} | fields)
        (folder / "config.json").write_bytes(msgspec.json.encode(config))
        (folder / "events.jsonl").write_bytes(b"".join(map(events.encode, (make_started(), *told))))
        for file, side_px in (("lr", 8), ("bicubic", 32), ("hr", 32), ("step-00000000", 32), ("step-00000050", 32)):
            grey = np.full((side_px, side_px, 3), 90, np.uint8)
            PIL.Image.fromarray(grey).save(folder / "pictures" / f"00_{file}.png")
        return folder

    return make


@pytest.fixture
def make_step() -> Callable[..., events.Step]:
    """Make the event of some steps."""

    def make(step: int, **fields: float) -> events.Step:
        usual = {
            "loss": 0.1,
            "learning_rate": 1e-4,
            "gradient_norm": 1.0,
            "steps_per_second": 2.0,
            "data_wait_share": 0.01,
            "remaining_s": 600.0,
            "memory_bytes": 1_500_000_000,
        }
        return events.Step(step=step, **usual | fields)  # type: ignore[arg-type]

    return make


@pytest.fixture
def page(dialog: TrainDialog) -> SetupPage:
    dialog.show_new()
    return dialog.setup_page


@pytest.fixture
def filled(qtbot: QtBot, page: SetupPage, pictures: Path, tasks: Any) -> SetupPage:
    page.data.add(pictures)
    qtbot.waitUntil(lambda: len(tasks) == 1)
    return page

"""Parts of a desk whose threads are real and whose networks are not: they repeat pixels, and wait when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL.Image
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from srdesk.engine.batch.queue import QueueItem
from srdesk.engine.control import Control, Progress
from srdesk.engine.files.file_job import FileFacts
from srdesk.engine.upscaler import UpscaleFacts
from srdesk.errors import ImageReadError, SrDeskError
from srdesk.gui.app import sample_pictures
from srdesk.gui.compare.pyramid import DisplayImage
from srdesk.gui.honesty.honesty import Honesty
from srdesk.gui.honesty.honesty_worker import HonestyWorker
from srdesk.gui.look.theme import Theme
from srdesk.gui.main_window import MainWindow
from srdesk.gui.messages.message_list import Messages
from srdesk.gui.messages.questions import Questions
from srdesk.gui.preferences import Preferences
from srdesk.gui.queue.desk_queue import DeskQueue
from srdesk.gui.queue.sleep_guard import SleepGuard
from srdesk.gui.training.training import Training
from srdesk.gui.work.file_worker import FileWorker
from srdesk.gui.work.request_thread import RequestThread, Worker
from srdesk.gui.work.requests import (
    Answer,
    Noticed,
    Previewed,
    Progressed,
    Rendered,
    RenderRequest,
    Request,
    WarmedUp,
)
from srdesk.gui.work.session import Phase, Session
from srdesk.imaging.decoder import Cancellable, Decoder
from srdesk.imaging.flux import FluxError
from srdesk.imaging.formats import open_image
from srdesk.imaging.image import Box, Image
from srdesk.imaging.naming import CollisionPolicy
from srdesk.imaging.scene.held import read as read_scene
from srdesk.imaging.stored import StoredImage
from srdesk.settings import Settings

WAIT_MS = 10_000


class NearestWorker(Worker):
    """Renders panes by repeating pixels. While the gate is shut it computes until it is let go or cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Semaphore(0)
        self.seen: list[Request] = []
        self.errors: dict[str, SrDeskError] = {}
        self.notices: dict[str, str] = {}
        self.is_gone = False

    def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        self.started.release()
        if not isinstance(request, RenderRequest):
            return WarmedUp(request.id, ())
        while not self.gate.wait(0.002):
            request.token.check()
            self.reported.emit(Progressed(request.id, Progress(1, 4, 0.5)))
        if request.pane in self.errors:
            raise self.errors[request.pane]
        if request.pane in self.notices:
            self.reported.emit(Noticed(request.id, self.notices[request.pane]))
        image = request.image
        box = request.region or Box(0, 0, image.height, image.width)
        alpha = None if image.alpha is None else image.alpha[box.top : box.bottom, box.left : box.right]
        if image.numbers is None:
            small = StoredImage.from_image(image.with_pixels(np.ascontiguousarray(image.read(box)), alpha))
        else:
            whole = StoredImage.of_numbers(image)
            rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
            its_alpha = None if whole.alpha_numbers is None else whole.alpha_numbers[rows, columns]
            small = replace(whole, numbers=whole.numbers[rows, columns], alpha_numbers=its_alpha)
        numbers = small.numbers.repeat(4, axis=0).repeat(4, axis=1)
        large_alpha = None if small.alpha_numbers is None else small.alpha_numbers.repeat(4, 0).repeat(4, 1)
        stored = StoredImage(numbers, small.values, large_alpha, small.metadata, small.science)
        flux = None if image.science is None else FluxError(0.02, 1.5, 7, 0.4, image.science.quantity, "adu")
        facts = UpscaleFacts(request.pane, "cpu", "fp32", 0, 0.1, 100.0, flux=flux)
        display = DisplayImage.build(stored, 4)
        if request.region is None:
            return Rendered(request.id, request.pane, stored, display, facts, request.recipe)
        return Previewed(request.id, request.pane, request.region, stored, display, facts)

    def release(self) -> None:
        self.is_gone = True

    @property
    def rendered_panes(self) -> list[tuple[str, Box | None]]:
        return [(request.pane, request.region) for request in self.seen if isinstance(request, RenderRequest)]


class InProcessDecoder(Decoder):
    """Decodes without the child process, which takes a third of a second to start; other tests are about that."""

    def open(self, path: Path | str, token: Cancellable | None = None, *, part: str = "") -> Image:
        return open_image(path, part)

    def open_scene(self, path: Path | str, token: Cancellable | None = None, *, bands: tuple[int, ...] = ()) -> Image:
        return read_scene(Path(path), bands).to_image()


@pytest.fixture
def nearest() -> NearestWorker:
    """The other side of the upscale thread."""
    return NearestWorker()


@pytest.fixture
def panes_with_weights(make_weights: Callable[..., Path], tmp_path: Path) -> dict[str, Path]:
    """Panes that have weights; tests may add and remove some."""
    return {"srresnet": make_weights(tmp_path / "weights" / "srresnet.safetensors")}


@pytest.fixture
def files(qtbot: QtBot) -> RequestThread:
    """The real file thread, with a decoder without its process; the session shuts it down."""
    return RequestThread(FileWorker(InProcessDecoder()), "files")


@pytest.fixture
def session(
    qtbot: QtBot, files: RequestThread, nearest: NearestWorker, panes_with_weights: dict[str, Path]
) -> Iterator[Session]:
    """A session with the real file thread, a decoder without its process, and a network that repeats pixels."""
    session = Session(
        files=files,
        upscaling=RequestThread(nearest, "upscaling"),
        weights_for=panes_with_weights.get,
    )
    yield session
    assert session.shutdown(5.0), "a thread did not end"


@pytest.fixture
def honesty(session: Session, files: RequestThread) -> Iterator[Honesty]:
    """The real thread that finds out how far results can be trusted."""
    honesty = Honesty(session, files=files, thread=RequestThread(HonestyWorker(), "honesty"))
    yield honesty
    assert honesty.shutdown(5.0), "the thread did not end"


@pytest.fixture
def save_picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a small picture with something in it."""

    def save(name: str = "photo.png", size: tuple[int, int] = (24, 16), mode: str = "RGB") -> Path:
        width, height = size
        rng = np.random.default_rng(width * height)
        picture = PIL.Image.fromarray(rng.integers(0, 256, (height, width, 4), np.uint8), "RGBA").convert(mode)
        path = tmp_path / name
        picture.save(path)
        return path

    return save


@pytest.fixture
def picture(save_picture: Callable[..., Path]) -> Path:
    """A small picture file."""
    return save_picture()


class Answers(Questions):
    """A person whose answers are known beforehand; a question that was not expected fails the test."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.given: dict[str, object] = {}
        self.asked: list[str] = []

    def _answer(self, question: str) -> Any:
        self.asked.append(question)
        assert question in self.given, f"nobody expected to be asked about {question}"
        return self.given[question]

    def open_paths(self, folder: str, patterns: str) -> list[Path]:
        return self._answer("open_paths")

    def truth_path(self, folder: str, patterns: str) -> Path | None:
        return self._answer("truth_path")

    def save_path(self, suggestion: Path, filters: dict[str, str]) -> Path | None:
        self.suggestion = suggestion
        return self._answer("save_path")

    def folder(self, start: Path) -> Path | None:
        return self._answer("folder")

    def collision(self, path: Path) -> CollisionPolicy:
        return self._answer("collision")

    def background(self, format_name: str) -> tuple[int, int, int] | None:
        return self._answer("background")

    def format_instead(self, reason: str, suffix: str) -> bool:
        self.reason = reason
        return self._answer("format_instead")

    def size(self, current: str, width: int, height: int) -> str | None:
        return self._answer("size")

    def confirm_closing(self, work: str) -> tuple[bool, bool]:
        return self._answer("confirm_closing")

    def close_during_queue(self, files: str) -> tuple[bool, bool]:
        return self._answer("close_during_queue")

    def folder_to_open(self, start: str) -> Path | None:
        return self._answer("folder_to_open")

    def results_folder(self, start: Path) -> Path | None:
        return self._answer("results_folder")

    def scene_run(self, what: str, facts: str) -> Literal["start", "elsewhere", "leave"]:
        self.facts = facts
        return self._answer("scene_run")

    def close_during_scene(self, name: str) -> bool:
        return self._answer("close_during_scene")

    def training_folder(self) -> Path | None:
        return self._answer("training_folder")

    def weights_file(self) -> Path | None:
        return self._answer("weights_file")

    def confirm_deletion(self, what: str, loss: str) -> bool:
        return self._answer("confirm_deletion")

    def close_during_training(self, name: str) -> Literal["keep", "stop", "stay"]:
        return self._answer("close_during_training")


@pytest.fixture
def preferences() -> Preferences:
    """Settings that are not written anywhere."""
    return Preferences(Settings(), save=lambda settings: None)


@pytest.fixture
def training(qtbot: QtBot, preferences: Preferences, tmp_path: Path) -> Iterator[Training]:
    """Nothing is being trained; folders for runs and weights, which do not exist yet."""
    training = Training(
        preferences, runs_folder=tmp_path / "runs", weights_folders=[tmp_path / "shipped", tmp_path / "own"]
    )
    yield training
    training.shutdown()


class WakefulMachine(SleepGuard):
    """Never sleeps, and writes down what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    @property
    def is_held(self) -> bool:
        return bool(self.asked) and self.asked[-1] == "hold"

    def hold(self) -> None:
        if not self.is_held:
            self.asked.append("hold")

    def let_go(self) -> None:
        if self.is_held:
            self.asked.append("let go")


class RepeatingEnlarger:
    """Writes the name of its input into the output. While the gate is shut it computes until it is let go."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Semaphore(0)
        self.begun: list[str] = []
        self.failing: set[str] = set()

    def __call__(self, item: QueueItem, output: Path, control: Control, *, may_replace: bool) -> FileFacts:
        self.begun.append(item.source.name)
        self.started.release()
        done = 1
        while not self.gate.wait(0.002):
            control.token.check()
            control.report(done % 90, 100)
            done += 1
        if item.source.name in self.failing:
            raise ImageReadError(item.source, "it is damaged")
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(item.source.name)
        control.report(100, 100)
        return FileFacts(item.source, output, 64, 96, 0.1, "cpu", "fp32", 0, 1.0)


@pytest.fixture
def enlarger() -> RepeatingEnlarger:
    """What enlarges the files of the queue."""
    return RepeatingEnlarger()


@pytest.fixture
def machine() -> WakefulMachine:
    """What is kept awake."""
    return WakefulMachine()


@pytest.fixture
def desk_queue(
    qtbot: QtBot, enlarger: RepeatingEnlarger, machine: WakefulMachine, tmp_path: Path
) -> Iterator[DeskQueue]:
    """A queue with real threads and a journal, and without networks."""
    queue = DeskQueue(
        tmp_path / "state" / "queue.jsonl",
        weights_folders=[tmp_path / "shipped", tmp_path / "own"],
        sleep=machine,
        enlarge_one=enlarger,
    )
    yield queue
    assert queue.shutdown(5.0), "a thread did not end"


@pytest.fixture
def window(
    qtbot: QtBot,
    qapp: QApplication,
    session: Session,
    preferences: Preferences,
    training: Training,
    desk_queue: DeskQueue,
    honesty: Honesty,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MainWindow]:
    """A whole window over the session; its questions are `Answers`."""
    monkeypatch.setattr("srdesk.gui.main_window.Questions", Answers)
    window = MainWindow(
        session,
        preferences,
        Messages(),
        Theme(qapp),
        training=training,
        queue=desk_queue,
        honesty=honesty,
        samples=sample_pictures(),
        geometry=QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat),
    )
    qtbot.addWidget(window)
    window.resize(1200, 760)  # the screen without a screen is small
    window.show()
    qtbot.waitExposed(window)
    yield window
    preferences.change(ask_before_closing=False)
    qapp.setStyleSheet("")


@pytest.fixture
def answers(window: MainWindow) -> Answers:
    """The person in front of the window."""
    assert isinstance(window.questions, Answers)
    return window.questions


@pytest.fixture
def open_in_window(qtbot: QtBot, window: MainWindow, session: Session) -> Callable[[Path], None]:
    """Open a picture and wait until every pane is computed."""

    def open_it(path: Path) -> None:
        with qtbot.waitSignal(session.opened, timeout=WAIT_MS):
            window.open_flow.open([path])
        qtbot.waitUntil(lambda: session.phase is Phase.DONE, timeout=WAIT_MS)

    return open_it
